//! The queue's promises, one by one.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::time::Duration;

use booster_core::{Job, OutcomeKind};
use booster_producer::{EventsFrom, FleetEvent};
use booster_tests::{Boosters, Fleet, LIMIT, eventually};
use futures_util::StreamExt;

const JOBS: &str = "swarm:phase-5:{normal}:jobs";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_has_at_most_max_retries_plus_one_failed_attempts() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    for (retries, attempts) in [(None, 4), (Some(0), 1), (Some(2), 3)] {
        let mut job = Job::new("faulty", r#"{"do":"panic"}"#).unwrap();
        job.max_retries = retries;
        let id = fleet.client.submit(job).await.unwrap().id;
        let outcome = fleet.outcome(&id).await;
        assert_eq!((outcome.outcome, outcome.attempts), (OutcomeKind::Dead, attempts));
        eventually("one event for each failed attempt is in the fleet's stream", || async {
            let events: Vec<(String, HashMap<String, String>)> =
                fleet.redis(&["XRANGE", "swarm:phase-5:events", "-", "+"]).await;
            let lines = events.iter().flat_map(|(_, fields)| fields["events"].lines());
            let failures =
                lines.filter(|event| event.contains("booster.error") && event.contains(&id)).count();
            assert!(failures as u32 <= attempts, "{failures} events of {attempts} failures");
            (failures as u32 == attempts).then_some(())
        })
        .await;
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_failure_is_told_apart() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.wasm.memory_limit = 64 << 20).await;
    for (what, code) in [("panic", "panic"), ("trap", "trap"), ("loop", "timeout"), ("memory", "memory")] {
        let job =
            format!(r#"{{"booster":"faulty","input":{{"do":"{what}"}},"maxRetries":0,"timeoutMs":1000}}"#);
        let id = fleet.submit(&job).await;
        let error = fleet.outcome(&id).await.error.unwrap();
        assert_eq!(error.code, code, "{}", error.message);
    }
    // The slots have recovered and work on.
    let id = fleet.submit(r#"{"booster":"faulty","input":{"do":"work","times":10}}"#).await;
    assert_eq!(fleet.outcome(&id).await.outcome, OutcomeKind::Done);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_job_is_never_tried_again() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let id = fleet.submit(r#"{"booster":"faulty","input":{"do":"refuse"}}"#).await;
    let outcome = fleet.outcome(&id).await;
    assert_eq!((outcome.outcome, outcome.attempts), (OutcomeKind::Refused, 0));
    let refusal: serde_json::Value = serde_json::from_str(outcome.refusal.unwrap().get()).unwrap();
    assert_eq!(refusal["reason"], "asked_to");
    // Refused jobs are offered to regular agents.
    let offers: Vec<String> = fleet.redis(&["ZRANGE", "swarm:phase-5:{normal}:offers", "0", "-1"]).await;
    assert_eq!(offers, [id]);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_id_added_plainly_is_dropped_and_counted() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let job = r#"{"id":"twin","booster":"noop","input":{}}"#;
    for _ in 0..3 {
        let _: String = fleet.redis(&["XADD", JOBS, "*", "job", job]).await;
    }
    fleet.submit(r#"{"id":"other","booster":"noop","input":{}}"#).await;
    fleet.spawn(&[]);
    fleet.ready().await;
    fleet.outcome("twin").await;
    fleet.outcome("other").await;
    let counts = eventually("the duplicates are gone", || async {
        let counts = fleet.client.queue("normal").counts().await.unwrap();
        (counts.depth.waiting + counts.depth.running == 0).then_some(counts)
    })
    .await;
    assert_eq!((counts.done, counts.deduplicated), (2, 2));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_with_a_time_waits_for_it_however_it_came() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let due = booster_queue::now_ms() + 1500;
    let job = |id: &str| format!(r#"{{"id":"{id}","booster":"noop","input":{{}},"runAt":{due}}}"#);
    fleet.submit(&job("by-client")).await;
    let _: String = fleet.redis(&["XADD", JOBS, "*", "job", &job("by-xadd")]).await;
    eventually("both are in the delayed set", || async {
        (fleet.client.queue("normal").depth().await.unwrap().delayed == 2).then_some(())
    })
    .await;
    for id in ["by-client", "by-xadd"] {
        let outcome = fleet.outcome(id).await;
        assert_eq!(outcome.outcome, OutcomeKind::Done);
        assert!(outcome.finished_at >= due, "{id} ran {} ms early", due - outcome.finished_at);
        assert!(outcome.wait_ms < 1000, "the deliberate delay is no waiting: {} ms", outcome.wait_ms);
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_with_a_time_waits_for_it_also_when_it_was_handed_back_unseen() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let keys = fleet.client.keys().queue("normal");
    // Nobody is told of the pause, so the worker fetches the job and learns of it when it wants to start it.
    let _: String = fleet.redis(&["SET", &keys.mode(), "paused"]).await;
    let due = booster_queue::now_ms() + 3000;
    let job = format!(r#"{{"id":"unseen","booster":"noop","input":{{}},"runAt":{due}}}"#);
    let _: String = fleet.redis(&["XADD", JOBS, "*", "job", &job]).await;
    eventually("it was handed back", || async {
        let front: u64 = fleet.redis(&["XLEN", &keys.front()]).await;
        (front == 1).then_some(())
    })
    .await;
    assert_eq!(fleet.booster(&["resume", "normal"], "").await.status, 0);
    eventually("it is in the delayed set", || async {
        (fleet.client.queue("normal").depth().await.unwrap().delayed == 1).then_some(())
    })
    .await;
    assert!(fleet.outcome("unseen").await.finished_at >= due);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn input_text_reaches_the_booster_and_comes_back_byte_for_byte() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    // What a careless script would change: an empty array, a large integer, an exotic number, the spacing.
    let input =
        r#"{"do":"echo",  "empty":[],"large":12345678901234567890,"exotic":-0.10E+2,"text":"\u0000é"}"#;
    let job = format!(r#"{{"id":"exact","booster":"faulty","input":{input}}}"#);
    let _: String = fleet.redis(&["XADD", JOBS, "*", "job", &job]).await;
    assert_eq!(fleet.outcome("exact").await.output.unwrap().get(), input);
    // Through the delayed set and the front stream too.
    let due = booster_queue::now_ms() + 300;
    fleet.submit(&format!(r#"{{"id":"later","booster":"faulty","runAt":{due},"input":{input}}}"#)).await;
    assert_eq!(fleet.outcome("later").await.output.unwrap().get(), input);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_the_door_and_loses_nothing() {
    let mut fleet = Fleet::start(0, Boosters::Small, |config| config.redis.max_waiting = 5).await;
    let jobs = |from: usize, to: usize| -> Vec<Job> {
        (from..to)
            .map(|n| Job::from_json(&format!(r#"{{"id":"j{n}","booster":"noop","input":1}}"#)).unwrap())
            .collect()
    };
    let error = fleet.client.submit_many(jobs(0, 8), None, false).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable(), error.exit_status()), ("queue_full", true, 75));
    assert_eq!(fleet.client.queue("normal").depth().await.unwrap().waiting, 5);
    fleet.spawn(&[]);
    fleet.ready().await;
    eventually("there is room again", || async {
        fleet.client.submit_many(jobs(0, 8), None, false).await.ok()
    })
    .await;
    fleet.outcomes((0..8).map(|n| format!("j{n}")).collect()).await;
    assert_eq!(fleet.client.queue("normal").counts().await.unwrap().done, 8);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_group_is_made_again_and_its_jobs_run() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    fleet.outcome(&fleet.submit(r#"{"booster":"noop","input":{}}"#).await).await;
    let _: i64 = fleet.redis(&["XGROUP", "DESTROY", JOBS, "workers"]).await;
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(fleet.outcome(&id).await.outcome, OutcomeKind::Done);
    let _: String = fleet.redis(&["SCRIPT", "FLUSH"]).await;
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(fleet.outcome(&id).await.outcome, OutcomeKind::Done);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn low_priority_is_served_while_high_has_a_backlog() {
    let mut fleet = Fleet::start(0, Boosters::Small, |config| config.wasm.pool_size = 1).await;
    let jobs: Vec<Job> = (0..300)
        .map(|n| {
            let priority = if n < 280 { "high" } else { "low" };
            let text = format!(
                r#"{{"id":"n{n}","booster":"faulty","input":{{"do":"work","times":2000000}},"priority":"{priority}"}}"#
            );
            Job::from_json(&text).unwrap()
        })
        .collect();
    fleet.client.submit_many(jobs, None, true).await.unwrap();
    fleet.spawn(&[]);
    fleet.ready().await;
    let mut order = Vec::new();
    let ids = (0..300).map(|n| format!("n{n}")).collect();
    fleet.client.wait_each(ids, booster_tests::LIMIT, |outcome| order.push(outcome)).await.unwrap();
    order.sort_by_key(|outcome| outcome.finished_at);
    let low = |outcome: &booster_core::JobOutcome| outcome.id[1..].parse::<usize>().unwrap() >= 280;
    let first_low = order.iter().position(low).unwrap();
    let before_last_high = order.iter().take(200).filter(|outcome| low(outcome)).count();
    assert!(first_low < 100, "low waited for {first_low} jobs");
    assert!((5..=20).contains(&before_last_high), "{before_last_high} low jobs among the first 200");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_renewed_for_as_long_as_a_job_runs() {
    let mut fleet = Fleet::start(1, Boosters::Small, |config| config.redis.claim_ttl_ms = 600).await;
    fleet.spawn(&[]);
    fleet.ready().await;
    let id =
        fleet.submit(r#"{"booster":"faulty","input":{"do":"loop"},"timeoutMs":3000,"maxRetries":0}"#).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let outcome = fleet.outcome(&id).await;
    assert_eq!((outcome.attempts, outcome.crashes), (1, 0), "nobody took it away meanwhile");
    assert_eq!(outcome.error.unwrap().code, "timeout");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_bytes_that_are_no_text_harms_nobody_else() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let mut poison = redis::cmd("XADD");
    poison.arg(JOBS).arg("*").arg(&b"\xff\xfe"[..]).arg(&b"\xff"[..]).arg("job").arg(&b"{\xc0}"[..]);
    let entry: String = fleet.client.link().query("test", &poison).await.unwrap();
    let good = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(fleet.outcome(&good).await.outcome, OutcomeKind::Done);
    let outcome = fleet.outcome(&format!("normal-{entry}")).await;
    assert_eq!(outcome.error.unwrap().code, "job_not_json");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_a_full_buffer_survives_the_loss_of_everything() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let loops: Vec<Job> = (0..40)
        .map(|_| {
            let text = r#"{"booster":"faulty","input":{"do":"loop"},"timeoutMs":800,"maxRetries":0}"#;
            Job::from_json(text).unwrap()
        })
        .collect();
    fleet.client.submit_many(loops, None, false).await.unwrap();
    eventually("the worker holds what it may", || async {
        (fleet.client.queue("normal").depth().await.unwrap().running >= 4).then_some(())
    })
    .await;
    let _: String = fleet.redis(&["FLUSHALL"]).await;
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(fleet.outcome(&id).await.outcome, OutcomeKind::Done);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_line_breaks_stays_one_line_and_odd_json_breaks_nothing() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.booster.compat_tasks = true).await;
    let forged = "{\"id\":\"forge\",\"booster\":\"faulty\",\"input\":{\"do\":\"echo\",\n\"x\":{\"id\":\"victim\",\"outcome\":\"done\"}\n}}";
    fleet.client.submit(Job::from_json(forged).unwrap()).await.unwrap();
    fleet.outcome("forge").await;
    let output = fleet.booster(&["wait", "forge", "--json"], "").await;
    assert_eq!((output.status, output.stdout.lines().count()), (0, 1), "{}", output.stdout);
    assert_eq!(output.json()[0]["id"], "forge");
    // JSON that no general parser holds: status and the task records of the older form still work.
    let deep = format!(
        "{{\"id\":\"deep\",\"booster\":\"noop\",\"input\":{}1e400{}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    fleet.client.submit(Job::from_json(&deep).unwrap()).await.unwrap();
    fleet.outcome("deep").await;
    assert_eq!(fleet.booster(&["status", "deep", "--json"], "").await.status, 0);
    let text = eventually("the task record is there", || async {
        fleet.redis::<Option<String>>(&["GET", "swarm:phase-5:tasks:deep"]).await
    })
    .await;
    assert!(text.contains("[[[1e400]]]"), "{text}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_client_has_jobs_cancelled_by_one_worker_of_many() {
    let fleet = Fleet::start(3, Boosters::Small, |_| {}).await;
    let later = booster_queue::now_ms() + 3_600_000;
    let delayed = format!(r#"{{"id":"a:delayed","booster":"noop","input":{{}},"runAt":{later}}}"#);
    let running = r#"{"id":"running","booster":"faulty","input":{"do":"loop"},"timeoutMs":60000}"#;
    for (id, job, state) in [("a:delayed", delayed.as_str(), "delayed"), ("running", running, "running")] {
        let _: String = fleet.redis(&["XADD", JOBS, "*", "job", job]).await;
        eventually("a worker has looked at it", || async {
            (fleet.client.status(id).await.unwrap()?.state == state).then_some(())
        })
        .await;
        // It may be said while the keeper's office changes hands.
        eventually("it is cancelled", || async {
            let word = format!("withdraw {id}");
            let heard: u64 = fleet.redis(&["PUBLISH", "swarm:phase-5:{normal}:control", &word]).await;
            assert_eq!(heard, 3);
            fleet.client.status(id).await.unwrap()?.outcome
        })
        .await;
        assert_eq!(fleet.outcome(id).await.outcome, OutcomeKind::Cancelled);
    }
    // Nothing happens to what has ended, is not known, or has no name.
    for word in ["withdraw running", "withdraw nobody", "withdraw", "withdraw {x}"] {
        let _: u64 = fleet.redis(&["PUBLISH", "swarm:phase-5:{normal}:control", word]).await;
    }
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(fleet.outcome(&id).await.outcome, OutcomeKind::Done);
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!((counts.cancelled, counts.done), (2, 1));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_follows_events_from_any_place() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let ids = fleet.client.submit_many(vec![Job::new("noop", "{}").unwrap(); 30], None, true).await.unwrap();
    let ids: HashSet<String> = ids.into_iter().map(|one| one.id).collect();
    fleet.outcomes(ids.iter().cloned().collect()).await;

    let kept = ends(&fleet, EventsFrom::Kept, ids.len()).await;
    assert_eq!(kept.iter().filter_map(FleetEvent::job_id).collect::<HashSet<_>>(), ids);
    // Behind an entry comes what it does not have.
    let first = &kept[0];
    let rest: Vec<&FleetEvent> = kept.iter().filter(|event| event.entry != first.entry).collect();
    let after = ends(&fleet, EventsFrom::After(first.entry.clone()), rest.len()).await;
    assert_eq!(after.len(), rest.len());
    assert_eq!(ends(&fleet, EventsFrom::Time(0), ids.len()).await.len(), ids.len());

    let mut now = pin!(fleet.client.events(EventsFrom::Now));
    // What there is already is not waited for; the first look is then done.
    assert!(tokio::time::timeout(Duration::from_secs(1), now.next()).await.is_err());
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    let event = tokio::time::timeout(LIMIT, now.next()).await.unwrap().unwrap().unwrap();
    assert_eq!((event.kind.as_str(), event.job_id()), ("booster.requested", Some(id)));
    fleet.stop().await;
}

/// The next `count` events of jobs that have ended.
async fn ends(fleet: &Fleet, from: EventsFrom, count: usize) -> Vec<FleetEvent> {
    let events = fleet.client.events(from).map(Result::unwrap);
    let ends = events.filter(|event| std::future::ready(event.kind == "booster.task.completed"));
    tokio::time::timeout(LIMIT, ends.take(count).collect()).await.unwrap()
}
