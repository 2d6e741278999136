//! Cron schedules: a job that is submitted at every tick of a cron expression.
//!
//! Everything about an expression is decided here, without a clock: the caller says what time it is. Ticks are
//! whole seconds, given in Unix milliseconds like every other time.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::job::{Job, JobError, is_valid_id, quote, shorten};
use crate::{Target, UnixMillis};

/// Longest name of a schedule, in bytes.
pub const MAX_SCHEDULE_NAME_BYTES: usize = 64;
/// Longest cron expression, in bytes.
pub const MAX_CRON_BYTES: usize = 256;
/// Longest name of a time zone, in bytes.
pub const MAX_ZONE_BYTES: usize = 64;
/// Largest schedule in its stored form, in bytes (64 KiB): keepers hold all schedules of a queue in memory.
pub const MAX_SCHEDULE_BYTES: usize = 64 * 1024;
/// Most schedules of one queue.
pub const MAX_SCHEDULES: usize = 256;

const CRON_EXPECTED: &str = "expected minute, hour, day of month, month and day of week such as `30 2 * * MON-FRI`, with seconds before them if wanted, or a nickname such as @hourly";
const JOB_EXPECTED: &str = "a job such as {\"booster\":…,\"input\":…}";

/// What a schedule was refused for. [`ScheduleError::code`] is stable, the message is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The name cannot name a schedule.
    #[error("the schedule's name {found} is not valid; expected 1 to 64 characters of A-Z a-z 0-9 . _ : -")]
    Name {
        /// The name that was found, shortened.
        found: String,
    },
    /// The text is not a JSON object.
    #[error("schedule `{name}` is not a JSON object: {detail}")]
    NotJson {
        /// The schedule.
        name: String,
        /// What the JSON parser said.
        detail: String,
    },
    /// A field is missing, not known, or has a value that it cannot have.
    #[error("field `{field}` of schedule `{name}` is {found}; expected {expected}")]
    Field {
        /// The schedule.
        name: String,
        /// The field.
        field: String,
        /// The value that was found, shortened; `missing` when there is none.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// The cron expression is wrong.
    #[error("the cron expression `{expression}` is not valid: {detail}; {CRON_EXPECTED}")]
    Cron {
        /// The expression, shortened.
        expression: String,
        /// What is wrong with it.
        detail: String,
    },
    /// No time zone has this name.
    #[error(
        "the time zone `{found}` is not known; expected a name of the IANA database such as Europe/Berlin or UTC"
    )]
    Zone {
        /// The name that was found, shortened.
        found: String,
    },
    /// The schedule is larger than a queue keeps.
    #[error("schedule `{name}` has {size} bytes; at most {limit} are accepted", limit = MAX_SCHEDULE_BYTES)]
    TooLarge {
        /// The schedule.
        name: String,
        /// The size of its stored form in bytes.
        size: usize,
    },
    /// The job is wrong.
    #[error("schedule `{name}`: {error}")]
    Job {
        /// The schedule.
        name: String,
        /// What is wrong with its job.
        error: JobError,
    },
}

impl ScheduleError {
    /// A stable, machine-readable code for this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "schedule_name_invalid",
            Self::NotJson { .. } => "schedule_not_json",
            Self::Field { .. } => "schedule_field_invalid",
            Self::Cron { .. } => "schedule_cron_invalid",
            Self::Zone { .. } => "schedule_timezone_unknown",
            Self::TooLarge { .. } => "schedule_too_large",
            Self::Job { error, .. } => error.code(),
        }
    }

    /// Whether the same schedule could be accepted later: never, it is wrong itself.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// A job with the times at which it is submitted.
#[derive(Debug, Clone)]
pub struct Schedule {
    name: String,
    cron: String,
    timezone: Option<String>,
    queue: Option<String>,
    job: Job,
    added_at: UnixMillis,
    times: Times,
}

/// The parsed expression with its time zone.
#[derive(Debug, Clone)]
struct Times {
    cron: Cron,
    zone: TimeZone,
}

impl Schedule {
    /// A schedule named `name` that submits `job` at the ticks of `cron`, which are read in `timezone` (UTC when
    /// absent). The queue is that of the job's priority.
    ///
    /// # Errors
    /// A [`ScheduleError`] for a wrong name, expression or time zone, an expression that never has a tick, or a
    /// job with an id, an idempotency key or a start time of its own.
    pub fn new(name: &str, cron: &str, timezone: Option<&str>, job: Job) -> Result<Self, ScheduleError> {
        if !is_valid_id(name) || name.len() > MAX_SCHEDULE_NAME_BYTES {
            return Err(ScheduleError::Name { found: format!("`{}`", shorten(name)) });
        }
        let own = [
            ("id", job.id.as_deref().map(quote)),
            ("idempotencyKey", job.idempotency_key.as_deref().map(quote)),
            ("runAt", job.run_at.map(|at| at.to_string())),
        ];
        for (field, value) in own {
            if let Some(value) = value {
                let expected = "none: every tick makes a job with an id and a time of its own".to_owned();
                let error = JobError::Invalid { field, found: shorten(&value), expected };
                return Err(ScheduleError::Job { name: name.to_owned(), error });
            }
        }
        Ok(Self {
            name: name.to_owned(),
            cron: cron.to_owned(),
            timezone: timezone.map(str::to_owned),
            queue: None,
            job,
            added_at: 0,
            times: Times::parse(cron, timezone)?,
        })
    }

