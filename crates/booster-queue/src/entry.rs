//! Stream entries as they come from Redis.

use std::borrow::Cow;

use booster_core::JobError;
use booster_core::keys::{QueueKeys, derived_id};
use redis::Value;

use crate::payload::unpack;

/// Which of a queue's streams an entry is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Where producers add.
    Jobs,
    /// Handed back, reclaimed, or due again.
    Front,
    /// Jobs of tenants whose turn it is.
    Turn,
}

impl Lane {
    /// The word the scripts use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Front => "front",
            Self::Turn => "turn",
        }
    }

    /// All, in the order in which they are read.
    pub(crate) const ALL: [Lane; 3] = [Self::Front, Self::Turn, Self::Jobs];

    /// The lane's stream.
    pub(crate) fn key(self, keys: &QueueKeys) -> String {
        match self {
            Self::Jobs => keys.jobs(),
            Self::Front => keys.front(),
            Self::Turn => keys.turn(),
        }
    }
}

/// One fetched entry, not yet interpreted as a job.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) lane: Lane,
    /// The stream's id of the entry.
    pub(crate) entry: String,
    /// The job's id as the stream says it; plain additions have none.
    pub(crate) id: Option<String>,
    /// The job's text as it is stored; `None` when the field is missing.
    pub(crate) job: Option<Vec<u8>>,
    /// Whose turn it is; only in [`Lane::Turn`].
    pub(crate) tenant: Option<String>,
    /// Failed attempts so far.
    pub(crate) attempts: u32,
    /// Crashes so far.
    pub(crate) crashes: u32,
    /// Since when the job could have run, Unix milliseconds.
    pub(crate) since: u64,
}

impl Entry {
    /// Interprets an entry as Redis returned it; `None` when it has not the form of one. Names and values are
    /// bytes that anyone may have written, so nothing here can fail on them.
    pub(crate) fn from_value(lane: Lane, value: &Value) -> Option<Self> {
        let Value::Array(parts) = value else { return None };
        let [id, fields] = &parts[..] else { return None };
        let entry = utf8(id)?;
        let fields: &[Value] = match fields {
            Value::Array(fields) => fields,
            _ => &[],
        };
        Some(Self::new(lane, entry, fields))
    }

    fn new(lane: Lane, entry: String, fields: &[Value]) -> Self {
        let field = |name: &str| {
            let pair = fields.chunks_exact(2).find(|pair| bytes(&pair[0]) == Some(name.as_bytes()))?;
            Some(&pair[1])
        };
        // The other streams are written by the scripts alone; a plain addition may claim anything.
        let kept = |name: &str| if lane == Lane::Jobs { None } else { field(name).and_then(utf8) };
        let number = |name: &str| kept(name).and_then(|text| text.parse::<u64>().ok());
        let count = |name: &str| number(name).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        Self {
            lane,
            id: kept("id"),
            job: field("job").and_then(bytes).map(<[u8]>::to_vec),
            tenant: kept("tenant"),
            attempts: count("attempts"),
            crashes: count("crashes"),
            since: number("since").unwrap_or_else(|| booster_core::keys::entry_millis(&entry)),
            entry,
        }
    }

    /// The job's JSON text.
    pub(crate) fn text(&self, limit: usize) -> Result<Cow<'_, str>, JobError> {
        match &self.job {
            Some(stored) => unpack(stored, limit),
            None => {
                Err(JobError::Missing { field: "job", expected: "a stream field `job` with one JSON job" })
            }
        }
    }

    /// The job's id: the stream's, else the one in the job's text, else one derived from the entry.
    pub(crate) fn job_id(&self, queue: &str, limit: usize) -> String {
        match &self.id {
            Some(id) => id.clone(),
            None => match self.text(limit) {
                Ok(text) => self.id_by_text(queue, Some(&text)),
                Err(_) => self.id_by_text(queue, None),
            },
        }
    }

    /// The tenant that the job's text names.
    pub(crate) fn tenant_in_text(&self, limit: usize) -> Option<String> {
        booster_core::job::string_field(&self.text(limit).ok()?, "tenant")
    }

    /// As [`Entry::job_id`], where the text has been read already.
    pub(crate) fn id_by_text(&self, queue: &str, text: Option<&str>) -> String {
        let own = || text.and_then(id_in_text).unwrap_or_else(|| derived_id(queue, &self.entry));
        self.id.clone().unwrap_or_else(own)
    }
}

