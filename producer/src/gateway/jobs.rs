//! Jobs: submit, get, cancel, retry.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use booster_core::job::MAX_NAME_BYTES;
use booster_core::outcome::JobOutcome;
use booster_core::{Job, OutcomeKind};
use booster_queue::{Cancellation, Record};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::Gateway;
use super::auth::Caller;
use super::extract::{Asked, Named, Preferences, Text, wait_seconds};
use super::problem::Problem;
use crate::trace;

/// Most jobs of one request.
pub(super) const MAX_JOBS: usize = 1000;

/// How a job is or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum JobState {
    Waiting,
    Delayed,
    Running,
    Done,
    Refused,
    Dead,
    Cancelled,
}

impl JobState {
    /// All.
    const ALL: [Self; 7] =
        [Self::Waiting, Self::Delayed, Self::Running, Self::Done, Self::Refused, Self::Dead, Self::Cancelled];

    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delayed => "delayed",
            Self::Running => "running",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state that records and events call so. A job that is parked behind others of its tenant waits.
    pub(super) fn named(word: &str) -> Option<Self> {
        let word = if word == "parked" { "waiting" } else { word };
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A job as it is submitted. Fields that are not listed are kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Job)]
#[allow(dead_code, reason = "the form of `booster_core::Job`, for the OpenAPI document alone")]
pub(super) struct JobForm {
    /// A booster's name, or `name@version`; or else `capability`.
    #[schema(example = "apply")]
    booster: Option<String>,
    /// Instead of `booster`: what it has to be able to do.
    capability: Option<String>,
    /// What the booster gets: any JSON but `null`.
    #[schema(value_type = serde_json::Value, required = true)]
    input: serde_json::Value,
    /// 1 to 128 characters of `A-Z a-z 0-9 . _ : -`; made when absent.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._:-]+$")]
    id: Option<String>,
    /// `high`, `normal` (when absent) or `low`: the queue.
    priority: Option<Priority>,
    /// Deadline of one attempt in milliseconds.
    #[schema(minimum = 1, maximum = 3_600_000)]
    timeout_ms: Option<u64>,
    /// Retries of a failed attempt.
    #[schema(minimum = 0, maximum = 100)]
    max_retries: Option<u32>,
    /// Earliest start, Unix milliseconds.
    run_at: Option<u64>,
    /// A second job with the same key and tenant is the same job.
    #[schema(min_length = 1, max_length = 128)]
    idempotency_key: Option<String>,
    /// On whose behalf. The tenant of an API key stands in place of it.
    #[schema(min_length = 1, max_length = 128)]
    tenant: Option<String>,
    /// Who asked; repeated in the job's events.
    #[schema(min_length = 1, max_length = 128)]
    agent_id: Option<String>,
    /// Whether an outcome of the same module for the same input may stand for a run, and this one for later ones.
    cache: Option<bool>,
    /// W3C trace context.
    #[schema(min_length = 1, max_length = 128)]
    traceparent: Option<String>,
    /// Free for the producer.
    meta: Option<serde_json::Value>,
    /// Version of this form.
    #[schema(minimum = 1, maximum = 1)]
    v: Option<u32>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "as `JobForm`")]
pub(super) enum Priority {
    High,
    Normal,
    Low,
}

/// One job or several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "as `JobForm`")]
pub(super) enum Jobs {
    One(Box<JobForm>),
    /// 1 to 1000.
    Many(Vec<JobForm>),
}

/// One job's answer to a submit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    id: String,
    queue: &'static str,
    /// `false` when a job with this id was there already: nothing was added.
    accepted: bool,
    /// What was ignored of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

/// The answers to several, in the order of the jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ManyAccepted {
    jobs: Vec<Accepted>,
}

/// The answer to one job or to several.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Submission {
    One(Accepted),
    Many(ManyAccepted),
}

