//! The pool of a real worker: sized by its load, leaving alone what fails, sharing what was compiled.

use std::os::unix::fs::PermissionsExt;

use booster_core::config::{BreakerAction, PoolSizing};
use booster_core::{Job, OutcomeKind};
use booster_tests::{Boosters, Fleet, eventually};
use serde_json::Value;

async fn metric(fleet: &Fleet, series: &str) -> Option<f64> {
    let url = format!("http://{}/metrics", fleet.workers[0].listen());
    let text = reqwest::get(&url).await.ok()?.text().await.ok()?;
    text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

fn jobs(count: usize, text: &str) -> Vec<Job> {
    (0..count).map(|_| Job::from_json(text).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adaptive_pool_grows_with_its_load_and_shrinks_after_it() {
    // Never more slots than processors: with one alone there is nothing to grow.
    let most = std::thread::available_parallelism().unwrap().get().min(3);
    let fleet = Fleet::start(1, Boosters::Small, |config| {
        config.wasm.pool_sizing = PoolSizing::Adaptive;
        (config.wasm.pool_min, config.wasm.pool_max) = (1, most);
    })
    .await;
    assert_eq!(metric(&fleet, "booster_pool_slots ").await, Some(1.0));
    let work = r#"{"booster":"faulty","input":{"do":"work","times":20000000}}"#;
    let submitted = fleet.client.submit_many(jobs(150, work), None, false).await.unwrap();
    eventually("it has grown", || async {
        (metric(&fleet, "booster_pool_slots ").await? == most as f64).then_some(())
    })
    .await;
    let outcomes = fleet.outcomes(submitted.into_iter().map(|one| one.id).collect()).await;
    assert!(outcomes.iter().all(|outcome| outcome.outcome == OutcomeKind::Done && outcome.attempts == 0));
    eventually("it has shrunk", || async {
        (metric(&fleet, "booster_pool_slots ").await? == 1.0).then_some(())
    })
    .await;
    // What others read says the same.
    let instances = eventually("the pool set has one instance", || async {
        let pool: Vec<String> = fleet.redis(&["SMEMBERS", fleet.client.keys().pool().as_str()]).await;
        (pool.len() == 1).then_some(pool)
    })
    .await;
    assert!(instances[0].contains("-s1-i"), "{instances:?}");
    let resized: Vec<u64> = fleet
        .events()
        .await
        .iter()
        .filter(|event| event["type"] == "booster.pool.updated" && event["data"]["change"] == "resized")
        .map(|event| event["data"]["slots"].as_u64().unwrap())
        .collect();
    assert!(most == 1 || (resized.contains(&(most as u64)) && resized.last() == Some(&1)), "{resized:?}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_booster_that_keeps_failing_wait_without_losing_attempts() {
    let fleet = Fleet::start(1, Boosters::Small, |config| {
        config.booster.breaker_failures = 3;
        config.booster.breaker_pause_ms = 300;
    })
    .await;
    let bad = r#"{"booster":"faulty","input":{"do":"panic"},"maxRetries":0}"#;
    let good = r#"{"booster":"faulty","input":{"do":"echo"},"maxRetries":0}"#;
    let bad = fleet.client.submit_many(jobs(4, bad), None, false).await.unwrap();
    let open = r#"booster_breaker_open{booster="faulty"} "#;
    eventually("the breaker opens", || async { (metric(&fleet, open).await? == 1.0).then_some(()) }).await;
    let good = fleet.client.submit_many(jobs(5, good), None, false).await.unwrap();
    let other = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(fleet.outcome(&other).await.outcome, OutcomeKind::Done, "other boosters run on");

    let ids = |submitted: Vec<booster_queue::Submitted>| submitted.into_iter().map(|one| one.id).collect();
    for outcome in fleet.outcomes(ids(bad)).await {
        assert_eq!((outcome.outcome, outcome.attempts), (OutcomeKind::Dead, 1));
    }
    for outcome in fleet.outcomes(ids(good)).await {
        assert_eq!((outcome.outcome, outcome.attempts, outcome.crashes), (OutcomeKind::Done, 0, 0));
    }
    assert_eq!(metric(&fleet, open).await, Some(0.0));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn or_they_are_refused_and_offered_to_regular_agents() {
    let fleet = Fleet::start(1, Boosters::Small, |config| {
        config.booster.breaker_failures = 2;
        config.booster.breaker_pause_ms = 60_000;
        config.booster.breaker_action = BreakerAction::Fallback;
    })
    .await;
    let bad = r#"{"booster":"faulty","input":{"do":"panic"},"maxRetries":0}"#;
    let bad = fleet.client.submit_many(jobs(2, bad), None, false).await.unwrap();
    fleet.outcomes(bad.into_iter().map(|one| one.id).collect()).await;
    let outcome = fleet.outcome(&fleet.submit(r#"{"booster":"faulty","input":{"do":"echo"}}"#).await).await;
    assert_eq!(outcome.outcome, OutcomeKind::Refused);
    let refusal: Value = serde_json::from_str(outcome.refusal.unwrap().get()).unwrap();
    assert_eq!(refusal["reason"], "breaker_open");
    assert!(refusal["message"].as_str().unwrap().contains("faulty@"), "{refusal}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_what_one_of_them_has_compiled() {
    let cache = tempfile::tempdir().unwrap();
    let dir = cache.path().join("modules");
    let mut fleet = Fleet::start(2, Boosters::Small, |config| {
        config.wasm.cache_dir = dir.display().to_string();
    })
    .await;
    let compiled = || -> Vec<(std::path::PathBuf, std::time::SystemTime)> {
        let entries = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        let files = entries.filter(|path| path.extension().is_some_and(|ext| ext == "cwasm"));
        files.map(|path| (path.clone(), std::fs::metadata(path).unwrap().created().unwrap())).collect()
    };
    let first = compiled();
    assert_eq!(first.len(), 2, "two modules, compiled once each: {first:?}");
    assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o077, 0);
    fleet.spawn(&[]);
    fleet.ready().await;
    let mut again = compiled();
    again.sort();
    let mut first = first;
    first.sort();
    assert_eq!(again, first, "the third found them");
    let outcome = fleet.outcome(&fleet.submit(r#"{"booster":"noop","input":{}}"#).await).await;
    assert_eq!(outcome.outcome, OutcomeKind::Done);
    fleet.stop().await;
}
