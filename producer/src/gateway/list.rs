//! The list of jobs.
//!
//! Redis keeps no list of all jobs: one would cost every job on its way. It is put together from three places, each
//! looked at up to a bound: the jobs that have not ended, the dead ones, and the events that are kept, which name those
//! that have ended otherwise.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use booster_queue::Queue;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Gateway;
use super::extract::{Asked, number};
use super::jobs::JobState;
use super::problem::Problem;
use crate::events::{self, Told};

/// Events looked at for one list.
const EVENTS_MOST: usize = 10_000;
/// Entries of a stream read in one go.
const ENTRIES: usize = 64;
/// Jobs that have not ended looked at for one list, in all queues.
const LIVE_MOST: usize = 10_000;
/// Dead jobs looked at in each queue.
const DEAD_MOST: usize = 10_000;
/// Most jobs on one page.
const MAX_LIMIT: u64 = 500;
/// Jobs on a page where the request names no number.
const DEFAULT_LIMIT: u64 = 50;

/// Which jobs are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Of this queue.
    queue: Option<String>,
    /// In this state.
    state: Option<JobState>,
    /// For this booster, as `name` or `name@version`.
    booster: Option<String>,
    /// With this text in their id or booster.
    q: Option<String>,
    /// Jobs on a page.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 500)]
    limit: Option<String>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// A job in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobSummary {
    id: String,
    queue: String,
    state: JobState,
    /// The booster that ran, or that was asked for; absent where no event tells of it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    booster: Option<String>,
    /// When it was accepted, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    enqueued_at: Option<u64>,
    /// Failed attempts.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    /// Its place: when it was accepted, else the time nearest to it that is known.
    #[serde(skip)]
    at: u64,
}

/// A page of jobs, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobPage {
    jobs: Vec<JobSummary>,
    /// Where the next page begins; null after the last.
    #[schema(required = true)]
    cursor: Option<String>,
}

/// Lists jobs, the newest first.
///
/// What is looked at is bounded: all jobs that have not ended where they are at most 10,000 (else those that the kept
/// events name), the dead ones, and those that the latest 10,000 events name.
#[utoipa::path(get, path = "/v1/jobs", operation_id = "listJobs", tag = "jobs", params(ListQuery),
    responses((status = 200, body = JobPage),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    Asked(query): Asked<ListQuery>,
) -> Result<Json<JobPage>, Problem> {
    let limit = number("limit", query.limit.as_deref(), 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT) as usize;
    let cursor = query.cursor.as_deref().map(Place::read).transpose()?;
    let queues = gateway.named_or_all(query.queue.as_deref()).await?;
    // It is never closed, so this is an error never.
    let _turn = gateway.limits.lists.acquire().await;
    let mut jobs = known_jobs(&gateway, &queues).await?;
    jobs.retain(|job| query.wants(job));
    jobs.sort_unstable_by(|one, other| Place::of(other).cmp(&Place::of(one)));
    let begin = cursor.map_or(0, |cursor| jobs.partition_point(|job| Place::of(job) >= cursor.borrowed()));
    let end = (begin + limit).min(jobs.len());
    let more = end < jobs.len();
    let page = jobs[begin..end].to_vec();
    let cursor = page.last().filter(|_| more).map(|last| Place::of(last).to_string());
    Ok(Json(JobPage { jobs: page, cursor }))
}

impl ListQuery {
    fn wants(&self, job: &JobSummary) -> bool {
        let booster = job.booster.as_deref().unwrap_or_default();
        let name = booster.split('@').next().unwrap_or_default();
        self.state.is_none_or(|state| state == job.state)
            && self.booster.as_ref().is_none_or(|wanted| wanted == booster || wanted == name)
            && self
                .q
                .as_ref()
                .is_none_or(|text| job.id.contains(text.as_str()) || booster.contains(text.as_str()))
    }
}

/// Where a job stands in a list: by time and id.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place<T> {
    at: u64,
    id: T,
}

impl<'a> Place<&'a str> {
    fn of(job: &'a JobSummary) -> Self {
        Self { at: job.at, id: &job.id }
    }
}

impl Place<String> {
    fn read(text: &str) -> Result<Self, Problem> {
        let parts = text.split_once('-').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
        let (at, id) = parts
            .ok_or_else(|| Problem::usage(format!("cursor={text}"), "expected one from a page before"))?;
        Ok(Self { at, id })
    }

    fn borrowed(&self) -> Place<&str> {
        Place { at: self.at, id: &self.id }
    }
}

impl std::fmt::Display for Place<&str> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.at, self.id)
    }
}

/// What events tell of a job; the newest word counts.
#[derive(Debug, Default)]
struct Facts {
    /// How it ended, if its newest event says so.
    ended: Option<JobState>,
    /// What its newest event calls its booster.
    booster: String,
    attempts: Option<u32>,
    requested_at: Option<u64>,
    /// When the oldest event that was seen happened.
    seen_at: u64,
}

impl Facts {
    fn new(told: &Told<'_>) -> Self {
        let ended = match told.kind {
            "booster.task.completed" => told.data.outcome.and_then(JobState::named),
            "booster.error" if told.data.dead == Some(true) => Some(JobState::Dead),
            _ => None,
        };
        Self { ended, booster: told.data.booster.to_string(), ..Self::default() }
    }

    /// Takes one more event, older than those before.
    fn add(&mut self, told: &Told<'_>) {
        if self.booster.is_empty() {
            self.booster = told.data.booster.to_string();
        }
        self.attempts = self.attempts.or(told.data.attempts);
        if told.kind == "booster.requested" {
            self.requested_at = self.requested_at.or(Some(told.timestamp));
        }
        self.seen_at = told.timestamp;
    }