/// How a job ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    id: String,
    #[schema(value_type = Ended)]
    outcome: &'static str,
    /// The booster's output, with `done`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    output: Option<Box<RawValue>>,
    /// The booster's reason, with `refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    refusal: Option<Box<RawValue>>,
    /// What went wrong, with `dead`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    /// The cause of a death: the code of `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// Failed attempts.
    attempts: u32,
    /// Attempts that took their worker with them.
    crashes: u32,
    /// Time of the last attempt in the sandbox, milliseconds.
    latency_ms: f64,
    /// Time from enqueueing to the last attempt's start, milliseconds.
    wait_ms: u64,
    /// The worker that settled it.
    worker: String,
    /// The booster that ran, as `name@version`; empty when none did.
    booster: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// When it was accepted, Unix milliseconds.
    enqueued_at: u64,
    /// When it ended, Unix milliseconds.
    finished_at: u64,
    /// Whether something other than a worker did it.
    used_fallback: bool,
    /// Whether it is that of an earlier job with the same module and input.
    cached: bool,
}

/// How a job ended.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "the words of `booster_core::OutcomeKind`, for the OpenAPI document alone")]
enum Ended {
    Done,
    Refused,
    Dead,
    Cancelled,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Failure {
    /// A stable code.
    code: String,
    message: String,
}

impl From<JobOutcome> for Outcome {
    fn from(outcome: JobOutcome) -> Self {
        Self {
            id: outcome.id,
            outcome: outcome.outcome.as_str(),
            output: outcome.output,
            refusal: outcome.refusal,
            cause: outcome.error.as_ref().map(|error| error.code.clone()),
            error: outcome.error.map(|error| Failure { code: error.code, message: error.message }),
            attempts: outcome.attempts,
            crashes: outcome.crashes,
            latency_ms: outcome.latency_ms,
            wait_ms: outcome.wait_ms,
            worker: outcome.worker,
            booster: outcome.booster,
            tenant: outcome.tenant,
            enqueued_at: outcome.enqueued_at,
            finished_at: outcome.finished_at,
            used_fallback: outcome.used_fallback,
            cached: outcome.cached,
        }
    }
}

/// What is told of a job.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobView {
    id: String,
    queue: String,
    state: JobState,
    /// When it was accepted, Unix milliseconds.
    enqueued_at: u64,
    /// Failed attempts so far.
    attempts: u32,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// The job itself, when it was asked for and is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<JobForm>)]
    job: Option<Box<RawValue>>,
}

impl JobView {
    pub(super) fn new(id: String, record: Record, text: Option<String>) -> Self {
        Self {
            id,
            queue: record.queue,
            // Other words are not written by any version.
            state: JobState::named(&record.state).unwrap_or(JobState::Waiting),
            enqueued_at: record.enqueued_at,
            attempts: record.attempts,
            outcome: record.outcome.map(Outcome::from),
            // A job that came as it is may be no JSON; it is dead then.
            job: text.and_then(|text| RawValue::from_string(text).ok()),
        }
    }
}

/// The query of a submit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SubmitQuery {
    /// Seconds to wait for the end of the one job.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 300)]
    wait: Option<String>,
}

