//! Cron schedules over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use booster_core::Schedule;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Gateway;
use super::extract::{Named, Text};
use super::jobs::JobForm;
use super::problem::Problem;
use crate::client::Client;
use crate::error::ClientError;
use crate::schedules::ScheduleView;

/// All schedules.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScheduleList {
    schedules: Vec<ScheduleView>,
}

/// A schedule as it is put.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Schedule)]
#[allow(dead_code, reason = "the form of `booster_core::Schedule`, for the OpenAPI document alone")]
pub(super) struct ScheduleForm {
    /// A cron expression of five or six fields, or `@hourly` and its like.
    #[schema(example = "30 2 * * MON-FRI")]
    cron: String,
    /// The job of each tick, without `id`, `idempotencyKey` and `runAt`.
    job: JobForm,
    /// A name of the IANA database; UTC when absent.
    timezone: Option<String>,
    /// The queue, instead of the one of the job's priority.
    queue: Option<String>,
}

/// Lists all schedules, without their jobs.
#[utoipa::path(get, path = "/v1/schedules", operation_id = "listSchedules", tag = "schedules",
    responses((status = 200, body = ScheduleList),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(State(gateway): State<Arc<Gateway>>) -> Result<Json<ScheduleList>, Problem> {
    let mut schedules = Vec::new();
    for queue in gateway.client.queues().await? {
        let scheduled = gateway.client.schedules(queue.name()).await?;
        schedules.extend(scheduled.into_iter().map(|one| ScheduleView::new(queue.name(), one, false)));
    }
    Ok(Json(ScheduleList { schedules }))
}

/// Shows one schedule, with its job.
#[utoipa::path(get, path = "/v1/schedules/{name}", operation_id = "getSchedule", tag = "schedules",
    params(("name" = String, Path, description = "the schedule")),
    responses((status = 200, body = ScheduleView),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn get(
    State(gateway): State<Arc<Gateway>>,
    Named(name): Named,
) -> Result<Json<ScheduleView>, Problem> {
    view(&gateway.client, &name).await
}

async fn view(client: &Client, name: &str) -> Result<Json<ScheduleView>, Problem> {
    for queue in client.queues().await? {
        let found = client.schedules(queue.name()).await?.into_iter().find(|one| one.name == name);
        if let Some(found) = found {
            return Ok(Json(ScheduleView::new(queue.name(), found, true)));
        }
    }
    Err(unknown(name))
}

/// Adds a schedule, or replaces the one of its name.
#[utoipa::path(put, path = "/v1/schedules/{name}", operation_id = "putSchedule", tag = "schedules", request_body = ScheduleForm,
    params(("name" = String, Path, description = "1 to 64 characters of `A-Z a-z 0-9 . _ : -`")),
    responses((status = 200, body = ScheduleView),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn put(
    State(gateway): State<Arc<Gateway>>,
    Named(name): Named,
    body: Text,
) -> Result<Json<ScheduleView>, Problem> {
    let schedule = Schedule::from_json(&name, body.as_str()?).map_err(ClientError::from)?;
    gateway.client.add_schedule(&schedule).await?;
    view(&gateway.client, &name).await
}

/// Removes a schedule; jobs of its ticks so far stay.
#[utoipa::path(delete, path = "/v1/schedules/{name}", operation_id = "removeSchedule", tag = "schedules",
    params(("name" = String, Path, description = "the schedule")),
    responses((status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn delete(
    State(gateway): State<Arc<Gateway>>,
    Named(name): Named,
) -> Result<StatusCode, Problem> {
    if gateway.client.remove_schedule(&name).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(unknown(&name))
}

fn unknown(name: &str) -> Problem {
    let detail = format!("no schedule with the name `{name}` is known");
    Problem::new(StatusCode::NOT_FOUND, "schedule_unknown", detail)
}
