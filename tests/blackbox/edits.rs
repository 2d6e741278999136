//! The example edits, natively and in the sandbox.

use std::sync::Arc;

use booster_core::{Attempt, Config, Target};
use booster_engine::{Registry, Runtime, RuntimeConfig, Sandbox, Silent, Task};
use booster_examples::{Expected, default_dir, edits};
use booster_tests::{LIMIT, modules_dir};

#[test]
fn the_guest_and_the_native_engine_give_the_same_answer_and_it_is_right() {
    let runtime = Runtime::new(RuntimeConfig::configured(&Config::default(), 1)).unwrap();
    let registry = Registry::load_dir(&runtime, &modules_dir()).unwrap();
    let booster = registry.resolve(&Target::Booster("apply".into())).unwrap();
    assert_eq!(booster.cold_reason(), None, "the edit engine has a warm snapshot");
    let mut sandbox = Sandbox::new(runtime, Arc::new(Silent));
    let mut wrong = Vec::new();
    for case in edits(&default_dir()).unwrap() {
        let native = booster_apply::apply_json(&case.input);
        let task = Task { input: &case.input, timeout: LIMIT, max_output: 4 << 20, stop: None };
        let guest = match sandbox.run(booster, &task).attempt {
            Attempt::Done(output) => Ok(output.get().to_owned()),
            Attempt::Refused(refusal) => Err(refusal.get().to_owned()),
            other => panic!("{}/{}: {other:?}", case.group, case.name),
        };
        assert_eq!(native, guest, "{}/{}", case.group, case.name);
        let (answer, field) = match &native {
            Ok(output) => (output, "output"),
            Err(refusal) => (refusal, "reason"),
        };
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        let found = answer[field].as_str().unwrap();
        let right = match &case.expected {
            Expected::Done(file) => native.is_ok() && found == file,
            Expected::Refused(reason) => native.is_err() && found == reason,
            Expected::Measured(_) | Expected::Dead(_) => false,
        };
        if !right {
            wrong.push(format!(
                "{}/{}: expected {}, got {}",
                case.group,
                case.name,
                case.word(),
                native.is_ok()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_apply_manifest_lists_exactly_the_languages_that_the_engine_knows() {
    let text = std::fs::read_to_string(modules_dir().join("apply.json")).unwrap();
    let manifest: booster_core::Manifest = serde_json::from_str(&text).unwrap();
    for name in &manifest.languages {
        assert!(booster_apply::Language::from_name(name).is_some(), "{name} is listed but not known");
    }
    for name in
        ["javascript", "typescript", "tsx", "python", "rust", "go", "java", "c", "cpp", "js", "ts", "py"]
    {
        assert!(manifest.languages.iter().any(|listed| listed == name), "{name} is known but not listed");
    }
}
