//! What to do about an error, where its own text does not say it.

use booster_queue::QueueError;

use crate::error::ClientError;

/// The next step after an error.
pub(crate) fn after(error: &ClientError) -> Option<&'static str> {
    let ClientError::Queue(error) = error else { return None };
    match error {
        QueueError::Unreachable { .. } => {
            Some("start a fleet with `booster up`, or name the Redis of one with --redis-url or in REDIS_URL")
        }
        QueueError::Full { .. } => Some("`booster queues` shows the backlog; more workers drain it faster"),
        QueueError::Refused { passing: true, .. } => Some("this passes; try again in a moment"),
        QueueError::Refused { passing: false, .. } => {
            Some("see `docs/operations.md` for the Redis version, settings and rights that a fleet needs")
        }
        _ => None,
    }
}

/// That nobody knows a job.
pub(crate) fn unknown_job(id: &str) {
    eprintln!(
        "booster: no job with the id `{id}` is known; jobs that have ended are forgotten after redis.ttl seconds"
    );
}

/// That no dead job has this id.
pub(crate) fn unknown_dead(id: &str) {
    eprintln!("booster: no dead job with the id `{id}` is known; `booster dead list` shows those there are");
}
