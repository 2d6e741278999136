//! Faults in the books that the checker has to find, made behind the fleet's back.

use std::time::Duration;

use booster_core::Job;
use booster_queue::now_ms;
use redis::aio::MultiplexedConnection;

use crate::Trouble;
use crate::load::Submitter;

/// Which fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Plant {
    /// One accepted job's line and place are deleted.
    Loss,
    /// One job's outcome is stored a second time.
    Duplicate,
}

/// Accepts one more job and deletes all that Redis has of it. It is one that waits for a later time, so that no
/// worker can have it in its hands.
pub(crate) async fn loss(submitter: &Submitter, url: &str) -> Result<(), Trouble> {
    let id = "planted-loss";
    let mut job = Job::new("noop", "{}")?;
    job.id = Some(id.to_owned());
    job.run_at = Some(now_ms() + 3_600_000);
    submitter.clone().feed(vec![job], Duration::ZERO).await?;
    let mut redis = connect(url).await?;
    let removed: i64 =
        redis::cmd("ZREM").arg("swarm:phase-5:{normal}:delayed").arg(id).query_async(&mut redis).await?;
    let deleted: i64 =
        redis::cmd("HDEL").arg("swarm:phase-5:{normal}:live").arg(id).query_async(&mut redis).await?;
    if (removed, deleted) == (1, 1) { Ok(()) } else { Err("the loss could not be planted".into()) }
}

/// Runs one more job and stores its outcome again, as a fleet without the settle script's checks would: another
/// worker's outcome in the record, and a second announcement.
pub(crate) async fn duplicate(submitter: &Submitter, url: &str) -> Result<(), Trouble> {
    let id = "planted-duplicate";
    let mut job = Job::new("noop", "{}")?;
    job.id = Some(id.to_owned());
    submitter.clone().feed(vec![job], Duration::ZERO).await?;
    let outcome = submitter.client.wait(id, Duration::from_secs(60)).await?;
    let mut outcome = outcome.ok_or("the job of the planted duplicate did not end")?;
    outcome.worker = "another".into();
    let mut redis = connect(url).await?;
    let message = format!(
        r#"{{"type":"booster.task.completed","timestamp":{},"data":{{"jobId":"{id}","queue":"normal","booster":"noop","outcome":"done","workerId":"another","latencyMs":{}}}}}"#,
        now_ms(),
        outcome.latency_ms,
    );
    let record = format!("swarm:phase-5:{{normal}}:job:{id}");
    let () = redis::pipe()
        .cmd("SET")
        .arg(record)
        .arg(serde_json::to_string(&outcome)?)
        .ignore()
        .cmd("XADD")
        .arg("swarm:phase-5:{normal}:events")
        .arg("*")
        .arg("events")
        .arg(message)
        .ignore()
        .query_async(&mut redis)
        .await?;
    Ok(())
}

async fn connect(url: &str) -> Result<MultiplexedConnection, Trouble> {
    Ok(redis::Client::open(url)?.get_multiplexed_async_connection().await?)
}
