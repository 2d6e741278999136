//! `booster fallback`: jobs that no booster could do, for regular agents.

use std::time::Duration;

use booster_core::config::FALLBACK_KEY_VARIABLE;
use booster_queue::{EndedOffer, now_ms};
use clap::{Args, Subcommand};

use super::{EXIT_REFUSED, EXIT_UNKNOWN, input, print};
use crate::client::Client;
use crate::error::ClientError;
use crate::fallback::{Answer, Answered, Wanted};
use crate::fallback_agent;
use crate::fallback_view::{OfferView, TakenView};
use crate::local::stop_signal;
use crate::model::Model;

/// Largest answer that is read, bytes (256 MiB, the most that a job may have).
const MAX_ANSWER: u64 = 256 << 20;

/// Subcommands of `booster fallback`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Takes one offered job and prints it with a claim token (exit 5 when there is none in time)
    Next(NextArguments),
    /// Stores what was made of it (exit 3 when it was not good enough, 5 when the claim is lost)
    Done(DoneArguments),
    /// Gives it up, so that another agent may try (exit 5 when the claim is lost)
    Failed(FailedArguments),
    /// Renews the claim on it (exit 5 when it is lost)
    Renew(RenewArguments),
    /// Lists what is offered
    List(ListArguments),
    /// Has a model behind an OpenAI-compatible endpoint do offered edits, until Ctrl-C
    Run(RunArguments),
}

/// Arguments of `fallback next`.
#[derive(Debug, Args)]
pub(crate) struct NextArguments {
    /// How long to wait for an offer, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Only of this queue
    #[arg(long)]
    queue: Option<String>,
    /// Only jobs for this booster, by its name without version
    #[arg(long, value_name = "NAME")]
    booster: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Arguments of `fallback done`.
#[derive(Debug, Args)]
pub(crate) struct DoneArguments {
    /// The job's id
    id: String,
    /// The claim token that `next` printed
    #[arg(long)]
    token: String,
    /// The whole new file of an `apply` job, or the JSON output of another booster's; - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: String,
}

/// Arguments of `fallback failed`.
#[derive(Debug, Args)]
pub(crate) struct FailedArguments {
    /// The job's id
    id: String,
    /// The claim token that `next` printed
    #[arg(long)]
    token: String,
    /// Why it could not be done
    #[arg(long, value_name = "TEXT")]
    error: String,
}

/// Arguments of `fallback renew`.
#[derive(Debug, Args)]
pub(crate) struct RenewArguments {
    /// The job's id
    id: String,
    /// The claim token that `next` printed
    #[arg(long)]
    token: String,
}

/// Arguments of `fallback list`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// How many of each queue, at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `fallback run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Only of this queue
    #[arg(long)]
    queue: Option<String>,
}

/// Runs a subcommand.
pub(crate) async fn run(command: Command, client: &Client) -> Result<u8, ClientError> {
    match command {
        Command::Next(arguments) => next(arguments, client).await,
        Command::Done(arguments) => done(&arguments, client).await,
        Command::Failed(arguments) => failed(&arguments, client).await,
        Command::Renew(arguments) => renew(&arguments, client).await,
        Command::List(arguments) => list(&arguments, client).await,
        Command::Run(arguments) => run_agent(arguments, client).await,
    }
}

async fn next(arguments: NextArguments, client: &Client) -> Result<u8, ClientError> {
    let wanted = Wanted { queue: arguments.queue, booster: arguments.booster };
    let Some(taken) = client.next_fallback(&wanted, Duration::from_secs(arguments.wait)).await? else {
        eprintln!("booster: nothing is offered");
        return Ok(EXIT_UNKNOWN);
    };
    if arguments.json {
        print::json(&TakenView::new(taken))?;
        return Ok(0);
    }
    print::line(&format!("{}  ({}, for {})", taken.id(), taken.queue, taken.job.target))?;
    print::line(&format!("  token {}", taken.token))?;
    print::line(&format!("  yours for {} s", taken.until.saturating_sub(now_ms()) / 1000))?;
    print::line(&format!("  {}: {}", taken.outcome.outcome.as_str(), super::jobs::reason(&taken.outcome)))?;
    if !taken.last_error.is_empty() {
        print::line(&format!("  tried before: {}", print::one_line(&taken.last_error)))?;
    }
    print::line(&print::one_line(taken.job.input.get()))?;
    Ok(0)
}

async fn done(arguments: &DoneArguments, client: &Client) -> Result<u8, ClientError> {
    let answer = Answer::Text(input::read(&arguments.output, MAX_ANSWER)?);
    let id = &arguments.id;
    match client.finish_fallback(id, &arguments.token, &answer).await? {
        Answered::Stored => eprintln!("booster: {id} is done"),
        Answered::Again => eprintln!("booster: {id} is done already, by this claim"),
        Answered::Lost => return Ok(lost(id)),
        Answered::Rejected { reason } => {
            eprintln!("booster: {id} is not done: {reason}");
            return Ok(EXIT_REFUSED);
        }
    }
    Ok(0)
}

async fn failed(arguments: &FailedArguments, client: &Client) -> Result<u8, ClientError> {
    let id = &arguments.id;
    match client.fail_fallback(id, &arguments.token, &arguments.error).await? {
        EndedOffer::Again => eprintln!("booster: {id} is offered again"),
        EndedOffer::Withdrawn => eprintln!("booster: {id} was tried often enough; its outcome stays"),
        EndedOffer::Lost => return Ok(lost(id)),
    }
    Ok(0)
}

async fn renew(arguments: &RenewArguments, client: &Client) -> Result<u8, ClientError> {
    match client.renew_fallback(&arguments.id, &arguments.token).await? {
        Some(until) => {
            let seconds = until.saturating_sub(now_ms()) / 1000;
            eprintln!("booster: {} is yours for {seconds} s", arguments.id);
            Ok(0)
        }
        None => Ok(lost(&arguments.id)),
    }
}

fn lost(id: &str) -> u8 {
    eprintln!(
        "booster: this token is no claim on an offer of `{id}`: the claim lapsed and another agent took it, or the job \
         is not offered any more"
    );
    EXIT_UNKNOWN
}

async fn list(arguments: &ListArguments, client: &Client) -> Result<u8, ClientError> {
    let now = now_ms();
    let mut rows = Vec::new();
    for queue in client.queues().await? {
        let (offers, _) = queue.offers(0, arguments.limit).await?;
        for view in offers.into_iter().map(|offer| OfferView::new(offer, now)) {
            if arguments.json {
                print::json(&view)?;
            } else {
                rows.push(row(view));
            }
        }
    }
    if !arguments.json {
        print::table(&["job", "queue", "state", "takes", "outcome", "reason"], &rows)?;
    }
    Ok(0)
}

fn row(view: OfferView) -> Vec<String> {
    let reason: String = super::jobs::reason(&view.outcome).chars().take(80).collect();
    let outcome = view.outcome.outcome.as_str().to_owned();
    vec![view.id, view.queue, view.state.to_owned(), view.takes.to_string(), outcome, reason]
}

async fn run_agent(arguments: RunArguments, client: &Client) -> Result<u8, ClientError> {
    let stop = stop_signal()?;
    let key = std::env::var(FALLBACK_KEY_VARIABLE).ok();
    let model = Model::configured(client.config(), key.as_deref())?;
    if model.is_in_the_clear() {
        eprintln!("booster: booster.fallbackUrl is not https: code and key can be read on their way");
    }
    fallback_agent::run(client, &model, arguments.queue, stop).await?;
    Ok(0)
}
