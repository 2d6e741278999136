//! What the caller gets: the applied edit, or a refusal that says why.

use serde::Serialize;

use crate::language::Language;

/// An edit that was applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The whole new file.
    pub output: String,
    /// The share of results with this confidence or a higher one that are right, 0 to 1, as measured on real edits.
    pub confidence: f64,
    /// How well the edit matched, 0 to 1: what the confidence is read off for each strategy.
    pub score: f64,
    /// Which way of applying was taken, in kebab-case, for example `replace-definition`.
    pub strategy: &'static str,
    /// The language the file was read as; `None` for a text format on an unknown language.
    pub language: Option<Language>,
    /// Estimated tokens of `code` and `edit` together.
    pub input_tokens: usize,
    /// Estimated tokens of `output`.
    pub output_tokens: usize,
    /// The changes as byte ranges of the original, in order, never overlapping.
    pub edits: Vec<TextEdit>,
    /// The changes as a unified diff with three lines of context.
    pub diff: String,
}

/// One change: the bytes `start..end` of the original become `text`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextEdit {
    /// First byte of the original that is replaced.
    pub start: usize,
    /// First byte of the original after the replaced range.
    pub end: usize,
    /// What stands there instead.
    pub text: String,
}

/// Why an edit was not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The machine-readable reason.
    pub reason: Reason,
    /// The reason for people, with names and lines.
    pub message: String,
    /// Definitions the edit may have meant.
    pub candidates: Vec<Candidate>,
}

/// A definition that an edit may have meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The definition's name, with its scope where it has one.
    pub name: String,
    /// What it is: `function`, `class`…
    pub kind: &'static str,
    /// Its first line, counted from 1.
    pub line: usize,
    /// Its last line, counted from 1.
    #[serde(rename = "endLine")]
    pub end_line: usize,
}

/// The machine-readable reason of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The input is no JSON object with the fields it needs.
    InvalidInput,
    /// The language is not known, or cannot be told from the code.
    LanguageUnknown,
    /// The named language is plainly not the one the code is written in.
    LanguageMismatch,
    /// The named edit format does not exist.
    FormatUnknown,
    /// Nothing in the file corresponds to what the edit shows.
    TargetNotFound,
    /// Several places correspond equally well.
    Ambiguous,
    /// The edit is cut off.
    EditIncomplete,
    /// The edit is prose, not code.
    EditNotCode,
    /// The edit contains unresolved merge conflict markers.
    ConflictMarkers,
    /// The result would have more syntax errors than the original.
    SyntaxError,
    /// The best result is less certain than the request demands.
    LowConfidence,
    /// The edit contains nothing.
    EditEmpty,
    /// Code or edit is larger than [`MAX_BYTES`](crate::MAX_BYTES), or too large to align.
    TooLarge,
}

impl Reason {
    /// The reason as it stands in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Reason::InvalidInput => "invalid_input",
            Reason::LanguageUnknown => "language_unknown",
            Reason::LanguageMismatch => "language_mismatch",
            Reason::FormatUnknown => "format_unknown",
            Reason::TargetNotFound => "target_not_found",
            Reason::Ambiguous => "ambiguous",
            Reason::EditIncomplete => "edit_incomplete",
            Reason::EditNotCode => "edit_not_code",
            Reason::ConflictMarkers => "conflict_markers",
            Reason::SyntaxError => "syntax_error",
            Reason::LowConfidence => "low_confidence",
            Reason::EditEmpty => "edit_empty",
            Reason::TooLarge => "too_large",
        }
    }
}

impl Refusal {
    /// A refusal without candidates.
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Refusal {
        Refusal { reason, message: message.into(), candidates: Vec::new() }
    }

    /// The reason as it stands in JSON.
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// The refusal as the booster's JSON.
    pub fn to_json(&self) -> String {
        to_json(&RefusalJson {
            success: false,
            reason: self.reason,
            message: &self.message,
            candidates: &self.candidates,
        })
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code(), self.message)
    }
}

impl std::error::Error for Refusal {}

impl Applied {
    /// The applied edit as the booster's JSON.
    pub fn to_json(&self) -> String {
        to_json(&AppliedJson {
            output: &self.output,
            success: true,
            confidence: self.confidence,
            strategy: self.strategy,
            language: self.language.map_or("text", Language::name),
            tokens: Tokens { input: self.input_tokens, output: self.output_tokens },
            edits: &self.edits,
            diff: &self.diff,
        })
    }
}

#[derive(Serialize)]
struct AppliedJson<'a> {
    output: &'a str,
    success: bool,
    confidence: f64,
    strategy: &'a str,
    language: &'a str,
    tokens: Tokens,
    edits: &'a [TextEdit],
    diff: &'a str,
}

#[derive(Serialize)]
struct Tokens {
    input: usize,
    output: usize,
}

#[derive(Serialize)]
struct RefusalJson<'a> {
    success: bool,
    reason: Reason,
    message: &'a str,
    candidates: &'a [Candidate],
}

/// Serialises a struct of strings and numbers, which cannot fail; the fallback keeps this free of panics.
fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| String::from("{\"success\":false}"))
}

/// The documented token estimate: one token per four bytes, rounded up.
pub(crate) fn estimate_tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}
