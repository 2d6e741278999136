//! Machines die, Redis restarts: nothing accepted is lost and no outcome is stored twice.

use std::time::Duration;

use booster_core::{Job, OutcomeKind};
use booster_tests::proxy::{Proxy, Side};
use booster_tests::{Boosters, Fleet, LIMIT, eventually, within};
use rustix::process::Signal;
use tokio::time::Instant;

fn work(id: usize, steps: u64) -> Job {
    let mut job = Job::new("faulty", &format!(r#"{{"do":"work","times":{steps}}}"#)).unwrap();
    job.id = Some(format!("work-{id}"));
    job
}

/// Submits 600 jobs and waits until some of them are done; returns their ids.
async fn work_under_way(fleet: &Fleet) -> Vec<String> {
    let jobs: Vec<Job> = (0..600).map(|id| work(id, 3_000_000)).collect();
    let ids: Vec<String> = jobs.iter().map(|job| job.id.clone().unwrap()).collect();
    fleet.client.submit_many(jobs, None, true).await.unwrap();
    eventually("work has begun", || async {
        (fleet.client.queue("normal").counts().await.unwrap().done > 50).then_some(())
    })
    .await;
    ids
}

/// Every id has one outcome, the counters say the same, and nothing is left over.
async fn balance(fleet: &Fleet, ids: Vec<String>) {
    let total = ids.len() as u64;
    let outcomes = fleet.outcomes(ids).await;
    assert_eq!(outcomes.len() as u64, total);
    assert!(
        outcomes.iter().all(|outcome| outcome.outcome == OutcomeKind::Done),
        "all jobs of this test can be done"
    );
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!(counts.done, total, "an outcome was stored twice");
    eventually("nothing is left in the queue", || async {
        let depth = fleet.client.queue("normal").depth().await.unwrap();
        (depth.waiting + depth.running + depth.delayed == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_the_middle_loses_nothing() {
    let mut fleet = Fleet::start(2, Boosters::Small, |_| {}).await;
    let ids = work_under_way(&fleet).await;
    fleet.workers[0].kill().await;
    balance(&fleet, ids).await;
    fleet.workers.remove(0);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_workers_jobs_run_elsewhere_within_ten_seconds_on_an_idle_queue() {
    let mut fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    // Two jobs that never end by themselves fill the worker's two slots.
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(
            fleet
                .submit(r#"{"booster":"faulty","input":{"do":"loop"},"timeoutMs":3000,"maxRetries":0}"#)
                .await,
        );
    }
    eventually("both run", || async {
        (fleet.client.queue("normal").depth().await.unwrap().running == 2).then_some(())
    })
    .await;
    let dead_worker = fleet.client.status(&ids[0]).await.unwrap().unwrap().worker;
    fleet.spawn(&[]);
    fleet.ready().await;
    fleet.workers[0].kill().await;
    let killed = Instant::now();
    // No new traffic from here on. Jobs that crashed a worker run alone, one after the other.
    within(Duration::from_secs(10), "one of the jobs has started on the other worker", || async {
        for id in &ids {
            let record = fleet.client.status(id).await.unwrap().unwrap();
            if record.worker != dead_worker && !record.worker.is_empty() {
                return Some(());
            }
        }
        None
    })
    .await;
    eprintln!("it took {:?}", killed.elapsed());
    for outcome in fleet.outcomes(ids).await {
        assert_eq!((outcome.outcome, outcome.crashes), (OutcomeKind::Dead, 1));
        assert_eq!(outcome.error.unwrap().code, "timeout");
    }
    fleet.workers.remove(0);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_redis_loses_nothing_and_no_worker_exits() {
    let mut fleet = Fleet::start(2, Boosters::Small, |_| {}).await;
    // The file is written before a command is answered, so that what was accepted survives.
    let _: String = fleet.redis(&["CONFIG", "SET", "appendfsync", "always"]).await;
    let ids = work_under_way(&fleet).await;
    fleet.redis.kill().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    fleet.redis.restart().await.unwrap();
    balance(&fleet, ids).await;
    for worker in &mut fleet.workers {
        assert!(worker.is_running(), "a worker ended with Redis");
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_starts_before_redis_waits_for_it() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    fleet.redis.kill().await;
    fleet.spawn(&[]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let url = format!("http://{}/readyz", fleet.workers[0].listen());
    let before = reqwest::get(&url).await.unwrap().status().as_u16();
    fleet.redis.restart().await.unwrap();
    fleet.ready().await;
    eventually("it is ready", || async {
        reqwest::get(&url).await.unwrap().status().is_success().then_some(())
    })
    .await;
    assert_eq!(before, 503);
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(fleet.outcome(&id).await.outcome, OutcomeKind::Done);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_what_runs_and_hands_back_the_rest_at_once() {
    let mut fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    // Each runs for about three seconds, and only two at a time: most are fetched but not started.
    let mut jobs = Vec::new();
    for id in 0..6 {
        let mut job = Job::new("faulty", r#"{"do":"loop"}"#).unwrap();
        job.id = Some(format!("loop-{id}"));
        (job.timeout_ms, job.max_retries) = (Some(3000), Some(0));
        jobs.push(job);
    }
    let ids: Vec<String> = jobs.iter().map(|job| job.id.clone().unwrap()).collect();
    fleet.client.submit_many(jobs, None, true).await.unwrap();
    eventually("two run and more are fetched", || async {
        let slots = fleet.client.pool().await.unwrap();
        let busy = slots.iter().filter(|(_, fields)| fields["status"] == "busy").count();
        let held = fleet.client.queue("normal").depth().await.unwrap().running;
        (busy == 2 && held >= 3).then_some(())
    })
    .await;
    let leaving = fleet.workers.remove(0);
    leaving.signal(Signal::TERM);
    within(Duration::from_secs(2), "what had not started is waiting again", || async {
        (fleet.client.queue("normal").depth().await.unwrap().waiting >= 3).then_some(())
    })
    .await;
    assert_eq!(leaving.wait(LIMIT).await, Some(0));
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert!((1..=4).contains(&counts.dead) && counts.depth.running == 0, "{counts:?}");
    fleet.spawn(&[]);
    fleet.ready().await;
    for outcome in fleet.outcomes(ids).await {
        assert_eq!((outcome.outcome, outcome.crashes), (OutcomeKind::Dead, 0), "handing back is no crash");
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_leaves_at_once_under_load_and_strands_nothing() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let jobs: Vec<Job> = (0..50_000).map(|_| Job::new("noop", "{}").unwrap()).collect();
    fleet.client.submit_many(jobs, None, false).await.unwrap();
    for _ in 0..4 {
        let before = fleet.client.queue("normal").counts().await.unwrap().done;
        fleet.spawn(&[]);
        eventually("it works", || async {
            (fleet.client.queue("normal").counts().await.unwrap().done > before + 500).then_some(())
        })
        .await;
        let worker = fleet.workers.pop().unwrap();
        let begin = Instant::now();
        assert_eq!(worker.stop(LIMIT).await, Some(0));
        assert!(begin.elapsed() < Duration::from_secs(20), "less than the drain time: {:?}", begin.elapsed());
        let depth = fleet.client.queue("normal").depth().await.unwrap();
        assert_eq!(depth.running, 0, "what it held is waiting again: {depth:?}");
    }
    fleet.redis.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_still_runs_when_the_drain_time_is_over_goes_back_and_is_no_crash() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let id =
        fleet.submit(r#"{"booster":"faulty","input":{"do":"loop"},"timeoutMs":60000,"maxRetries":0}"#).await;
    for _ in 0..3 {
        fleet.spawn(&["--drain", "1"]);
        eventually("it runs", || async {
            let slots = fleet.client.pool().await.unwrap();
            slots.iter().any(|(_, fields)| fields["status"] == "busy").then_some(())
        })
        .await;
        assert_eq!(fleet.workers.pop().unwrap().stop(LIMIT).await, Some(0));
        assert_eq!(fleet.client.status(&id).await.unwrap().unwrap().state, "waiting");
    }
    let line: String = fleet.redis(&["HGET", "swarm:phase-5:{normal}:live", &id]).await;
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!((words[0], words[6], words[7]), ("waiting", "0", "0"), "handing back is no crash");
    fleet.redis.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_stay_open_and_answer_nothing_are_given_up() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let target = fleet.redis.url().trim_start_matches("redis://").parse().unwrap();
    let proxy = Proxy::open(target).await.unwrap();
    fleet.config.redis.url = proxy.url();
    fleet.client = booster_producer::Client::connect(fleet.config.clone()).unwrap();
    fleet.spawn(&[]);
    fleet.ready().await;
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    fleet.outcome(&id).await;
    // As behind a load balancer whose server is gone: client and worker see their connections open.
    proxy.cut(Side::Server);
    let job = Job::from_json(r#"{"id":"after","booster":"noop","input":{}}"#).unwrap();
    eventually("the client has a connection that answers", || async {
        fleet.client.submit(job.clone()).await.ok()
    })
    .await;
    assert_eq!(fleet.outcome("after").await.outcome, OutcomeKind::Done);
    fleet.stop().await;
}
