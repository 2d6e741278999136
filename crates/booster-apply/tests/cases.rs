//! Runs every hand-written case under `tests/cases/<language>/`, and checks properties that hold for all of them.
//!
//! A case file has the sections `=== before`, `=== edit` and either `=== after` or `=== refused: reason`. A section's
//! text ends in a line feed; `before-open` and `after-open` do not, `-crlf` has Windows line ends, `-bom` begins with a
//! byte order mark. `=== edit format=NAME` names the format. The folder `text` is run without a language.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use booster_apply::{Applied, Refusal, Request, apply, apply_json};

/// What a case expects.
enum Expected {
    After(String),
    Refused(String),
}

struct Case {
    path: PathBuf,
    language: Option<String>,
    format: Option<String>,
    before: String,
    edit: String,
    expected: Expected,
}

impl Case {
    fn load(path: &Path) -> Case {
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

    fn apply_to(&self, code: &str, edit: &str) -> Result<Applied, Refusal> {
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
    fn check(&self) -> Option<String> {
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

fn cases() -> Vec<Case> {
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

#[test]
fn every_case_gives_what_it_expects() {
    let cases = cases();
    let mut wrong = Vec::new();
    let mut per_folder: BTreeMap<String, usize> = BTreeMap::new();
    for case in &cases {
        *per_folder.entry(case.language.clone().unwrap_or_default()).or_default() += 1;
        if let Some(what) = case.check() {
            wrong.push(format!("{}\n{what}", case.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
    assert!(cases.len() >= 120, "only {} cases: {per_folder:?}", cases.len());
}

#[test]
fn the_edits_alone_make_the_output() {
    for case in cases() {
        let Ok(applied) = case.apply_to(&case.before, &case.edit) else {
            continue;
        };
        let mut made = String::new();
        let mut at = 0;
        for edit in &applied.edits {
            made.push_str(&case.before[at..edit.start]);
            made.push_str(&edit.text);
            at = edit.end;
        }
        made.push_str(&case.before[at..]);
        assert_eq!(made, applied.output, "{}", case.path.display());
        assert_eq!(applied.edits.is_empty(), case.before == applied.output, "{}", case.path.display());
        assert_eq!(applied.diff.is_empty(), applied.edits.is_empty(), "{}", case.path.display());
    }
}

#[test]
fn applying_twice_equals_applying_once() {
    for case in cases() {
        let Ok(once) = case.apply_to(&case.before, &case.edit) else {
            continue;
        };
        // A second time the edit may find nothing to do and say so, but it never changes the file again.
        if let Ok(twice) = case.apply_to(&once.output, &case.edit)
            && case.language.is_some()
        {
            assert_eq!(twice.output, once.output, "{}", case.path.display());
        }
    }
}

#[test]
fn a_file_as_its_own_edit_changes_nothing() {
    for case in cases().iter().filter(|case| case.language.is_some()) {
        if let Ok(applied) = case.apply_to(&case.before, &case.before) {
            assert_eq!(applied.output, case.before, "{}", case.path.display());
        }
    }
}

#[test]
fn the_json_says_the_same() {
    for case in cases() {
        let input = serde_json::json!({
            "code": case.before, "edit": case.edit, "language": case.language, "format": case.format, "extra": 1,
        });
        let by_json = apply_json(&input.to_string());
        match case.apply_to(&case.before, &case.edit) {
            Ok(applied) => assert_eq!(by_json, Ok(applied.to_json())),
            Err(refusal) => assert_eq!(by_json, Err(refusal.to_json())),
        }
    }
}

#[test]
fn bad_input_is_named() {
    for (input, expected) in [
        ("nonsense", "not valid JSON"),
        ("[]", "an array"),
        ("{}", "`code` is missing"),
        (r#"{"code":"x","edit":7}"#, "`edit` is a number"),
        (r#"{"code":"x","edit":"y","minConfidence":2}"#, "`minConfidence` is 2"),
        (r#"{"code":"x","edit":"y","language":false}"#, "`language` is a boolean"),
    ] {
        let refusal = apply_json(input).expect_err("bad input is refused");
        assert!(refusal.contains(r#""reason":"invalid_input""#), "{refusal}");
        assert!(refusal.contains(expected), "{refusal}");
    }
}

/// A small generator of the kind of Marsaglia's xorshift: the fuzzer must be the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

fn mutated(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(chars.len() + 1);
        let end = (at + random.below(40)).min(chars.len());
        match random.below(5) {
            0 => drop(chars.drain(at..end)),
            1 => {
                let piece: Vec<char> = chars[at..end].to_vec();
                chars.splice(at..at, piece);
            }
            2 => chars
                .insert(at, ['{', '}', '(', '"', '\n', '\r', '\t', '\u{feff}', 'é', '\0'][random.below(10)]),
            3 => chars.truncate(at),
            _ => chars.splice(at..at, "\n// ... existing code ...\n".chars()).for_each(drop),
        }
    }
    chars.into_iter().collect()
}

#[test]
fn no_input_makes_it_panic() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let cases = cases();
    for round in 0..6 {
        for case in &cases {
            let code = if round % 2 == 0 { case.before.clone() } else { mutated(&case.before, &mut random) };
            let edit = mutated(&case.edit, &mut random);
            if let Ok(applied) = case.apply_to(&code, &edit) {
                assert!((0.0..=1.0).contains(&applied.confidence));
            }
        }
    }
}

#[test]
fn deep_nesting_does_not_overflow_a_small_stack() {
    let run = || {
        for (open, close, language) in [("(", ")", "javascript"), ("{", "}", "c"), ("[", "]", "python")] {
            let deep = format!("x = {}1{}\n", open.repeat(20_000), close.repeat(20_000));
            let _ = apply(&Request {
                code: &deep,
                edit: "def f():\n    pass\n",
                language: Some(language),
                path: None,
                format: None,
                min_confidence: None,
            });
        }
    };
    let thread = std::thread::Builder::new().stack_size(1024 * 1024).spawn(run);
    thread.expect("a thread").join().expect("no overflow");
}
