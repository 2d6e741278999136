//! `booster queues`, `pool` and `events`.

use std::time::Duration;

use booster_queue::now_ms;
use clap::Args;

use super::print;
use crate::client::Client;
use crate::error::ClientError;
use crate::events;
use crate::views::{PoolView, QueueView, SlotView};

/// Arguments of `queues` and `pool`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Arguments of `events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArguments {
    /// Go on printing as events come
    #[arg(long)]
    follow: bool,
    /// Begin here: Unix milliseconds, or a time back such as 30s, 10m, 2h
    #[arg(long, value_name = "T")]
    since: Option<String>,
    /// Print JSON; events always are
    #[arg(long)]
    json: bool,
}

/// Events read in one go.
const PAGE: usize = 500;
/// How often a follower looks for new events.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// Lists the queues.
pub(crate) async fn queues(arguments: &Arguments, client: &Client) -> Result<u8, ClientError> {
    let views = QueueView::all(client).await?;
    if arguments.json {
        print::line(&serde_json::json!({ "queues": views }).to_string())?;
        return Ok(0);
    }
    let row = |view: &QueueView| {
        let numbers =
            [view.waiting, view.delayed, view.running, view.done, view.refused, view.dead, view.cancelled];
        let mut row = vec![view.name.clone()];
        row.extend(numbers.iter().map(ToString::to_string));
        row
    };
    let rows: Vec<Vec<String>> = views.iter().map(row).collect();
    let head = ["queue", "waiting", "delayed", "running", "done", "refused", "dead", "cancelled"];
    print::table(&head, &rows)?;
    Ok(0)
}

/// Lists the slots of all living workers.
pub(crate) async fn pool(arguments: &Arguments, client: &Client) -> Result<u8, ClientError> {
    let pool = PoolView::of(client).await?;
    if arguments.json {
        // Numbers, texts and JSON that has been read before: serialising it cannot fail.
        print::line(&serde_json::to_string(&pool).unwrap_or_default())?;
        return Ok(0);
    }
    let row = |slot: &SlotView| {
        let (errors, memory) = (slot.error_count.to_string(), slot.memory_usage.to_string());
        vec![slot.booster_id.clone(), slot.status.clone(), errors, memory, slot.instance_id.clone()]
    };
    let rows: Vec<Vec<String>> = pool.slots.iter().map(row).collect();
    print::table(&["slot", "status", "errors", "memory", "instance"], &rows)?;
    Ok(0)
}

/// Prints events from the fleet's stream.
pub(crate) async fn events(arguments: &EventsArguments, client: &Client) -> Result<u8, ClientError> {
    let mut start = match &arguments.since {
        Some(since) => begin(since)?.to_string(),
        // Without a beginning a follower starts now, and a reader gets all that is kept.
        None if arguments.follow => now_ms().to_string(),
        None => "-".to_owned(),
    };
    loop {
        let page = events::after(client, &start, PAGE).await?;
        for (entry, lines) in &page {
            print::line(lines)?;
            start = format!("({entry}");
        }
        if page.len() < PAGE {
            if !arguments.follow {
                return Ok(0);
            }
            tokio::time::sleep(FOLLOW_EVERY).await;
        }
    }
}

fn begin(since: &str) -> Result<u64, ClientError> {
    let wrong =
        || ClientError::usage(format!("--since {since}"), "expected Unix milliseconds, or 30s, 10m, 2h");
    let (number, unit) = since.split_at(since.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "" => return Ok(number),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    Ok(now_ms().saturating_sub(number.saturating_mul(seconds * 1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_time_or_a_time_back() {
        assert_eq!(begin("1700000000000").unwrap(), 1_700_000_000_000);
        assert!(now_ms() - begin("10m").unwrap() >= 600_000);
        for wrong in ["", "soon", "5d", "-3"] {
            assert_eq!(begin(wrong).unwrap_err().exit_status(), 2, "{wrong}");
        }
    }
}