    /// The same schedule for the queue `queue`, whatever the job's priority.
    #[must_use]
    pub fn in_queue(mut self, queue: Option<String>) -> Self {
        self.queue = queue;
        self
    }

    /// The same schedule, added at `at` (Unix milliseconds). Ticks up to then are never fired.
    #[must_use]
    pub fn added(mut self, at: UnixMillis) -> Self {
        self.added_at = at;
        self
    }

    /// Parses a schedule as a client sends it: an object with `cron`, `job`, `timezone` (optional), `queue`
    /// (optional) and `name` (optional, then the same as `name`).
    ///
    /// # Errors
    /// As [`Schedule::new`]; a field that does not exist is refused, because a misspelt one would go unnoticed.
    pub fn from_json(name: &str, text: &str) -> Result<Self, ScheduleError> {
        let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text)
            .map_err(|error| ScheduleError::NotJson { name: shorten(name), detail: error.to_string() })?;
        let wrong = |field: &str, found: &str, expected| ScheduleError::Field {
            name: shorten(name),
            field: shorten(field),
            found: shorten(found),
            expected,
        };
        let mut string = |field: &str, expected: &'static str| match fields.remove(field) {
            Some(raw) if raw.get() != "null" => serde_json::from_str::<String>(raw.get())
                .map(Some)
                .map_err(|_| wrong(field, raw.get(), expected)),
            _ => Ok(None),
        };
        let own_name = string("name", "the schedule's name")?;
        let cron = string("cron", "a cron expression such as \"30 2 * * *\"")?;
        let timezone = string("timezone", "the name of a time zone such as \"Europe/Berlin\"")?;
        let queue = string("queue", "the name of a queue")?;
        let job = fields.remove("job").ok_or_else(|| wrong("job", "missing", JOB_EXPECTED))?;
        if let Some((field, value)) = fields.first_key_value() {
            return Err(wrong(field, value.get(), "only name, cron, timezone, queue and job"));
        }
        if let Some(other) = own_name.filter(|own| own != name) {
            return Err(wrong("name", &quote(&other), "the name under which the schedule is added, or none"));
        }
        let cron =
            cron.ok_or_else(|| wrong("cron", "missing", "a cron expression such as \"30 2 * * *\""))?;
        let job =
            Job::from_json(job.get()).map_err(|error| ScheduleError::Job { name: shorten(name), error })?;
        Ok(Self::new(name, &cron, timezone.as_deref(), job)?.in_queue(queue))
    }

    /// Reads the form in which Redis keeps the schedule `name`.
    ///
    /// # Errors
    /// As [`Schedule::new`]; the text may have been changed by hand.
    pub fn from_stored(name: &str, text: &str) -> Result<Self, ScheduleError> {
        if text.len() > MAX_SCHEDULE_BYTES {
            return Err(ScheduleError::TooLarge { name: shorten(name), size: text.len() });
        }
        let stored: Stored = serde_json::from_str(text)
            .map_err(|error| ScheduleError::NotJson { name: shorten(name), detail: error.to_string() })?;
        let job = Job::from_json(stored.job.get())
            .map_err(|error| ScheduleError::Job { name: shorten(name), error })?;
        let schedule = Self::new(name, &stored.cron, stored.timezone.as_deref(), job)?;
        Ok(schedule.added(stored.added_at))
    }

    /// The form in which Redis keeps it.
    ///
    /// # Errors
    /// [`ScheduleError::TooLarge`].
    pub fn to_stored(&self) -> Result<String, ScheduleError> {
        let not_json = |error: serde_json::Error| ScheduleError::NotJson {
            name: self.name.clone(),
            detail: error.to_string(),
        };
        let stored = Stored {
            cron: self.cron.clone(),
            timezone: self.timezone.clone(),
            added_at: self.added_at,
            job: RawValue::from_string(self.job.to_json()).map_err(not_json)?,
        };
        let text = serde_json::to_string(&stored).map_err(not_json)?;
        if text.len() > MAX_SCHEDULE_BYTES {
            return Err(ScheduleError::TooLarge { name: self.name.clone(), size: text.len() });
        }
        Ok(text)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its cron expression, as it was given.
    pub fn cron(&self) -> &str {
        &self.cron
    }

    /// The time zone in which the expression is read; UTC when absent.
    pub fn timezone(&self) -> Option<&str> {
        self.timezone.as_deref()
    }

    /// The queue that its jobs take.
    pub fn queue(&self) -> &str {
        self.queue.as_deref().unwrap_or_else(|| self.job.priority.as_str())
    }

    /// The job, without id.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Who shall do the job.
    pub fn target(&self) -> &Target {
        &self.job.target
    }

    /// When it was added, Unix milliseconds; 0 while it is not stored.
    pub fn added_at(&self) -> UnixMillis {
        self.added_at
    }

    /// Whether its ticks are those of `other`.
    pub fn ticks_like(&self, other: &Self) -> bool {
        self.cron == other.cron && self.timezone == other.timezone
    }

    /// The job of one tick. Its id follows from name and tick, so that a tick fired twice is one job.
    pub fn job_at(&self, tick: UnixMillis) -> Job {
        let mut job = self.job.clone();
        job.id = Some(format!("cron-{}-{}", self.name, tick / 1000));
        job
    }

    /// The first tick after `after`; `None` when there is none before the year 5000.
    pub fn next_after(&self, after: UnixMillis) -> Option<UnixMillis> {
        let tick = self.times.cron.find_next_occurrence(&self.times.at(after)?, false).ok()?;
        millis(&tick)
    }

    /// The last tick at or before `until`; `None` when there is none after 1970.
    pub fn last_until(&self, until: UnixMillis) -> Option<UnixMillis> {
        let tick = self.times.cron.find_previous_occurrence(&self.times.at(until)?, true).ok()?;
        millis(&tick)
    }
}