/// Submits one job, or up to 1000.
///
/// With `?wait=S` or `Prefer: wait=S` one job is answered with its view when it ended in time. `Prefer: respond-async`
/// asks for an answer at once.
#[utoipa::path(post, path = "/v1/jobs", operation_id = "submitJobs", tag = "jobs", request_body = Jobs,
    params(SubmitQuery,
        ("Prefer" = Option<String>, Header, description = "`wait=S` or `respond-async` (RFC 7240)"),
        ("Idempotency-Key" = Option<String>, Header, description = "the job's `idempotencyKey`")),
    responses((status = 200, description = "It ended in time", body = JobView),
        (status = 202, description = "Accepted", body = Submission),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn submit(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Asked(query): Asked<SubmitQuery>,
    headers: HeaderMap,
    body: Text,
) -> Response {
    let request = trace::Request::begin("/v1/jobs", &headers, gateway.tls);
    let answer = accept(&gateway, &caller, &query, &headers, &body, &request).await;
    let response = answer.unwrap_or_else(IntoResponse::into_response);
    request.end(response.status());
    response
}

async fn accept(
    gateway: &Gateway,
    caller: &Caller,
    query: &SubmitQuery,
    headers: &HeaderMap,
    body: &Text,
    request: &trace::Request,
) -> Result<Response, Problem> {
    let wait = wait_asked(query.wait.as_deref(), headers)?;
    let key = idempotency_key(headers)?;
    let text = body.as_str()?;
    if text.trim_start().starts_with('[') {
        if wait.is_some() || key.is_some() {
            return Err(Problem::usage(
                "body",
                "an array of jobs; `wait` and Idempotency-Key are for one job",
            ));
        }
        let jobs = parse_many(gateway, text)?;
        let answer = Submission::Many(accept_many(gateway, caller, jobs, request).await?);
        return Ok((StatusCode::ACCEPTED, Json(answer)).into_response());
    }
    let mut job = parse_one(gateway, text)?;
    if let Some(key) = key {
        if job.idempotency_key.as_ref().is_some_and(|known| *known != key) {
            return Err(Problem::usage("Idempotency-Key", "the job has another `idempotencyKey`"));
        }
        job.idempotency_key = Some(key);
    }
    submit_one(gateway, caller, job, wait, request).await
}

async fn submit_one(
    gateway: &Gateway,
    caller: &Caller,
    mut job: Job,
    wait: Option<u64>,
    request: &trace::Request,
) -> Result<Response, Problem> {
    request.adopt(std::slice::from_mut(&mut job));
    let warning = request.warning(&job);
    let _waiting = wait.map(|_| gateway.limits.wait()).transpose()?;
    let queue = job.priority.as_str();
    let ids = gateway.submit(caller, vec![job], wait.is_some()).await?;
    let Some((id, accepted)) = ids.into_iter().next() else {
        return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "machine", "the submit has no answer"));
    };
    if let Some(seconds) = wait
        && let Some(outcome) = gateway.wait(Some(queue), &id, Duration::from_secs(seconds)).await?
    {
        // An id that was taken may be somebody else's.
        if !caller.may_see(outcome.tenant.as_deref()) {
            return Err(unknown(&id));
        }
        return Ok(
            Json(JobView::new(id, Record::of_outcome(queue.to_owned(), outcome, None), None)).into_response()
        );
    }
    let location = HeaderValue::from_str(&format!("/v1/jobs/{id}")).ok();
    let answer = Submission::One(Accepted { id, queue, accepted, warning });
    let mut response = (StatusCode::ACCEPTED, Json(answer)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn accept_many(
    gateway: &Gateway,
    caller: &Caller,
    mut jobs: Vec<Job>,
    request: &trace::Request,
) -> Result<ManyAccepted, Problem> {
    request.adopt(&mut jobs);
    let said: Vec<_> = jobs.iter().map(|job| (job.priority.as_str(), request.warning(job))).collect();
    let submitted = gateway.submit(caller, jobs, false).await?;
    let answers = submitted.into_iter().zip(said);
    let accepted =
        answers.map(|((id, accepted), (queue, warning))| Accepted { id, queue, accepted, warning });
    Ok(ManyAccepted { jobs: accepted.collect() })
}

/// How long the caller wants to wait: by the query, else by preference.
fn wait_asked(query: Option<&str>, headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let preferences = Preferences::of(headers);
    let asked = wait_seconds(query)?;
    Ok(match preferences {
        Preferences { wait: None, respond_async: true } => None,
        Preferences { wait, .. } => asked.or(wait),
    })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| (1..=MAX_NAME_BYTES).contains(&text.len()));
    text.map(|text| Some(text.to_owned()))
        .ok_or_else(|| Problem::usage("Idempotency-Key", "expected 1 to 128 bytes of text"))
}

fn parse_one(gateway: &Gateway, text: &str) -> Result<Job, Problem> {
    Job::from_json_limited(text, gateway.client.config().redis.max_job_bytes)
        .map_err(|error| crate::error::ClientError::from(error).into())
}

fn parse_many(gateway: &Gateway, text: &str) -> Result<Vec<Job>, Problem> {
    let texts: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| Problem::usage("body", format!("not a JSON array of jobs: {error}")))?;
    if texts.is_empty() || texts.len() > MAX_JOBS {
        let detail = format!("{} jobs; a request takes 1 to {MAX_JOBS}", texts.len());
        return Err(Problem::usage("body", detail));
    }
    texts.iter().map(|text| parse_one(gateway, text.get())).collect()
}

/// The query of a look at one job.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct JobQuery {
    /// Seconds to wait for its end.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 300)]
    wait: Option<String>,
    /// Whether to answer with the job itself too.
    #[serde(default)]
    input: bool,
}

