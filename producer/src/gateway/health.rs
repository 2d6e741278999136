//! Whether the gateway lives, and its metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Gateway;
use super::problem::Problem;

/// That the gateway lives, in the form of agent-booster's server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`.
    status: &'static str,
    version: &'static str,
    /// Seconds since the gateway started.
    uptime: f64,
}

/// Says whether Redis answers.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "health", security(()),
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn healthz(State(gateway): State<Arc<Gateway>>) -> Result<&'static str, Problem> {
    gateway.client.ping().await?;
    Ok("ok\n")
}

/// Says whether Redis answers, in the form of agent-booster's server.
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "drop-in", security(()),
    responses((status = 200, body = Health),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn health(State(gateway): State<Arc<Gateway>>) -> Result<Json<Health>, Problem> {
    gateway.client.ping().await?;
    let uptime = (gateway.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    Ok(Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION"), uptime }))
}

/// The gateway's metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn metrics(State(gateway): State<Arc<Gateway>>) -> Result<Response, Problem> {
    let text = gateway.metrics.render()?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
