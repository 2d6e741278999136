//! The fleet's cache of outcomes: only for jobs that ask for it, bounded, and never a reason for a wrong answer.

use std::time::Duration;

use booster_core::OutcomeKind;
use booster_core::outcome::JobOutcome;
use booster_tests::{Boosters, Fleet, eventually};

const PREFIX: &str = "swarm:phase-5:cache:{outcomes}:";

/// A job of `faulty` that answers with its input.
fn echo(id: &str, input: &str, more: &str) -> String {
    format!(r#"{{"id":"{id}","booster":"faulty","input":{{"do":"echo","x":"{input}"}}{more}}}"#)
}

async fn run(fleet: &Fleet, id: &str, job: &str) -> JobOutcome {
    fleet.submit(job).await;
    fleet.outcome(id).await
}

/// Waits until so many outcomes are kept: workers do not let a job wait for that.
async fn kept(fleet: &Fleet, count: u64) {
    eventually("the outcome is kept", || async {
        let index = format!("{PREFIX}index");
        (fleet.redis::<u64>(&["ZCARD", &index]).await == count).then_some(())
    })
    .await;
}

async fn hits(fleet: &Fleet) -> f64 {
    let mut sum = 0.0;
    for worker in &fleet.workers {
        let text =
            reqwest::get(format!("http://{}/metrics", worker.listen())).await.unwrap().text().await.unwrap();
        sum += text
            .lines()
            .filter(|line| line.starts_with(r#"booster_cache_hits_total{booster="faulty"}"#))
            .filter_map(|line| line.split(' ').nth(1)?.parse::<f64>().ok())
            .sum::<f64>();
    }
    sum
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_answer_is_given_again_in_the_whole_fleet_to_those_that_ask() {
    let fleet = Fleet::start(2, Boosters::Small, |_| {}).await;
    const ASKS: &str = r#","cache":true"#;
    let first = run(&fleet, "a1", &echo("a1", "same", ASKS)).await;
    assert_eq!((first.cached, first.latency_ms > 0.0), (false, true));
    kept(&fleet, 1).await;
    // Other queues and the other worker have it too.
    for (n, priority) in ["normal", "high", "low", "normal", "high", "low"].iter().enumerate() {
        let id = format!("b{n}");
        let again = run(&fleet, &id, &echo(&id, "same", &format!(r#"{ASKS},"priority":"{priority}""#))).await;
        assert_eq!((again.outcome, again.cached, again.latency_ms), (OutcomeKind::Done, true, 0.0));
        assert_eq!(again.output.unwrap().get(), first.output.as_ref().unwrap().get());
        assert_eq!(again.booster, "faulty@0.1.0");
    }
    assert_eq!(hits(&fleet).await, 6.0);
    let event = eventually("the event says so", || async {
        fleet.events().await.into_iter().find(|event| event["data"]["cached"] == true)
    })
    .await;
    assert_eq!(event["type"], "booster.task.completed");

    // Another input, and the same one of a job that does not ask.
    assert!(!run(&fleet, "c1", &echo("c1", "other", ASKS)).await.cached);
    assert!(!run(&fleet, "c2", &echo("c2", "same", "")).await.cached);
    assert!(!run(&fleet, "c3", &echo("c3", "same", r#","cache":false"#)).await.cached);
    kept(&fleet, 2).await;
    // Refusals are answers; failures are not.
    let other = |id: &str, what: &str| {
        format!(r#"{{"id":"{id}","booster":"faulty","input":{{"do":"{what}"}},"maxRetries":0,"cache":true}}"#)
    };
    assert!(!run(&fleet, "r1", &other("r1", "refuse")).await.cached);
    kept(&fleet, 3).await;
    let refused = run(&fleet, "r2", &other("r2", "refuse")).await;
    assert_eq!((refused.outcome, refused.cached), (OutcomeKind::Refused, true));
    for id in ["p1", "p2"] {
        let dead = run(&fleet, id, &other(id, "panic")).await;
        assert_eq!((dead.outcome, dead.cached), (OutcomeKind::Dead, false));
    }
    kept(&fleet, 3).await;
    assert_eq!(hits(&fleet).await, 7.0);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_may_ask_for_all_its_jobs_and_a_job_may_decline() {
    let fleet = Fleet::start(1, Boosters::Small, |config| {
        let path = std::path::Path::new(&config.wasm.modules).join("faulty.json");
        let mut manifest: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        manifest["cache"] = true.into();
        std::fs::write(&path, manifest.to_string()).unwrap();
    })
    .await;
    assert!(!run(&fleet, "a", &echo("a", "same", "")).await.cached);
    kept(&fleet, 1).await;
    assert!(run(&fleet, "b", &echo("b", "same", "")).await.cached);
    assert!(!run(&fleet, "c", &echo("c", "same", r#","cache":false"#)).await.cached);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_bounded_in_bytes_and_in_time() {
    let fleet = Fleet::start(1, Boosters::Small, |config| {
        config.booster.cache_max = 4000;
        config.booster.cache_ttl_s = 2;
    })
    .await;
    let large = "x".repeat(300);
    for n in 0..30 {
        let id = format!("a{n}");
        run(&fleet, &id, &echo(&id, &format!("{large}{n}"), r#","cache":true"#)).await;
    }
    let totals = format!("{PREFIX}totals");
    eventually("it has come to rest", || async {
        let bytes: Option<usize> = fleet.redis(&["HGET", &totals, "bytes"]).await;
        bytes.filter(|bytes| (1..=4000).contains(bytes))
    })
    .await;
    let entries: Vec<String> = fleet.redis(&["KEYS", &format!("{PREFIX}entry:*")]).await;
    assert!((1..=12).contains(&entries.len()), "{} entries of some 320 bytes", entries.len());
    // One that would push out nearly all others is not kept.
    let huge = "y".repeat(1000);
    run(&fleet, "huge", &echo("huge", &huge, r#","cache":true"#)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!run(&fleet, "huge2", &echo("huge2", &huge, r#","cache":true"#)).await.cached);
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let left: Vec<String> = fleet.redis(&["KEYS", &format!("{PREFIX}*")]).await;
    assert!(left.is_empty(), "nothing outlives booster.cacheTtl: {left:?}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_entry_is_as_good_as_none_and_without_size_nothing_is_kept() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    run(&fleet, "a", &echo("a", "same", r#","cache":true"#)).await;
    kept(&fleet, 1).await;
    let entries: Vec<String> = fleet.redis(&["KEYS", &format!("{PREFIX}entry:*")]).await;
    let _: String = fleet.redis(&["SET", &entries[0], "d{not json"]).await;
    let outcome = run(&fleet, "b", &echo("b", "same", r#","cache":true"#)).await;
    assert_eq!((outcome.outcome, outcome.cached), (OutcomeKind::Done, false));
    fleet.stop().await;

    let fleet = Fleet::start(1, Boosters::Small, |config| config.booster.cache_max = 0).await;
    for id in ["a", "b"] {
        assert!(!run(&fleet, id, &echo(id, "same", r#","cache":true"#)).await.cached);
    }
    let keys: Vec<String> = fleet.redis(&["KEYS", &format!("{PREFIX}*")]).await;
    assert!(keys.is_empty(), "{keys:?}");
    fleet.stop().await;
}
