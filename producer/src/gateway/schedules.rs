//! Cron schedules over HTTP.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use booster_core::Schedule;

use super::{Gateway, Problem, body_unreadable, unreadable};
use crate::client::Client;
use crate::error::ClientError;
use crate::schedules::ScheduleView;

/// All schedules, without their jobs.
pub(super) async fn list(State(gateway): State<Gateway>) -> Response {
    match views(&gateway.client).await {
        Ok(schedules) => Json(serde_json::json!({ "schedules": schedules })).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn views(client: &Client) -> Result<Vec<ScheduleView>, ClientError> {
    let mut views = Vec::new();
    for queue in client.queues().await? {
        let scheduled = client.schedules(queue.name()).await?;
        views.extend(scheduled.into_iter().map(|one| ScheduleView::new(queue.name(), one, false)));
    }
    Ok(views)
}

/// One schedule with its job.
pub(super) async fn get(
    State(gateway): State<Gateway>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let name = match name {
        Ok(Path(name)) => name,
        Err(rejection) => return unreadable(&rejection.body_text()),
    };
    match view(&gateway.client, &name).await {
        Ok(Some(view)) => Json(view).into_response(),
        Ok(None) => unknown(&name),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn view(client: &Client, name: &str) -> Result<Option<ScheduleView>, ClientError> {
    for queue in client.queues().await? {
        let found = client.schedules(queue.name()).await?.into_iter().find(|one| one.name == name);
        if let Some(found) = found {
            return Ok(Some(ScheduleView::new(queue.name(), found, true)));
        }
    }
    Ok(None)
}

/// Adds or replaces a schedule.
pub(super) async fn put(
    State(gateway): State<Gateway>,
    name: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (name, body) = match (name, body) {
        (Ok(Path(name)), Ok(body)) => (name, body),
        (Err(rejection), _) => return unreadable(&rejection.body_text()),
        (_, Err(rejection)) => return body_unreadable(&rejection),
    };
    match add(&gateway.client, &name, &body).await {
        Ok(view) => Json(view).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn add(client: &Client, name: &str, body: &[u8]) -> Result<Option<ScheduleView>, ClientError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| ClientError::usage("body", format!("not UTF-8: {error}")))?;
    client.add_schedule(&Schedule::from_json(name, text)?).await?;
    view(client, name).await
}

/// Removes a schedule.
pub(super) async fn delete(
    State(gateway): State<Gateway>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let name = match name {
        Ok(Path(name)) => name,
        Err(rejection) => return unreadable(&rejection.body_text()),
    };
    match gateway.client.remove_schedule(&name).await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => unknown(&name),
        Err(error) => Problem::from(error).into_response(),
    }
}

fn unknown(name: &str) -> Response {
    let detail = format!("no schedule with the name `{name}` is known");
    Problem::new(StatusCode::NOT_FOUND, "schedule_unknown", detail).into_response()
}
