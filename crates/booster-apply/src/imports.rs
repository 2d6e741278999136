//! Which module an import line names, and how two imports of one module relate.

use std::collections::BTreeSet;

use crate::language::Language;
use crate::text::words;

/// How the names of an edit's import relate to those of the original's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// All old names are there.
    Extended,
    /// Some old names are there.
    Overlapping,
    /// No old name is there.
    Apart,
}

/// The module that an import takes names from, for the forms in which one line can grow.
pub(crate) fn module(text: &str, language: Language) -> Option<&str> {
    let text = text.trim().trim_end_matches(';').trim_end();
    match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            let at = text.rfind(" from ")?;
            text.get(at + 6..).map(|m| m.trim().trim_matches(['"', '\'']))
        }
        Language::Python => {
            let rest = text.strip_prefix("from ")?;
            rest.split_whitespace().next()
        }
        Language::Rust => {
            let path = text.split_once('{').map_or(text, |(path, _)| path);
            text.contains('{').then(|| path.trim().trim_end_matches("::"))
        }
        // A file has one list of imports; another list of them is its new version.
        Language::Go => (text.starts_with("import") && text.contains('(')).then_some("import"),
        _ => None,
    }
}

/// Compares the imported names.
pub(crate) fn compare(edit: &str, known: &str, language: Language) -> Names {
    let (new, old) = (names(edit, language), names(known, language));
    let kept = old.intersection(&new).count();
    if kept == old.len() {
        Names::Extended
    } else if kept > 0 {
        Names::Overlapping
    } else {
        Names::Apart
    }
}

fn names(text: &str, language: Language) -> BTreeSet<&str> {
    if language == Language::Go {
        return text.lines().skip(1).map(str::trim).filter(|l| l.contains('"')).collect();
    }
    let list = match language {
        Language::Python => text.split_once(" import ").map_or("", |(_, names)| names),
        Language::Rust => text.split_once('{').map_or("", |(_, names)| names),
        _ => text.rsplit_once(" from ").map_or(text, |(names, _)| names),
    };
    words(list).filter(|word| !matches!(*word, "import" | "type" | "as" | "self")).collect()
}
