//! The fleet's events as a stream of server-sent events that can be resumed.
//!
//! Every client reads the fleet's stream from its own place, so none can hold up another, and what one has missed it
//! finds there. They are woken by the gateway's [`Feed`](super::feed::Feed).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use booster_queue::{QueueError, now_ms};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::IntoParams;

use super::Gateway;
use super::extract::{Asked, number};
use super::problem::Problem;
use crate::events::{self, Told};

/// Entries read in one go.
const ENTRIES: usize = 16;
/// How often a comment is sent when there is nothing else, so that dead connections are noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Pause after a read that Redis did not answer.
const FAULT_PAUSE: Duration = Duration::from_secs(1);

/// Which events are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Unix milliseconds from which on events are sent first, as far as they are kept; from now on when absent.
    #[param(value_type = Option<u64>)]
    since: Option<String>,
    /// Types, separated by commas; all when absent.
    types: Option<String>,
}

/// Follows the fleet's events.
///
/// `id` is the event's place, `event` its type, `data` its JSON. A client that gives the last id that it has seen as
/// `Last-Event-ID` gets what came after it, as far as that is kept.
#[utoipa::path(get, path = "/v1/events", operation_id = "followEvents", tag = "fleet",
    params(EventsQuery, ("Last-Event-ID" = Option<String>, Header, description = "the last id that was seen")),
    responses((status = 200, description = "A stream that does not end", body = String, content_type = "text/event-stream"),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn events(
    State(gateway): State<Arc<Gateway>>,
    Asked(query): Asked<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = match headers.get("last-event-id").map(|value| value.to_str()) {
        Some(id) => Place::read(id.unwrap_or_default())?,
        None => {
            Place::since(number("since", query.since.as_deref(), 0..=u64::MAX / 2)?.unwrap_or_else(now_ms))
        }
    };
    let types = query.types.as_deref().map(wanted_types).transpose()?;
    let permit = gateway.limits.stream()?;
    let news = gateway.feed.news();
    let tail = Tail { gateway, news, place, types, pending: VecDeque::new(), _permit: permit };
    let events =
        stream::unfold(tail, |mut tail| async move { Some((Ok::<_, Infallible>(tail.next().await?), tail)) });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

fn wanted_types(list: &str) -> Result<Vec<String>, Problem> {
    let types: Vec<String> = list.split(',').map(|kind| kind.trim().to_owned()).collect();
    match types.iter().find(|kind| !booster_core::Event::TYPES.contains(&kind.as_str())) {
        None => Ok(types),
        Some(unknown) => {
            let known = booster_core::Event::TYPES.join(", ");
            Err(Problem::usage(format!("types={unknown}"), format!("expected some of {known}")))
        }
    }
}

/// A place in the fleet's stream. An entry holds several events, so an event's id is its entry's and its number there:
/// the last event of an entry has the entry's id alone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// The first entry to read, as Redis wants it.
    start: String,
    /// Events of that entry that have been seen.
    seen: usize,
}

impl Place {
    fn since(millis: u64) -> Self {
        Self { start: millis.to_string(), seen: 0 }
    }

    fn behind(entry: &str) -> Self {
        Self { start: format!("({entry}"), seen: 0 }
    }

    /// Behind the event of this id.
    fn read(id: &str) -> Result<Self, Problem> {
        let (entry, number) = match id.split_once('.') {
            Some((entry, number)) => (entry, number.parse::<usize>().ok()),
            None => (id, Some(usize::MAX)),
        };
        let parts =
            entry.split_once('-').map(|(millis, number)| (millis.parse::<u64>(), number.parse::<u64>()));
        match (parts, number) {
            (Some((Ok(_), Ok(_))), Some(usize::MAX)) => Ok(Self::behind(entry)),
            (Some((Ok(_), Ok(_))), Some(number)) => Ok(Self { start: entry.to_owned(), seen: number + 1 }),
            _ => Err(Problem::usage(
                format!("Last-Event-ID {id}"),
                "expected an id of an event of this stream",
            )),
        }
    }
}

/// One client's place in the stream.
struct Tail {
    gateway: Arc<Gateway>,
    news: watch::Receiver<()>,
    place: Place,
    types: Option<Vec<String>>,
    pending: VecDeque<Event>,
    _permit: OwnedSemaphorePermit,
}

impl Tail {
    /// The next event; `None` when the gateway is about to stop.
    async fn next(&mut self) -> Option<Event> {
        let gateway = Arc::clone(&self.gateway);
        tokio::select! {
            event = self.wait() => Some(event),
            () = gateway.stopping() => None,
        }
    }

    async fn wait(&mut self) -> Event {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return event;
            }
            // What comes from here on is news.
            self.news.mark_unchanged();
            match self.read().await {
                Ok(true) => {}
                // The sender lives as long as the gateway, which this holds.
                Ok(false) => drop(self.news.changed().await),
                Err(_) => tokio::time::sleep(FAULT_PAUSE).await,
            }
        }
    }

    /// Reads on; says whether there was anything.
    async fn read(&mut self) -> Result<bool, QueueError> {
        let page = events::after(&self.gateway.client, &self.place.start, ENTRIES).await?;
        for (entry, lines) in &page {
            // The entry of the place itself may be gone by now; then nothing of the next one has been seen.
            let seen = if *entry == self.place.start { self.place.seen } else { 0 };
            let last = lines.lines().count().saturating_sub(1);
            for (number, line) in lines.lines().enumerate().skip(seen) {
                let id = if number == last { entry.clone() } else { format!("{entry}.{number}") };
                self.pending.extend(self.event(id, line));
            }
            self.place = Place::behind(entry);
        }
        Ok(!page.is_empty())
    }

    fn event(&self, id: String, line: &str) -> Option<Event> {
        let told = Told::read(line)?;
        let wanted = self.types.as_ref().is_none_or(|types| types.iter().any(|kind| kind == told.kind));
        wanted.then(|| Event::default().id(id).event(told.kind).data(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_behind_the_event_that_was_seen() {
        assert_eq!(Place::read("17-3").unwrap(), Place { start: "(17-3".into(), seen: 0 });
        assert_eq!(Place::read("17-3.0").unwrap(), Place { start: "17-3".into(), seen: 1 });
        for wrong in ["", "17", "17-", "x-1", "17-3.", "17-3.x", "(17-3", "17-3.-1", "18446744073709551616-0"]
        {
            assert_eq!(Place::read(wrong).unwrap_err().code, "usage", "{wrong}");
        }
    }

    #[test]
    fn types_are_known_ones() {
        assert_eq!(wanted_types("booster.error, booster.requested").unwrap().len(), 2);
        assert!(wanted_types("booster.eror").unwrap_err().detail.contains("booster.error"));
    }
}
