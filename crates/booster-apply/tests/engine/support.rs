//! Reading the hand-written cases, and the generator of random numbers that properties and fuzzing share.

use std::fs;
use std::path::{Path, PathBuf};

use booster_apply::{Applied, Refusal, Request, apply};

/// What a case expects.
pub(crate) enum Expected {
    After(String),
    Refused(String),
}

/// One file under `tests/cases`.
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    pub(crate) language: Option<String>,
    pub(crate) format: Option<String>,
    pub(crate) before: String,
    pub(crate) edit: String,
    pub(crate) expected: Expected,
}

impl Case {
    pub(crate) fn load(path: &Path) -> Case {
        let text = fs::read_to_string(path).expect("the case is readable");
        let folder = path.parent().and_then(Path::file_name).and_then(|n| n.to_str());
        let (mut before, mut edit, mut expected, mut format) = (None, None, None, None);
        for section in format!("\n{text}").split("\n=== ").skip(1) {
            let (head, body) = section.split_once('\n').unwrap_or((section, ""));
            if let Some(reason) = head.strip_prefix("refused: ") {
                expected = Some(Expected::Refused(reason.trim().to_owned()));
            } else if let Some(form) = head.strip_prefix("before") {
                before = Some(in_form(body, form));
            } else if let Some(form) = head.strip_prefix("after") {
                expected = Some(Expected::After(in_form(body, form)));
            } else {
                format = head.strip_prefix("edit format=").map(str::to_owned);
                edit = Some(body.to_owned());
            }
        }
        Case {
            path: path.to_owned(),
            language: folder.filter(|name| *name != "text").map(str::to_owned),
            format,
            before: before.unwrap_or_else(|| panic!("{} has no `before`", path.display())),
            edit: edit.unwrap_or_else(|| panic!("{} has no `edit`", path.display())),
            expected: expected.unwrap_or_else(|| panic!("{} expects nothing", path.display())),
        }
    }

    pub(crate) fn apply_to(&self, code: &str, edit: &str) -> Result<Applied, Refusal> {
        apply(&Request {
            code,
            edit,
            language: self.language.as_deref(),
            path: None,
            format: self.format.as_deref(),
            min_confidence: None,
        })
    }

    /// What is wrong with the result, if anything.
    pub(crate) fn check(&self) -> Option<String> {
        match (self.apply_to(&self.before, &self.edit), &self.expected) {
            (Ok(applied), Expected::After(after)) if applied.output == *after => None,
            (Err(refusal), Expected::Refused(reason)) if refusal.code() == reason => None,
            (Ok(applied), Expected::After(after)) => Some(format!(
                "expected:\n{after}\ngot ({}, {}):\n{}",
                applied.strategy, applied.confidence, applied.output
            )),
            (Ok(applied), Expected::Refused(reason)) => {
                Some(format!("expected {reason}, got {}:\n{}", applied.strategy, applied.diff))
            }
            (Err(refusal), Expected::Refused(reason)) => Some(format!("expected {reason}, got {refusal}")),
            (Err(refusal), Expected::After(_)) => Some(format!("refused: {refusal}")),
        }
    }
}

/// A section's text in the form that its heading names.
fn in_form(body: &str, form: &str) -> String {
    let mut text = body.strip_suffix('\n').unwrap_or(body).to_owned();
    if !form.contains("-open") {
        text.push('\n');
    }
    if form.contains("-crlf") {
        text = text.replace('\n', "\r\n");
    }
    if form.contains("-bom") {
        text.insert(0, '\u{feff}');
    }
    text
}

/// Every case, in the order of their paths.
pub(crate) fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths = Vec::new();
    for folder in fs::read_dir(root).expect("the cases are there").flatten() {
        for file in fs::read_dir(folder.path()).expect("a folder of cases").flatten() {
            paths.push(file.path());
        }
    }
    paths.sort();
    paths.iter().map(|path| Case::load(path)).collect()
}

/// A small generator of the kind of Marsaglia's xorshift: every run must see the same numbers.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `bound`, 0 if that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}
