//! Reading the streams of events.

use booster_queue::QueueError;
use serde::Deserialize;

use crate::client::Client;

/// One entry of a stream: its id, and the events of a moment, one JSON text a line.
pub(crate) type Entry = (String, String);

/// Entries from `start` on (an id, `(id` for what comes behind it, or `-`), the oldest first.
pub(crate) async fn after(client: &Client, start: &str, count: usize) -> Result<Vec<Entry>, QueueError> {
    let mut command = redis::cmd("XRANGE");
    command.arg(client.keys().events()).arg(start).arg("+").arg("COUNT").arg(count);
    read(client, &command).await
}

/// Entries of one stream up to `end` (an id, `(id` for what comes before it, or `+`), the newest first.
pub(crate) async fn before(
    client: &Client,
    stream: &str,
    end: &str,
    count: usize,
) -> Result<Vec<Entry>, QueueError> {
    let mut command = redis::cmd("XREVRANGE");
    command.arg(stream).arg(end).arg("-").arg("COUNT").arg(count);
    read(client, &command).await
}

async fn read(client: &Client, command: &redis::Cmd) -> Result<Vec<Entry>, QueueError> {
    let page: Vec<(String, Vec<(String, redis::Value)>)> = client.link().query("events", command).await?;
    let events = |fields: Vec<(String, redis::Value)>| {
        let (_, value) = fields.into_iter().find(|(name, _)| name == "events")?;
        redis::from_redis_value::<String>(value).ok()
    };
    Ok(page.into_iter().map(|(entry, fields)| (entry, events(fields).unwrap_or_default())).collect())
}

/// What is looked at in an event. Borrowed from its text, so names with escapes cannot be read; none of ours has any.
#[derive(Debug, Deserialize)]
pub(crate) struct Told<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    #[serde(default)]
    pub(crate) timestamp: u64,
    #[serde(borrow)]
    pub(crate) data: About<'a>,
}

/// The data of an event, as far as it is looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct About<'a> {
    pub(crate) job_id: Option<&'a str>,
    pub(crate) queue: Option<&'a str>,
    #[serde(borrow, default)]
    pub(crate) booster: std::borrow::Cow<'a, str>,
    pub(crate) outcome: Option<&'a str>,
    pub(crate) dead: Option<bool>,
    pub(crate) attempts: Option<u32>,
    pub(crate) wait_ms: Option<u64>,
}

impl<'a> Told<'a> {
    /// Reads one line; `None` when it is no event.
    pub(crate) fn read(line: &'a str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_at_is_found_in_real_events() {
        let line =
            r#"{"type":"booster.allocated","timestamp":7,"data":{"jobId":"a","queue":"normal","waitMs":3}}"#;
        let told = Told::read(line).unwrap();
        assert_eq!((told.kind, told.timestamp, told.data.job_id), ("booster.allocated", 7, Some("a")));
        assert_eq!(told.data.wait_ms, Some(3));
        let line = r#"{"type":"booster.pool.updated","timestamp":7,"data":{"workerId":"w","slots":2}}"#;
        assert_eq!(Told::read(line).unwrap().data.job_id, None);
        assert!(Told::read("no event").is_none());
    }
}
