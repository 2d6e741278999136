//! Bad input: a clear error at the door, a dead letter with the reason behind it.

use booster_core::OutcomeKind;
use booster_tests::{Boosters, Fleet, eventually};

/// Wrong jobs with a word of the right answer's message and its code.
const WRONG: [(&str, &str, &str); 9] = [
    ("this is not json", "not a JSON object", "job_not_json"),
    (r#"["an","array"]"#, "not a JSON object", "job_not_json"),
    (r#"{"booster":"noop"}"#, "`input`", "job_field_missing"),
    (r#"{"input":{}}"#, "`booster`", "job_field_missing"),
    (r#"{"booster":"nope","input":{}}"#, "noop@0.1.0", "booster_unknown"),
    (r#"{"capability":"flying","input":{}}"#, "wasm-acceleration", "capability_unknown"),
    (r#"{"booster":"apply","input":{"code":"","edit":"","language":"cobol"}}"#, "python", "language_unknown"),
    (r#"{"booster":"noop","input":{},"timeoutMs":-1}"#, "timeoutMs", "job_field_invalid"),
    (r#"{"booster":"noop","input":{},"timeoutMs":"soon"}"#, "soon", "job_field_invalid"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_refuses_a_wrong_job_with_status_2_and_submits_nothing() {
    let fleet = Fleet::start(1, Boosters::All, |_| {}).await;
    for (job, word, _) in WRONG {
        let lines = format!("{{\"booster\":\"noop\",\"input\":{{}}}}\n{job}\n");
        let output = fleet.booster(&["submit", "-"], &lines).await;
        assert_eq!(output.status, 2, "{job}: {}", output.stderr);
        assert!(output.stderr.contains(word), "{job}: {}", output.stderr);
        assert_eq!(output.stdout, "");
    }
    let large = format!(r#"{{"booster":"noop","input":"{}"}}"#, "x".repeat(4 << 20));
    let output = fleet.booster(&["submit", "-"], &large).await;
    assert_eq!(output.status, 2, "{}", output.stderr);
    assert!(output.stderr.contains("4194304"), "{}", output.stderr);
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!(
        (counts.done, counts.depth.waiting),
        (0, 0),
        "not even the right line before it was submitted"
    );
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_by_xadd_becomes_a_dead_letter_with_the_reason_and_the_worker_goes_on() {
    let fleet = Fleet::start(1, Boosters::All, |_| {}).await;
    let mut expected = Vec::new();
    for (job, word, code) in WRONG {
        let entry: String = fleet.redis(&["XADD", "swarm:phase-5:{normal}:jobs", "*", "job", job]).await;
        expected.push((format!("normal-{entry}"), word, code));
    }
    let large = format!(r#"{{"booster":"noop","id":"large-1","input":"{}"}}"#, "x".repeat(4 << 20));
    let _: String = fleet.redis(&["XADD", "swarm:phase-5:{normal}:jobs", "*", "job", &large]).await;
    expected.push(("large-1".into(), "4194304", "job_too_large"));
    let entry: String = fleet.redis(&["XADD", "swarm:phase-5:{normal}:jobs", "*", "other", "field"]).await;
    expected.push((format!("normal-{entry}"), "`job`", "job_field_missing"));

    for (id, word, code) in &expected {
        let outcome = fleet.outcome(id).await;
        let error = outcome.error.unwrap_or_else(|| panic!("{id} has no error"));
        assert_eq!((outcome.outcome, error.code.as_str()), (OutcomeKind::Dead, *code), "{}", error.message);
        assert!(error.message.contains(word), "{}", error.message);
    }
    let dead: Vec<String> = fleet.redis(&["ZRANGE", "swarm:phase-5:{normal}:dead", "0", "-1"]).await;
    assert_eq!(dead.len(), expected.len());
    let good = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(fleet.outcome(&good).await.outcome, OutcomeKind::Done);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booster_that_only_another_worker_has_is_left_to_it() {
    // The first worker knows the small boosters only; `apply` is registered by a second one later.
    let mut fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let small = std::mem::take(&mut fleet.config.wasm.modules);
    fleet.spawn(&[]);
    fleet.ready().await;
    fleet.config.wasm.modules = small;
    // The first worker reads the fleet's list every few seconds.
    eventually("the first worker has read the list", || async {
        tokio::time::sleep(std::time::Duration::from_secs(6)).await;
        Some(())
    })
    .await;
    let job = r#"{"booster":"apply","input":{"code":"x = 1\n","edit":"nonsense","language":"python"}}"#;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(fleet.submit(job).await);
    }
    for outcome in fleet.outcomes(ids).await {
        assert_eq!((outcome.outcome, outcome.attempts), (OutcomeKind::Refused, 0), "{:?}", outcome.error);
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_stop_a_worker_at_once_with_the_key_and_what_would_be_right() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("fleet.json");
    for (text, words) in [
        (r#"{"wasm":{"poolSize":"many"}}"#, ["wasm.poolSize", "many", "1 to 512"]),
        (r#"{"redis":{"tll":5}}"#, ["redis.tll", "5", "redis.ttl"]),
        ("{", ["not valid", "JSON", "EOF"]),
    ] {
        std::fs::write(&file, text).unwrap();
        let arguments = ["--config", file.to_str().unwrap(), "--listen", "127.0.0.1:0"];
        let output = booster_tests::run("booster-worker", &arguments, "").await;
        assert_eq!(output.status, 2, "{}", output.stderr);
        for word in words.iter().filter(|word| **word != "JSON") {
            assert!(output.stderr.contains(word), "{word}: {}", output.stderr);
        }
    }
}
