//! `booster replay`: a finished job once more, in a sandbox of this process.

use std::time::Duration;

use booster_core::outcome::JobOutcome;
use booster_core::{Attempt, Job, OutcomeKind, Target};
use booster_engine::Ran;
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{EXIT_UNKNOWN, print};
use crate::client::Client;
use crate::error::ClientError;
use crate::sandbox::Sandbox;

/// Exit status when the job comes to something else here.
const EXIT_DIFFERENT: u8 = 1;

/// Arguments of `booster replay`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The job's id
    job: String,
    /// Its input, where the fleet does not keep it: a file with JSON
    #[arg(long, value_name = "FILE")]
    input: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `--json` prints. JSON of boosters stays the text it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Replay<'a> {
    id: &'a str,
    booster: &'a str,
    /// SHA-256 of the module that ran here.
    digest: &'a str,
    result: &'a str,
    stored: &'a JobOutcome,
    /// `done`, `refused`, the cause of a failure, or an error's code.
    here: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    backtrace: &'a [String],
    latency_ms: f64,
}

/// Runs a job again; exit 0 when it comes to the same, 1 when not, 5 when it or its input is not known.
pub(crate) async fn run(arguments: &Arguments, client: &Client) -> Result<u8, ClientError> {
    let id = &arguments.job;
    let record = client.status(id).await?;
    let Some((outcome, text)) = record.and_then(|record| Some((record.outcome?, record.job))) else {
        eprintln!("booster: no job with the id `{id}` has ended, as far as is known");
        return Ok(EXIT_UNKNOWN);
    };
    let job = text.and_then(|text| Job::from_json(&text).ok());
    let input = match &arguments.input {
        Some(path) => std::fs::read_to_string(path).map_err(|error| ClientError::usage(path, error))?,
        None => match &job {
            Some(job) => job.input.get().to_owned(),
            None => {
                eprintln!(
                    "booster: the input of `{id}` is not kept; done jobs keep theirs with booster.keepInput, and \
                     --input gives one"
                );
                return Ok(EXIT_UNKNOWN);
            }
        },
    };
    let target = target_of(&outcome, job.as_ref())
        .ok_or_else(|| ClientError::usage(id, "no booster ran it, and its text names none"))?;
    let sandbox = Sandbox::open(client.config(), 1).await?;
    let booster = sandbox.resolve_deployed(client, &target).await?;
    let timeout = job.as_ref().and_then(|job| job.timeout_ms).map(Duration::from_millis);
    let limit = client.config().redis.max_job_bytes;
    let ran = sandbox.run_alone(booster.clone(), input, timeout, limit).await?;
    let result = compare(&outcome, &ran.attempt);
    let (here, output, error) = describe(&ran.attempt);
    let replay = Replay {
        id,
        booster: booster.reference(),
        digest: booster.digest(),
        result,
        stored: &outcome,
        here,
        output,
        error,
        backtrace: &ran.backtrace,
        latency_ms: (ran.latency_ms * 1000.0).round() / 1000.0,
    };
    if arguments.json {
        print::json(&replay)?
    } else {
        show(&replay, &ran)?
    }
    Ok(if result == SAME { 0 } else { EXIT_DIFFERENT })
}

const SAME: &str = "same";
const DIFFERENT: &str = "different";

/// The booster that ran, in its version; else the one that the job asks for.
fn target_of(outcome: &JobOutcome, job: Option<&Job>) -> Option<Target> {
    let ran = !outcome.booster.is_empty() && !outcome.used_fallback;
    if ran {
        return Some(Target::Booster(outcome.booster.clone()));
    }
    job.map(|job| job.target.clone())
}

/// Whether a job came to the same: byte for byte the same output or refusal, or a death of the same cause.
fn compare(stored: &JobOutcome, here: &Attempt) -> &'static str {
    let text = |value: &Option<Box<RawValue>>| value.as_ref().map(|value| value.get().to_owned());
    let same = match (stored.outcome, here) {
        (OutcomeKind::Done, Attempt::Done(output)) => text(&stored.output).as_deref() == Some(output.get()),
        (OutcomeKind::Refused, Attempt::Refused(refusal)) => {
            text(&stored.refusal).as_deref() == Some(refusal.get())
        }
        (OutcomeKind::Dead, Attempt::Failed { cause, .. }) => {
            stored.error.as_ref().is_some_and(|error| error.code == cause.as_str())
        }
        (OutcomeKind::Dead, Attempt::Invalid { code, .. }) => {
            stored.error.as_ref().is_some_and(|error| error.code == *code)
        }
        _ => false,
    };
    if same { SAME } else { DIFFERENT }
}

/// The word for what a run came to, its JSON, and what went wrong.
fn describe(attempt: &Attempt) -> (String, Option<&RawValue>, Option<&str>) {
    match attempt {
        Attempt::Done(output) => ("done".to_owned(), Some(output), None),
        Attempt::Refused(refusal) => ("refused".to_owned(), Some(refusal), None),
        Attempt::Failed { cause, message, .. } => (cause.as_str().to_owned(), None, Some(message)),
        Attempt::Invalid { code, message } => (code.clone(), None, Some(message)),
        Attempt::HandBack => ("stopped".to_owned(), None, None),
    }
}

fn show(replay: &Replay<'_>, ran: &Ran) -> Result<(), ClientError> {
    let stored = replay.stored;
    let how = if stored.used_fallback { ", by the fallback" } else { "" };
    print::line(&format!("{}  {}", replay.id, replay.result))?;
    print::line(&format!("  {} {}", replay.booster, replay.digest))?;
    print::line(&format!("  stored: {}{how} {}", stored.outcome.as_str(), super::jobs::reason(stored)))?;
    let detail = replay.output.map(RawValue::get).or(replay.error).unwrap_or_default();
    print::line(&format!(
        "  here:   {} in {:.3} ms {}",
        replay.here,
        replay.latency_ms,
        print::one_line(detail)
    ))?;
    for frame in &ran.backtrace {
        print::line(&format!("    {frame}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use booster_core::FailureCause;
    use booster_core::outcome::ErrorDetail;

    #[test]
    fn only_the_same_bytes_or_the_same_cause_are_the_same() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let mut stored = JobOutcome::cancelled("x", None, 0, 0);
        stored.outcome = OutcomeKind::Done;
        stored.output = Some(raw("{\"a\":1}"));
        assert_eq!(compare(&stored, &Attempt::Done(raw("{\"a\":1}"))), SAME);
        assert_eq!(compare(&stored, &Attempt::Done(raw("{\"a\": 1}"))), DIFFERENT);
        assert_eq!(compare(&stored, &Attempt::Refused(raw("{\"a\":1}"))), DIFFERENT);
        stored.outcome = OutcomeKind::Dead;
        stored.error = Some(ErrorDetail { code: "trap".into(), message: "at 0x12".into() });
        assert_eq!(compare(&stored, &Attempt::failed(FailureCause::Trap, "elsewhere".into())), SAME);
        assert_eq!(compare(&stored, &Attempt::failed(FailureCause::Timeout, String::new())), DIFFERENT);
    }
}
