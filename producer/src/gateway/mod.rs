//! The HTTP gateway: submit jobs and get their outcomes, keep schedules.

mod console;
mod fallback;
mod modules;
mod problem;
mod schedules;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use booster_core::outcome::JobOutcome;
use booster_core::{Config, Job};
use booster_queue::Record;
use booster_state::{Metrics, Series, Telemetry};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::client::Client;
use crate::error::ClientError;
use crate::trace;
pub use problem::Problem;

/// Most jobs of one request.
pub const MAX_JOBS: usize = 1000;
/// Longest wait of one request, seconds.
pub const MAX_WAIT_S: u64 = 300;
/// Largest body of one request: a full job and what is around it, or many small ones.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// Requests that wait for an outcome at the same time; each holds a connection to Redis.
const MAX_WAITS: usize = 256;
/// How long open requests may take once the shutdown has begun.
const DRAIN: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Gateway {
    client: Client,
    metrics: Arc<Metrics>,
    waits: Arc<Semaphore>,
}

/// A client for the gateway that counts what it does, and its metrics.
///
/// # Errors
/// As [`Client::connect`].
pub fn counted_client(config: Config) -> Result<(Client, Arc<Metrics>), ClientError> {
    let metrics = Arc::new(Metrics::new([])?);
    metrics.set(Series::BuildInfo, &[env!("CARGO_PKG_VERSION"), booster_engine::WASMTIME_VERSION], 1.0);
    // The gateway has no pool, so the outbox of pool events stays empty.
    let (telemetry, _outbox) = Telemetry::new(Arc::clone(&metrics));
    Ok((Client::connect_observed(config, telemetry)?, metrics))
}

/// Serves until `shutdown` resolves; requests that are being answered are finished.
///
/// # Errors
/// [`ClientError::Machine`] when the listener fails.
pub async fn run(
    client: Client,
    metrics: Arc<Metrics>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ClientError> {
    let limit = MAX_BODY.max(client.config().redis.max_job_bytes + 64 * 1024);
    let router = Router::new()
        .route("/v1/jobs", post(submit))
        .route("/v1/jobs/{id}", get(job))
        .route("/v1/schedules", get(schedules::list))
        .route("/v1/schedules/{name}", get(schedules::get).put(schedules::put).delete(schedules::delete))
        .route("/v1/modules", get(modules::list))
        .route("/v1/modules/{name}/promote", post(modules::promote))
        .route("/v1/modules/{name}/rollback", post(modules::roll_back))
        .route("/v1/fallback/next", get(fallback::next))
        .route("/v1/fallback/{id}/done", post(fallback::done))
        .route("/v1/fallback/{id}/failed", post(fallback::failed))
        .route("/v1/fallback/{id}/renew", post(fallback::renew))
        .route("/healthz", get(healthz))
        .merge(console::routes())
        .route("/metrics", get(render_metrics))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(limit))
        .with_state(Gateway { client, metrics, waits: Arc::new(Semaphore::new(MAX_WAITS)) });
    let (begin, begun) = tokio::sync::oneshot::channel();
    let shutdown = async {
        shutdown.await;
        let _ = begin.send(());
    };
    let serve = axum::serve(listener, router).with_graceful_shutdown(shutdown);
    let overdue = async {
        // A shutdown that never comes leaves this waiting for ever.
        if begun.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        result = serve => result.map_err(|error| ClientError::machine("the HTTP gateway", error)),
        // A client that never finishes its request must not keep the process.
        () = overdue => Ok(()),
    }
}

/// One job's answer to a submit.
#[derive(Debug, Serialize)]
struct Accepted {
    id: String,
    queue: &'static str,
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

async fn submit(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let request = trace::Request::begin("/v1/jobs", &headers);
    let answer = match body {
        Ok(body) => accept(&gateway.client, &body, &request)
            .await
            .unwrap_or_else(|error| Problem::from(error).into_response()),
        Err(rejection) => body_unreadable(&rejection),
    };
    request.end(answer.status());
    answer
}

async fn accept(client: &Client, body: &[u8], request: &trace::Request) -> Result<Response, ClientError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| ClientError::usage("body", format!("not UTF-8: {error}")))?;
    let many = text.trim_start().starts_with('[');
    let mut jobs = if many { parse_many(client, text)? } else { vec![parse_one(client, text)?] };
    request.adopt(&mut jobs);
    let said: Vec<_> = jobs.iter().map(|job| (job.priority.as_str(), request.warning(job))).collect();
    let submitted = client.submit_many(jobs, None, false).await?;
    let mut answers: Vec<Accepted> = submitted
        .into_iter()
        .zip(said)
        .map(|(job, (queue, warning))| Accepted { id: job.id, queue, accepted: job.accepted, warning })
        .collect();
    let status = StatusCode::ACCEPTED;
    Ok(match (many, answers.pop()) {
        (false, Some(one)) => (status, Json(one)).into_response(),
        (_, last) => {
            answers.extend(last);
            (status, Json(serde_json::json!({ "jobs": answers }))).into_response()
        }
    })
}

