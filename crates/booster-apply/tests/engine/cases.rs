//! Runs every hand-written case under `tests/cases/<language>/`, and checks properties that hold for all of them.
//!
//! A case file has the sections `=== before`, `=== edit` and either `=== after` or `=== refused: reason`. A section's
//! text ends in a line feed; `before-open` and `after-open` do not, `-crlf` has Windows line ends, `-bom` begins with a
//! byte order mark. `=== edit format=NAME` names the format. The folder `text` is run without a language.

use std::collections::BTreeMap;

use booster_apply::{Request, apply, apply_json};

use crate::support::cases;

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
    assert!(cases.len() >= 400, "only {} cases: {per_folder:?}", cases.len());
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