/// A schedule in Redis. Readers ignore fields that they do not know.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    cron: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    timezone: Option<String>,
    added_at: UnixMillis,
    job: Box<RawValue>,
}

/// The time zones that are built into the program.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

impl Times {
    fn parse(expression: &str, timezone: Option<&str>) -> Result<Self, ScheduleError> {
        let wrong = |detail: String| ScheduleError::Cron { expression: shorten(expression), detail };
        if expression.len() > MAX_CRON_BYTES || !expression.is_ascii() {
            return Err(wrong(format!("it is longer than {MAX_CRON_BYTES} bytes, or no ASCII")));
        }
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        // The parser's messages end in a full stop now and then.
        let said = |error: &dyn std::fmt::Display| error.to_string().trim_end_matches('.').to_owned();
        let cron = parser.parse(expression).map_err(|error| wrong(said(&error)))?;
        let zone = match timezone {
            None => TimeZone::UTC,
            Some(name) if name.len() <= MAX_ZONE_BYTES => {
                ZONES.get(name).map_err(|_| ScheduleError::Zone { found: shorten(name) })?
            }
            Some(name) => return Err(ScheduleError::Zone { found: shorten(name) }),
        };
        let times = Self { cron, zone };
        // Any day will do to see whether there is a tick at all, such as 30 February.
        let ever = times.at(0).is_some_and(|start| times.cron.find_next_occurrence(&start, true).is_ok());
        if ever { Ok(times) } else { Err(wrong("no day matches it".into())) }
    }

    /// A time of day in this zone, to the second.
    fn at(&self, millis: UnixMillis) -> Option<Zoned> {
        let seconds = i64::try_from(millis / 1000).ok()?;
        Some(Timestamp::from_second(seconds).ok()?.to_zoned(self.zone.clone()))
    }
}

fn millis(tick: &Zoned) -> Option<UnixMillis> {
    u64::try_from(tick.timestamp().as_second()).ok()?.checked_mul(1000)
}