/// Says what is known of a job.
#[utoipa::path(get, path = "/v1/jobs/{id}", operation_id = "getJob", tag = "jobs",
    params(("id" = String, Path, description = "the job's id"), JobQuery),
    responses((status = 200, body = JobView),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn get(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Named(id): Named,
    Asked(query): Asked<JobQuery>,
) -> Result<Json<JobView>, Problem> {
    let wait = wait_seconds(query.wait.as_deref())?;
    let _waiting = wait.map(|_| gateway.limits.wait()).transpose()?;
    let mut record = look_up(&gateway, &caller, &id).await?;
    if let Some(seconds) = wait
        && record.as_ref().is_none_or(|record| record.outcome.is_none())
    {
        let queue = record.as_ref().map(|record| record.queue.as_str());
        gateway.wait(queue, &id, Duration::from_secs(seconds)).await?;
        record = look_up(&gateway, &caller, &id).await?;
    }
    let mut record = record.ok_or_else(|| unknown(&id))?;
    let text = match (query.input, record.job.take()) {
        (false, _) => None,
        (true, None) => gateway.client.queue(&record.queue).text(&id).await?,
        (true, kept) => kept,
    };
    Ok(Json(JobView::new(id, record, text)))
}

/// What is known of a job that the caller may see.
async fn look_up(gateway: &Gateway, caller: &Caller, id: &str) -> Result<Option<Record>, Problem> {
    let Some(record) = gateway.client.status(id).await? else { return Ok(None) };
    if caller.is_operator() {
        return Ok(Some(record));
    }
    let tenant = match &record.outcome {
        Some(outcome) => outcome.tenant.clone(),
        None => {
            let text = match &record.job {
                Some(text) => Some(text.clone()),
                None => gateway.client.queue(&record.queue).text(id).await?,
            };
            text.and_then(|text| Job::from_json(&text).ok()?.tenant)
        }
    };
    Ok(Some(record).filter(|_| caller.may_see(tenant.as_deref())))
}

/// No job of this id is known, at least not to this caller.
pub(super) fn unknown(id: &str) -> Problem {
    let detail = format!("no job with the id `{id}` is known; finished jobs are kept for redis.ttl seconds");
    Problem::new(StatusCode::NOT_FOUND, "job_unknown", detail)
}

/// What became of a wish to cancel.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cancelled {
    id: String,
    cancellation: CancellationKind,
    /// How it had ended, with `ended`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<JobState>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum CancellationKind {
    /// It will not run.
    Cancelled,
    /// It runs, and its worker has been told to stop it.
    Requested,
    /// It had ended already.
    Ended,
}

/// Cancels a job.
#[utoipa::path(delete, path = "/v1/jobs/{id}", operation_id = "cancelJob", tag = "jobs",
    params(("id" = String, Path, description = "the job's id")),
    responses((status = 200, body = Cancelled),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn cancel(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Json<Cancelled>, Problem> {
    let record = look_up(&gateway, &caller, &id).await?.ok_or_else(|| unknown(&id))?;
    let (cancellation, state) = match gateway.client.queue(&record.queue).cancel(&id).await? {
        Cancellation::Unknown => return Err(unknown(&id)),
        Cancellation::Cancelled => (CancellationKind::Cancelled, None),
        Cancellation::Stopping => (CancellationKind::Requested, None),
        Cancellation::Ended(state) => (CancellationKind::Ended, JobState::named(&state)),
    };
    Ok(Json(Cancelled { id, cancellation, state }))
}

/// That a dead job waits again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Retried {
    id: String,
    retried: bool,
}

/// Lets a dead job run again.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", operation_id = "retryJob", tag = "jobs",
    params(("id" = String, Path, description = "the job's id")),
    responses((status = 202, body = Retried),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn retry(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Named(id): Named,
) -> Result<(StatusCode, Json<Retried>), Problem> {
    let record = look_up(&gateway, &caller, &id).await?.ok_or_else(|| unknown(&id))?;
    let ids = [id];
    let revived = gateway.client.queue(&record.queue).retry_dead(&ids).await?;
    let [id] = ids;
    if revived.is_empty() {
        let detail = format!("job `{id}` is {}; only a dead job whose text is kept runs again", record.state);
        return Err(Problem::new(StatusCode::CONFLICT, "job_not_dead", detail));
    }
    Ok((StatusCode::ACCEPTED, Json(Retried { id, retried: true })))
}

/// Whether a record is that of a dead job.
pub(super) fn is_dead(record: &Record) -> bool {
    record.state == OutcomeKind::Dead.as_str()
}
