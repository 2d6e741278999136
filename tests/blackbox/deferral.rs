//! A booster that asks to be tried again later.

use booster_core::OutcomeKind;
use booster_queue::now_ms;
use booster_tests::{Boosters, Fleet};
use serde_json::Value;

/// The events of one job, of one type.
async fn events(fleet: &Fleet, id: &str, kind: &str) -> Vec<Value> {
    let all = fleet.events().await.into_iter();
    all.filter(|event| event["type"] == kind && event["data"]["jobId"] == id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_attempt_is_tried_again_no_sooner_than_asked_and_dies_after_its_retries() {
    // Without recovery a failed slot is out of service, and this worker has only one: a deferral is no such failure.
    let fleet = Fleet::start(1, Boosters::Small, |config| {
        config.wasm.pool_size = 1;
        config.booster.auto_recovery = false;
    })
    .await;
    let before = now_ms();
    let id = fleet.submit(r#"{"booster":"faulty","input":{"do":"defer","ms":1500},"maxRetries":2}"#).await;
    let outcome = fleet.outcome(&id).await;
    assert_eq!((outcome.outcome, outcome.attempts, outcome.crashes), (OutcomeKind::Dead, 3, 0));
    let error = outcome.error.unwrap();
    assert_eq!((&*error.code, &*error.message), ("deferred", "the input asked for another try later"));

    let failures = events(&fleet, &id, "booster.error").await;
    let starts = events(&fleet, &id, "booster.allocated").await;
    assert_eq!((failures.len(), starts.len()), (3, 3));
    assert!(failures.iter().all(|failure| failure["data"]["cause"] == "deferred"));
    let mut earliest = before;
    for (failure, next_start) in failures.iter().zip(&starts[1..]) {
        let retry_at = failure["data"]["retryAt"].as_u64().unwrap();
        let started = next_start["timestamp"].as_u64().unwrap();
        assert!(retry_at >= earliest + 1500, "put off by less than was asked for");
        assert!(started >= retry_at, "started before its time");
        earliest = started;
    }
    assert_eq!(failures[2]["data"]["retryAt"], Value::Null);

    let url = format!("http://{}/metrics", fleet.workers[0].listen());
    let metrics = reqwest::get(&url).await.unwrap().text().await.unwrap();
    let line = r#"booster_job_attempts_failed_total{cause="deferred",queue="normal"} 3"#;
    assert!(metrics.contains(line), "{metrics}");
    let restarts = metrics.lines().filter(|line| line.starts_with("booster_instance_restarts_total{"));
    assert!(restarts.clone().count() > 0 && restarts.clone().all(|line| line.ends_with(" 0")), "{metrics}");
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(fleet.outcome(&id).await.outcome, OutcomeKind::Done);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_out_of_range_or_not_whole_makes_an_ordinary_refusal() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    for ms in ["0", "3600001", "-1", "1.5", "1000.0", "1e3", "\"1000\"", "null", "[1000]"] {
        let job = format!(r#"{{"booster":"faulty","input":{{"do":"defer","ms":{ms}}}}}"#);
        let outcome = fleet.outcome(&fleet.submit(&job).await).await;
        assert_eq!((outcome.outcome, outcome.attempts), (OutcomeKind::Refused, 0), "{ms}");
        let refusal: Value = serde_json::from_str(outcome.refusal.unwrap().get()).unwrap();
        assert_eq!(refusal["reason"], "not_yet", "{ms}");
    }
    fleet.stop().await;
}
