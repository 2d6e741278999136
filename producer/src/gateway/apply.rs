//! Drop-in for agent-booster's server: one edit, or several.
//!
//! Who asks waits, so these jobs take the queue `high`. A refusal has no `output`: agent-booster's server answers with
//! the code as it was, which looks like a result.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use booster_core::outcome::JobOutcome;
use booster_core::{Job, Priority};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Gateway;
use super::auth::Caller;
use super::extract::{Preferences, Text};
use super::jobs::MAX_JOBS;
use super::problem::Problem;
use crate::error::ClientError;

/// The booster that does edits, where the request names none.
pub(super) const BOOSTER: &str = "apply";
/// Seconds that are waited for an outcome, where the request does not say.
const WAIT_S: u64 = 60;

/// An edit to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Edit {
    /// The file as it is.
    pub(super) code: String,
    /// What to change: a definition, code with markers, blocks, a diff or a patch.
    pub(super) edit: String,
    /// The language; the code or `path` shows it when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<String>,
    /// The file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    /// The form of the edit; the edit shows it when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<String>,
    /// Least confidence, below which the edit is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub(super) min_confidence: Option<f64>,
}

impl Edit {
    fn job(&self, booster: &str) -> Result<Job, Problem> {
        // Texts and one number: serialising them cannot fail.
        let input = serde_json::to_string(self).unwrap_or_default();
        let mut job = Job::new(booster, &input).map_err(ClientError::from)?;
        job.priority = Priority::High;
        Ok(job)
    }
}

/// Estimated tokens.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(super) struct Tokens {
    #[serde(default)]
    pub(super) input: u64,
    #[serde(default)]
    pub(super) output: u64,
}

/// What an edit came to.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Applied {
    /// Whether the edit was made.
    pub(super) success: bool,
    /// The whole new file; only with success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<String>,
    /// Why it was not made: a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// Definitions that the edit may have meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    pub(super) candidates: Option<Box<RawValue>>,
    /// The share of results with this confidence or more that are right; 0 without success.
    pub(super) confidence: f64,
    /// How the edit was made; `failed` without success.
    pub(super) strategy: String,
    /// The language that the code was read as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<String>,
    pub(super) tokens: Tokens,
    /// The changes as byte ranges of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    pub(super) edits: Option<Box<RawValue>>,
    /// The changes as a unified diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diff: Option<String>,
    /// Time in the sandbox, milliseconds.
    pub(super) latency: f64,
    /// The job's id.
    pub(super) id: String,
    /// The booster's refusal as it is.
    #[serde(skip)]
    pub(super) refusal: Option<Box<RawValue>>,
}

/// A booster's answer, as far as it is passed on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    output: Option<String>,
    success: Option<bool>,
    reason: Option<String>,
    message: Option<String>,
    candidates: Option<Box<RawValue>>,
    confidence: Option<f64>,
    strategy: Option<String>,
    language: Option<String>,
    tokens: Option<Tokens>,
    edits: Option<Box<RawValue>>,
    diff: Option<String>,
}

impl From<JobOutcome> for Applied {
    fn from(outcome: JobOutcome) -> Self {
        let of = |json: &Option<Box<RawValue>>| {
            json.as_ref().and_then(|json| serde_json::from_str::<Answer>(json.get()).ok()).unwrap_or_default()
        };
        let done = of(&outcome.output);
        let mut applied = match (done.output, done.success.unwrap_or(true)) {
            (Some(output), true) => Self {
                success: true,
                output: Some(output),
                confidence: done.confidence.unwrap_or(0.0),
                strategy: done.strategy.unwrap_or_default(),
                language: done.language,
                tokens: done.tokens.unwrap_or_default(),
                edits: done.edits,
                diff: done.diff,
                ..Self::default()
            },
            _ => {
                let refused = of(&outcome.refusal);
                let error = outcome.error.map(|error| (error.code, error.message));
                let (code, message) =
                    error.unwrap_or_else(|| (outcome.outcome.as_str().into(), String::new()));
                Self {
                    candidates: refused.candidates,
                    refusal: outcome.refusal,
                    ..Self::failed(refused.reason.unwrap_or(code), refused.message.unwrap_or(message))
                }
            }
        };
        (applied.latency, applied.id) = (outcome.latency_ms, outcome.id);
        applied
    }
}

impl Applied {
    fn failed(reason: String, message: String) -> Self {
        Self {
            reason: Some(reason),
            message: Some(message).filter(|message| !message.is_empty()),
            strategy: "failed".into(),
            ..Self::default()
        }
    }

    /// There is no outcome yet.
    fn pending(id: String) -> Self {
        let message = format!("no outcome in time; GET /v1/jobs/{id} will have it");
        Self { id, ..Self::failed("outcome_pending".into(), message) }
    }
}

