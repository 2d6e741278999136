/* ... existing code ... */

/// Quotes a field when it needs it: "say ""hi""" and "a,b".
pub fn escape(field: &str, dialect: Dialect) -> String {
    let special = |c: char| [dialect.separator, dialect.quote, '\r', '\n'].contains(&c);
    let padded = field.trim() != field;
    if !padded && !field.contains(special) {
        return field.to_owned();
    }
    let mut out = String::with_capacity(field.len() + 2);
    out.push(dialect.quote);
    for c in field.chars() {
        if c == dialect.quote {
            out.push(c);
        }
        out.push(c);
    }
    out.push(dialect.quote);
    out
}

/* ... existing code ... */
