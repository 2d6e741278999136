//! Who holds a job, and what becomes of it when its holder stops, dies or comes back too late.

use std::time::Duration;

use booster_core::OutcomeKind;
use booster_tests::{Boosters, Fleet, eventually};
use rustix::process::Signal;

async fn holder(fleet: &Fleet, id: &str) -> Option<String> {
    let record = fleet.client.status(id).await.unwrap()?;
    (record.state == "running").then_some(record.worker)
}

async fn lost_claims(fleet: &Fleet) -> f64 {
    let mut lost = 0.0;
    for worker in &fleet.workers {
        let text =
            reqwest::get(format!("http://{}/metrics", worker.listen())).await.unwrap().text().await.unwrap();
        let series = r#"booster_job_attempts_failed_total{cause="lost_claim",queue="normal"} "#;
        lost += text.lines().find_map(|line| line.strip_prefix(series)?.parse::<f64>().ok()).unwrap_or(0.0);
    }
    lost
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_comes_after_the_claim_was_lost_is_dropped_and_counted() {
    let mut fleet = Fleet::start(1, Boosters::Small, |config| config.redis.claim_ttl_ms = 1000).await;
    // Two seconds of work, so that its holder can be stopped in the middle.
    let id =
        fleet.submit(r#"{"id":"late","booster":"faulty","input":{"do":"work","times":600000000}}"#).await;
    let first = eventually("it runs", || holder(&fleet, &id)).await;
    fleet.spawn(&[]);
    fleet.workers[0].signal(Signal::STOP);
    let second = eventually("another worker has it", || async {
        holder(&fleet, &id).await.filter(|holder| *holder != first)
    })
    .await;
    fleet.workers[0].signal(Signal::CONT);
    fleet.ready().await;
    let outcome = fleet.outcome(&id).await;
    assert_eq!((outcome.outcome, outcome.worker), (OutcomeKind::Done, second));
    eventually("the late one was counted", || async { (lost_claims(&fleet).await >= 1.0).then_some(()) })
        .await;
    assert_eq!(fleet.client.queue("normal").counts().await.unwrap().done, 1, "stored once");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_two_processes_with_it_is_quarantined_and_runs_alone_in_between() {
    let mut fleet = Fleet::start(1, Boosters::Small, |config| config.redis.claim_ttl_ms = 1000).await;
    let endless = r#"{"id":"deadly","booster":"faulty","input":{"do":"loop"},"timeoutMs":60000}"#;
    let id = fleet.submit(endless).await;
    let mut last = String::new();
    for crashes in 1..=2_usize {
        last = eventually("it runs on a worker that lives", || async {
            holder(&fleet, &id).await.filter(|holder| *holder != last)
        })
        .await;
        if crashes == 2 {
            // A crash is enough not to let anything else run beside it.
            let other = fleet.submit(r#"{"id":"beside","booster":"noop","input":{}}"#).await;
            tokio::time::sleep(Duration::from_millis(700)).await;
            assert!(fleet.client.status(&other).await.unwrap().unwrap().outcome.is_none(), "it ran alone");
        }
        fleet.workers[crashes - 1].kill().await;
        fleet.spawn(&[]);
    }
    let outcome = fleet.outcome(&id).await;
    assert_eq!((outcome.outcome, outcome.crashes, outcome.attempts), (OutcomeKind::Dead, 2, 0));
    assert_eq!(outcome.error.unwrap().code, "quarantined");
    assert_eq!(fleet.outcome("beside").await.outcome, OutcomeKind::Done);
    fleet.workers.drain(..2);
    fleet.ready().await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_gone_is_forgotten_only_when_it_holds_nothing() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.redis.claim_ttl_ms = 500).await;
    let jobs = fleet.client.keys().queue("normal").jobs();
    let names = || async {
        let info: Vec<std::collections::HashMap<String, redis::Value>> =
            fleet.redis(&["XINFO", "CONSUMERS", &jobs, booster_core::keys::GROUP]).await;
        let name = |fields: &std::collections::HashMap<String, redis::Value>| -> String {
            redis::from_redis_value(fields["name"].clone()).unwrap()
        };
        info.iter().map(name).collect::<Vec<_>>()
    };
    eventually("the worker's group is there", || async {
        let there: i64 = fleet.redis(&["EXISTS", &jobs]).await;
        (there == 1).then_some(())
    })
    .await;
    // One that took a job and never said another word, and one that took none.
    for gone in ["gone-with-a-job", "gone-without"] {
        let _: i64 = fleet.redis(&["XGROUP", "CREATECONSUMER", &jobs, booster_core::keys::GROUP, gone]).await;
    }
    let added: String = fleet.redis(&["XADD", &jobs, "*", "job", r#"{"booster":"noop","input":{}}"#]).await;
    let _: redis::Value = fleet
        .redis(&["XCLAIM", &jobs, booster_core::keys::GROUP, "gone-with-a-job", "0", &added, "FORCE"])
        .await;
    eventually("both are forgotten and the worker is not", || async {
        let names = names().await;
        (names.len() == 1 && !names[0].starts_with("gone")).then_some(())
    })
    .await;
    let counts = eventually("the job has run", || async {
        let counts = fleet.client.queue("normal").counts().await.unwrap();
        (counts.done == 1).then_some(counts)
    })
    .await;
    // What waits is what nobody holds, whatever the group's own lag says after deletions.
    assert_eq!((counts.depth.waiting, counts.depth.running), (0, 0));
    fleet.stop().await;
}
