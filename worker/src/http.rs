//! `/metrics`, `/healthz` and `/readyz`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use booster_engine::Pool;
use booster_queue::Consumer;
use booster_state::Telemetry;

/// The fetch loop comes round at least every four seconds; after so long it is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(15);

#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) consumer: Consumer,
    pub(crate) pool: Pool,
}

pub(crate) fn router(health: Health) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(health)
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    health.telemetry.describe_pool(&health.pool);
    match health.telemetry.metrics().render() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be rendered");
            let message = "metrics cannot be rendered\n".to_owned();
            (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain")], message)
        }
    }
}

/// Whether the fetch loop makes progress and a slot is in service.
async fn healthz(State(health): State<Health>) -> impl IntoResponse {
    let age = health.consumer.fetch_age();
    if age > STUCK_AFTER {
        let message = format!("the fetch loop has made no progress for {} s\n", age.as_secs());
        return (StatusCode::SERVICE_UNAVAILABLE, message);
    }
    if health.pool.in_service() == 0 {
        return (StatusCode::SERVICE_UNAVAILABLE, "no slot is in service\n".to_owned());
    }
    (StatusCode::OK, "ok\n".to_owned())
}

/// Whether the worker has reached Redis and has a slot that takes jobs.
async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    if health.consumer.has_polled() && health.pool.in_service() > 0 {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not connected to Redis yet, or no slot is in service\n")
    }
}