    fn summary(self, queue: &str, id: String, state: JobState) -> JobSummary {
        JobSummary {
            id,
            queue: queue.to_owned(),
            state,
            booster: Some(self.booster).filter(|booster| !booster.is_empty()),
            enqueued_at: self.requested_at,
            attempts: self.attempts,
            at: self.requested_at.unwrap_or(self.seen_at),
        }
    }
}

/// A job by queue and id.
type Name = (String, String);

/// What is known of jobs from all three places, in no order.
async fn known_jobs(gateway: &Gateway, queues: &[Queue]) -> Result<Vec<JobSummary>, Problem> {
    let mut facts = read_events(gateway, queues).await?;
    let (mut jobs, mut room) = (Vec::new(), LIVE_MOST);
    for queue in queues {
        let dead = queue.deaths(None, DEAD_MOST).await?;
        let live = match queue.live(room).await? {
            Some(live) => live,
            None => queue.live_of(&named_in(&facts, queue)).await?,
        };
        room = room.saturating_sub(live.len());
        // A job is taken out of the facts with its first mention, so it comes once.
        let mut of = |id: &str| facts.remove(&(queue.name().to_owned(), id.to_owned())).unwrap_or_default();
        for job in live {
            let state = JobState::named(&job.state).unwrap_or(JobState::Waiting);
            let known =
                Facts { requested_at: Some(job.enqueued_at), attempts: Some(job.attempts), ..of(&job.id) };
            jobs.push(known.summary(queue.name(), job.id, state));
        }
        for (id, at) in dead {
            let known = of(&id);
            let seen_at = if known.seen_at == 0 { at } else { known.seen_at };
            jobs.push(Facts { seen_at, ..known }.summary(queue.name(), id, JobState::Dead));
        }
    }
    for ((queue, id), facts) in facts {
        // Dead jobs that are in no list have been forgotten.
        if let Some(state) = facts.ended.filter(|state| *state != JobState::Dead) {
            jobs.push(facts.summary(&queue, id, state));
        }
    }
    Ok(jobs)
}

/// The jobs of a queue that events name and do not call ended.
fn named_in(facts: &HashMap<Name, Facts>, queue: &Queue) -> Vec<String> {
    let open = facts.iter().filter(|((name, _), facts)| name == queue.name() && facts.ended.is_none());
    open.map(|((_, id), _)| id.clone()).collect()
}

/// What the latest events tell: those that are still in the queues' streams, then those of the fleet.
async fn read_events(gateway: &Gateway, queues: &[Queue]) -> Result<HashMap<Name, Facts>, Problem> {
    let mut facts = HashMap::new();
    let streams = queues.iter().map(|queue| queue.keys().events());
    let wanted: Vec<&str> = queues.iter().map(Queue::name).collect();
    let mut room = EVENTS_MOST;
    for stream in streams.chain([gateway.client.keys().events()]) {
        let mut end = "+".to_owned();
        while room > 0 {
            let page = events::before(&gateway.client, &stream, &end, ENTRIES).await?;
            for (_, lines) in &page {
                // The lines of an entry are in order, the oldest first.
                for told in lines.lines().rev().filter_map(Told::read) {
                    take(&mut facts, &wanted, &told);
                    room = room.saturating_sub(1);
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == ENTRIES => end = format!("({last}"),
                _ => break,
            }
        }
    }
    Ok(facts)
}

fn take(facts: &mut HashMap<Name, Facts>, wanted: &[&str], told: &Told<'_>) {
    let (Some(id), Some(queue)) = (told.data.job_id, told.data.queue) else { return };
    if wanted.contains(&queue) {
        let known = facts.entry((queue.to_owned(), id.to_owned())).or_insert_with(|| Facts::new(told));
        known.add(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_event_says_how_a_job_is() {
        let wanted = ["normal"];
        let mut facts = HashMap::new();
        // As they are read: the newest first.
        for line in [
            r#"{"type":"booster.task.completed","timestamp":9,"data":{"jobId":"a","queue":"normal","booster":"x@1.0.0","outcome":"done"}}"#,
            r#"{"type":"booster.requested","timestamp":8,"data":{"jobId":"b","queue":"normal","booster":"x"}}"#,
            r#"{"type":"booster.error","timestamp":7,"data":{"jobId":"b","queue":"normal","booster":"x","dead":true,"attempts":4}}"#,
            r#"{"type":"booster.requested","timestamp":5,"data":{"jobId":"a","queue":"normal","booster":"x"}}"#,
            r#"{"type":"booster.requested","timestamp":4,"data":{"jobId":"c","queue":"low","booster":"x"}}"#,
        ] {
            take(&mut facts, &wanted, &Told::read(line).unwrap());
        }
        assert_eq!(facts.len(), 2);
        let name = |id: &str| ("normal".to_owned(), id.to_owned());
        let a = &facts[&name("a")];
        assert_eq!((a.ended, a.requested_at, a.booster.as_str()), (Some(JobState::Done), Some(5), "x@1.0.0"));
        assert_eq!(facts[&name("b")].ended, None, "it was told to run again");
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let place = Place { at: 5, id: "a-b" };
        assert_eq!(Place::read(&place.to_string()).unwrap().borrowed(), place);
        for wrong in ["", "5", "x-a"] {
            assert_eq!(Place::read(wrong).unwrap_err().code, "usage", "{wrong}");
        }
    }
}
