//! Jobs as producers send them: parsing, validation and the JSON form.
//!
//! A job arrives as one JSON object from many sources, so parsing never guesses: a field of the wrong type or
//! range is refused with its name, what was found and what would be right. Fields this version does not know
//! are kept and written back unchanged.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer as _;
use serde_json::value::RawValue;

use crate::UnixMillis;

/// The version written in a job's `v` field. Readers accept every version up to this one.
pub const JOB_VERSION: u32 = 1;
/// Size limit of a whole job's JSON text in bytes, by default (4 MiB).
pub const DEFAULT_MAX_JOB_BYTES: usize = 4 * 1024 * 1024;
/// Longest job id, in bytes.
pub const MAX_ID_BYTES: usize = 128;
/// Longest tenant, agent id, booster name, capability, idempotency key or traceparent, in bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// Longest deadline that a job may ask for, in milliseconds (one hour).
pub const MAX_TIMEOUT_MS: u64 = 3_600_000;
/// Most retries that a job may ask for.
pub const MAX_RETRIES: u32 = 100;

/// What a job's text was refused for. [`JobError::code`] is stable, the message is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// The text is not a JSON object.
    #[error("the job is not a JSON object: {detail}")]
    NotJson {
        /// What the JSON parser said.
        detail: String,
    },
    /// A field is missing that a job must have.
    #[error("the job has no field `{field}`; expected {expected}")]
    Missing {
        /// The missing field.
        field: &'static str,
        /// What would be right.
        expected: &'static str,
    },
    /// A field has a wrong type or a value outside its range.
    #[error("field `{field}` of the job is {found}; expected {expected}")]
    Invalid {
        /// The field's name.
        field: &'static str,
        /// The value that was found, shortened.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// The job's text is larger than the fleet accepts.
    #[error("the job has {size} bytes; at most {limit} are accepted")]
    TooLarge {
        /// The job's size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The job names a booster that the fleet does not know.
    #[error("no booster named `{name}` is registered; known boosters: {known}")]
    UnknownBooster {
        /// The name in the job.
        name: String,
        /// The names that would be right, comma-separated.
        known: String,
    },
    /// The job asks for a capability that no booster of the fleet declares.
    #[error("no booster declares the capability `{name}`; known capabilities: {known}")]
    UnknownCapability {
        /// The capability in the job.
        name: String,
        /// The capabilities that would be right, comma-separated.
        known: String,
    },
    /// The job names a language that its booster does not handle.
    #[error("booster `{booster}` does not know the language `{name}`; known languages: {known}")]
    UnknownLanguage {
        /// The booster that was asked.
        booster: String,
        /// The language in the job's input.
        name: String,
        /// The languages that would be right, comma-separated.
        known: String,
    },
}

impl JobError {
    /// A stable, machine-readable code for this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "job_not_json",
            Self::Missing { .. } => "job_field_missing",
            Self::Invalid { .. } => "job_field_invalid",
            Self::TooLarge { .. } => "job_too_large",
            Self::UnknownBooster { .. } => "booster_unknown",
            Self::UnknownCapability { .. } => "capability_unknown",
            Self::UnknownLanguage { .. } => "language_unknown",
        }
    }

    /// Whether the same job could be accepted later: never, the job itself is wrong.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// Which queue a job takes when its producer names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Priority {
    /// Served eight times for every `low` job.
    High,
    /// Served four times for every `low` job; the default.
    #[default]
    Normal,
    /// Served last, but always served.
    Low,
}

impl Priority {
    /// All priorities, most urgent first.
    pub const ALL: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

    /// The name in a job's `priority` field, which is also the queue's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// The priority with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == name)
    }
}

/// Who shall do the job: a booster by name, or any booster with a capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A booster's name, with `@version` when a certain one is wanted.
    Booster(String),
    /// A capability such as `code-optimization`; routing picks a booster that declares it.
    Capability(String),
}