/// Makes one edit.
///
/// A refusal is an answer too: `success` is false, `reason` says why, and there is no `output`. `Prefer: wait=S` says how
/// long to wait for the outcome, a minute without it.
#[utoipa::path(post, path = "/v1/apply", operation_id = "apply", tag = "drop-in", request_body = Edit,
    params(("Prefer" = Option<String>, Header, description = "`wait=S` (RFC 7240)")),
    responses((status = 200, body = Applied),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn apply(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    headers: HeaderMap,
    body: Text,
) -> Result<Json<Applied>, Problem> {
    let edit: Edit = body.json()?;
    Ok(Json(gateway.edit(&caller, BOOSTER, &edit, wait_of(&headers)).await?))
}

/// How long a request wants to wait for its outcome.
pub(super) fn wait_of(headers: &HeaderMap) -> Duration {
    Duration::from_secs(Preferences::of(headers).wait.unwrap_or(WAIT_S))
}

impl Gateway {
    /// Has one edit made.
    pub(super) async fn edit(
        &self,
        caller: &Caller,
        booster: &str,
        edit: &Edit,
        wait: Duration,
    ) -> Result<Applied, Problem> {
        let _waiting = self.limits.wait()?;
        let job = edit.job(booster)?;
        let queue = job.priority.as_str();
        let ids = self.submit(caller, vec![job], true).await?;
        let id = ids.into_iter().next().map(|(id, _)| id).unwrap_or_default();
        match self.wait(Some(queue), &id, wait).await? {
            Some(outcome) => Ok(outcome.into()),
            None => {
                let detail = Applied::pending(id).message.unwrap_or_default();
                Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "outcome_pending", detail))
            }
        }
    }
}

/// Several edits.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Batch {
    /// 1 to 1000 edits.
    #[schema(min_items = 1, max_items = 1000)]
    requests: Vec<Edit>,
}

/// What several edits came to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BatchApplied {
    /// In the order of the requests.
    results: Vec<Applied>,
    total: usize,
    successful: usize,
}

/// Makes several edits at the same time, each by itself.
#[utoipa::path(post, path = "/v1/batch", operation_id = "applyBatch", tag = "drop-in", request_body = Batch,
    params(("Prefer" = Option<String>, Header, description = "`wait=S` (RFC 7240)")),
    responses((status = 200, body = BatchApplied),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn batch(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    headers: HeaderMap,
    body: Text,
) -> Result<Json<BatchApplied>, Problem> {
    let Batch { requests } = body.json()?;
    if requests.is_empty() || requests.len() > MAX_JOBS {
        let detail = format!("{} edits; a request takes 1 to {MAX_JOBS}", requests.len());
        return Err(Problem::usage("requests", detail));
    }
    let _waiting = gateway.limits.wait()?;
    let jobs = requests.iter().map(|edit| edit.job(BOOSTER)).collect::<Result<_, _>>()?;
    let submitted = gateway.submit(&caller, jobs, true).await?;
    let ids: Vec<String> = submitted.into_iter().map(|(id, _)| id).collect();
    let mut outcomes = HashMap::with_capacity(ids.len());
    let waiting = gateway.client.wait_each(ids.clone(), wait_of(&headers), |outcome: JobOutcome| {
        outcomes.insert(outcome.id.clone(), outcome);
    });
    tokio::select! {
        missing = waiting => drop(missing?),
        () = gateway.stopping() => {}
    }
    let result = |id: String| outcomes.remove(&id).map_or_else(|| Applied::pending(id), Applied::from);
    let results: Vec<Applied> = ids.into_iter().map(result).collect();
    let successful = results.iter().filter(|result| result.success).count();
    Ok(Json(BatchApplied { total: results.len(), successful, results }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(json: &str) -> Applied {
        serde_json::from_str::<JobOutcome>(json).unwrap().into()
    }

    #[test]
    fn only_success_has_an_output() {
        let done =
            applied(r#"{"id":"a","outcome":"done","output":{"output":"x","success":true,"confidence":0.9}}"#);
        assert_eq!((done.success, done.output.as_deref(), done.confidence), (true, Some("x"), 0.9));
        for (outcome, reason) in [
            (
                r#"{"id":"a","outcome":"refused","refusal":{"reason":"ambiguous","message":"two"}}"#,
                "ambiguous",
            ),
            (r#"{"id":"a","outcome":"refused","refusal":"no"}"#, "refused"),
            (r#"{"id":"a","outcome":"dead","error":{"code":"timeout","message":"slow"}}"#, "timeout"),
            (r#"{"id":"a","outcome":"cancelled"}"#, "cancelled"),
            (r#"{"id":"a","outcome":"done","output":{"output":"x","success":false}}"#, "done"),
            (r#"{"id":"a","outcome":"done","output":7}"#, "done"),
        ] {
            let failed = applied(outcome);
            assert_eq!((failed.success, failed.output), (false, None), "{outcome}");
            assert_eq!(failed.reason.as_deref(), Some(reason), "{outcome}");
        }
    }
}
