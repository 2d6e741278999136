//! What an agent may ask of a fleet: submit a job, look at it, look at the pool.

use std::time::Duration;

use booster_core::Job;
use rmcp::model::CallToolResult;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::Failure;
use crate::client::Client;
use crate::error::ClientError;
use crate::gateway::MAX_WAIT_S;
use crate::views::{JobStatus, PoolView, QueueView};

/// A job to submit.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all(serialize = "camelCase"))]
pub(crate) struct Submit {
    /// The booster, as name or name@version, such as "apply"; or name a capability instead
    #[serde(default, skip_serializing_if = "Option::is_none")]
    booster: Option<String>,
    /// A capability, such as "code-optimization": the first booster that declares it gets the job
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capability: Option<String>,
    /// What the booster gets, such as {"code", "edit", "language"} for "apply"
    input: Value,
    /// The job's id; a second job with the same id is a no-op. One is made when absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// "high", "normal" or "low"
    #[serde(default, skip_serializing_if = "Option::is_none")]
    priority: Option<String>,
    /// Deadline of one attempt, milliseconds
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    /// Retries of a failed attempt
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_retries: Option<u32>,
    /// On whose behalf
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// Seconds to wait for the outcome, at most 300; 0 or absent: do not wait
    #[serde(default, skip_serializing)]
    #[schemars(range(max = 300))]
    wait_seconds: u64,
}

/// Which job, and how long to wait for its outcome.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    /// The job's id
    id: String,
    /// Seconds to wait for the outcome, at most 300; 0 or absent: do not wait
    #[serde(default)]
    #[schemars(range(max = 300))]
    wait_seconds: u64,
}

/// Submits a job; with a wait its state and outcome, else what was accepted.
pub(crate) async fn submit(client: &Client, submit: &Submit) -> Result<CallToolResult, Failure> {
    let wait = limit(submit.wait_seconds)?;
    // Written out and read again, so that a job from here is checked as any other.
    let text = serde_json::to_string(submit).map_err(|error| ClientError::usage("job", error))?;
    let job =
        Job::from_json_limited(&text, client.config().redis.max_job_bytes).map_err(ClientError::from)?;
    let queue = job.priority.as_str();
    let submitted = client.submit_many(vec![job], None, !wait.is_zero()).await?.pop();
    let submitted = submitted.ok_or_else(|| ClientError::machine("submit", "no answer"))?;
    if wait.is_zero() {
        let answer = json!({ "id": submitted.id, "queue": queue, "accepted": submitted.accepted });
        return Ok(CallToolResult::structured(answer));
    }
    known(client, &submitted.id, wait).await
}

/// What is known of a job.
pub(crate) async fn status(client: &Client, status: &Status) -> Result<CallToolResult, Failure> {
    known(client, &status.id, limit(status.wait_seconds)?).await
}

async fn known(client: &Client, id: &str, wait: Duration) -> Result<CallToolResult, Failure> {
    let unknown = || Failure::new("job_unknown", format!("no job with the id `{id}` is known"));
    let mut record = client.status(id).await?.ok_or_else(unknown)?;
    if record.outcome.is_none() && !wait.is_zero() {
        client.wait(id, wait).await?;
        record = client.status(id).await?.ok_or_else(unknown)?;
    }
    let view = serde_json::to_value(JobStatus::new(id, &record));
    view.map(CallToolResult::structured)
        .map_err(|error| ClientError::machine("the job's record", error).into())
}

/// The queues and slots of the fleet.
pub(crate) async fn pool(client: &Client) -> Result<CallToolResult, Failure> {
    let queues = QueueView::all(client).await?;
    let PoolView { workers, slots } = PoolView::of(client).await?;
    Ok(CallToolResult::structured(json!({ "queues": queues, "workers": workers, "slots": slots })))
}

fn limit(seconds: u64) -> Result<Duration, Failure> {
    if seconds > MAX_WAIT_S {
        let detail = format!("expected 0 to {MAX_WAIT_S}");
        return Err(ClientError::usage(format!("wait_seconds {seconds}"), detail).into());
    }
    Ok(Duration::from_secs(seconds))
}
