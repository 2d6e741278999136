//! `booster queues`, `pool` and `events`.

use std::collections::HashMap;
use std::time::Duration;

use booster_queue::now_ms;
use clap::Args;
use redis::Value;

use super::print;
use crate::client::Client;
use crate::error::ClientError;
use crate::views;

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
    let queues = views::queues(client).await?;
    if arguments.json {
        print::line(&serde_json::json!({ "queues": queues }).to_string())?;
        return Ok(0);
    }
    let columns = ["name", "waiting", "delayed", "running", "done", "refused", "dead", "cancelled"];
    let head = ["queue", "waiting", "delayed", "running", "done", "refused", "dead", "cancelled"];
    print::table(&head, &rows(&queues, &columns))?;
    Ok(0)
}

/// Lists the slots of all living workers.
pub(crate) async fn pool(arguments: &Arguments, client: &Client) -> Result<u8, ClientError> {
    let slots = views::slots(client).await?;
    if arguments.json {
        print::line(&serde_json::json!({ "slots": slots }).to_string())?;
        return Ok(0);
    }
    let columns = ["boosterId", "status", "errorCount", "memoryUsage", "instanceId"];
    print::table(&["slot", "status", "errors", "memory", "instance"], &rows(&slots, &columns))?;
    Ok(0)
}

/// The fields that a table shows of each object.
fn rows(objects: &[serde_json::Value], fields: &[&str]) -> Vec<Vec<String>> {
    let cell = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    objects.iter().map(|object| fields.iter().map(|field| cell(&object[*field])).collect()).collect()
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
        let mut command = redis::cmd("XRANGE");
        command.arg(client.keys().events()).arg(&start).arg("+").arg("COUNT").arg(PAGE);
        let page: Vec<(String, HashMap<String, Value>)> = client.link().query("events", &command).await?;
        for (entry, fields) in &page {
            // An entry holds the events of a moment, one a line.
            let events =
                fields.get("events").and_then(|value| redis::from_redis_value::<String>(value.clone()).ok());
            print::line(&events.unwrap_or_default())?;
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
