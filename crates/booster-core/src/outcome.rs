//! How a job ended, and why an attempt failed.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::UnixMillis;
use crate::job::{number_field, string_field};

/// The field of a refusal with which a booster asks to be tried again, in milliseconds.
pub const RETRY_AFTER: &str = "retryAfterMs";
/// What [`RETRY_AFTER`] may be: a whole number of at most an hour.
pub const RETRY_AFTER_MS: RangeInclusive<u64> = 1..=3_600_000;
/// Longest part of a booster's message that is kept with a deferred attempt, in characters.
const MAX_MESSAGE_CHARS: usize = 1500;

/// The terminal state of a job. Exactly one is stored for each job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    /// The booster produced an output.
    Done,
    /// The booster said why it will not do it; never retried.
    Refused,
    /// Retries used up, quarantined, or invalid.
    Dead,
    /// Cancelled by its producer.
    Cancelled,
}

impl OutcomeKind {
    /// All outcomes, in the order in which tables show them.
    pub const ALL: [OutcomeKind; 4] = [Self::Done, Self::Refused, Self::Dead, Self::Cancelled];

    /// The word used in records, metrics and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The outcome with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Why one attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// The sandbox stopped the guest: bad memory access, stack overflow, division by zero…
    Trap,
    /// The deadline passed.
    Timeout,
    /// A memory growth beyond the limit was refused.
    Memory,
    /// The guest panicked (or the host code around it did).
    Panic,
    /// The worker process died with the attempt.
    Crash,
    /// The attempt's result came after its claim was lost.
    LostClaim,
    /// The booster asked to be tried again later.
    Deferred,
}

impl FailureCause {
    /// All causes.
    pub const ALL: [FailureCause; 7] =
        [Self::Trap, Self::Timeout, Self::Memory, Self::Panic, Self::Crash, Self::LostClaim, Self::Deferred];

    /// The word used in records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::Panic => "panic",
            Self::Crash => "crash",
            Self::LostClaim => "lost_claim",
            Self::Deferred => "deferred",
        }
    }

    /// Whether the attempt's instance came to harm. A booster that asks for another try has only answered.
    fn spoils_instance(self) -> bool {
        self != Self::Deferred
    }
}

/// What one attempt came to, as the code that ran it reports it to the queue.
#[derive(Debug, Clone)]
pub enum Attempt {
    /// The booster's output, a JSON value.
    Done(Box<RawValue>),
    /// The booster's refusal, a JSON value.
    Refused(Box<RawValue>),
    /// The attempt failed and may be tried again.
    Failed {
        /// Why.
        cause: FailureCause,
        /// What happened, for people.
        message: String,
        /// How long to wait before the next attempt at least, milliseconds; the queue's own back-off when absent.
        retry_after_ms: Option<u64>,
    },
    /// The job can never run here or anywhere, such as a booster refusing its whole form.
    Invalid {
        /// A stable code.
        code: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// This worker cannot run the job but another may; it counts neither as attempt nor as crash.
    HandBack,
}

impl Attempt {
    /// What harm its instance came to, when it did.
    pub fn harm(&self) -> Option<FailureCause> {
        match self {
            Self::Failed { cause, .. } if cause.spoils_instance() => Some(*cause),
            _ => None,
        }
    }

    /// A failure that is tried again after the queue's own back-off.
    pub fn failed(cause: FailureCause, message: String) -> Self {
        Self::Failed { cause, message, retry_after_ms: None }
    }

