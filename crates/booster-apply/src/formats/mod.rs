//! Edit formats that work on lines and need no grammar: SEARCH/REPLACE blocks, unified diffs, patches, whole files.

pub(crate) mod patch;
pub(crate) mod search;
pub(crate) mod search_replace;
pub(crate) mod unified;

use crate::output::{Reason, Refusal};

/// How an edit is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Code, with or without markers.
    Code,
    /// SEARCH/REPLACE blocks.
    SearchReplace,
    /// A unified diff.
    UnifiedDiff,
    /// `*** Begin Patch`.
    Patch,
    /// The whole new file.
    WholeFile,
}

impl Format {
    /// The format a request names; `None` for `auto`.
    pub(crate) fn from_name(name: &str) -> Result<Option<Format>, Refusal> {
        let plain = name.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        Ok(Some(match plain.as_str() {
            "" | "auto" => return Ok(None),
            "code" | "snippet" | "definition" | "lazy" | "markers" | "lazy_markers" => Format::Code,
            "search_replace" | "search/replace" | "diff_fenced" | "editblock" => Format::SearchReplace,
            "unified_diff" | "udiff" | "diff" | "unified" => Format::UnifiedDiff,
            "apply_patch" | "patch" | "begin_patch" => Format::Patch,
            "whole_file" | "whole" | "file" | "full" => Format::WholeFile,
            _ => {
                return Err(Refusal::new(
                    Reason::FormatUnknown,
                    format!(
                        "format `{name}` is not known; known are auto, snippet, markers, search_replace, \
                         unified_diff, apply_patch, whole_file"
                    ),
                ));
            }
        }))
    }

    /// Recognises how an edit is written.
    pub(crate) fn recognise(edit: &str) -> Format {
        if edit.lines().any(|line| line.trim() == patch::BEGIN) {
            Format::Patch
        } else if search_replace::recognise(edit) {
            Format::SearchReplace
        } else if unified::recognise(edit) {
            Format::UnifiedDiff
        } else {
            Format::Code
        }
    }
}
