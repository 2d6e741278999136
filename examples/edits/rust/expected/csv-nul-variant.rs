//! Reading and writing of comma separated records.

use std::fmt;

/// What can be wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CsvError {
    /// A quote was opened but not closed.
    OpenQuote { column: usize },
    /// Something other than a separator came after a closing quote.
    TrailingText { column: usize, found: char },
    /// The record has a NUL character in it.
    Nul { column: usize },
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CsvError::OpenQuote { column } => {
                write!(f, "the quote at column {column} is never closed")
            }
            CsvError::TrailingText { column, found } => {
                write!(f, "expected ',' at column {column}, found {found:?}")
            }
        }
    }
}

impl std::error::Error for CsvError {}

/// Settings shared by reader and writer.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    pub separator: char,
    pub quote: char,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect {
            separator: ',',
            quote: '"',
        }
    }
}

/// Splits one record into its fields.
pub fn split_record(line: &str, dialect: Dialect) -> Result<Vec<String>, CsvError> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut chars = line.chars().enumerate().peekable();

    while let Some((column, c)) = chars.next() {
        if c == dialect.quote && field.is_empty() {
            loop {
                match chars.next() {
                    None => return Err(CsvError::OpenQuote { column }),
                    Some((_, q)) if q == dialect.quote => {
                        if chars.next_if(|&(_, n)| n == dialect.quote).is_none() {
                            break;
                        }
                        field.push(q);
                    }
                    Some((_, other)) => field.push(other),
                }
            }
            if let Some(&(column, found)) = chars.peek() {
                if found != dialect.separator {
                    return Err(CsvError::TrailingText { column, found });
                }
            }
        } else if c == dialect.separator {
            fields.push(std::mem::take(&mut field));
        } else {
            field.push(c);
        }
    }

    fields.push(field);
    Ok(fields)
}

/// Quotes a field when it needs it: "say ""hi""" and "a,b".
pub fn escape(field: &str, dialect: Dialect) -> String {
    let special = |c: char| c == dialect.separator || c == dialect.quote || c == '\n';
    if !field.contains(special) {
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

pub fn join_record(fields: &[&str], dialect: Dialect) -> String {
    let mut line = String::new();
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            line.push(dialect.separator);
        }
        line.push_str(&escape(field, dialect));
    }
    line
}