    /// What a booster's refusal comes to: final, unless it is an object with a [`RETRY_AFTER`] that asks for another
    /// attempt.
    pub fn of_refusal(refusal: Box<RawValue>) -> Self {
        let Some(delay) = number_field(refusal.get(), RETRY_AFTER).filter(|ms| RETRY_AFTER_MS.contains(ms))
        else {
            return Self::Refused(refusal);
        };
        let said = |field| string_field(refusal.get(), field).filter(|text| !text.is_empty());
        let message = said("message").or_else(|| said("reason")).map_or_else(
            || format!("the booster asked to be tried again after {delay} ms"),
            |text| text.chars().take(MAX_MESSAGE_CHARS).map(printable).collect(),
        );
        Self::Failed { cause: FailureCause::Deferred, message, retry_after_ms: Some(delay) }
    }
}

fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// The stored outcome of a job, in the form in which readers get it.
///
/// Readers of an older or newer version ignore fields they do not know; fields added later have defaults.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobOutcome {
    /// The job's id.
    pub id: String,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// The booster's output, for `done`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub output: Option<Box<RawValue>>,
    /// The booster's reason, for `refused`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refusal: Option<Box<RawValue>>,
    /// What went wrong, for `dead`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<ErrorDetail>,
    /// Failed attempts, crashes not counted.
    #[serde(default)]
    pub attempts: u32,
    /// Attempts that took their process with them.
    #[serde(default)]
    pub crashes: u32,
    /// Time the last attempt took inside the sandbox, in milliseconds.
    #[serde(default)]
    pub latency_ms: f64,
    /// Time from enqueueing (or the end of a deliberate delay) to the last attempt's start, in milliseconds.
    #[serde(default)]
    pub wait_ms: u64,
    /// The worker that settled the job.
    #[serde(default)]
    pub worker: String,
    /// The booster that ran, as `name@version`; empty when none did.
    #[serde(default)]
    pub booster: String,
    /// On whose behalf the job was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tenant: Option<String>,
    /// When the job was accepted, Unix milliseconds.
    #[serde(default)]
    pub enqueued_at: UnixMillis,
    /// When the outcome was made, Unix milliseconds.
    #[serde(default)]
    pub finished_at: UnixMillis,
    /// Whether something other than the fleet's boosters did the job.
    #[serde(default)]
    pub used_fallback: bool,
    /// Whether it is that of an earlier job with the same booster and input.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
}

impl JobOutcome {
    /// The outcome of a job that was cancelled before it ran.
    pub fn cancelled(id: &str, tenant: Option<String>, enqueued_at: UnixMillis, now: UnixMillis) -> Self {
        Self {
            id: id.to_owned(),
            outcome: OutcomeKind::Cancelled,
            output: None,
            refusal: None,
            error: None,
            attempts: 0,
            crashes: 0,
            latency_ms: 0.0,
            wait_ms: 0,
            worker: String::new(),
            booster: String::new(),
            tenant,
            enqueued_at,
            finished_at: now,
            used_fallback: false,
            cached: false,
        }
    }
}

/// A machine-readable reason with a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// A stable code: a failure cause, `quarantined`, or a job error's code.
    pub code: String,
    /// What happened.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_writers_outcome_is_read() {
        // The smallest form that any version has written.
        let outcome: JobOutcome =
            serde_json::from_str(r#"{"id":"a","outcome":"done","output":{"x":[]},"later":1}"#).unwrap();
        assert_eq!(outcome.outcome, OutcomeKind::Done);
        assert_eq!(outcome.output.unwrap().get(), r#"{"x":[]}"#);
        assert_eq!(outcome.attempts, 0);
    }

    #[test]
    fn only_a_whole_number_in_its_range_defers() {
        let judge = |text: &str| Attempt::of_refusal(RawValue::from_string(text.to_owned()).unwrap());
        for (text, delay, said) in [
            (r#"{"retryAfterMs":1}"#, 1, "after 1 ms"),
            (r#"{"reason":"busy","retryAfterMs":3600000}"#, 3_600_000, "busy"),
            (r#"{"message":"not\nyet","reason":"busy","retryAfterMs":5}"#, 5, "not yet"),
        ] {
            let Attempt::Failed { cause, message, retry_after_ms } = judge(text) else { panic!("{text}") };
            assert_eq!((cause, retry_after_ms), (FailureCause::Deferred, Some(delay)), "{text}");
            assert!(message.contains(said), "{text}: {message}");
        }
        for text in [
            r#"{"retryAfterMs":0}"#,
            r#"{"retryAfterMs":3600001}"#,
            r#"{"retryAfterMs":-5}"#,
            r#"{"retryAfterMs":10.0}"#,
            r#"{"retryAfterMs":1e3}"#,
            r#"{"retryAfterMs":"10"}"#,
            r#"{"retryAfterMs":null}"#,
            r#"{"retryAfterMs":99999999999999999999}"#,
            r#"{"inner":{"retryAfterMs":10}}"#,
            r#"[{"retryAfterMs":10}]"#,
            "10",
        ] {
            assert!(matches!(judge(text), Attempt::Refused(refusal) if refusal.get() == text), "{text}");
        }
    }

    #[test]
    fn names_and_serialised_forms_agree() {
        for kind in OutcomeKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.as_str()));
            assert_eq!(OutcomeKind::from_name(kind.as_str()), Some(kind));
        }
        for cause in FailureCause::ALL {
            assert_eq!(serde_json::to_string(&cause).unwrap(), format!("\"{}\"", cause.as_str()));
        }
    }
}
