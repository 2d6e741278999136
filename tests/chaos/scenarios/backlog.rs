//! Many jobs at once: backlogs, jobs due at the same moment, jobs that all fail.

use std::time::Duration;

use booster_core::Job;
use booster_queue::now_ms;
use booster_tests::servers::Server;
use redis::Pipeline;
use tokio::time::Instant;

use crate::Trouble;
use crate::load::alike;
use crate::site::{Site, Stage};

/// Entries of one plain addition.
const PIPELINE: usize = 2_000;

/// Scenario 6.
pub(crate) async fn all(mut stage: Stage) -> Result<(), Trouble> {
    waiting(&mut stage, 9_000).await?;
    waiting(&mut stage, 100_000).await?;
    plainly_added(&mut stage, 1_000_000).await?;
    due_at_once(&mut stage, 50_000).await?;
    failing_at_once(&mut stage, 20_000).await
}

/// A backlog sent by the client before there is any worker.
async fn waiting(stage: &mut Stage, own: usize) -> Result<(), Trouble> {
    let count = stage.jobs(own);
    let server = Server::start(&[]).await?;
    let site = Site::on(&server.redis, |_| {})?;
    let jobs = alike(&Job::new("noop", "{}")?, &stage.prefix(&own.to_string()), count);
    site.submitter().feed(jobs, Duration::ZERO).await?;
    work_off(stage, site, &format!("{own} waiting")).await
}

/// A backlog added by plain `XADD`, as any Redis client may do it.
async fn plainly_added(stage: &mut Stage, own: usize) -> Result<(), Trouble> {
    let count = stage.jobs(own);
    let server = Server::start(&[]).await?;
    let site = Site::on(&server.redis, |_| {})?;
    let mut redis = redis::Client::open(server.redis.url())?.get_multiplexed_async_connection().await?;
    let prefix = stage.prefix("plain");
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(PIPELINE) {
        let ids: Vec<String> = chunk.iter().map(|number| format!("{prefix}-{number}")).collect();
        let mut pipeline = Pipeline::with_capacity(chunk.len());
        for id in &ids {
            let job = format!(r#"{{"id":"{id}","booster":"noop","input":{{}}}}"#);
            pipeline.cmd("XADD").arg("swarm:phase-5:{normal}:jobs").arg("*").arg("job").arg(job).ignore();
        }
        let () = pipeline.query_async(&mut redis).await?;
        site.submitter().ledger.accepted(ids.iter().map(String::as_str))?;
    }
    work_off(stage, site, &format!("{own} plainly added")).await
}

/// Delayed jobs that are all due at the same millisecond.
async fn due_at_once(stage: &mut Stage, own: usize) -> Result<(), Trouble> {
    let count = stage.jobs(own);
    let server = Server::start(&[]).await?;
    let mut site = Site::on(&server.redis, |_| {})?;
    site.staff(2).await?;
    let mut job = Job::new("noop", "{}")?;
    let due = now_ms() + 5_000 + count as u64 / 10;
    job.run_at = Some(due);
    let jobs = alike(&job, &stage.prefix("due"), count);
    site.submitter().feed(jobs, Duration::ZERO).await?;
    let early = count as u64 - site.books().left().await?.delayed;
    if now_ms() < due && early > 0 {
        stage.report().fault(format!("{early} delayed jobs did not wait for their time"));
    }
    site.close(stage, &format!("{own} due at once")).await
}

/// Jobs that all fail and are tried again.
async fn failing_at_once(stage: &mut Stage, own: usize) -> Result<(), Trouble> {
    let count = stage.jobs(own);
    let server = Server::start(&[]).await?;
    let site = Site::on(&server.redis, |_| {})?;
    let mut job = Job::new("faulty", r#"{"do":"panic"}"#)?;
    job.max_retries = Some(1);
    let jobs = alike(&job, &stage.prefix("fail"), count);
    site.submitter().feed(jobs, Duration::ZERO).await?;
    work_off(stage, site, &format!("{own} failing")).await
}

/// Has two workers do all that waits, and notes how long it takes them.
async fn work_off(stage: &mut Stage, mut site: Site, part: &str) -> Result<(), Trouble> {
    let begin = Instant::now();
    site.staff(2).await?;
    site.settle().await;
    let seconds = begin.elapsed().as_secs_f64();
    stage.report().figure(format!("{part} took"), format!("{seconds:.1} s"));
    site.close(stage, part).await
}