impl Target {
    /// The booster's name without its version, or the capability.
    pub fn name(&self) -> &str {
        match self {
            Self::Booster(name) => name.split('@').next().unwrap_or(name),
            Self::Capability(name) => name,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Booster(name) => f.write_str(name),
            Self::Capability(name) => write!(f, "capability {name}"),
        }
    }
}

/// One code-edit job.
///
/// `input` and `meta` stay the exact JSON text that the producer sent: the fleet never re-encodes them.
#[derive(Debug, Clone)]
pub struct Job {
    /// Version of the job's form; absent means 1.
    pub v: u32,
    /// Unique name of the job, at most [`MAX_ID_BYTES`] of `A-Z a-z 0-9 . _ : -`. `None` until it is submitted.
    pub id: Option<String>,
    /// Who shall do the job.
    pub target: Target,
    /// What the booster gets, any JSON value.
    pub input: Box<RawValue>,
    /// On whose behalf the job runs.
    pub tenant: Option<String>,
    /// Which queue the job takes.
    pub priority: Priority,
    /// Deadline of one attempt in milliseconds; the fleet's `wasm.taskTimeout` when absent.
    pub timeout_ms: Option<u64>,
    /// How often a failed attempt is tried again; the fleet's `wasm.maxRetries` when absent.
    pub max_retries: Option<u32>,
    /// Earliest start, Unix milliseconds.
    pub run_at: Option<UnixMillis>,
    /// A second job with the same key, while it is remembered, is the same job.
    pub idempotency_key: Option<String>,
    /// The agent that asked, kept for its own readers.
    pub agent_id: Option<String>,
    /// W3C trace context of the producer, as it was sent: it may be no valid one, which harms nothing else.
    pub traceparent: Option<String>,
    /// Free JSON for the producer's own use.
    pub meta: Option<Box<RawValue>>,
    /// Whether the outcome may be taken from, and kept for, another job with the same booster and input; as the
    /// booster's manifest says when absent.
    pub cache: Option<bool>,
    /// Fields this version does not know, kept as they came.
    pub extra: BTreeMap<String, Box<RawValue>>,
}

impl Job {
    /// A job for `booster` with everything else at its default.
    ///
    /// # Errors
    /// [`JobError::Invalid`] when `input` is not JSON.
    pub fn new(booster: &str, input: &str) -> Result<Self, JobError> {
        let input = RawValue::from_string(input.to_owned()).map_err(|error| JobError::Invalid {
            field: "input",
            found: shorten(input),
            expected: format!("a JSON value ({error})"),
        })?;
        Ok(Self {
            v: JOB_VERSION,
            id: None,
            target: Target::Booster(booster.to_owned()),
            input,
            tenant: None,
            priority: Priority::Normal,
            timeout_ms: None,
            max_retries: None,
            run_at: None,
            idempotency_key: None,
            agent_id: None,
            traceparent: None,
            meta: None,
            cache: None,
            extra: BTreeMap::new(),
        })
    }

    /// Parses one job from its JSON text.
    ///
    /// # Errors
    /// A [`JobError`] that names the field, the value found and what would be right.
    pub fn from_json(text: &str) -> Result<Self, JobError> {
        let fields: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(text).map_err(|error| JobError::NotJson { detail: error.to_string() })?;
        Fields(fields).into_job()
    }

    /// Parses one job after checking its size against `limit` bytes.
    ///
    /// # Errors
    /// [`JobError::TooLarge`], else as [`Job::from_json`].
    pub fn from_json_limited(text: &str, limit: usize) -> Result<Self, JobError> {
        if text.len() > limit {
            return Err(JobError::TooLarge { size: text.len(), limit });
        }
        Self::from_json(text)
    }

