//! The languages the engine parses, their names, file extensions and detection.

use serde::Serialize;

use crate::output::{Reason, Refusal};
use crate::syntax;

/// A language whose definitions the engine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
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
    /// JSON, with comments.
    Json,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// Markdown.
    Markdown,
    /// HTML.
    Html,
    /// CSS.
    Css,
    /// Bash and other shells of its family.
    Bash,
}

/// Programming languages, which a text either parses as or not; the order is the one in which detection prefers them.
const CODE: [Language; 9] = [
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

impl Language {
    /// All languages.
    pub const ALL: [Language; 16] = [
        Language::JavaScript,
        Language::TypeScript,
        Language::Tsx,
        Language::Python,
        Language::Rust,
        Language::Go,
        Language::Java,
        Language::C,
        Language::Cpp,
        Language::Json,
        Language::Yaml,
        Language::Toml,
        Language::Markdown,
        Language::Html,
        Language::Css,
        Language::Bash,
    ];

    /// The name used in results and configuration.
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
            Language::Json => "json",
            Language::Yaml => "yaml",
            Language::Toml => "toml",
            Language::Markdown => "markdown",
            Language::Html => "html",
            Language::Css => "css",
            Language::Bash => "bash",
        }
    }

    /// The language of a name or an alias, whatever its case.
    pub fn from_name(name: &str) -> Option<Language> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "javascript" | "js" | "jsx" | "mjs" | "cjs" | "node" | "javascriptreact" => Language::JavaScript,
            "typescript" | "ts" | "mts" | "cts" => Language::TypeScript,
            "tsx" | "typescriptreact" => Language::Tsx,
            "python" | "py" | "py3" | "python3" | "pyi" => Language::Python,
            "rust" | "rs" => Language::Rust,
            "go" | "golang" => Language::Go,
            "java" => Language::Java,
            "c" | "h" => Language::C,
            "cpp" | "c++" | "cxx" | "cc" | "hpp" | "hxx" | "hh" | "cplusplus" => Language::Cpp,
            "json" | "jsonc" => Language::Json,
            "yaml" | "yml" => Language::Yaml,
            "toml" => Language::Toml,
            "markdown" | "md" => Language::Markdown,
            "html" | "htm" => Language::Html,
            "css" => Language::Css,
            "bash" | "sh" | "shell" | "zsh" | "shellscript" => Language::Bash,
            _ => return None,
        })
    }

    /// The language of a file's extension. `.h` counts as C here; the engine also tries C++.
    pub fn from_path(path: &str) -> Option<Language> {
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let (stem, extension) = file.rsplit_once('.')?;
        if stem.is_empty() {
            return None;
        }
        Some(match extension.to_ascii_lowercase().as_str() {
            "js" | "jsx" | "mjs" | "cjs" => Language::JavaScript,
            "ts" | "mts" | "cts" => Language::TypeScript,
            "tsx" => Language::Tsx,
            "py" | "pyi" | "pyw" => Language::Python,
            "rs" => Language::Rust,
            "go" => Language::Go,
            "java" => Language::Java,
            "c" | "h" => Language::C,
            "cpp" | "cc" | "cxx" | "c++" | "hpp" | "hh" | "hxx" | "h++" | "ipp" | "inl" | "tpp" => {
                Language::Cpp
            }
            "json" | "jsonc" | "webmanifest" => Language::Json,
            "yaml" | "yml" => Language::Yaml,
            "toml" => Language::Toml,
            "md" | "markdown" => Language::Markdown,
            "html" | "htm" | "xhtml" => Language::Html,
            "css" => Language::Css,
            "sh" | "bash" | "zsh" => Language::Bash,
            _ => return None,
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
            Language::Json => tree_sitter_json::LANGUAGE.into(),
            Language::Yaml => tree_sitter_yaml::LANGUAGE.into(),
            Language::Toml => tree_sitter_toml_ng::LANGUAGE.into(),
            Language::Markdown => tree_sitter_md::LANGUAGE.into(),
            Language::Html => tree_sitter_html::LANGUAGE.into(),
            Language::Css => tree_sitter_css::LANGUAGE.into(),
            Language::Bash => tree_sitter_bash::LANGUAGE.into(),
        }
    }

    /// Whether blocks are made by indentation.
    pub(crate) fn is_python(self) -> bool {
        self == Language::Python
    }

    /// Whether a `#` begins a comment.
    pub(crate) fn has_hash_comments(self) -> bool {
        matches!(self, Language::Python | Language::Yaml | Language::Toml | Language::Bash)
    }

    /// Whether this describes data or a text rather than a program: a name may stand at any depth and says little.
    pub(crate) fn is_data(self) -> bool {
        matches!(self, Language::Json | Language::Yaml | Language::Toml | Language::Markdown | Language::Html)
    }

    /// Whether this is JavaScript or one of its typed forms.
    pub(crate) fn is_script(self) -> bool {
        matches!(self, Language::JavaScript | Language::TypeScript | Language::Tsx)
    }

    /// Languages so close that a file named one may well be the other.
    fn relatives(self) -> &'static [Language] {
        match self {
            Language::JavaScript => &[Language::Tsx, Language::TypeScript],
            Language::TypeScript => &[Language::Tsx, Language::JavaScript],
            Language::Tsx => &[Language::TypeScript, Language::JavaScript],
            Language::C => &[Language::Cpp],
            Language::Cpp => &[Language::C],
            _ => &[],
        }
    }
}

