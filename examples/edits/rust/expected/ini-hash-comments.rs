//! Reader and writer for INI files.
//!
//! ```text
//! ; a comment
//! [server]
//! port = 8080
//! name = "my { odd } name"
//! ```

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

/// Name of the section for keys that come before the first header.
pub const GLOBAL: &str = "";

pub mod error {
    use std::fmt;

    /// The kinds of mistakes the reader knows.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Kind {
        UnclosedHeader,
        MissingEquals,
        EmptyKey,
        DuplicateKey(String),
        BadEscape(char),
    }

    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Error {
        pub line: usize,
        pub kind: Kind,
    }

    impl Error {
        pub(super) fn new(line: usize, kind: Kind) -> Self {
            Error { line, kind }
        }
    }

    impl fmt::Display for Error {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "line {}: ", self.line)?;
            match &self.kind {
                Kind::UnclosedHeader => f.write_str("section header without ']'"),
                Kind::MissingEquals => f.write_str("neither a header nor key = value"),
                Kind::EmptyKey => f.write_str("empty key"),
                Kind::DuplicateKey(key) => write!(f, "key {key:?} appears twice"),
                Kind::BadEscape(c) => write!(f, "unknown escape \\{c}"),
            }
        }
    }

    impl std::error::Error for Error {}
}

use error::{Error, Kind};

/// Implements [`FromValue`] for types that have `FromStr`.
macro_rules! from_value {
    ($($ty:ty),* $(,)?) => {
        $(
            impl FromValue for $ty {
                fn from_value(text: &str) -> Option<Self> {
                    text.trim().parse().ok()
                }
            }
        )*
    };
}

/// Types that a value can be read as.
pub trait FromValue: Sized {
    fn from_value(text: &str) -> Option<Self>;
}

from_value!(u16, u32, u64, i64, f64);

impl FromValue for String {
    fn from_value(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl FromValue for bool {
    fn from_value(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" => Some(true),
            "no" | "false" | "0" => Some(false),
            _ => None,
        }
    }
}

/// The keys and values below one header.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Section {
    values: BTreeMap<String, String>,
}

impl Section {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.values.insert(key.to_owned(), value.into());
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }
}

/// A whole file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Ini {
    sections: BTreeMap<String, Section>,
}

impl Ini {
    pub fn parse(text: &str) -> Result<Ini, Error> {
        let mut ini = Ini::default();
        let mut current = GLOBAL.to_owned();
        for (index, raw) in text.lines().enumerate() {
            let number = index + 1;
            let line = raw.trim();
            if line.is_empty() || line.starts_with([';', '#']) {
                continue;
            }
            if let Some(rest) = line.strip_prefix('[') {
                let Some(name) = rest.strip_suffix(']') else {
                    return Err(Error::new(number, Kind::UnclosedHeader));
                };
                current = name.trim().to_owned();
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                return Err(Error::new(number, Kind::MissingEquals));
            };
            let key = key.trim();
            if key.is_empty() {
                return Err(Error::new(number, Kind::EmptyKey));
            }
            let section = ini.section_mut(&current);
            if section.get(key).is_some() {
                return Err(Error::new(number, Kind::DuplicateKey(key.to_owned())));
            }
            let value = unquote(value.trim()).map_err(|kind| Error::new(number, kind))?;
            section.set(key, value);
        }
        Ok(ini)
    }

    /// Value of a key, if both the section and the key are there.
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.sections.get(section)?.get(key)
    }

    /// Like [`Ini::get`], but converted. `None` also for values that do not convert.
    pub fn get_as<T: FromValue>(&self, section: &str, key: &str) -> Option<T> {
        T::from_value(self.get(section, key)?)
    }

    pub fn section_mut(&mut self, name: &str) -> &mut Section {
        self.sections.entry(name.to_owned()).or_default()
    }

    /// Adds all values of `other`; where both have a key, `other` wins.
    pub fn merge(&mut self, other: &Ini) {
        for (name, section) in &other.sections {
            let target = self.section_mut(name);
            for (key, value) in section.iter() {
                target.set(key, value);
            }
        }
    }
}

impl fmt::Display for Ini {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (name, section) in &self.sections {
            if section.is_empty() {
                continue;
            }
            if !first {
                f.write_char('\n')?;
            }
            first = false;
            if name != GLOBAL {
                writeln!(f, "[{name}]")?;
            }
            for (key, value) in section.iter() {
                writeln!(f, "{key} = {}", quote(value))?;
            }
        }
        Ok(())
    }
}

/// Removes the quotes around a value and resolves its escapes.
fn unquote(value: &str) -> Result<String, Kind> {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let Some(inner) = inner else {
        return Ok(value.to_owned());
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some(c @ ('"' | '\\')) => out.push(c),
            Some(other) => return Err(Kind::BadEscape(other)),
            None => return Err(Kind::BadEscape(' ')),
        }
    }
    Ok(out)
}

fn quote(value: &str) -> String {
    let special = ['"', '\\', '\n', '\t', ';'];
    let plain = !value.is_empty() && value.trim() == value && !value.contains(special);
    if plain {
        return value.to_owned();
    }
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"
; who we are
owner = "Ada { L. }"

[server]
port = 8080
tls = yes
"#;

    #[test]
    fn reads_sections() {
        let ini = Ini::parse(SAMPLE).unwrap();
        assert_eq!(ini.get(GLOBAL, "owner"), Some("Ada { L. }"));
        assert_eq!(ini.get_as::<u16>("server", "port"), Some(8080));
        assert_eq!(ini.get_as::<bool>("server", "tls"), Some(true));
    }

    #[test]
    fn writes_what_it_read() {
        let ini = Ini::parse(SAMPLE).unwrap();
        assert_eq!(Ini::parse(&ini.to_string()), Ok(ini));
    }

    #[test]
    fn names_the_line() {
        let error = Ini::parse("a = 1\n[oops\n").unwrap_err();
        assert_eq!(error.line, 2);
        assert_eq!(error.kind, Kind::UnclosedHeader);
    }
}