    /// The job's JSON text, with fields in a fixed order and unknown fields last.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(self.input.get().len() + 256);
        out.push_str("{\"v\":");
        out.push_str(&self.v.to_string());
        let mut field = |name: &str, json: &str| {
            out.push(',');
            out.push_str(&quote(name));
            out.push(':');
            out.push_str(json);
        };
        let text = |value: &Option<String>| value.as_deref().map(quote);
        if let Some(id) = text(&self.id) {
            field("id", &id);
        }
        match &self.target {
            Target::Booster(name) => field("booster", &quote(name)),
            Target::Capability(name) => field("capability", &quote(name)),
        }
        field("input", self.input.get());
        if self.priority != Priority::default() {
            field("priority", &quote(self.priority.as_str()));
        }
        let optional = [
            ("tenant", text(&self.tenant)),
            ("timeoutMs", self.timeout_ms.map(|n| n.to_string())),
            ("maxRetries", self.max_retries.map(|n| n.to_string())),
            ("runAt", self.run_at.map(|n| n.to_string())),
            ("idempotencyKey", text(&self.idempotency_key)),
            ("agentId", text(&self.agent_id)),
            ("traceparent", text(&self.traceparent)),
            ("meta", self.meta.as_ref().map(|raw| raw.get().to_owned())),
            ("cache", self.cache.map(|cache| cache.to_string())),
        ];
        for (name, json) in optional {
            if let Some(json) = json {
                field(name, &json);
            }
        }
        for (name, raw) in &self.extra {
            field(name, raw.get());
        }
        out.push('}');
        out
    }

    /// The value of a string field of the job's input, when the input is an object that has it.
    pub fn input_str(&self, field: &str) -> Option<String> {
        string_field(self.input.get(), field)
    }
}

/// As [`Job::to_json`]. Only for JSON: other formats have no place for the exact text of `input` and `meta`.
impl serde::Serialize for Job {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_json()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// As [`Job::from_json`]. Only for JSON.
impl<'de> serde::Deserialize<'de> for Job {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(text.get()).map_err(serde::de::Error::custom)
    }
}

/// The value of a string field of a JSON object; `None` when the text is no object, or the field is missing or
/// no string. Of several fields with this name the last counts.
pub fn string_field(json: &str, field: &str) -> Option<String> {
    field_of(json, field)
}

/// As [`string_field`], for a whole number from 0 on.
pub fn number_field(json: &str, field: &str) -> Option<u64> {
    field_of(json, field)
}

fn field_of<T: serde::de::DeserializeOwned>(json: &str, field: &str) -> Option<T> {
    let reader = FieldOf { field, found: PhantomData };
    serde_json::Deserializer::from_str(json).deserialize_map(reader).ok()?
}

/// Reads one field of an object and skips all others without keeping them: inputs can be large.
struct FieldOf<'a, T> {
    field: &'a str,
    found: PhantomData<T>,
}

impl<'de, T: serde::de::DeserializeOwned> serde::de::Visitor<'de> for FieldOf<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == self.field {
                let raw: &RawValue = map.next_value()?;
                found = serde_json::from_str(raw.get()).ok();
            } else {
                map.next_value::<serde::de::IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether `id` may name a job: 1 to [`MAX_ID_BYTES`] bytes of `A-Z a-z 0-9 . _ : -`.
pub fn is_valid_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_ID_BYTES
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'))
}