fn parse_one(client: &Client, text: &str) -> Result<Job, ClientError> {
    Ok(Job::from_json_limited(text, client.config().redis.max_job_bytes)?)
}

fn parse_many(client: &Client, text: &str) -> Result<Vec<Job>, ClientError> {
    let texts: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|error| ClientError::usage("body", format!("not a JSON array of jobs: {error}")))?;
    if texts.is_empty() || texts.len() > MAX_JOBS {
        let detail = format!("{} jobs; a request takes 1 to {MAX_JOBS}", texts.len());
        return Err(ClientError::usage("body", detail));
    }
    texts.iter().map(|text| parse_one(client, text.get())).collect()
}

#[derive(Debug, Deserialize)]
struct Wait {
    wait: Option<String>,
}

/// What is told of a job.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JobView {
    id: String,
    queue: String,
    state: String,
    enqueued_at: u64,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<JobOutcome>,
}

async fn job(
    State(gateway): State<Gateway>,
    id: Result<Path<String>, PathRejection>,
    wait: Result<Query<Wait>, QueryRejection>,
) -> Response {
    let (Path(id), Query(wait)) = match (id, wait) {
        (Ok(id), Ok(wait)) => (id, wait),
        (Err(rejection), _) => return unreadable(&rejection.body_text()),
        (_, Err(rejection)) => return unreadable(&rejection.body_text()),
    };
    let Ok(_waiting) = gateway.waits.try_acquire_many(u32::from(wait.wait.is_some())) else {
        let detail = format!("{MAX_WAITS} requests are waiting already; ask without `wait`, or again later");
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_waits", detail).into_response();
    };
    match look_up(&gateway.client, &id, wait.wait.as_deref()).await {
        Ok(Some(record)) => Json(view(id, record)).into_response(),
        Ok(None) => {
            let detail =
                format!("no job with the id `{id}` is known; finished jobs are kept for redis.ttl seconds");
            Problem::new(StatusCode::NOT_FOUND, "job_unknown", detail).into_response()
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

fn view(id: String, record: Record) -> JobView {
    JobView {
        id,
        queue: record.queue,
        state: record.state,
        enqueued_at: record.enqueued_at,
        attempts: record.attempts,
        outcome: record.outcome,
    }
}

async fn look_up(client: &Client, id: &str, wait: Option<&str>) -> Result<Option<Record>, ClientError> {
    let record = client.status(id).await?;
    let Some(wait) = wait else { return Ok(record) };
    let seconds: u64 = wait.parse().ok().filter(|seconds| *seconds <= MAX_WAIT_S).ok_or_else(|| {
        ClientError::usage(format!("wait={wait}"), format!("expected seconds from 0 to {MAX_WAIT_S}"))
    })?;
    if record.as_ref().is_some_and(|record| record.outcome.is_some()) {
        return Ok(record);
    }
    client.wait(id, Duration::from_secs(seconds)).await?;
    client.status(id).await
}

async fn healthz(State(gateway): State<Gateway>) -> Response {
    match gateway.client.ping().await {
        Ok(()) => (StatusCode::OK, "ok\n").into_response(),
        Err(error) => Problem::from(ClientError::from(error)).into_response(),
    }
}

async fn render_metrics(State(gateway): State<Gateway>) -> Response {
    match gateway.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => Problem::from(ClientError::from(error)).into_response(),
    }
}

fn unreadable(detail: &str) -> Response {
    Problem::new(StatusCode::BAD_REQUEST, "request_unreadable", detail).into_response()
}

fn body_unreadable(rejection: &BytesRejection) -> Response {
    let too_large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
    let code = if too_large { "body_too_large" } else { "body_unreadable" };
    Problem::new(rejection.status(), code, rejection.body_text()).into_response()
}

/// What the gateway has, for those who missed it.
const PATHS: &str = "POST /v1/jobs, GET /v1/jobs/{id}, GET /v1/schedules, GET, PUT and DELETE /v1/schedules/{name}, GET /v1/modules, POST /v1/modules/{name}/promote and /rollback, GET /v1/fallback/next, POST /v1/fallback/{id}/done, failed and renew, GET /healthz and /metrics";

async fn wrong_method() -> Problem {
    let detail = format!("this path does not take this method; there are {PATHS}");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_wrong", detail)
}

async fn unknown_path() -> Problem {
    let detail = format!("no such path; there are {PATHS}");
    Problem::new(StatusCode::NOT_FOUND, "path_unknown", detail)
}
