//! Redis is away: workers keep what they have done, producers do what they were told to do.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use booster_core::config::Degrade;
use booster_core::{Config, Job, OutcomeKind};
use booster_producer::{Client, ClientError};
use booster_queue::QueueError;
use booster_tests::{Boosters, Fleet, eventually, run};
use tokio::time::Instant;

/// About a third of a second of work, or more on a slow machine: long enough to be caught at.
const STEPS: u64 = 300_000_000;

fn work(id: usize) -> Job {
    let mut job = Job::new("faulty", &format!(r#"{{"do":"work","times":{STEPS}}}"#)).unwrap();
    job.id = Some(format!("work-{id}"));
    job
}

/// Fills a worker's slots with jobs and takes Redis away while they run; returns the jobs' ids.
async fn caught_at_work(fleet: &mut Fleet) -> Vec<String> {
    let _: String = fleet.redis(&["CONFIG", "SET", "appendfsync", "always"]).await;
    let jobs: Vec<Job> = (0..fleet.config.wasm.pool_size).map(work).collect();
    let ids: Vec<String> = jobs.iter().map(|job| job.id.clone().unwrap()).collect();
    fleet.client.submit_many(jobs, None, false).await.unwrap();
    // Fetched is not enough: what has not been started when Redis goes away comes to nothing meanwhile.
    for id in &ids {
        eventually("the job runs", || async {
            let record = fleet.client.status(id).await.unwrap()?;
            (record.state == "running").then_some(())
        })
        .await;
    }
    fleet.redis.kill().await;
    ids
}

/// The sum of a series over its labels, as the worker tells it.
async fn series(fleet: &Fleet, worker: usize, name: &str) -> f64 {
    let url = format!("http://{}/metrics", fleet.workers[worker].listen());
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let lines = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_outlive_the_worker_that_could_not_tell_redis() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool");
    let mut fleet = Fleet::start(1, Boosters::Small, |config| {
        config.redis.spool_dir = spool.display().to_string();
    })
    .await;
    let ids = caught_at_work(&mut fleet).await;
    eventually("both outcomes are kept", || async {
        (series(&fleet, 0, "booster_spool_outcomes").await == 2.0).then_some(())
    })
    .await;
    assert_eq!(std::fs::metadata(&spool).unwrap().permissions().mode() & 0o777, 0o700);
    let dead = fleet.workers[0].pid().unwrap();
    fleet.workers[0].kill().await;
    fleet.redis.restart().await.unwrap();
    fleet.spawn(&[]);
    for outcome in fleet.outcomes(ids).await {
        // A second run would have the second worker's name, and a crash.
        assert_eq!((outcome.outcome, outcome.crashes), (OutcomeKind::Done, 0), "{outcome:?}");
        assert!(outcome.worker.contains(&format!("-{dead}-")), "{}", outcome.worker);
    }
    eventually("the file is gone", || async {
        std::fs::read_dir(&spool).unwrap().next().is_none().then_some(())
    })
    .await;
    assert_eq!(fleet.client.queue("normal").counts().await.unwrap().done, 2);
    fleet.workers.remove(0);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_for_which_there_is_no_room_is_worked_out_again() {
    // Room for three outcomes of a few hundred bytes, not for eight.
    let mut fleet = Fleet::start(1, Boosters::Small, |config| {
        (config.wasm.pool_size, config.redis.spool_bytes) = (8, 1024);
    })
    .await;
    let ids = caught_at_work(&mut fleet).await;
    eventually("an outcome is given up", || async {
        (series(&fleet, 0, "booster_spool_dropped_total").await > 0.0).then_some(())
    })
    .await;
    fleet.redis.restart().await.unwrap();
    for outcome in fleet.outcomes(ids).await {
        assert_eq!((outcome.outcome, outcome.attempts, outcome.crashes), (OutcomeKind::Done, 0, 0));
    }
    assert_eq!(fleet.client.queue("normal").counts().await.unwrap().done, 8);
    eventually("nothing is kept any more", || async {
        (series(&fleet, 0, "booster_spool_outcomes").await == 0.0).then_some(())
    })
    .await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_directory_that_cannot_be_written_to_is_refused_at_the_start() {
    let output =
        run("booster-worker", &["--config", "/dev/stdin"], r#"{"redis":{"spoolDir":"/dev/null/x"}}"#).await;
    assert_eq!(output.status, 2, "{}", output.stderr);
    assert!(
        output.stderr.contains("redis.spoolDir") && output.stderr.contains("/dev/null/x"),
        "{}",
        output.stderr
    );
}

/// A client with other settings than its fleet's.
fn other_client(fleet: &Fleet, change: impl FnOnce(&mut Config)) -> Client {
    let mut config = fleet.config.clone();
    config.redis.submit_timeout_ms = 300;
    change(&mut config);
    Client::connect(config).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_is_tried_again_until_redis_is_back_and_adds_one_job() {
    let mut fleet = Fleet::start(1, Boosters::Small, |config| config.redis.submit_timeout_ms = 30_000).await;
    fleet.redis.kill().await;
    let client = fleet.client.clone();
    let submit = tokio::spawn(async move { client.submit(work(1)).await });
    tokio::time::sleep(Duration::from_millis(700)).await;
    fleet.redis.restart().await.unwrap();
    assert!(submit.await.unwrap().unwrap().accepted);
    assert_eq!(fleet.outcome("work-1").await.outcome, OutcomeKind::Done);
    assert_eq!(fleet.client.queue("normal").counts().await.unwrap().done, 1);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_way_out_a_producer_fails_clearly_and_in_time() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    fleet.redis.kill().await;
    let client = other_client(&fleet, |_| {});
    let begin = Instant::now();
    let error = client.submit(work(1)).await.unwrap_err();
    assert!(matches!(error, ClientError::Queue(QueueError::Unreachable { .. })), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(10));
    fleet.redis.restart().await.unwrap();
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_runs_jobs_itself_and_reports_them_once_redis_is_back() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    fleet.redis.kill().await;
    let client = other_client(&fleet, |config| config.booster.degrade = Degrade::Local);
    let jobs = [
        r#"{"id":"done","booster":"noop","input":{}}"#,
        r#"{"id":"refused","booster":"faulty","input":{"do":"refuse"},"priority":"high"}"#,
        r#"{"id":"dead","booster":"faulty","input":{"do":"panic"},"maxRetries":1}"#,
    ];
    let jobs: Vec<Job> = jobs.iter().map(|text| Job::from_json(text).unwrap()).collect();
    client.submit_many(jobs.clone(), None, false).await.unwrap();
    let expected =
        [("done", OutcomeKind::Done), ("refused", OutcomeKind::Refused), ("dead", OutcomeKind::Dead)];
    for (id, kind) in expected {
        let outcome = client.wait(id, Duration::from_secs(5)).await.unwrap().unwrap();
        assert_eq!((outcome.outcome, outcome.used_fallback), (kind, true), "{id}");
    }
    // What is not due yet nobody here can make wait: it is not accepted.
    let mut later = Job::from_json(r#"{"id":"later","booster":"noop","input":{}}"#).unwrap();
    later.run_at = Some(booster_queue::now_ms() + 3_600_000);
    let error = client.submit(later).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    fleet.redis.restart().await.unwrap();
    assert!(fleet.client.status("later").await.unwrap().is_none());
    for (id, kind) in expected {
        // Another client knows nothing but what Redis says.
        let outcome = fleet.outcome(id).await;
        assert_eq!((outcome.outcome, outcome.used_fallback), (kind, true), "{id}");
    }
    let again = fleet.client.submit_many(jobs, None, false).await.unwrap();
    assert!(again.iter().all(|answer| !answer.accepted), "{again:?}");
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!((counts.done, counts.dead, counts.depth.dead), (1, 1, 1));
    fleet.stop().await;
}

/// A regular agent in two lines: it answers with the length of what it was given.
fn agent(dir: &Path) -> String {
    let path = dir.join("agent.sh");
    std::fs::write(&path, "job=$(cat)\nprintf '{\"seen\":%d}' ${#job}\n").unwrap();
    format!("sh {}", path.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_hands_jobs_to_a_regular_agent() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    fleet.redis.kill().await;
    let settings = serde_json::json!({
        "redis": { "submitTimeout": 300 },
        "booster": { "degrade": "agent", "agentCommand": agent(fleet.dir.path()) },
    });
    let file = fleet.dir.path().join("settings.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let file = file.display().to_string();
    let job = r#"{"id":"asked","booster":"apply","input":{"code":"a","edit":"b"}}"#;
    let output = fleet.booster(&["--config", &file, "submit", "-", "--wait", "--json"], job).await;
    assert_eq!(output.status, 0, "{}", output.stderr);
    assert!(
        output.stderr.contains("1 outcomes of jobs run here have not been reported"),
        "{}",
        output.stderr
    );
    let outcome = &output.json()[0];
    assert_eq!((&outcome["usedFallback"], &outcome["booster"]), (&true.into(), &"agent".into()));
    assert!(outcome["output"]["seen"].as_u64().unwrap() >= job.len() as u64 - 2);
    fleet.redis.restart().await.unwrap();
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_producer_left_behind_is_reported_by_a_worker() {
    let dir = tempfile::tempdir().unwrap();
    let spool = dir.path().join("spool").display().to_string();
    let mut fleet = Fleet::start(0, Boosters::Small, |config| config.redis.spool_dir = spool.clone()).await;
    fleet.redis.kill().await;
    let settings = serde_json::json!({
        "redis": { "submitTimeout": 300, "spoolDir": spool },
        "booster": { "degrade": "agent", "agentCommand": agent(fleet.dir.path()) },
    });
    let file = fleet.dir.path().join("settings.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let file = file.display().to_string();
    let job = r#"{"id":"left","booster":"noop","input":{}}"#;
    let output = fleet.booster(&["--config", &file, "submit", "-", "--json"], job).await;
    assert_eq!(output.status, 0, "{}", output.stderr);
    fleet.redis.restart().await.unwrap();
    fleet.spawn(&[]);
    let outcome = fleet.outcome("left").await;
    assert_eq!((outcome.outcome, outcome.used_fallback), (OutcomeKind::Done, true));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_not_named_is_asked_for() {
    let settings = r#"{"booster":{"degrade":"agent"}}"#;
    let output = run("booster", &["--config", "/dev/stdin", "queues"], settings).await;
    assert_eq!(output.status, 2, "{}", output.stderr);
    assert!(output.stderr.contains("booster.agentCommand"), "{}", output.stderr);
}
