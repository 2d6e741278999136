//! What a frame shows: one look at the fleet, and what has changed since the last.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use booster_queue::{QueueCounts, now_ms};
use serde::Serialize;
use serde_json::Value;

use crate::cli::print::one_line;
use crate::client::Client;
use crate::error::ClientError;

/// Events shown, at most.
const MAX_EVENTS: usize = 50;
/// Longest text of an event, characters.
const MAX_TEXT: usize = 200;

/// One look at the fleet.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) queues: Vec<Queue>,
    pub(crate) slots: Vec<Slot>,
    /// The latest first.
    pub(crate) events: Vec<Event>,
    /// How long the look took.
    pub(crate) took: Duration,
    at: Instant,
    at_ms: u64,
}

/// A queue.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) mode: &'static str,
    pub(crate) waiting: u64,
    pub(crate) delayed: u64,
    pub(crate) running: u64,
    /// Milliseconds.
    pub(crate) oldest_age_ms: u64,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) dead: u64,
    pub(crate) cancelled: u64,
}

/// A slot of a worker.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Slot {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) errors: u64,
    /// Bytes.
    pub(crate) memory: u64,
    /// Milliseconds since it last did something.
    pub(crate) idle_ms: u64,
}

/// A lifecycle event.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Event {
    /// Unix milliseconds.
    pub(crate) timestamp: u64,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) text: String,
}

/// Jobs a second of one queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rates {
    /// Jobs that came.
    pub(crate) came: f64,
    /// Jobs that ended.
    pub(crate) ended: f64,
}

impl Snapshot {
    /// Looks at the fleet.
    ///
    /// # Errors
    /// A Redis error.
    pub(crate) async fn read(client: &Client) -> Result<Self, ClientError> {
        let begin = Instant::now();
        let mut queues = Vec::new();
        for queue in client.queues().await? {
            let (counts, mode) = (queue.counts().await?, queue.mode().await?);
            queues.push(Queue::new(queue.name(), mode.as_str(), &counts));
        }
        let (now, pool) = (now_ms(), client.pool().await?);
        let slots = pool.into_iter().map(|(id, fields)| Slot::new(id, &fields, now)).collect();
        let events = events(client).await?;
        Ok(Self { queues, slots, events, took: begin.elapsed(), at: begin, at_ms: now })
    }
}

impl Queue {
    fn new(name: &str, mode: &'static str, counts: &QueueCounts) -> Self {
        let depth = &counts.depth;
        Self {
            name: name.to_owned(),
            mode,
            waiting: depth.waiting,
            delayed: depth.delayed,
            running: depth.running,
            oldest_age_ms: depth.oldest_age_ms,
            done: counts.done,
            refused: counts.refused,
            dead: counts.dead,
            cancelled: counts.cancelled,
        }
    }

    fn ended(&self) -> u64 {
        self.done + self.refused + self.dead + self.cancelled
    }

    fn all(&self) -> u64 {
        self.ended() + self.waiting + self.delayed + self.running
    }

    /// What came and went since `before`. A job that is counted in no column for a moment must not look as if it
    /// had gone for ever, so no rate is below zero.
    fn rates(&self, before: &Self, seconds: f64) -> Rates {
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        Rates { came: rate(self.all(), before.all()), ended: rate(self.ended(), before.ended()) }
    }
}

impl Slot {
    fn new(id: String, fields: &HashMap<String, String>, now: u64) -> Self {
        let text = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let number = |name: &str| fields.get(name).and_then(|value| value.parse().ok()).unwrap_or(0);
        Self {
            id,
            status: text("status"),
            errors: number("errorCount"),
            memory: number("memoryUsage"),
            idle_ms: now.saturating_sub(number("lastActivity")),
        }
    }
}

/// The latest events, the latest first.
async fn events(client: &Client) -> Result<Vec<Event>, ClientError> {
    // An entry holds the events of a moment, so these are enough.
    let entries = crate::events::before(client, &client.keys().events(), "+", MAX_EVENTS).await?;
    let newest = entries.iter().flat_map(|(_, text)| text.lines().rev().filter_map(event));
    Ok(newest.take(MAX_EVENTS).collect())
}

