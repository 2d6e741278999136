//! Turns headings into anchors: "Ünder the Hood!" -> "uender-the-hood".

const MAX_LEN: usize = 60;

/// Replacement for letters that have a usual ASCII spelling.
fn transliterate(c: char) -> Option<&'static str> {
    match c {
        'ä' => Some("ae"),
        'ö' => Some("oe"),
        'ü' => Some("ue"),
        'ß' => Some("ss"),
        'é' | 'è' | 'ê' => Some("e"),
        _ => None,
    }
}

pub fn slugify(heading: &str) -> String {
    let mut out = String::with_capacity(heading.len());
    for c in heading.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if let Some(plain) = transliterate(c) {
            out.push_str(plain);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(MAX_LEN);
    out
}

/* Anchors on one page must differ, so repeated ones get a number. */
pub fn unique(slug: &str, taken: &[String]) -> String {
    let mut candidate = slug.to_owned();
    let mut n = 2;
    while taken.contains(&candidate) {
        candidate = format!("{slug}-{n}");
        n += 1;
    }
    candidate
}
