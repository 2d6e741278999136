//! What one gateway does at the same time at most. What is beyond is answered with 429 at once: nothing queues up
//! here, the queue is in Redis.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Gateway;
use super::problem::Problem;

/// Largest body of one request: a full job and what is around it, or many small ones.
const MAX_BODY: usize = 32 * 1024 * 1024;
/// What a job has around it in a body, generously.
const SURROUNDINGS: usize = 64 * 1024;
/// All bodies together, KiB.
const ALL_BODIES_KIB: usize = 256 * 1024;
/// Requests that are being answered.
const MAX_REQUESTS: usize = 1024;
/// Requests that wait for an outcome; each holds a connection to Redis.
const MAX_WAITS: usize = 256;
/// Streams of events.
const MAX_STREAMS: usize = 256;
/// Lists of jobs that are being made.
const MAX_LISTS: usize = 4;
/// Longest time for the answer to a request that does not wait for an outcome.
const QUICK: Duration = Duration::from_secs(60);
/// Longest time for one that may: the longest wait and what is around it.
const PATIENT: Duration = Duration::from_secs(super::extract::MAX_WAIT_S + 60);

/// The gateway's own bounds.
pub(super) struct Limits {
    max_body: usize,
    bodies: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    waits: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    pub(super) lists: Semaphore,
}

impl Limits {
    /// For a fleet whose jobs have at most so many bytes.
    pub(super) fn new(max_job_bytes: usize) -> Self {
        Self {
            max_body: MAX_BODY.max(max_job_bytes + SURROUNDINGS),
            bodies: Arc::new(Semaphore::new(ALL_BODIES_KIB.max(kib(max_job_bytes + SURROUNDINGS)))),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS)),
            waits: Arc::new(Semaphore::new(MAX_WAITS)),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            lists: Semaphore::new(MAX_LISTS),
        }
    }

    /// Bytes of one body.
    pub(super) fn max_body(&self) -> usize {
        self.max_body
    }

    /// Room for a body of this length, or of the greatest one where its length is not known.
    pub(super) fn room_for(&self, length: Option<usize>) -> Result<OwnedSemaphorePermit, Problem> {
        let length = length.unwrap_or(self.max_body);
        take(&self.bodies, kib(length), "too_many_bytes", "too many bytes of bodies are held at the moment")
    }

    /// A body is too large.
    pub(super) fn too_large(&self) -> Problem {
        let detail = format!("a body has at most {} bytes", self.max_body);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    }

    /// Room for one request that waits for an outcome.
    pub(super) fn wait(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let detail = format!("{MAX_WAITS} requests are waiting already; ask without `wait`, or again later");
        take(&self.waits, 1, "too_many_waits", &detail)
    }

    /// Room for one stream of events.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        take(&self.streams, 1, "too_many_streams", &format!("{MAX_STREAMS} clients follow events already"))
    }
}

fn kib(bytes: usize) -> usize {
    bytes / 1024 + 1
}

fn take(
    semaphore: &Arc<Semaphore>,
    count: usize,
    code: &'static str,
    detail: &str,
) -> Result<OwnedSemaphorePermit, Problem> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Arc::clone(semaphore)
        .try_acquire_many_owned(count)
        .map_err(|_| Problem::too_many(code, detail, Duration::from_secs(1)))
}

/// Answers a request while there are few enough.
pub(super) async fn admit(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let detail = format!("{MAX_REQUESTS} requests are being answered; ask again later");
    match take(&gateway.limits.requests, 1, "too_many_requests", &detail) {
        Ok(_permit) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Bounds the time of requests that do not wait for outcomes.
pub(super) async fn quick(request: Request, next: Next) -> Response {
    within(QUICK, request, next).await
}

/// Bounds the time of requests that may wait for outcomes.
pub(super) async fn patient(request: Request, next: Next) -> Response {
    within(PATIENT, request, next).await
}

async fn within(limit: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("no answer within {} s", limit.as_secs());
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "request_timeout", detail).into_response()
        }
    }
}
