//! The same module and the same input give the same answer, wherever and however often; and `booster replay`.

use std::collections::{BTreeMap, BTreeSet};

use booster_core::outcome::JobOutcome;
use booster_core::{Job, OutcomeKind};
use booster_examples::{Case, boosters, default_dir, edits};
use booster_tests::{Boosters, Fleet};
use serde_json::Value;

/// Every booster that ships with the fleet, with done and refused edits of each language.
fn cases() -> Vec<Case> {
    let dir = default_dir();
    let mut all = boosters(&dir).unwrap();
    // Some of each language are enough: another test compares all of them with the native engine.
    let mut taken: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
    all.extend(edits(&dir).unwrap().into_iter().filter(|case| {
        let count = taken.entry((case.group.clone(), case.word())).or_default();
        *count += 1;
        *count <= 3
    }));
    all
}

/// What a job came to, without what was measured.
fn answer(outcome: &JobOutcome) -> String {
    let text = outcome.output.as_ref().or(outcome.refusal.as_ref()).expect("done or refused");
    format!("{} {}", outcome.outcome.as_str(), text.get())
}

/// Runs every case once; the answers in order, and the workers that gave them.
async fn run(fleet: &Fleet, round: &str) -> (Vec<String>, BTreeSet<String>) {
    let jobs: Vec<Job> = cases().iter().map(|case| case.job(&format!("-{round}")).unwrap()).collect();
    let ids: Vec<String> = jobs.iter().map(|job| job.id.clone().unwrap()).collect();
    fleet.client.submit_many(jobs, None, true).await.unwrap();
    let mut outcomes: BTreeMap<String, JobOutcome> =
        fleet.outcomes(ids.clone()).await.into_iter().map(|outcome| (outcome.id.clone(), outcome)).collect();
    let workers = outcomes.values().map(|outcome| outcome.worker.clone()).collect();
    (ids.iter().map(|id| answer(&outcomes.remove(id).unwrap())).collect(), workers)
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_the_same_bytes_in_two_processes_and_after_recovery() {
    let mut fleet = Fleet::start(1, Boosters::All, |config| config.wasm.pool_size = 1).await;
    let (first, one) = run(&fleet, "one").await;
    assert!(first.iter().any(|answer| answer.starts_with("done ")));
    assert!(first.iter().any(|answer| answer.starts_with("refused ")));
    // The one slot loses its instance to a panic, a trap and a memory bomb.
    for (id, what) in [("p", "panic"), ("t", "trap"), ("m", "memory")] {
        let job = format!(r#"{{"id":"{id}","booster":"faulty","input":{{"do":"{what}"}},"maxRetries":0}}"#);
        fleet.submit(&job).await;
        assert_eq!(fleet.outcome(id).await.outcome, OutcomeKind::Dead);
    }
    assert_eq!(run(&fleet, "recovered").await, (first.clone(), one.clone()));
    // Another process.
    fleet.spawn(&[]);
    fleet.ready().await;
    let before = fleet.workers.remove(0);
    assert_eq!(before.stop(booster_tests::LIMIT).await, Some(0));
    let (second, other) = run(&fleet, "two").await;
    assert_eq!(first, second);
    assert!(one.is_disjoint(&other), "{one:?} and {other:?}");
    fleet.stop().await;
}

/// `booster replay` with the fleet's modules.
async fn replay(fleet: &Fleet, arguments: &[&str]) -> booster_tests::Output {
    let file = fleet.dir.path().join("replay.json");
    let settings = serde_json::json!({ "wasm": { "modules": fleet.config.wasm.modules } });
    std::fs::write(&file, settings.to_string()).unwrap();
    let file = file.display().to_string();
    fleet.booster(&[&["--config", &file, "replay"], arguments].concat(), "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_job_is_run_again_and_compared() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.booster.keep_input = true).await;
    for (id, what, extra) in [
        ("done", "echo", ""),
        ("refused", "refuse", ""),
        ("trapped", "trap", r#","maxRetries":0"#),
        ("slow", "loop", r#","maxRetries":0,"timeoutMs":300"#),
    ] {
        fleet
            .submit(&format!(r#"{{"id":"{id}","booster":"faulty","input":{{"do":"{what}"}}{extra}}}"#))
            .await;
        fleet.outcome(id).await;
    }
    for (id, here) in [("done", "done"), ("refused", "refused"), ("trapped", "trap"), ("slow", "timeout")] {
        let output = replay(&fleet, &[id, "--json"]).await;
        assert_eq!(output.status, 0, "{id}: {}{}", output.stdout, output.stderr);
        let line = &output.json()[0];
        assert_eq!((&line["result"], &line["here"]), (&"same".into(), &here.into()), "{line}");
        assert_eq!((&line["booster"], &line["stored"]["id"]), (&"faulty@0.1.0".into(), &id.into()));
        assert_eq!(line["digest"].as_str().unwrap().len(), 64);
        let frames = line["backtrace"].as_array().unwrap().len();
        assert_eq!(frames > 0, matches!(here, "trap" | "timeout"), "{line}");
    }
    let shown = replay(&fleet, &["trapped"]).await;
    assert!(shown.stdout.starts_with("trapped  same\n"), "{}", shown.stdout);
    assert!(shown.stdout.lines().filter(|line| line.contains(" at 0x")).count() > 1, "{}", shown.stdout);

    // An outcome that its module and input do not give.
    let key = "swarm:phase-5:{normal}:job:done";
    let stored: String = fleet.redis(&["GET", key]).await;
    let forged = stored.replace(r#"{"do":"echo"}"#, r#"{"do":"other"}"#);
    assert_ne!(stored, forged);
    let _: String = fleet.redis(&["SET", key, &forged]).await;
    let output = replay(&fleet, &["done", "--json"]).await;
    assert_eq!((output.status, &output.json()[0]["result"]), (1, &"different".into()));
    assert_eq!(output.json()[0]["output"]["do"], "echo");
    assert_eq!(replay(&fleet, &["nobody"]).await.status, 5);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_input_a_done_job_is_replayed_with_one_that_is_given() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    fleet.submit(r#"{"id":"done","booster":"faulty","input":{"do":"echo","n":[]}}"#).await;
    fleet.outcome("done").await;
    let output = replay(&fleet, &["done"]).await;
    assert_eq!(output.status, 5);
    assert!(output.stderr.contains("booster.keepInput"), "{}", output.stderr);
    let input = fleet.dir.path().join("input.json");
    let input = input.display().to_string();
    for (text, status) in [(r#"{"do":"echo","n":[]}"#, 0), (r#"{"do":"echo"}"#, 1)] {
        std::fs::write(&input, text).unwrap();
        let output = replay(&fleet, &["done", "--input", &input, "--json"]).await;
        assert_eq!(output.status, status, "{}", output.stderr);
        assert_eq!(output.json()[0]["output"], serde_json::from_str::<Value>(text).unwrap());
    }
    fleet.stop().await;
}
