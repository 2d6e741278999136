//! `booster schedule`: jobs that are submitted at every tick of a cron expression.

use booster_core::{Job, Schedule, ScheduleError, schedule::utc};
use clap::{Args, Subcommand};

use super::{EXIT_UNKNOWN, input, jobs, print};
use crate::client::Client;
use crate::error::ClientError;
use crate::schedules::ScheduleView;

/// Subcommands of `booster schedule`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Adds a schedule, or replaces the one with its name
    Add(AddArguments),
    /// Lists the schedules of all queues with their last and next tick
    List(ListArguments),
    /// Removes a schedule (exit 5 when there is none with this name)
    Remove(RemoveArguments),
}

/// Arguments of `schedule add`.
#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// Its name; a tick's job is called cron-NAME-<tick in Unix seconds>
    name: String,
    /// When: minute, hour, day of month, month, day of week, such as "30 2 * * MON-FRI"; seconds may come first
    #[arg(long, value_name = "EXPR")]
    cron: String,
    /// The time zone in which the expression is read, such as Europe/Berlin; UTC when absent
    #[arg(long, value_name = "TZ")]
    timezone: Option<String>,
    /// The queue, instead of the one that the job's priority means
    #[arg(long)]
    queue: Option<String>,
    /// The job, one JSON object without id; - for standard input
    job: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `schedule list`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Arguments of `schedule remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    /// Its name
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand.
pub(crate) async fn run(command: Command, client: &Client) -> Result<u8, ClientError> {
    match command {
        Command::Add(arguments) => add(arguments, client).await,
        Command::List(arguments) => list(&arguments, client).await,
        Command::Remove(arguments) => remove(&arguments, client).await,
    }
}

async fn add(arguments: AddArguments, client: &Client) -> Result<u8, ClientError> {
    let text = input::read(&arguments.job, jobs::MAX_FILE)?;
    let job = Job::from_json_limited(&text, client.config().redis.max_job_bytes)
        .map_err(|error| ScheduleError::Job { name: arguments.name.clone(), error })?;
    let schedule = Schedule::new(&arguments.name, &arguments.cron, arguments.timezone.as_deref(), job)?
        .in_queue(arguments.queue);
    client.add_schedule(&schedule).await?;
    let next = schedule.next_after(booster_queue::now_ms());
    if arguments.json {
        let line =
            serde_json::json!({ "name": schedule.name(), "queue": schedule.queue(), "nextTick": next });
        print::line(&line.to_string())?;
        return Ok(0);
    }
    let next = next.map_or_else(|| "never".to_owned(), utc);
    eprintln!("booster: schedule {} of queue {}, next tick {next}", schedule.name(), schedule.queue());
    Ok(0)
}

async fn list(arguments: &ListArguments, client: &Client) -> Result<u8, ClientError> {
    let mut rows = Vec::new();
    for queue in client.queues().await? {
        for scheduled in client.schedules(queue.name()).await? {
            let view = ScheduleView::new(queue.name(), scheduled, true);
            if arguments.json {
                print::json(&view)?;
            } else {
                rows.push(row(view));
            }
        }
    }
    if !arguments.json {
        print::table(&["schedule", "queue", "cron", "timezone", "booster", "last", "next"], &rows)?;
    }
    Ok(0)
}

fn row(view: ScheduleView) -> Vec<String> {
    let time = |tick: Option<u64>| tick.map_or_else(|| "-".to_owned(), utc);
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let (last, next) = (time(view.last_tick), time(view.next_tick));
    let cron = match view.error {
        Some(error) => format!("damaged: {error}").chars().take(80).collect(),
        None => text(view.cron),
    };
    let row = [view.name, view.queue, cron, text(view.timezone), text(view.booster), last, next];
    row.map(|cell| print::one_line(&cell)).to_vec()
}

async fn remove(arguments: &RemoveArguments, client: &Client) -> Result<u8, ClientError> {
    let removed = client.remove_schedule(&arguments.name).await?;
    if arguments.json {
        let line = serde_json::json!({ "name": arguments.name, "removed": removed });
        print::line(&line.to_string())?;
    } else if removed {
        eprintln!("booster: schedule {} is removed", arguments.name);
    } else {
        eprintln!(
            "booster: no schedule with the name `{}` is known; `booster schedule list` shows those there are",
            arguments.name
        );
    }
    Ok(if removed { 0 } else { EXIT_UNKNOWN })
}
