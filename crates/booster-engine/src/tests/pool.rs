//! The pool: its size, its health, and boosters that it leaves alone.

use std::collections::BTreeSet;

use super::*;
use crate::{BreakerConfig, Health};

/// Answers `{}` to an input that begins with a brace, and panics at one that begins with a bracket.
fn moody() -> Vec<u8> {
    component(
        OK_DATA,
        &format!("(if (i32.eq (i32.load8_u (local.get 0)) (i32.const 91)) (then unreachable)) {OK}"),
    )
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_pool_that_shrinks_ends_its_jobs_and_one_that_grows_has_new_instances() {
    let bench = Bench::new(3, true);
    let endless = bench.load(&component("", "(loop (br 0)) (i32.const 0)"));
    let runs = (0..3).map(|_| bench.run(&endless, "{}"));
    let shrink = async {
        until("all are busy", || bench.pool.count(SlotStatus::Busy) == 3).await;
        bench.pool.resize(1).unwrap();
        assert_eq!(bench.pool.size(), 1);
    };
    let (runs, ()) = tokio::join!(futures_util::future::join_all(runs), shrink);
    assert!(runs.iter().all(|run| cause(run).0 == FailureCause::Timeout), "no job is cut off");
    until("two threads have ended", || bench.pool.in_service() == 1).await;

    let mut instances = BTreeSet::new();
    for size in [3, 1, 2, 1, 3] {
        bench.pool.resize(size).unwrap();
        until("it has its size", || bench.pool.in_service() == size).await;
        let views = bench.pool.views();
        let ids: Vec<&str> = views.iter().map(|view| view.booster_id.as_str()).collect();
        assert_eq!(ids, ["w-s1", "w-s2", "w-s3"][..size]);
        if size > 1 {
            for view in &views[1..] {
                assert!(instances.insert(view.instance_id.clone()), "{} again", view.instance_id);
            }
        }
    }
    let good = bench.load(&component(OK_DATA, OK));
    assert!(matches!(bench.run(&good, "{}").await.attempt, Attempt::Done(_)));
    let load = bench.pool.load();
    assert_eq!((load.ended, load.running, load.waiting), (4, 0, 0));
    assert!(load.busy_s >= 0.9, "{load:?}");
}

#[tokio::test]
async fn a_booster_that_fails_again_and_again_is_left_alone_while_others_run() {
    let breaker = BreakerConfig { failures: 3, pause: Duration::from_millis(200) };
    let bench =
        Bench::with(RuntimeConfig::new(1, LIMIT), PoolConfig { breaker, ..PoolConfig::new("w", 1, LIMIT) });
    let (bad, good) = (bench.load(&moody()), bench.load(&component(OK_DATA, OK)));
    for _ in 0..5 {
        assert_eq!(cause(&bench.run_as("one", &bad, "[]").await).0, FailureCause::Panic);
    }
    assert!(bench.pool.accepts(&bad), "one job alone does not open it");
    bench.run_as("two", &bad, "[]").await;
    bench.run_as("three", &bad, "[]").await;
    assert!(!bench.pool.accepts(&bad) && bench.pool.accepts(&good));
    assert!(matches!(bench.run_as("four", &bad, "{}").await.attempt, Attempt::HandBack));
    assert!(matches!(bench.run_as("five", &good, "{}").await.attempt, Attempt::Done(_)));
    until("its pause is over", || bench.pool.accepts(&bad)).await;
    assert!(matches!(bench.run_as("six", &bad, "{}").await.attempt, Attempt::Done(_)));
    assert!(bench.pool.accepts(&bad));
    assert!(matches!(bench.run_as("seven", &bad, "{}").await.attempt, Attempt::Done(_)));
}

#[tokio::test]
async fn a_health_check_replaces_a_slot_that_fails_it_and_leaves_the_others() {
    let bench = Bench::new(2, true);
    let load = |canary| {
        let manifest = Manifest { canary: Some(canary), ..manifest(vec![]) };
        Arc::new(Booster::load(&bench.runtime, manifest, &moody()).unwrap())
    };
    let (well, ill) = (load(serde_json::json!({})), load(serde_json::json!([])));
    until("the slots are there", || bench.pool.count(SlotStatus::Ready) == 2).await;
    bench.pool.check_health(&[Arc::clone(&well)]).unwrap();
    // A slot that has not come to this check would get no further one.
    until("the canaries run", || bench.pool.has_taken_orders()).await;
    bench.run(&well, "{}").await;
    let views = bench.pool.views();
    assert!(views.iter().all(|view| view.health == Health::Healthy && view.instance_id.ends_with("-i1")));

    bench.pool.check_health(&[ill]).unwrap();
    until("both were replaced", || bench.pool.views().iter().all(|view| view.instance_id.ends_with("-i2")))
        .await;
    assert_eq!(bench.recorder.0.lock().unwrap().len(), 2);
    assert_eq!(bench.pool.count(SlotStatus::Recovered), 2);
    bench.pool.check_health(&[well]).unwrap();
    until("a canary that goes well makes them ready", || bench.pool.count(SlotStatus::Ready) == 2).await;
    assert!(bench.pool.views().iter().all(|view| view.health == Health::Healthy));
}

#[tokio::test]
async fn slots_whose_tasks_fail_are_degraded() {
    let bench = Bench::new(1, true);
    let booster = bench.load(&moody());
    let health = || bench.pool.views()[0].health;
    for input in ["{}", "[]", "[]", "[]", "[]"] {
        bench.run(&booster, input).await;
    }
    // A job is answered before its slot is judged.
    until("the slot is degraded", || health() == Health::Degraded).await;
    for _ in 0..6 {
        bench.run(&booster, "{}").await;
    }
    until("the slot is healthy", || health() == Health::Healthy).await;
}
