//! The languages, and their grammars.

use crate::error::CodeError;

/// A language whose functions are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// JavaScript, JSX included.
    JavaScript,
    /// TypeScript without JSX.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Python.
    Python,
    /// Rust.
    Rust,
    /// Go.
    Go,
    /// Java.
    Java,
    /// C.
    C,
    /// C++.
    Cpp,
}

impl Language {
    /// All languages.
    pub const ALL: [Language; 9] = [
        Language::JavaScript,
        Language::TypeScript,
        Language::Tsx,
        Language::Python,
        Language::Rust,
        Language::Go,
        Language::Java,
        Language::C,
        Language::Cpp,
    ];

    /// The name used in inputs and results.
    pub fn name(self) -> &'static str {
        match self {
            Language::JavaScript => "javascript",
            Language::TypeScript => "typescript",
            Language::Tsx => "tsx",
            Language::Python => "python",
            Language::Rust => "rust",
            Language::Go => "go",
            Language::Java => "java",
            Language::C => "c",
            Language::Cpp => "cpp",
        }
    }

    /// The language of a request: by its name or an alias of it, else by the path's extension.
    ///
    /// # Errors
    /// [`CodeError::LanguageUnknown`] when neither says one of these languages.
    pub fn of(name: Option<&str>, path: Option<&str>) -> Result<Language, CodeError> {
        // The edit engine keeps the aliases and extensions; it may know more languages than are measured here.
        let found = match (name, path) {
            (Some(name), _) => booster_apply::Language::from_name(name),
            (None, Some(path)) => booster_apply::Language::from_path(path),
            (None, None) => None,
        };
        let known = found.and_then(|found| Self::ALL.into_iter().find(|known| known.name() == found.name()));
        known.ok_or_else(|| {
            let said = match (name, path) {
                (Some(name), _) => format!("language `{name}` is not known"),
                (None, Some(path)) => format!("the path `{path}` does not say the language"),
                (None, None) => "neither `language` nor `path` is given".to_owned(),
            };
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            CodeError::LanguageUnknown(format!("{said}; known are {}", names.join(", ")))
        })
    }

    /// The tree-sitter grammar.
    pub(crate) fn grammar(self) -> tree_sitter::Language {
        match self {
            Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Language::Python => tree_sitter_python::LANGUAGE.into(),
            Language::Rust => tree_sitter_rust::LANGUAGE.into(),
            Language::Go => tree_sitter_go::LANGUAGE.into(),
            Language::Java => tree_sitter_java::LANGUAGE.into(),
            Language::C => tree_sitter_c::LANGUAGE.into(),
            Language::Cpp => tree_sitter_cpp::LANGUAGE.into(),
        }
    }

    /// What stands between the parts of a qualified name.
    pub(crate) fn separator(self) -> &'static str {
        match self {
            Language::Rust | Language::C | Language::Cpp => "::",
            _ => ".",
        }
    }

    /// Whether this is JavaScript or one of its typed forms.
    pub(crate) fn is_script(self) -> bool {
        matches!(self, Language::JavaScript | Language::TypeScript | Language::Tsx)
    }

    /// Whether this is C or C++.
    pub(crate) fn is_c_like(self) -> bool {
        matches!(self, Language::C | Language::Cpp)
    }
}
