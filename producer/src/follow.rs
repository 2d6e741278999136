//! Following the fleet's event stream.

use std::collections::VecDeque;
use std::time::Duration;

use booster_core::UnixMillis;
use booster_core::job::string_field;
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::client::Client;
use crate::error::ClientError;
use crate::events::{self, Entry};

/// Entries read in one go.
const PAGE: usize = 500;
/// How often a follower looks for new events. Workers move them into the stream about every quarter second.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Pause after a look that Redis did not answer.
const FAULT_PAUSE: Duration = Duration::from_secs(1);

/// Where a stream of events begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventsFrom {
    /// With the oldest event that is kept.
    Kept,
    /// With the first event after the first look.
    Now,
    /// With events from this time on, Unix milliseconds.
    Time(UnixMillis),
    /// Behind this [`FleetEvent::entry`].
    After(String),
}

/// A lifecycle event, as the fleet has published it. `docs/redis-protocol.md` lists the types and their data.
#[derive(Debug, Clone)]
pub struct FleetEvent {
    /// The entry of the fleet's stream that has it, perhaps among others.
    pub entry: String,
    /// What happened, such as `booster.task.completed`.
    pub kind: String,
    /// When, Unix milliseconds.
    pub timestamp: UnixMillis,
    /// To whom, a JSON object.
    pub data: Box<RawValue>,
}

/// The part of an event that its text has.
#[derive(Deserialize)]
struct Text {
    #[serde(rename = "type")]
    kind: String,
    timestamp: UnixMillis,
    data: Box<RawValue>,
}

impl FleetEvent {
    /// `None` when the text is not an event's.
    fn parse(entry: &str, text: &str) -> Option<Self> {
        let Text { kind, timestamp, data } = serde_json::from_str(text).ok()?;
        Some(Self { entry: entry.to_owned(), kind, timestamp, data })
    }

    /// The job that it tells of; events of the pool tell of none.
    pub fn job_id(&self) -> Option<String> {
        string_field(self.data.get(), "jobId")
    }
}

/// A place in the stream and what has been read ahead of it, at most a page.
struct Following {
    client: Client,
    from: EventsFrom,
    ahead: VecDeque<FleetEvent>,
    pause: Duration,
}

impl Following {
    async fn next(&mut self) -> Result<FleetEvent, ClientError> {
        loop {
            if let Some(event) = self.ahead.pop_front() {
                return Ok(event);
            }
            tokio::time::sleep(std::mem::replace(&mut self.pause, FAULT_PAUSE)).await;
            let page = self.page().await?;
            self.pause = if page.len() < PAGE { LOOK_EVERY } else { Duration::ZERO };
            self.ahead = page
                .iter()
                .flat_map(|(entry, texts)| texts.lines().map(move |text| (entry, text)))
                .filter_map(|(entry, text)| FleetEvent::parse(entry, text))
                .collect();
        }
    }

    /// Reads on from the place.
    async fn page(&mut self) -> Result<Vec<Entry>, ClientError> {
        if self.from == EventsFrom::Now {
            let last = events::before(&self.client, &self.client.keys().events(), "+", 1).await?.pop();
            self.from = EventsFrom::After(last.map_or_else(|| "0-0".to_owned(), |(entry, _)| entry));
        }
        let start = match &self.from {
            EventsFrom::Kept | EventsFrom::Now => "-".to_owned(),
            EventsFrom::Time(time) => time.to_string(),
            EventsFrom::After(entry) => format!("({entry}"),
        };
        let page = events::after(&self.client, &start, PAGE).await?;
        if let Some((entry, _)) = page.last() {
            self.from = EventsFrom::After(entry.clone());
        }
        Ok(page)
    }
}

impl Client {
    /// The fleet's events in the order of its stream, without end: it waits for further ones. They come about half a
    /// second after they happened.
    ///
    /// An item is an error while Redis does not answer. The stream goes on after it where it was, a second later, and
    /// misses nothing that is still kept (`redis.maxEvents` events, none older than `redis.ttl`). After a worker's
    /// death some events may come twice. Dropping the stream ends it.
    pub fn events(
        &self,
        from: EventsFrom,
    ) -> impl Stream<Item = Result<FleetEvent, ClientError>> + Send + use<> {
        let (client, ahead) = (self.clone(), VecDeque::new());
        let following = Following { client, from, ahead, pause: Duration::ZERO };
        stream::unfold(following, async |mut following| Some((following.next().await, following)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_with_its_job() {
        let text =
            r#"{"type":"booster.requested","timestamp":17,"data":{"jobId":"a","queue":"normal"},"later":1}"#;
        let event = FleetEvent::parse("17-0", text).unwrap();
        assert_eq!(
            (event.entry.as_str(), event.kind.as_str(), event.timestamp),
            ("17-0", "booster.requested", 17)
        );
        assert_eq!(event.job_id().as_deref(), Some("a"));
        assert_eq!(event.data.get(), r#"{"jobId":"a","queue":"normal"}"#);
        let pool = r#"{"type":"booster.pool.updated","timestamp":17,"data":{"workerId":"w"}}"#;
        assert_eq!(FleetEvent::parse("17-1", pool).unwrap().job_id(), None);
        assert!(FleetEvent::parse("17-1", "{}").is_none());
    }
}
