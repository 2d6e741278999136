//! What the command line and the MCP server tell of a fleet, as JSON.

use booster_core::outcome::JobOutcome;
use booster_queue::Record;
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::ClientError;

/// What is known of a job. JSON of boosters stays the text it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job<'a> {
    id: &'a str,
    queue: &'a str,
    state: &'a str,
    attempts: u32,
    enqueued_at: u64,
    worker: &'a str,
    outcome: Option<&'a JobOutcome>,
}

impl<'a> Job<'a> {
    /// The view of a job's record.
    pub(crate) fn new(id: &'a str, record: &'a Record) -> Self {
        Self {
            id,
            queue: &record.queue,
            state: &record.state,
            attempts: record.attempts,
            enqueued_at: record.enqueued_at,
            worker: &record.worker,
            outcome: record.outcome.as_ref(),
        }
    }
}

/// All queues with their counts.
pub(crate) async fn queues(client: &Client) -> Result<Vec<Value>, ClientError> {
    let mut list = Vec::new();
    for queue in client.queues().await? {
        let counts = queue.counts().await?;
        let depth = counts.depth;
        list.push(json!({
            "name": queue.name(), "waiting": depth.waiting, "delayed": depth.delayed, "running": depth.running,
            "done": counts.done, "refused": counts.refused, "dead": counts.dead, "cancelled": counts.cancelled,
            "deduplicated": counts.deduplicated, "deadKept": depth.dead, "oldestAgeMs": depth.oldest_age_ms,
            "mode": queue.mode().await?.as_str(),
        }));
    }
    Ok(list)
}

/// The state hashes of all slots of living workers, each with its `boosterId`.
pub(crate) async fn slots(client: &Client) -> Result<Vec<Value>, ClientError> {
    let with_id = |(id, fields)| {
        let mut slot = json!(fields);
        slot["boosterId"] = Value::String(id);
        slot
    };
    Ok(client.pool().await?.into_iter().map(with_id).collect())
}
