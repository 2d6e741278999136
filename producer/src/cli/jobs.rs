//! `booster submit`, `status` and `wait`.

use std::time::Duration;

use booster_core::outcome::JobOutcome;
use booster_core::{Job, OutcomeKind};
use booster_queue::Cancellation;
use clap::Args;

use super::{EXIT_DEAD, EXIT_REFUSED, EXIT_UNKNOWN, advice, input, print};
use crate::client::Client;
use crate::error::ClientError;
use crate::trace;
use crate::views::JobStatus;

/// Largest file of jobs, bytes (1 GiB): it is held in memory so that a wrong line is found before any is sent.
pub(crate) const MAX_FILE: u64 = 1 << 30;

/// Arguments of `booster submit`.
#[derive(Debug, Args)]
pub(crate) struct SubmitArguments {
    /// Jobs, one JSON object a line; - for standard input
    jobs: String,
    /// The queue for all of them, instead of the one that each one's priority means
    #[arg(long)]
    queue: Option<String>,
    /// Wait for the outcomes
    #[arg(long)]
    wait: bool,
    /// How long to wait, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    timeout: u64,
    /// Print one JSON object a line: with --wait the outcomes, else what was accepted
    #[arg(long)]
    json: bool,
}

/// Arguments of `booster status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// The job's id
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `booster wait`.
#[derive(Debug, Args)]
pub(crate) struct WaitArguments {
    /// The jobs' ids
    #[arg(required = true)]
    ids: Vec<String>,
    /// How long to wait, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    timeout: u64,
    /// Wait for what regular agents make of refused and dead jobs
    #[arg(long)]
    fallback: bool,
    /// Print one outcome a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `booster cancel`.
#[derive(Debug, Args)]
pub(crate) struct CancelArguments {
    /// The job's id
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Cancels one job.
pub(crate) async fn cancel(arguments: &CancelArguments, client: &Client) -> Result<u8, ClientError> {
    let id = &arguments.id;
    let cancellation = client.cancel(id).await?;
    let (result, status) = match &cancellation {
        Cancellation::Cancelled => ("cancelled", 0),
        Cancellation::Stopping => ("stopping", 0),
        Cancellation::Ended(state) => (state.as_str(), 1),
        Cancellation::Unknown => ("unknown", EXIT_UNKNOWN),
    };
    if arguments.json {
        print::line(&serde_json::json!({ "id": id, "state": result }).to_string())?;
        return Ok(status);
    }
    match cancellation {
        Cancellation::Cancelled => eprintln!("booster: {id} is cancelled"),
        Cancellation::Stopping => eprintln!("booster: {id} runs; its worker has been told to stop it"),
        Cancellation::Ended(state) => eprintln!("booster: {id} has ended as {state}"),
        Cancellation::Unknown => advice::unknown_job(id),
    }
    Ok(status)
}

/// Submits; exit as `wait` when it waits.
pub(crate) async fn submit(arguments: SubmitArguments, client: &Client) -> Result<u8, ClientError> {
    let mut jobs =
        parse_lines(&input::read(&arguments.jobs, MAX_FILE)?, client.config().redis.max_job_bytes)?;
    // Whoever started this program may have given it the context of its own span.
    if let Ok(traceparent) = std::env::var("TRACEPARENT") {
        trace::adopt(&mut jobs, &traceparent);
    }
    let total = jobs.len();
    let queue_of = |job: &Job| arguments.queue.clone().unwrap_or_else(|| job.priority.as_str().to_owned());
    let queues: Vec<String> = jobs.iter().map(queue_of).collect();
    let submitted = client.submit_many(jobs, arguments.queue.as_deref(), arguments.wait).await?;
    let unreported = client.report(Duration::from_millis(client.config().redis.submit_timeout_ms)).await;
    if unreported > 0 {
        eprintln!(
            "booster: Redis is away; {unreported} outcomes of jobs run here have not been reported to it"
        );
    }
    if !arguments.wait {
        for (answer, queue) in submitted.iter().zip(&queues) {
            if arguments.json {
                let line =
                    serde_json::json!({ "id": answer.id, "queue": queue, "accepted": answer.accepted });
                print::line(&line.to_string())?;
            } else {
                print::line(&answer.id)?;
            }
        }
        let known = submitted.iter().filter(|answer| !answer.accepted).count();
        eprintln!("booster: {} submitted, {known} known already", total - known);
        return Ok(0);
    }
    let ids = submitted.into_iter().map(|answer| answer.id).collect();
    let limit = Duration::from_secs(arguments.timeout);
    wait_for(client, ids, limit, false, arguments.json).await
}

/// Waits; exit 0 all done, else 5 unknown, 4 dead, 3 refused, the first that holds for any.
pub(crate) async fn wait(arguments: WaitArguments, client: &Client) -> Result<u8, ClientError> {
    for id in &arguments.ids {
        if client.status(id).await?.is_none() {
            advice::unknown_job(id);
            return Ok(EXIT_UNKNOWN);
        }
    }
    let limit = Duration::from_secs(arguments.timeout);
    wait_for(client, arguments.ids, limit, arguments.fallback, arguments.json).await
}

async fn wait_for(
    client: &Client,
    ids: Vec<String>,
    limit: Duration,
    fallback: bool,
    json: bool,
) -> Result<u8, ClientError> {
    let bar = print::progress_bar(ids.len() as u64);
    let mut counts = [0_usize; 4];
    let mut printed = Ok(());
    let each = |outcome: JobOutcome| {
        counts[OutcomeKind::ALL.iter().position(|kind| *kind == outcome.outcome).unwrap_or(0)] += 1;
        bar.inc(1);
        if printed.is_ok() {
            printed = if json { print::json(&outcome) } else { Ok(()) };
        }
    };
    let missing = match fallback {
        true => client.wait_each_with_fallback(ids, limit, each).await?,
        false => client.wait_each(ids, limit, each).await?,
    };
    bar.finish_and_clear();
    printed?;
    let words: Vec<String> = OutcomeKind::ALL
        .iter()
        .zip(counts)
        .map(|(kind, count)| format!("{count} {}", kind.as_str()))
        .collect();
    eprintln!("booster: {}, {} without an outcome", words.join(", "), missing.len());
    let [_, refused, dead, cancelled] = counts;
    Ok(match () {
        () if !missing.is_empty() => EXIT_UNKNOWN,
        () if dead + cancelled > 0 => EXIT_DEAD,
        () if refused > 0 => EXIT_REFUSED,
        () => 0,
    })
}

/// Says what is known of one job.
pub(crate) async fn status(arguments: &StatusArguments, client: &Client) -> Result<u8, ClientError> {
    let Some(record) = client.status(&arguments.id).await? else {
        advice::unknown_job(&arguments.id);
        return Ok(EXIT_UNKNOWN);
    };
    let outcome = record.outcome.as_ref();
    if arguments.json {
        let status = JobStatus::new(&arguments.id, &record);
        print::json(&status)?;
    } else {
        print::line(&format!("{}  {} ({})", arguments.id, record.state, record.queue))?;
        if let Some(outcome) = outcome {
            print::line(&describe(outcome))?;
        }
    }
    Ok(match outcome.map(|outcome| outcome.outcome) {
        None | Some(OutcomeKind::Done) => 0,
        Some(OutcomeKind::Refused) => EXIT_REFUSED,
        Some(OutcomeKind::Dead | OutcomeKind::Cancelled) => EXIT_DEAD,
    })
}

fn describe(outcome: &JobOutcome) -> String {
    let reason = reason(outcome);
    let how = match (outcome.used_fallback, outcome.cached) {
        (true, _) => " (fallback)",
        (false, true) => " (cached)",
        (false, false) => "",
    };
    let line = format!(
        "  by {}{how} on {} in {:.3} ms after waiting {} ms, {} failed attempts  {reason}",
        if outcome.booster.is_empty() { "no booster" } else { &outcome.booster },
        outcome.worker,
        outcome.latency_ms,
        outcome.wait_ms,
        outcome.attempts,
    );
    print::one_line(line.trim_end())
}

/// Why a job was not done, in one line.
pub(crate) fn reason(outcome: &JobOutcome) -> String {
    let reason = match (&outcome.refusal, &outcome.error) {
        (Some(refusal), _) => refusal.get().to_owned(),
        (_, Some(error)) => format!("{}: {}", error.code, error.message),
        _ => String::new(),
    };
    print::one_line(&reason)
}

/// Parses every line before anything is sent; the first wrong one is named.
fn parse_lines(text: &str, limit: usize) -> Result<Vec<Job>, ClientError> {
    let mut jobs = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let job = Job::from_json_limited(line, limit)
            .map_err(|error| ClientError::usage(format!("line {}", number + 1), error))?;
        jobs.push(job);
    }
    if jobs.is_empty() {
        return Err(ClientError::usage("jobs", "there are none; expected one JSON object a line"));
    }
    Ok(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_named() {
        let text = "{\"booster\":\"a\",\"input\":1}\n\n{\"booster\":\"a\"}\n";
        let error = parse_lines(text, 1000).unwrap_err();
        assert!(error.to_string().starts_with("line 3:"), "{error}");
        assert_eq!(error.exit_status(), 2);
        assert_eq!(parse_lines("\n", 1000).unwrap_err().exit_status(), 2);
    }
}
