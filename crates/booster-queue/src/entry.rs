//! Stream entries as they come from Redis.

use std::collections::HashMap;

use booster_core::keys::derived_id;
use redis::Value;

/// Which of a queue's two streams an entry is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Where producers add.
    Jobs,
    /// Handed back, reclaimed, or due again.
    Front,
}

impl Lane {
    /// The word the scripts use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Front => "front",
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
    /// The job's JSON text; `None` when the field is missing or not UTF-8.
    pub(crate) job: Option<String>,
    /// Failed attempts so far.
    pub(crate) attempts: u32,
    /// Crashes so far.
    pub(crate) crashes: u32,
    /// Since when the job could have run, Unix milliseconds.
    pub(crate) since: u64,
}

impl Entry {
    pub(crate) fn new(lane: Lane, entry: String, fields: &HashMap<String, Value>) -> Self {
        let text = |name: &str| match fields.get(name) {
            Some(Value::BulkString(bytes)) => String::from_utf8(bytes.clone()).ok(),
            Some(Value::SimpleString(text)) => Some(text.clone()),
            _ => None,
        };
        // The front stream is written by the scripts alone; a plain addition may claim anything.
        let kept = |name: &str| if lane == Lane::Front { text(name) } else { None };
        let number = |name: &str| kept(name).and_then(|text| text.parse::<u64>().ok());
        let count = |name: &str| number(name).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        Self {
            lane,
            id: kept("id"),
            job: text("job"),
            attempts: count("attempts"),
            crashes: count("crashes"),
            since: number("since").unwrap_or_else(|| booster_core::keys::entry_millis(&entry)),
            entry,
        }
    }

    /// The job's id: the stream's, else the one in the job's text, else one derived from the entry.
    pub(crate) fn job_id(&self, queue: &str, in_text: Option<&str>) -> String {
        match (&self.id, in_text) {
            (Some(id), _) => id.clone(),
            (None, Some(id)) => id.to_owned(),
            (None, None) => derived_id(queue, &self.entry),
        }
    }
}

/// The id inside a job's text, when the text is a JSON object with a valid one. Unlike parsing the whole job
/// this also finds the id of a job that is otherwise wrong, so that its producer can look it up.
pub(crate) fn id_in_text(text: &str) -> Option<String> {
    let id = booster_core::job::string_field(text, "id")?;
    booster_core::job::is_valid_id(&id).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> HashMap<String, Value> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), Value::BulkString(v.as_bytes().to_vec()))).collect()
    }

    #[test]
    fn a_plain_addition_cannot_claim_attempts_or_an_id_of_the_stream() {
        let entry =
            Entry::new(Lane::Jobs, "5-0".into(), &fields(&[("job", "{}"), ("id", "x"), ("crashes", "1")]));
        assert_eq!((entry.id.as_deref(), entry.since, entry.crashes), (None, 5, 0));
        assert_eq!(entry.job_id("normal", None), "normal-5-0");
        assert_eq!(entry.job_id("normal", Some("mine")), "mine");
    }

    #[test]
    fn a_front_entry_keeps_what_the_scripts_wrote() {
        let pairs = [("job", "{}"), ("id", "x"), ("attempts", "2"), ("crashes", "1"), ("since", "9")];
        let entry = Entry::new(Lane::Front, "5-0".into(), &fields(&pairs));
        assert_eq!((entry.attempts, entry.crashes, entry.since), (2, 1, 9));
        assert_eq!(entry.job_id("normal", Some("other")), "x");
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
