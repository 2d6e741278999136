//! What the editing tools answer.

use booster_core::outcome::ErrorDetail;
use rmcp::model::CallToolResult;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ClientError;

/// What became of one edit.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EditAnswer {
    /// The file as the caller named it.
    pub(crate) target_filepath: String,
    /// Whether the edit was applied with enough confidence.
    pub(crate) success: bool,
    /// Whether the file now has the new content; false for a dry run and for an edit that changes nothing.
    pub(crate) written: bool,
    /// What was applied, when it was.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) applied: Option<Applied>,
    /// Why not, when it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Failure>,
}

/// An edit that was applied.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Applied {
    /// How likely the result is right, 0 to 1, as measured on real edits.
    pub(crate) confidence: f64,
    /// How the edit was applied.
    pub(crate) strategy: String,
    /// As what the file was read.
    pub(crate) language: String,
    /// Time in the sandbox, milliseconds.
    pub(crate) latency: f64,
    /// The change as a unified diff.
    pub(crate) diff: String,
}

/// Why an edit was not applied or not written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Failure {
    /// The reason as a stable word, such as `ambiguous`, `low_confidence`, `path_outside`.
    pub(crate) reason: String,
    /// The reason for people.
    pub(crate) message: String,
    /// Definitions that the edit may have meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) candidates: Vec<Candidate>,
}

/// A definition that an edit may have meant.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Candidate {
    /// Its name, with its scope where it has one.
    name: String,
    /// What it is: `function`, `class`…
    kind: String,
    /// Its first line, counted from 1.
    line: u64,
    /// Its last line.
    #[serde(rename = "endLine")]
    end_line: u64,
}

impl Failure {
    /// A failure without candidates.
    pub(crate) fn new(reason: &str, message: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), message: message.into(), candidates: Vec::new() }
    }

    /// As the answer of a tool that has nothing else to say.
    pub(crate) fn into_result(self) -> CallToolResult {
        CallToolResult::structured_error(to_value(&self))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<ErrorDetail> for Failure {
    fn from(error: ErrorDetail) -> Self {
        Self::new(&error.code, error.message)
    }
}

impl EditAnswer {
    /// An edit that was not applied.
    pub(crate) fn failed(target_filepath: String, error: Failure) -> Self {
        Self { target_filepath, success: false, written: false, applied: None, error: Some(error) }
    }

    /// As a tool's answer, marked as an error unless it succeeded.
    pub(crate) fn into_result(self) -> CallToolResult {
        result(to_value(&self), self.success)
    }
}

/// What became of several edits, in their order.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BatchAnswer {
    /// One answer for each edit.
    results: Vec<EditAnswer>,
    /// Counts of them.
    summary: Summary,
}

/// Counts of edits.
#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    /// All.
    total: usize,
    /// Applied with enough confidence.
    successful: usize,
    /// Not applied.
    failed: usize,
    /// Files written.
    written: usize,
}

impl BatchAnswer {
    pub(crate) fn new(results: Vec<EditAnswer>) -> Self {
        let count = |which: fn(&EditAnswer) -> bool| results.iter().filter(|answer| which(answer)).count();
        let successful = count(|answer| answer.success);
        let summary = Summary {
            total: results.len(),
            successful,
            failed: results.len() - successful,
            written: count(|answer| answer.written),
        };
        Self { results, summary }
    }

    /// As a tool's answer, marked as an error when no edit succeeded.
    pub(crate) fn into_result(self) -> CallToolResult {
        result(to_value(&self), self.summary.successful > 0)
    }
}

fn result(value: serde_json::Value, success: bool) -> CallToolResult {
    if success { CallToolResult::structured(value) } else { CallToolResult::structured_error(value) }
}

/// Plain structs of texts and finite numbers: turning them into JSON cannot fail.
fn to_value(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}
