//! Queues and the pool: look and steer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use booster_queue::{Mode, Queue};
use serde::Serialize;
use utoipa::ToSchema;

use super::Gateway;
use super::extract::Named;
use super::problem::Problem;
use crate::views::{PoolView, QueueView};

/// All queues.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueueList {
    queues: Vec<QueueView>,
}

/// Lists the queues.
#[utoipa::path(get, path = "/v1/queues", operation_id = "listQueues", tag = "fleet",
    responses((status = 200, body = QueueList),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn queues(State(gateway): State<Arc<Gateway>>) -> Result<Json<QueueList>, Problem> {
    Ok(Json(QueueList { queues: QueueView::all(&gateway.client).await? }))
}

/// Lets no more jobs of a queue start; what runs goes on.
#[utoipa::path(post, path = "/v1/queues/{name}/pause", operation_id = "pauseQueue", tag = "fleet",
    params(("name" = String, Path, description = "the queue")),
    responses((status = 200, body = QueueView),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn pause(
    State(gateway): State<Arc<Gateway>>,
    Named(name): Named,
) -> Result<Json<QueueView>, Problem> {
    set_mode(&gateway, &name, Mode::Paused).await
}

/// Opens a paused or draining queue again.
#[utoipa::path(post, path = "/v1/queues/{name}/resume", operation_id = "resumeQueue", tag = "fleet",
    params(("name" = String, Path, description = "the queue")),
    responses((status = 200, body = QueueView),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn resume(
    State(gateway): State<Arc<Gateway>>,
    Named(name): Named,
) -> Result<Json<QueueView>, Problem> {
    set_mode(&gateway, &name, Mode::Open).await
}

/// Lets a queue take no more jobs; what it has runs.
#[utoipa::path(post, path = "/v1/queues/{name}/drain", operation_id = "drainQueue", tag = "fleet",
    params(("name" = String, Path, description = "the queue")),
    responses((status = 200, body = QueueView),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn drain(
    State(gateway): State<Arc<Gateway>>,
    Named(name): Named,
) -> Result<Json<QueueView>, Problem> {
    set_mode(&gateway, &name, Mode::Draining).await
}

async fn set_mode(gateway: &Gateway, name: &str, mode: Mode) -> Result<Json<QueueView>, Problem> {
    let queue = gateway.known_queue(name).await?;
    queue.set_mode(mode).await?;
    Ok(Json(QueueView::of(&queue).await?))
}

impl Gateway {
    /// A queue that the fleet has.
    pub(super) async fn known_queue(&self, name: &str) -> Result<Queue, Problem> {
        let queues = self.client.queues().await?;
        let known: Vec<&str> = queues.iter().map(Queue::name).collect();
        if known.contains(&name) {
            return Ok(self.client.queue(name));
        }
        let detail = format!("the fleet has no queue `{name}`; known: {}", known.join(", "));
        Err(Problem::new(StatusCode::NOT_FOUND, "queue_unknown", detail))
    }

    /// One queue that the fleet has, or all.
    pub(super) async fn named_or_all(&self, name: Option<&str>) -> Result<Vec<Queue>, Problem> {
        match name {
            Some(name) => Ok(vec![self.known_queue(name).await?]),
            None => Ok(self.client.queues().await?),
        }
    }
}

/// Lists living workers and their slots.
#[utoipa::path(get, path = "/v1/pool", operation_id = "getPool", tag = "fleet",
    responses((status = 200, body = PoolView),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn pool(State(gateway): State<Arc<Gateway>>) -> Result<Json<PoolView>, Problem> {
    Ok(Json(PoolView::of(&gateway.client).await?))
}
