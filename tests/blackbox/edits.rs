//! The example edits, natively and in the sandbox.

use std::sync::Arc;
use std::time::Duration;

use booster_core::{Attempt, Target};
use booster_engine::{Pool, PoolConfig, Registry, Request, Runtime, Silent};
use booster_examples::{Expected, default_dir, edits};
use booster_tests::modules_dir;

#[tokio::test(flavor = "multi_thread")]
async fn the_guest_and_the_native_engine_give_the_same_answer_and_it_is_right() {
    let runtime = Runtime::new(2, 512 << 20).unwrap();
    let registry = Registry::load_dir(&runtime, &modules_dir()).unwrap();
    let booster = registry.resolve(&Target::Booster("apply".into())).unwrap();
    assert_eq!(booster.cold_reason(), None, "the edit engine has a warm snapshot");
    let config = PoolConfig {
        worker: "test".into(),
        slots: 2,
        memory_limit: 512 << 20,
        max_output: 4 << 20,
        auto_recovery: true,
    };
    let pool = Pool::start(runtime, config, Arc::new(Silent)).unwrap();
    let mut wrong = Vec::new();
    for case in edits(&default_dir()).unwrap() {
        let native = booster_apply::apply_json(&case.input);
        let request = Request {
            id: case.name.clone(),
            booster: Arc::clone(booster),
            input: case.input.clone(),
            timeout: Duration::from_secs(30),
            stop: None,
            allocated: Box::new(|_, _| {}),
        };
        let guest = match pool.run(request).await.unwrap().attempt {
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
