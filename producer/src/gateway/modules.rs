//! Modules over HTTP.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Gateway, Problem, body_unreadable, unreadable};
use crate::client::Client;
use crate::error::ClientError;

/// How long workers may take to load a version that is promoted.
const WAIT: Duration = Duration::from_secs(60);

/// All modules.
pub(super) async fn list(State(gateway): State<Gateway>) -> Response {
    match gateway.client.modules().await {
        Ok(modules) => Json(serde_json::json!({ "modules": modules })).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

#[derive(Debug, Deserialize)]
struct Promotion {
    version: String,
}

/// Makes a version the one that jobs get, once every worker has loaded it.
pub(super) async fn promote(
    State(gateway): State<Gateway>,
    name: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (name, body) = match (name, body) {
        (Ok(Path(name)), Ok(body)) => (name, body),
        (Err(rejection), _) => return unreadable(&rejection.body_text()),
        (_, Err(rejection)) => return body_unreadable(&rejection),
    };
    let promoted = async {
        let Promotion { version } = serde_json::from_slice(&body).map_err(|error| {
            ClientError::usage("body", format!("{error}; expected {{\"version\": \"1.2.0\"}}"))
        })?;
        gateway.client.promote_module(&name, &version, Some(WAIT)).await
    };
    answer(&gateway.client, &name, promoted.await).await
}

/// Ends a canary, or returns to what was active before the last promotion.
pub(super) async fn roll_back(
    State(gateway): State<Gateway>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let name = match name {
        Ok(Path(name)) => name,
        Err(rejection) => return unreadable(&rejection.body_text()),
    };
    let rolled_back = gateway.client.roll_back_module(&name).await.map(drop);
    answer(&gateway.client, &name, rolled_back).await
}

/// The module as it is after a change.
async fn answer(client: &Client, name: &str, changed: Result<(), ClientError>) -> Response {
    let modules = match changed {
        Ok(()) => client.module(name).await,
        Err(error) => Err(error),
    };
    match modules {
        Ok(detail) => Json(serde_json::json!({ "modules": detail.versions })).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}
