//! `booster dead`: what to do with jobs that could not be done.

use booster_core::outcome::JobOutcome;
use booster_queue::{Queue, QueueError, Record};
use clap::{Args, Subcommand};

use super::{EXIT_UNKNOWN, advice, print};
use crate::client::Client;
use crate::error::ClientError;

/// Subcommands of `booster dead`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists dead jobs, the latest first
    List(ListArguments),
    /// Shows one dead job with its input
    Show(ShowArguments),
    /// Lets dead jobs run again
    Retry(RetryArguments),
    /// Forgets dead jobs
    Drop(DropArguments),
}

/// Arguments of `dead list`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// How many of each queue, at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `dead show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The job's id
    id: String,
    /// Print JSON; it always is: the outcome and the job, each on a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `dead retry`.
#[derive(Debug, Args)]
pub(crate) struct RetryArguments {
    /// The jobs' ids
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// All that are dead now, in every queue
    #[arg(long)]
    all: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `dead drop`.
#[derive(Debug, Args)]
pub(crate) struct DropArguments {
    /// The jobs' ids
    #[arg(required = true)]
    ids: Vec<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand; exit 5 when an id names no dead job.
pub(crate) async fn run(command: Command, client: &Client) -> Result<u8, ClientError> {
    match command {
        Command::List(arguments) => list(&arguments, client).await,
        Command::Show(arguments) => show(&arguments, client).await,
        Command::Retry(arguments) if arguments.all => retry_all(arguments.json, client).await,
        Command::Retry(arguments) => {
            let told = Told { done: "waits again", state: "waiting", json: arguments.json };
            each(client, arguments.ids, told, Queue::retry_dead).await
        }
        Command::Drop(arguments) => {
            let told = Told { done: "is forgotten", state: "forgotten", json: arguments.json };
            each(client, arguments.ids, told, Queue::drop_dead).await
        }
    }
}

async fn list(arguments: &ListArguments, client: &Client) -> Result<u8, ClientError> {
    let mut rows = Vec::new();
    for queue in client.queues().await? {
        for outcome in queue.dead(arguments.limit).await? {
            if arguments.json {
                print::json(&outcome)?;
            }
            rows.push(row(queue.name(), &outcome));
        }
    }
    if !arguments.json {
        print::table(&["job", "queue", "attempts", "crashes", "code", "message"], &rows)?;
    }
    Ok(0)
}

fn row(queue: &str, outcome: &JobOutcome) -> Vec<String> {
    let (code, message) = outcome.error.as_ref().map_or(("", ""), |error| (&error.code, &error.message));
    let message: String = print::one_line(message).chars().take(80).collect();
    let (attempts, crashes) = (outcome.attempts.to_string(), outcome.crashes.to_string());
    vec![outcome.id.clone(), queue.to_owned(), attempts, crashes, code.to_owned(), message]
}

async fn show(arguments: &ShowArguments, client: &Client) -> Result<u8, ClientError> {
    let dead = |record: &Record| record.state == "dead";
    let Some(record) = client.status(&arguments.id).await?.filter(dead) else {
        advice::unknown_dead(&arguments.id);
        return Ok(EXIT_UNKNOWN);
    };
    if let Some(outcome) = &record.outcome {
        print::json(outcome)?;
    }
    print::line(&record.job.unwrap_or_default().replace(['\n', '\r'], " "))?;
    Ok(0)
}

async fn retry_all(json: bool, client: &Client) -> Result<u8, ClientError> {
    let mut revived = 0;
    for queue in client.queues().await? {
        revived += queue.retry_all_dead().await?;
    }
    if json {
        print::line(&serde_json::json!({ "revived": revived }).to_string())?;
    } else {
        eprintln!("booster: {revived} dead jobs wait again");
    }
    Ok(0)
}

/// How it is told that something was done with a job.
struct Told {
    /// In words.
    done: &'static str,
    /// As the job's state now.
    state: &'static str,
    json: bool,
}

impl Told {
    fn tell(&self, id: &str) -> Result<(), ClientError> {
        let text = match self.json {
            true => json_line(id, self.state),
            false => format!("{id} {}", self.done),
        };
        print::line(&text)
    }

    fn tell_unknown(&self, id: &str) -> Result<(), ClientError> {
        if self.json {
            return print::line(&json_line(id, "unknown"));
        }
        advice::unknown_dead(id);
        Ok(())
    }
}

fn json_line(id: &str, state: &str) -> String {
    serde_json::json!({ "id": id, "state": state }).to_string()
}

/// Does `what` with each id, in whichever queue has it dead.
async fn each(
    client: &Client,
    mut ids: Vec<String>,
    told: Told,
    what: impl AsyncFn(&Queue, &[String]) -> Result<Vec<String>, QueueError>,
) -> Result<u8, ClientError> {
    for queue in client.queues().await? {
        for id in what(&queue, &ids).await? {
            told.tell(&id)?;
            ids.retain(|missing| *missing != id);
        }
    }
    for id in &ids {
        told.tell_unknown(id)?;
    }
    Ok(if ids.is_empty() { 0 } else { EXIT_UNKNOWN })
}
