//! Tenants take turns, rates are kept by the whole fleet, queues can be paused and drained, work moves to where
//! slots are free.

use std::collections::HashMap;
use std::time::Duration;

use booster_core::{Job, OutcomeKind};
use booster_queue::{Mode, RateLimit, set_rate_limit};
use booster_tests::{Boosters, Fleet, LIMIT, eventually};
use tokio::time::Instant;

fn job_of(tenant: &str, booster: &str, input: &str) -> Job {
    let mut job = Job::new(booster, input).unwrap();
    job.tenant = Some(tenant.to_owned());
    job
}

fn many_of(tenant: &str, count: usize) -> Vec<Job> {
    (0..count).map(|_| job_of(tenant, "noop", "{}")).collect()
}

/// Fields that the keys of parked jobs must leave behind: none.
async fn nothing_is_left_parked(fleet: &Fleet) {
    for key in ["tenants", "turns", "parked:crowd", "parked:single"] {
        let key = format!("swarm:phase-5:{{normal}}:{key}");
        assert_eq!(fleet.redis::<i64>(&["EXISTS", &key]).await, 0, "{key} is left");
    }
    let parked: Option<String> = fleet.redis(&["HGET", "swarm:phase-5:{normal}:stats", "parked"]).await;
    assert_eq!(parked.unwrap_or_default().trim_start_matches('0'), "", "jobs count as parked still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_a_hundred_thousand_jobs_does_not_delay_another() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    for _ in 0..20 {
        fleet.client.submit_many(many_of("crowd", 5000), None, false).await.unwrap();
    }
    let depth = fleet.client.queue("normal").depth().await.unwrap();
    assert_eq!(depth.waiting, 100_000);
    assert_eq!(fleet.client.queue("normal").parked(10).await.unwrap(), [("crowd".to_owned(), 100_000 - 16)]);
    fleet.spawn(&[]);
    fleet.ready().await;
    eventually("the crowd's jobs run", || async {
        (fleet.client.queue("normal").counts().await.unwrap().done > 100).then_some(())
    })
    .await;
    let mut behind = Vec::new();
    for _ in 0..5 {
        let id = fleet.client.submit(job_of("single", "noop", "{}")).await.unwrap().id;
        fleet.outcome(&id).await;
        behind.push(fleet.client.queue("normal").counts().await.unwrap());
    }
    // Each single job came through while most of the crowd was still waiting. In the order of arrival it would
    // have come last.
    assert!(behind[0].depth.waiting > 50_000, "{:?}", behind[0]);
    let waits = fleet.client.queue("normal");
    eventually("all are done", || async { (waits.counts().await.unwrap().done == 100_005).then_some(()) })
        .await;
    eventually("the keeper has cleared the counts", || async {
        (fleet.redis::<i64>(&["EXISTS", "swarm:phase-5:{normal}:turns"]).await == 0).then_some(())
    })
    .await;
    nothing_is_left_parked(&fleet).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_jobs_survive_a_worker_and_can_be_cancelled() {
    let mut fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let mut jobs = many_of("crowd", 400);
    for (number, job) in jobs.iter_mut().enumerate() {
        job.id = Some(format!("crowd-{number}"));
        job.input =
            serde_json::value::to_raw_value(&serde_json::json!({"do":"work","times":2_000_000})).unwrap();
        job.target = booster_core::Target::Booster("faulty".into());
    }
    let ids: Vec<String> = jobs.iter().map(|job| job.id.clone().unwrap()).collect();
    fleet.client.submit_many(jobs, None, true).await.unwrap();
    assert_eq!(fleet.client.status("crowd-399").await.unwrap().unwrap().state, "parked");
    for id in ["crowd-399", "crowd-398"] {
        fleet.client.cancel(id).await.unwrap();
        assert_eq!(fleet.outcome(id).await.outcome, OutcomeKind::Cancelled);
    }
    fleet.workers[0].kill().await;
    fleet.spawn(&[]);
    fleet.workers.remove(0);
    fleet.ready().await;
    let outcomes = fleet.outcomes(ids).await;
    let done = outcomes.iter().filter(|outcome| outcome.outcome == OutcomeKind::Done).count();
    assert_eq!((done, outcomes.len()), (398, 400));
    eventually("the keeper has cleared the counts", || async {
        (fleet.redis::<i64>(&["EXISTS", "swarm:phase-5:{normal}:turns"]).await == 0).then_some(())
    })
    .await;
    nothing_is_left_parked(&fleet).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_holds_for_the_whole_fleet_and_uses_up_no_attempt() {
    let fleet = Fleet::start(2, Boosters::Small, |_| {}).await;
    let limit = RateLimit { per_second: 20.0, burst: 5 };
    assert!(set_rate_limit(fleet.client.link(), fleet.client.keys(), "slow", Some(limit)).await.unwrap());
    let known = "swarm:phase-5:{normal}:limited";
    for queue in ["normal", "high"] {
        let known = known.replace("normal", queue);
        eventually("the queues know of the limit", || async {
            (fleet.redis::<i64>(&["SISMEMBER", &known, "slow"]).await == 1).then_some(())
        })
        .await;
    }
    let begin = Instant::now();
    let mut ids = Vec::new();
    for number in 0..60 {
        let mut job = job_of("slow", "noop", "{}");
        if number % 2 == 0 {
            job.priority = booster_core::Priority::High;
        }
        ids.push(fleet.client.submit(job).await.unwrap().id);
    }
    let unlimited = fleet.client.submit(job_of("quick", "noop", "{}")).await.unwrap().id;
    assert_eq!(fleet.outcome(&unlimited).await.outcome, OutcomeKind::Done);
    for outcome in fleet.outcomes(ids).await {
        assert_eq!((outcome.outcome, outcome.attempts), (OutcomeKind::Done, 0));
    }
    // 60 jobs less the burst at 20 a second, in two queues together. Slower is no fault of the limit.
    assert!(begin.elapsed() >= Duration::from_millis(2650), "{:?}", begin.elapsed());
    assert!(set_rate_limit(fleet.client.link(), fleet.client.keys(), "slow", None).await.unwrap());
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_starts_nothing_and_a_draining_one_takes_nothing() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let queue = fleet.client.queue("normal");
    let status = |words: &'static [&'static str]| {
        let fleet = &fleet;
        async move { fleet.booster(words, "").await.status }
    };
    assert_eq!(status(&["pause", "normal"]).await, 0);
    assert_eq!(status(&["pause", "nowhere"]).await, 2);
    // However it comes, nothing of a paused queue starts; another queue goes on.
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    let plain: String = fleet
        .redis(&["XADD", "swarm:phase-5:{normal}:jobs", "*", "job", r#"{"booster":"noop","input":{}}"#])
        .await;
    let high = fleet.submit(r#"{"booster":"noop","input":{},"priority":"high"}"#).await;
    assert_eq!(fleet.outcome(&high).await.outcome, OutcomeKind::Done);
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.done, counts.depth.waiting), (0, 2));
    assert_eq!(fleet.booster(&["queues", "--json"], "").await.json()[0]["queues"][1]["mode"], "paused");
    assert_eq!(status(&["resume", "normal"]).await, 0);
    for id in [id, format!("normal-{plain}")] {
        assert_eq!(fleet.outcome(&id).await.outcome, OutcomeKind::Done);
    }
    let slow = r#"{"booster":"faulty","input":{"do":"loop"},"timeoutMs":1500,"maxRetries":0}"#;
    let running = fleet.submit(slow).await;
    assert_eq!(status(&["drain", "normal"]).await, 0, "it waits until the queue is empty");
    assert_eq!(fleet.client.status(&running).await.unwrap().unwrap().state, "dead");
    let refused = fleet.booster(&["submit", "-"], "{\"booster\":\"noop\",\"input\":{}}\n").await;
    assert_ne!(refused.status, 0);
    assert!(refused.stderr.contains("`normal` is draining"), "{}", refused.stderr);
    assert_eq!(queue.mode().await.unwrap(), Mode::Draining);
    assert_eq!(status(&["resume", "normal"]).await, 0);
    fleet.outcome(&fleet.submit(r#"{"booster":"noop","input":{}}"#).await).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_hands_back_what_was_fetched_and_running_jobs_go_on() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let slow = r#"{"booster":"faulty","input":{"do":"loop"},"timeoutMs":2000,"maxRetries":0}"#;
    let jobs: Vec<Job> = (0..6).map(|_| Job::from_json(slow).unwrap()).collect();
    fleet.client.submit_many(jobs, None, false).await.unwrap();
    let queue = fleet.client.queue("normal");
    eventually("two run", || async {
        let slots = fleet.client.pool().await.unwrap();
        (slots.iter().filter(|(_, fields)| fields["status"] == "busy").count() == 2).then_some(())
    })
    .await;
    queue.set_mode(Mode::Paused).await.unwrap();
    eventually("what ran has ended, the rest waits", || async {
        let counts = queue.counts().await.unwrap();
        (counts.dead == 2 && counts.depth.waiting == 4 && counts.depth.running == 0).then_some(())
    })
    .await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_moves_to_a_worker_with_free_slots() {
    let mut fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let slow = r#"{"booster":"faulty","input":{"do":"loop"},"timeoutMs":15000,"maxRetries":0}"#;
    // Two run; two more are fetched ahead by the only worker there is.
    let jobs: Vec<Job> = (0..4).map(|_| Job::from_json(slow).unwrap()).collect();
    let ids: Vec<String> = fleet
        .client
        .submit_many(jobs, None, true)
        .await
        .unwrap()
        .into_iter()
        .map(|answer| answer.id)
        .collect();
    eventually("the only worker holds more than it runs", || async {
        (fleet.client.queue("normal").depth().await.unwrap().running >= 3).then_some(())
    })
    .await;
    fleet.spawn(&[]);
    fleet.ready().await;
    let outcomes = fleet.outcomes(ids).await;
    let mut by_worker: HashMap<String, usize> = HashMap::new();
    for outcome in &outcomes {
        *by_worker.entry(outcome.worker.clone()).or_default() += 1;
    }
    assert_eq!(
        by_worker.values().copied().collect::<Vec<_>>(),
        [2, 2],
        "the new worker has taken what waited"
    );
    assert!(outcomes.iter().all(|outcome| outcome.crashes == 0));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_job_is_stored_small_and_arrives_whole() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let text = "fn main() { println!(\"ä\"); }\n".repeat(20_000);
    let input = serde_json::json!({ "do": "echo", "text": text }).to_string();
    let id = fleet.client.submit(Job::new("faulty", &input).unwrap()).await.unwrap().id;
    let bytes: usize = fleet.redis(&["MEMORY", "USAGE", "swarm:phase-5:{normal}:jobs"]).await;
    assert!(bytes * 5 < input.len(), "{bytes} bytes in Redis for {}", input.len());
    fleet.spawn(&[]);
    let outcome = fleet.outcome(&id).await;
    let output: serde_json::Value = serde_json::from_str(outcome.output.unwrap().get()).unwrap();
    assert_eq!(output["text"].as_str(), Some(text.as_str()));
    // A frame that unfolds beyond the limit, or is damaged, is a dead job and no dead worker.
    let bomb = zstd::bulk::compress(&vec![b' '; 64 << 20], 19).unwrap();
    let mut codes = Vec::new();
    for (stored, code) in [(&bomb[..], "job_too_large"), (&bomb[..40], "job_not_json")] {
        let mut command = redis::cmd("XADD");
        command.arg("swarm:phase-5:{normal}:jobs").arg("*").arg("job").arg(stored);
        let entry: String = fleet.client.link().query("test", &command).await.unwrap();
        let outcome = fleet.outcome(&format!("normal-{entry}")).await;
        codes.push((outcome.error.unwrap().code, code));
    }
    assert!(codes.iter().all(|(found, expected)| found == expected), "{codes:?}");
    fleet.ready().await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_ttl_redis_has_its_memory_back() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.redis.ttl_s = 5).await;
    let memory = || async {
        let _: String = fleet.redis(&["MEMORY", "PURGE"]).await;
        let info: String = fleet.redis(&["INFO", "memory"]).await;
        let value =
            info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse::<i64>().ok());
        value.unwrap()
    };
    // Scripts, groups and hashes that an idle fleet has anyway.
    fleet.outcome(&fleet.submit(r#"{"booster":"noop","input":{}}"#).await).await;
    let before = memory().await;
    let input = format!(r#"{{"text":"{}"}}"#, "x".repeat(500));
    for _ in 0..20 {
        let jobs = (0..5000).map(|_| Job::new("noop", &input).unwrap()).collect();
        fleet.client.submit_many(jobs, None, false).await.unwrap();
    }
    let full = memory().await;
    assert!(full - before > 20_000_000, "the jobs were in Redis: {before} to {full}");
    eventually("all are done", || async {
        (fleet.client.queue("normal").counts().await.unwrap().done == 100_001).then_some(())
    })
    .await;
    let deadline = Instant::now() + LIMIT;
    loop {
        let now = memory().await;
        if now - before < 1_000_000 {
            break;
        }
        assert!(Instant::now() < deadline, "{} bytes more than before", now - before);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    fleet.stop().await;
}