/// The not yet interpreted fields of a job; each accessor takes one out.
struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    fn into_job(mut self) -> Result<Job, JobError> {
        let v = self.number("v", 1, u64::from(JOB_VERSION))?.map_or(JOB_VERSION, |n| n as u32);
        let id = self.string("id", "1 to 128 characters of A-Z a-z 0-9 . _ : -", is_valid_id)?;
        let target = self.target()?;
        let input = self.take("input").ok_or(JobError::Missing {
            field: "input",
            expected: "the booster's input, such as {\"code\":…,\"edit\":…}",
        })?;
        let name = |text: &str| !text.is_empty() && text.len() <= MAX_NAME_BYTES;
        let short = "1 to 128 bytes of text";
        Ok(Job {
            v,
            id,
            target,
            input,
            tenant: self.string("tenant", short, name)?,
            priority: self.priority()?,
            timeout_ms: self.number("timeoutMs", 1, MAX_TIMEOUT_MS)?,
            max_retries: self.number("maxRetries", 0, u64::from(MAX_RETRIES))?.map(|n| n as u32),
            run_at: self.number("runAt", 0, MAX_UNIX_MILLIS)?,
            idempotency_key: self.string("idempotencyKey", short, name)?,
            agent_id: self.string("agentId", short, name)?,
            traceparent: self.take("traceparent").map(|raw| lenient_text(raw.get())),
            meta: self.take("meta"),
            cache: self.flag("cache")?,
            extra: self.0,
        })
    }

    /// Takes a field out; JSON `null` counts as absent.
    fn take(&mut self, field: &str) -> Option<Box<RawValue>> {
        self.0.remove(field).filter(|raw| raw.get() != "null")
    }

    fn target(&mut self) -> Result<Target, JobError> {
        const EXPECTED: &str = "a booster's name such as \"apply\", or \"apply@0.1.0\"";
        let name = |text: &str| is_valid_booster(text);
        let booster = self.string("booster", EXPECTED, name)?;
        let capability = self.string("capability", "a capability such as \"code-optimization\"", name)?;
        match (booster, capability) {
            (Some(name), None) => Ok(Target::Booster(name)),
            (None, Some(name)) => Ok(Target::Capability(name)),
            (None, None) => Err(JobError::Missing { field: "booster", expected: EXPECTED }),
            (Some(_), Some(capability)) => Err(JobError::Invalid {
                field: "capability",
                found: shorten(&quote(&capability)),
                expected: "either `booster` or `capability`, not both".into(),
            }),
        }
    }

    fn priority(&mut self) -> Result<Priority, JobError> {
        let expected = "\"high\", \"normal\" or \"low\"";
        let name = self.string("priority", expected, |text| Priority::from_name(text).is_some())?;
        Ok(name.and_then(|name| Priority::from_name(&name)).unwrap_or_default())
    }

    fn flag(&mut self, field: &'static str) -> Result<Option<bool>, JobError> {
        let Some(raw) = self.take(field) else { return Ok(None) };
        match raw.get() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            other => {
                Err(JobError::Invalid { field, found: shorten(other), expected: "true or false".into() })
            }
        }
    }

    fn string(
        &mut self,
        field: &'static str,
        expected: &str,
        accept: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, JobError> {
        let Some(raw) = self.take(field) else { return Ok(None) };
        match serde_json::from_str::<String>(raw.get()) {
            Ok(text) if accept(&text) => Ok(Some(text)),
            _ => Err(JobError::Invalid { field, found: shorten(raw.get()), expected: expected.to_owned() }),
        }
    }

    fn number(&mut self, field: &'static str, min: u64, max: u64) -> Result<Option<u64>, JobError> {
        let Some(raw) = self.take(field) else { return Ok(None) };
        match serde_json::from_str::<u64>(raw.get()) {
            Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
            _ => Err(JobError::Invalid {
                field,
                found: shorten(raw.get()),
                expected: format!("a whole number from {min} to {max}"),
            }),
        }
    }
}

/// A JSON text as it reads, any other value as its JSON; of either at most [`MAX_NAME_BYTES`]. For a field that must
/// not have a job refused.
fn lenient_text(json: &str) -> String {
    let mut text = serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned());
    text.truncate(text.floor_char_boundary(MAX_NAME_BYTES));
    text
}

/// The year 9999, beyond which a time is a mistake of units.
const MAX_UNIX_MILLIS: u64 = 253_402_300_799_999;

fn is_valid_booster(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@' | b'+'))
}

pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// At most 60 characters of a value, for an error message.
pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_job_is_accepted() {
        let job =
            Job::from_json(r#"{"booster":"apply","input":{"code":"a","edit":"b","language":"python"}}"#)
                .unwrap();
        assert_eq!(job.target, Target::Booster("apply".into()));
        assert_eq!(job.priority, Priority::Normal);
        assert_eq!(job.input_str("language").as_deref(), Some("python"));
    }

    #[test]
    fn unknown_fields_and_exact_numbers_survive_a_round_trip() {
        let text =
            r#"{"booster":"apply","input":{"n":12345678901234567890,"e":[]},"x-new":[{},1e400],"v":1}"#;
        let job = Job::from_json(text).unwrap();
        let again = Job::from_json(&job.to_json()).unwrap();
        assert_eq!(again.input.get(), r#"{"n":12345678901234567890,"e":[]}"#);
        assert_eq!(again.extra["x-new"].get(), "[{},1e400]");
        assert_eq!(job.to_json(), again.to_json());
    }

    #[test]
    fn every_known_field_survives_a_round_trip() {
        let text = r#"{"v":1,"id":"job-1","capability":"code-optimization","input":1,"priority":"low","tenant":"t","timeoutMs":5,"maxRetries":0,"runAt":7,"idempotencyKey":"k","agentId":"a","traceparent":"00-x","meta":{"m":[]},"cache":true}"#;
        assert_eq!(Job::from_json(text).unwrap().to_json(), text);
    }

    #[test]
    fn serde_reads_and_writes_the_same_text() {
        let text = r#"{"v":1,"id":"job-1","booster":"apply","input":{"e":[], "n":1e400}}"#;
        let jobs: Vec<Job> = serde_json::from_str(&format!("[{text}]")).unwrap();
        assert_eq!(serde_json::to_string(&jobs).unwrap(), format!("[{text}]"));
        let error = serde_json::from_str::<Job>(r#"{"booster":"apply"}"#).unwrap_err();
        assert!(error.to_string().contains("`input`"), "{error}");
    }

    #[test]
    fn wrong_values_are_named() {
        let cases = [
            ("[]", "job_not_json", "object"),
            ("{", "job_not_json", "object"),
            (r#"{"booster":"apply"}"#, "job_field_missing", "`input`"),
            (r#"{"booster":"apply","input":null}"#, "job_field_missing", "`input`"),
            (r#"{"input":1}"#, "job_field_missing", "`booster`"),
            (r#"{"booster":"a b","input":1}"#, "job_field_invalid", "`booster`"),
            (r#"{"booster":"a","capability":"b","input":1}"#, "job_field_invalid", "not both"),
            (r#"{"booster":"a","input":1,"timeoutMs":-5}"#, "job_field_invalid", "-5"),
            (r#"{"booster":"a","input":1,"timeoutMs":"soon"}"#, "job_field_invalid", "3600000"),
            (r#"{"booster":"a","input":1,"timeoutMs":0}"#, "job_field_invalid", "`timeoutMs`"),
            (r#"{"booster":"a","input":1,"maxRetries":1.5}"#, "job_field_invalid", "1.5"),
            (r#"{"booster":"a","input":1,"priority":"urgent"}"#, "job_field_invalid", "urgent"),
            (r#"{"booster":"a","input":1,"id":"no spaces"}"#, "job_field_invalid", "`id`"),
            (r#"{"booster":"a","input":1,"v":2}"#, "job_field_invalid", "`v`"),
            (r#"{"booster":"a","input":1,"cache":"yes"}"#, "job_field_invalid", "true or false"),
        ];
        for (text, code, word) in cases {
            let error = Job::from_json(text).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
            assert!(error.to_string().contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn no_traceparent_refuses_a_job() {
        let long = "é".repeat(200);
        for (value, read) in
            [("7", "7"), ("{}", "{}"), ("\"\"", ""), (&format!("\"{long}\""), &*"é".repeat(64))]
        {
            let text = format!(r#"{{"booster":"a","input":1,"traceparent":{value}}}"#);
            assert_eq!(Job::from_json(&text).unwrap().traceparent.as_deref(), Some(read));
        }
    }

    #[test]
    fn a_job_beyond_the_limit_is_refused() {
        let error = Job::from_json_limited(r#"{"booster":"apply","input":1}"#, 10).unwrap_err();
        assert_eq!(error, JobError::TooLarge { size: 29, limit: 10 });
    }
}
