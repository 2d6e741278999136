//! Dead letters.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use booster_core::outcome::JobOutcome;
use booster_queue::Queue;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Gateway;
use super::extract::{Asked, Named, number};
use super::jobs::{JobView, is_dead};
use super::problem::Problem;

/// Most dead jobs on one page.
const MAX_LIMIT: u64 = 500;
/// Dead jobs on a page where the request names no number.
const DEFAULT_LIMIT: u64 = 50;
/// Ids read beyond a page: those of the cursor's moment that were on the page before. One step of a queue makes at most
/// 500 jobs dead.
const SAME_MOMENT: usize = 1000;

/// Which dead jobs are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeadQuery {
    /// Of this queue.
    queue: Option<String>,
    /// Dead jobs on a page.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 500)]
    limit: Option<String>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// A dead job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadJob {
    id: String,
    queue: String,
    /// A stable code.
    reason: String,
    /// Failed attempts.
    attempts: u32,
    /// What happened.
    error: String,
    /// When it died, Unix milliseconds.
    at: u64,
}

/// A page of dead jobs, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadPage {
    dead: Vec<DeadJob>,
    /// Where the next page begins; null after the last.
    #[schema(required = true)]
    cursor: Option<String>,
}

/// Where a dead job stands in the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: u64,
    id: String,
    queue: String,
}

impl Place {
    fn read(text: &str) -> Result<Self, Problem> {
        // Ids and names of queues have no slash.
        let parts = || {
            let mut parts = text.splitn(3, '/');
            Some(Self {
                at: parts.next()?.parse().ok()?,
                queue: parts.next()?.into(),
                id: parts.next()?.into(),
            })
        };
        parts().ok_or_else(|| Problem::usage(format!("cursor={text}"), "expected one from a page before"))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.at, self.queue, self.id)
    }
}

/// Lists dead jobs, the latest first.
#[utoipa::path(get, path = "/v1/dead", operation_id = "listDead", tag = "dead", params(DeadQuery),
    responses((status = 200, body = DeadPage),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    Asked(query): Asked<DeadQuery>,
) -> Result<Json<DeadPage>, Problem> {
    let limit = number("limit", query.limit.as_deref(), 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT) as usize;
    let cursor = query.cursor.as_deref().map(Place::read).transpose()?;
    let queues = gateway.named_or_all(query.queue.as_deref()).await?;
    let mut places = Vec::new();
    for queue in &queues {
        let until = cursor.as_ref().map(|cursor| cursor.at);
        let deaths = queue.deaths(until, limit + SAME_MOMENT).await?;
        places.extend(deaths.into_iter().map(|(id, at)| Place { at, id, queue: queue.name().to_owned() }));
    }
    places.retain(|place| cursor.as_ref().is_none_or(|cursor| place < cursor));
    places.sort_unstable_by(|one, other| other.cmp(one));
    let more = places.len() > limit;
    places.truncate(limit);
    let next = places.last().filter(|_| more).map(ToString::to_string);
    Ok(Json(DeadPage { dead: described(&queues, &places).await?, cursor: next }))
}

/// The dead jobs at these places. Those whose record has lapsed are left out.
async fn described(queues: &[Queue], places: &[Place]) -> Result<Vec<DeadJob>, Problem> {
    let mut found = Vec::with_capacity(places.len());
    for queue in queues {
        let here: Vec<&Place> = places.iter().filter(|place| place.queue == queue.name()).collect();
        let ids: Vec<String> = here.iter().map(|place| place.id.clone()).collect();
        let outcomes = queue.outcomes(&ids).await?;
        let known = here.into_iter().zip(outcomes).filter_map(|(place, outcome)| Some((place, outcome?)));
        found.extend(known.map(|(place, outcome)| (place, dead_job(place, outcome))));
    }
    found.sort_by(|(one, _), (other, _)| other.cmp(one));
    Ok(found.into_iter().map(|(_, job)| job).collect())
}

fn dead_job(place: &Place, outcome: JobOutcome) -> DeadJob {
    let (reason, error) = outcome.error.map(|error| (error.code, error.message)).unwrap_or_default();
    DeadJob {
        id: outcome.id,
        queue: place.queue.clone(),
        reason,
        attempts: outcome.attempts,
        error,
        at: place.at,
    }
}

/// Shows one dead job, with the job itself.
#[utoipa::path(get, path = "/v1/dead/{id}", operation_id = "getDead", tag = "dead",
    params(("id" = String, Path, description = "the job's id")),
    responses((status = 200, body = JobView),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn get(
    State(gateway): State<Arc<Gateway>>,
    Named(id): Named,
) -> Result<Json<JobView>, Problem> {
    let mut record = gateway.client.status(&id).await?.filter(is_dead).ok_or_else(|| unknown(&id))?;
    let text = record.job.take();
    Ok(Json(JobView::new(id, record, text)))
}

fn unknown(id: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "dead_unknown", format!("no dead job with the id `{id}` is known"))
}

/// How many dead jobs wait again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Revived {
    retried: usize,
}

/// Lets one dead job run again.
#[utoipa::path(post, path = "/v1/dead/{id}/retry", operation_id = "retryDead", tag = "dead",
    params(("id" = String, Path, description = "the job's id")),
    responses((status = 200, body = Revived),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn retry(
    State(gateway): State<Arc<Gateway>>,
    Named(id): Named,
) -> Result<Json<Revived>, Problem> {
    each(&gateway, id, Queue::retry_dead).await.map(|retried| Json(Revived { retried }))
}

/// Which dead jobs run again.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RetryQuery {
    /// Of this queue; of all when absent.
    queue: Option<String>,
}

/// Lets all dead jobs run again.
#[utoipa::path(post, path = "/v1/dead/retry", operation_id = "retryAllDead", tag = "dead", params(RetryQuery),
    responses((status = 200, body = Revived),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn retry_all(
    State(gateway): State<Arc<Gateway>>,
    Asked(query): Asked<RetryQuery>,
) -> Result<Json<Revived>, Problem> {
    let mut retried = 0;
    for queue in gateway.named_or_all(query.queue.as_deref()).await? {
        retried += queue.retry_all_dead().await?;
    }
    Ok(Json(Revived { retried }))
}

/// Forgets a dead job.
#[utoipa::path(delete, path = "/v1/dead/{id}", operation_id = "dropDead", tag = "dead",
    params(("id" = String, Path, description = "the job's id")),
    responses((status = 204),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn delete(
    State(gateway): State<Arc<Gateway>>,
    Named(id): Named,
) -> Result<StatusCode, Problem> {
    each(&gateway, id, Queue::drop_dead).await.map(|_| StatusCode::NO_CONTENT)
}

/// Does `what` with a dead job, in whichever queue has it; how many there were.
async fn each(
    gateway: &Gateway,
    id: String,
    what: impl AsyncFn(&Queue, &[String]) -> Result<Vec<String>, booster_queue::QueueError>,
) -> Result<usize, Problem> {
    let ids = [id];
    let mut done = 0;
    for queue in gateway.client.queues().await? {
        done += what(&queue, &ids).await?.len();
    }
    let [id] = ids;
    if done == 0 { Err(unknown(&id)) } else { Ok(done) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let place = Place { at: 5, id: "a:b".into(), queue: "normal".into() };
        assert_eq!(Place::read(&place.to_string()).unwrap(), place);
        for wrong in ["", "5", "5/normal", "x/normal/a"] {
            assert_eq!(Place::read(wrong).unwrap_err().code, "usage", "{wrong}");
        }
    }
}