/// The entries of one stream in a reply of XREADGROUP or XRANGE.
pub(crate) fn entries(lane: Lane, value: &Value) -> Vec<Entry> {
    match value {
        Value::Array(entries) => entries.iter().filter_map(|entry| Entry::from_value(lane, entry)).collect(),
        _ => Vec::new(),
    }
}

/// The streams of a reply of XREADGROUP, by key.
pub(crate) fn streams(value: &Value) -> Vec<(String, &Value)> {
    let Value::Array(streams) = value else { return Vec::new() };
    streams
        .iter()
        .filter_map(|stream| match stream {
            Value::Array(parts) => match &parts[..] {
                [key, entries] => Some((utf8(key)?, entries)),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

fn utf8(value: &Value) -> Option<String> {
    std::str::from_utf8(bytes(value)?).ok().map(ToOwned::to_owned)
}

/// The id inside a job's text, when the text is a JSON object with a valid one. Unlike parsing the whole job
/// this also finds the id of a job that is otherwise wrong, so that its producer can look it up.
fn id_in_text(text: &str) -> Option<String> {
    let id = booster_core::job::string_field(text, "id")?;
    booster_core::job::is_valid_id(&id).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Vec<Value> {
        pairs
            .iter()
            .flat_map(|(k, v)| [k, v])
            .map(|text| Value::BulkString(text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn bytes_that_are_no_text_harm_only_their_own_field() {
        let poison = vec![
            Value::BulkString(vec![0xff, 0xfe]),
            Value::BulkString(vec![0xff]),
            Value::BulkString(b"job".to_vec()),
            Value::BulkString(vec![0xc0]),
        ];
        let bad = Value::Array(vec![Value::BulkString(b"5-0".to_vec()), Value::Array(poison)]);
        let good =
            Value::Array(vec![Value::BulkString(b"6-0".to_vec()), Value::Array(fields(&[("job", "{}")]))]);
        let read = entries(Lane::Jobs, &Value::Array(vec![bad, Value::Nil, good]));
        let found: Vec<(&str, Option<String>)> =
            read.iter().map(|e| (&*e.entry, e.text(100).ok().map(Cow::into_owned))).collect();
        assert_eq!(found, [("5-0", None), ("6-0", Some("{}".to_owned()))]);
    }

    #[test]
    fn a_plain_addition_cannot_claim_attempts_or_an_id_of_the_stream() {
        let entry =
            Entry::new(Lane::Jobs, "5-0".into(), &fields(&[("job", "{}"), ("id", "x"), ("crashes", "1")]));
        assert_eq!((entry.id.as_deref(), entry.since, entry.crashes), (None, 5, 0));
        assert_eq!(entry.job_id("normal", 100), "normal-5-0");
        let entry = Entry::new(Lane::Jobs, "5-0".into(), &fields(&[("job", r#"{"id":"mine"}"#)]));
        assert_eq!(entry.job_id("normal", 100), "mine");
    }

    #[test]
    fn a_front_entry_keeps_what_the_scripts_wrote() {
        let pairs = [("job", "{}"), ("id", "x"), ("attempts", "2"), ("crashes", "1"), ("since", "9")];
        let entry = Entry::new(Lane::Front, "5-0".into(), &fields(&pairs));
        assert_eq!((entry.attempts, entry.crashes, entry.since), (2, 1, 9));
        assert_eq!(entry.job_id("normal", 100), "x");
    }

    #[test]
    fn an_id_is_found_in_an_otherwise_wrong_job() {
        assert_eq!(id_in_text(r#"{"id":"a","booster":7}"#).as_deref(), Some("a"));
        assert_eq!(id_in_text(r#"{"id":"not valid"}"#), None);
        assert_eq!(id_in_text("garbage"), None);
        // As for a whole job, the last of several fields with one name counts.
        assert_eq!(id_in_text(r#"{"id":"a","id":"b"}"#).as_deref(), Some("b"));
    }
}