/// The original's language and its tree.
pub(crate) struct Parsed {
    pub(crate) language: Language,
    pub(crate) tree: tree_sitter::Tree,
    /// Syntax errors in the original, as [`syntax::count_errors`] counts them.
    pub(crate) errors: usize,
}

/// Finds the language from the request, else from the path, else by parsing.
pub(crate) fn parse_original(
    code: &str,
    language: Option<&str>,
    path: Option<&str>,
) -> Result<Parsed, Refusal> {
    let named = language.filter(|name| !name.trim().is_empty());
    let by_path = path.and_then(Language::from_path);
    let chosen = match named {
        Some(name) => Some(Language::from_name(name).ok_or_else(|| unknown_name(name))?),
        None => by_path,
    };
    let Some(chosen) = chosen else {
        return detect(code);
    };
    // A path may say more precisely which member of a family it is.
    let chosen = match by_path {
        Some(other) if chosen.relatives().contains(&other) && chosen != Language::Cpp => other,
        _ => chosen,
    };
    parse_named(code, chosen)
}

fn unknown_name(name: &str) -> Refusal {
    let known: Vec<_> = Language::ALL.iter().map(|l| l.name()).collect();
    Refusal::new(
        Reason::LanguageUnknown,
        format!("language `{name}` is not known; known are {}", known.join(", ")),
    )
}

fn parse_named(code: &str, chosen: Language) -> Result<Parsed, Refusal> {
    let best = parse_as(code, chosen)?;
    if best.errors > 0 && parses_badly(&best, code) {
        let foreign =
            CODE.into_iter().filter(|&other| other != chosen && !chosen.relatives().contains(&other));
        for other in foreign {
            if parse(code, other).is_ok_and(|parsed| parsed.errors == 0) {
                return Err(Refusal::new(
                    Reason::LanguageMismatch,
                    format!(
                        "the code is named {} but does not parse as such; it parses as {}",
                        chosen.name(),
                        other.name()
                    ),
                ));
            }
        }
    }
    Ok(best)
}

/// Parses code as a language, or as a relative of it that fits better, without asking whether it is the right one.
pub(crate) fn parse_as(code: &str, language: Language) -> Result<Parsed, Refusal> {
    let mut best = parse(code, language)?;
    for &relative in language.relatives() {
        if best.errors == 0 {
            break;
        }
        let other = parse(code, relative)?;
        if other.errors < best.errors {
            best = other;
        }
    }
    Ok(best)
}

/// Whether a large part of the code is errors, so that the language is in doubt.
fn parses_badly(parsed: &Parsed, code: &str) -> bool {
    let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
    parsed.tree.root_node().is_error()
        || parsed.errors * 5 > lines
        || syntax::error_bytes(&parsed.tree) * 4 > code.len()
}

fn parse(code: &str, language: Language) -> Result<Parsed, Refusal> {
    let tree = syntax::parse(code, language)?;
    let errors = syntax::count_errors(&tree);
    Ok(Parsed { language, tree, errors })
}

/// The language that the first characters of a file give away.
fn by_look(code: &str) -> Option<Language> {
    let code = code.trim_start();
    let first = code.lines().next()?.to_lowercase();
    if let Some(interpreter) = first.strip_prefix("#!") {
        let known = [("python", Language::Python), ("node", Language::JavaScript), ("sh", Language::Bash)];
        return known.into_iter().find(|(name, _)| interpreter.contains(name)).map(|(_, language)| language);
    }
    if first.starts_with("<!doctype html") || first.starts_with("<html") {
        return Some(Language::Html);
    }
    let json = code.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(code).is_ok();
    json.then_some(Language::Json)
}

/// The language with the fewest errors, if one is clearly ahead of all that are no relatives of it.
fn detect(code: &str) -> Result<Parsed, Refusal> {
    let undecided = || {
        Refusal::new(
            Reason::LanguageUnknown,
            "the language cannot be told from the code; name it in `language` or give a `path`",
        )
    };
    if code.trim().is_empty() {
        return Err(undecided());
    }
    if let Some(language) = by_look(code) {
        return parse_as(code, language);
    }
    let mut tried = Vec::new();
    for language in CODE {
        let parsed = parse(code, language)?;
        let wrong = syntax::error_bytes(&parsed.tree);
        tried.push((parsed.errors, wrong, parsed));
    }
    // The sort is stable, so `CODE`'s order decides between equals.
    tried.sort_by_key(|&(errors, wrong, _)| (errors, wrong));
    let mut ranked = tried.into_iter();
    let (errors, _, best) = ranked.next().ok_or_else(undecided)?;
    let rival = ranked
        .find(|(_, _, other)| !best.language.relatives().contains(&other.language))
        .map_or(usize::MAX, |(errors, _, _)| errors);
    if parses_badly(&best, code) || rival <= errors {
        return Err(undecided());
    }
    Ok(best)
}