fn event(line: &str) -> Option<Event> {
    let event: Value = serde_json::from_str(line).ok()?;
    let data = event["data"].as_object()?;
    let words = data.iter().filter_map(|(name, value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Object(fields) => fields.get("code")?.as_str()?.to_owned(),
            other => other.to_string(),
        };
        // The job needs no name; what became of it comes before what a narrow terminal may cut off.
        Some(match name.as_str() {
            "jobId" => (0, value),
            "outcome" | "error" | "cause" | "change" => (1, format!("{name}={value}")),
            _ => (2, format!("{name}={value}")),
        })
    });
    let mut words: Vec<(u8, String)> = words.collect();
    words.sort_by_key(|(place, _)| *place);
    let text = words.into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ");
    Some(Event {
        timestamp: event["timestamp"].as_u64()?,
        kind: one_line(event["type"].as_str()?),
        text: one_line(&text).chars().take(MAX_TEXT).collect(),
    })
}

/// The last look, the rates since the one before, and what is wrong.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) snapshot: Snapshot,
    /// By queue; empty until there were two looks.
    pub(crate) rates: HashMap<String, Rates>,
    /// Why the last look failed, if it did: then the snapshot is an older one.
    pub(crate) error: Option<String>,
}

impl State {
    /// The state after a first look.
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self { snapshot, rates: HashMap::new(), error: None }
    }

    /// Takes in another look.
    pub(crate) fn take(&mut self, look: Result<Snapshot, ClientError>) {
        let snapshot = match look {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.error = Some(one_line(&error.to_string()));
                return;
            }
        };
        let seconds = (snapshot.at - self.snapshot.at).as_secs_f64().max(0.001);
        let rates = snapshot.queues.iter().filter_map(|queue| {
            let before = self.snapshot.queues.iter().find(|before| before.name == queue.name)?;
            Some((queue.name.clone(), queue.rates(before, seconds)))
        });
        self.rates = rates.collect();
        (self.snapshot, self.error) = (snapshot, None);
    }

    /// Jobs of all queues that ended in a second.
    pub(crate) fn ended(&self) -> f64 {
        self.rates.values().map(|rates| rates.ended).sum()
    }

    /// When the fleet was looked at, Unix milliseconds.
    pub(crate) fn at_ms(&self) -> u64 {
        self.snapshot.at_ms
    }

    /// All of it, for scripts.
    pub(crate) fn report(&self) -> Report<'_> {
        Report {
            timestamp: self.at_ms(),
            queues: &self.snapshot.queues,
            rates: &self.rates,
            slots: &self.snapshot.slots,
            events: &self.snapshot.events,
        }
    }
}

/// What `top --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    timestamp: u64,
    queues: &'a [Queue],
    rates: &'a HashMap<String, Rates>,
    slots: &'a [Slot],
    events: &'a [Event],
}

#[cfg(test)]
impl Snapshot {
    /// A look at a fleet with two queues, a slot and an event.
    pub(crate) fn example(done: u64, at: Instant) -> Self {
        let counts = QueueCounts { done, ..QueueCounts::default() };
        let queues = vec![Queue::new("normal", "open", &counts), Queue::new("low", "paused", &counts)];
        let fields =
            HashMap::from([("status".into(), "busy".into()), ("memoryUsage".into(), "3145728".into())]);
        let text = r#"{"type":"booster.error","timestamp":86399000,"data":{"queue":"normal","jobId":"j1","error":{"code":"panic","message":"x"}}}"#;
        Self {
            queues,
            slots: vec![Slot::new("w-s1".into(), &fields, 0)],
            events: vec![event(text).unwrap()],
            took: Duration::from_millis(2),
            at,
            at_ms: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_what_changed_between_two_looks() {
        let begin = Instant::now();
        let mut state = State::new(Snapshot::example(10, begin));
        assert!(state.rates.is_empty());
        state.take(Ok(Snapshot::example(30, begin + Duration::from_secs(2))));
        assert_eq!(state.rates["normal"], Rates { came: 10.0, ended: 10.0 });
        assert_eq!(state.ended(), 20.0);
        state.take(Err(ClientError::machine("a look", "failed\n")));
        assert_eq!((state.error.as_deref(), state.ended()), (Some("a look: failed "), 20.0));
        // Counts that were reset are no negative rate.
        state.take(Ok(Snapshot::example(0, begin + Duration::from_secs(3))));
        assert_eq!((state.error.as_deref(), state.ended()), (None, 0.0));
    }

    #[test]
    fn an_event_names_its_job_first() {
        let event = &Snapshot::example(0, Instant::now()).events[0];
        assert_eq!(
            (event.kind.as_str(), event.text.as_str()),
            ("booster.error", "j1 error=panic queue=normal")
        );
        assert_eq!(super::event("nonsense"), None);
    }
}