/// A time for people: UTC to the second, such as `2026-01-31T12:00:00Z`.
pub fn utc(millis: UnixMillis) -> String {
    let seconds = i64::try_from(millis / 1000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| millis.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job::new("noop", "{}").unwrap()
    }

    fn at(text: &str) -> UnixMillis {
        u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap()
    }

    /// The first ticks after a time, as text.
    fn ticks(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::new("s", cron, Some(zone), job()).unwrap();
        let mut tick = at(after);
        std::iter::repeat_with(|| {
            tick = schedule.next_after(tick).unwrap();
            assert_eq!(schedule.last_until(tick), Some(tick), "{cron}: both directions agree");
            utc(tick)
        })
        .take(count)
        .collect()
    }

    #[test]
    fn ticks_are_whole_seconds_minutes_or_days() {
        assert_eq!(
            ticks("* * * * * *", "UTC", "2026-01-01T00:00:00.900Z", 2),
            ["2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"]
        );
        assert_eq!(
            ticks("*/15 * * * *", "UTC", "2026-01-01T00:44:00Z", 2),
            ["2026-01-01T00:45:00Z", "2026-01-01T01:00:00Z"]
        );
        assert_eq!(ticks("@daily", "Asia/Kolkata", "2026-01-01T00:00:00Z", 1), ["2026-01-01T18:30:00Z"]);
        let schedule = Schedule::new("s", "0 12 * * MON", None, job()).unwrap();
        assert_eq!(schedule.last_until(at("2026-01-06T00:00:00Z")), Some(at("2026-01-05T12:00:00Z")));
    }

    #[test]
    fn a_fixed_time_has_one_tick_on_days_when_the_clock_changes() {
        // 02:30 does not exist on 29 March 2026 in Berlin, and exists twice on 25 October.
        assert_eq!(
            ticks("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            ticks("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        // An interval goes on through both.
        assert_eq!(
            ticks("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 3),
            ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]
        );
    }

    #[test]
    fn wrong_expressions_zones_and_names_are_named() {
        let long = format!("{} * * * *", "1,".repeat(200));
        for (cron, word) in [
            ("", "empty"),
            ("* * * *", "5 or 6 fields"),
            ("61 * * * *", "61 * * * *"),
            ("* * * * * * 2030", "5 or 6 fields"),
            ("0 0 30 2 *", "no day"),
            ("@reboot", "@reboot"),
            ("ü * * * *", "ASCII"),
            (&long, "256"),
        ] {
            let error = Schedule::new("s", cron, None, job()).unwrap_err();
            assert_eq!(error.code(), "schedule_cron_invalid", "{cron}");
            let text = error.to_string();
            assert!(text.contains(word) && text.contains("expected minute"), "{cron}: {text}");
        }
        for zone in ["Mars/Olympus", "", "+02:00", &"x".repeat(100)] {
            let error = Schedule::new("s", "* * * * *", Some(zone), job()).unwrap_err();
            assert_eq!(error.code(), "schedule_timezone_unknown", "{zone}");
        }
        for name in ["", "a b", "a/b", &"x".repeat(65)] {
            let error = Schedule::new(name, "* * * * *", None, job()).unwrap_err();
            assert_eq!(error.code(), "schedule_name_invalid", "{name}");
        }
    }

    #[test]
    fn the_door_refuses_what_would_go_unnoticed() {
        for (text, code, word) in [
            ("[]", "schedule_not_json", "JSON object"),
            (r#"{"job":{}}"#, "schedule_field_invalid", "`cron`"),
            (r#"{"cron":"* * * * *"}"#, "schedule_field_invalid", "`job`"),
            (r#"{"cron":5,"job":{}}"#, "schedule_field_invalid", "is 5"),
            (r#"{"cron":"* * * * *","timeZone":"UTC","job":{}}"#, "schedule_field_invalid", "`timeZone`"),
            (r#"{"name":"t","cron":"* * * * *","job":{}}"#, "schedule_field_invalid", "`name`"),
            (r#"{"cron":"* * * * *","job":{"booster":"a"}}"#, "job_field_missing", "`input`"),
            (r#"{"cron":"* * * * *","job":{"booster":"a","input":1,"id":"x"}}"#, "job_field_invalid", "`id`"),
            (
                r#"{"cron":"* * * * *","job":{"booster":"a","input":1,"runAt":1}}"#,
                "job_field_invalid",
                "`runAt`",
            ),
        ] {
            let error = Schedule::from_json("s", text).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
            assert!(error.to_string().contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn the_stored_form_is_read_back() {
        let text = r#"{"name":"s","cron":"@hourly","timezone":"UTC","queue":"q","job":{"booster":"a","input":{"n":[]},"priority":"low"}}"#;
        let schedule = Schedule::from_json("s", text).unwrap();
        assert_eq!(schedule.queue(), "q");
        let stored = schedule.added(7).to_stored().unwrap();
        let again = Schedule::from_stored("s", &stored).unwrap();
        assert_eq!((again.cron(), again.timezone(), again.added_at()), ("@hourly", Some("UTC"), 7));
        // The queue is the one whose keys hold it.
        assert_eq!(again.queue(), "low");
        let job = again.job_at(1_700_000_000_000);
        assert_eq!(job.id.as_deref(), Some("cron-s-1700000000"));
        assert_eq!(job.input.get(), r#"{"n":[]}"#);
        let large = Job::new("a", &format!("\"{}\"", "x".repeat(MAX_SCHEDULE_BYTES))).unwrap();
        let error = Schedule::new("s", "@hourly", None, large).unwrap().to_stored().unwrap_err();
        assert_eq!(error.code(), "schedule_too_large");
    }
}
