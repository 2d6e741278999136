//! `booster pause`, `resume`, `drain`, `tenants`, `limit` and `log-level`.

use std::time::Duration;

use booster_core::config::{LOG_FILTER_FORM, is_log_filter};
use booster_queue::{MAX_LIMITS, Mode, Queue, RateLimit, rate_limits, set_log_filter, set_rate_limit};
use booster_state::living_workers;
use clap::Args;

use super::{look, print};
use crate::client::Client;
use crate::error::ClientError;

/// Arguments of `pause` and `resume`.
#[derive(Debug, Args)]
pub(crate) struct QueueArguments {
    /// The queue's name
    queue: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `drain`.
#[derive(Debug, Args)]
pub(crate) struct DrainArguments {
    /// The queue's name
    queue: String,
    /// Do not wait until the queue is empty
    #[arg(long)]
    no_wait: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `limit`.
#[derive(Debug, Args)]
pub(crate) struct LimitArguments {
    /// The tenant
    tenant: String,
    /// Jobs of the tenant that may start in a second, over the whole fleet
    #[arg(long, value_name = "JOBS", required_unless_present = "none")]
    per_second: Option<f64>,
    /// Jobs that may start at once after a pause [default: one second's]
    #[arg(long, value_name = "JOBS", requires = "per_second")]
    burst: Option<u32>,
    /// Take the limit away
    #[arg(long, conflicts_with = "per_second")]
    none: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `log-level`.
#[derive(Debug, Args)]
pub(crate) struct LogLevelArguments {
    /// off, error, warn, info, debug or trace, or levels of parts, such as info,booster_queue=debug
    level: String,
    /// The one worker that shall log so; all when not given
    #[arg(long, value_name = "ID")]
    worker: Option<String>,
}

/// How often a draining queue is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Tenants listed for each queue.
const MOST_TENANTS: usize = 1000;

/// Sets a queue's mode.
pub(crate) async fn set_mode(
    arguments: &QueueArguments,
    mode: Mode,
    client: &Client,
) -> Result<u8, ClientError> {
    client.known_queue(&arguments.queue).await?.set_mode(mode).await?;
    if arguments.json {
        let line = serde_json::json!({ "queue": arguments.queue, "mode": mode.as_str() });
        print::line(&line.to_string())?;
    } else {
        eprintln!("booster: queue {} is {}", arguments.queue, mode.as_str());
    }
    Ok(0)
}

/// Closes a queue's door, and waits until everything in it has ended.
pub(crate) async fn drain(arguments: &DrainArguments, client: &Client) -> Result<u8, ClientError> {
    let queue = client.known_queue(&arguments.queue).await?;
    queue.set_mode(Mode::Draining).await?;
    eprintln!("booster: queue {} takes no more jobs", queue.name());
    let mut left = left_in(&queue).await?;
    let bar = print::progress_bar(left);
    while left > 0 && !arguments.no_wait {
        tokio::time::sleep(LOOK_EVERY).await;
        let before = std::mem::replace(&mut left, left_in(&queue).await?);
        // Jobs that were being submitted may still come in.
        bar.set_length(bar.length().unwrap_or(0).max(left));
        bar.set_position(bar.length().unwrap_or(0) - left);
        if bar.is_hidden() && left != before {
            eprintln!("booster: {left} jobs left");
        }
    }
    bar.finish_and_clear();
    if arguments.json {
        let mode = Mode::Draining.as_str();
        let line = serde_json::json!({ "queue": queue.name(), "mode": mode, "left": left });
        print::line(&line.to_string())?;
    }
    Ok(0)
}

/// Jobs of a queue that have not ended.
async fn left_in(queue: &Queue) -> Result<u64, ClientError> {
    let depth = queue.depth().await?;
    Ok(depth.waiting + depth.running + depth.delayed)
}

/// Lists tenants with parked jobs or a rate limit.
pub(crate) async fn tenants(arguments: &look::Arguments, client: &Client) -> Result<u8, ClientError> {
    let limits = rate_limits(client.link(), client.keys()).await?;
    let mut rows = Vec::new();
    for queue in client.queues().await? {
        for (tenant, parked) in queue.parked(MOST_TENANTS).await? {
            rows.push((queue.name().to_owned(), tenant, parked));
        }
    }
    if arguments.json {
        let parked: Vec<serde_json::Value> = rows
            .iter()
            .map(|(queue, tenant, parked)| {
                serde_json::json!({ "queue": queue, "tenant": tenant, "parked": parked })
            })
            .collect();
        let limits: Vec<serde_json::Value> = limits
            .iter()
            .map(|(tenant, limit)| {
                serde_json::json!({ "tenant": tenant, "perSecond": limit.per_second, "burst": limit.burst })
            })
            .collect();
        print::line(&serde_json::json!({ "parked": parked, "limits": limits }).to_string())?;
        return Ok(0);
    }
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|(queue, tenant, parked)| vec![tenant, queue, parked.to_string()]).collect();
    print::table(&["tenant", "queue", "parked"], &rows)?;
    for (tenant, limit) in limits {
        print::line(&format!("{tenant}: {} jobs a second, {} at once", limit.per_second, limit.burst))?;
    }
    Ok(0)
}

/// Sets or takes away a tenant's rate limit.
pub(crate) async fn limit(arguments: &LimitArguments, client: &Client) -> Result<u8, ClientError> {
    let tenant = &arguments.tenant;
    if tenant.is_empty() || tenant.len() > booster_core::job::MAX_NAME_BYTES {
        return Err(ClientError::usage(format!("tenant {tenant}"), "expected 1 to 128 bytes of text"));
    }
    let limit = arguments.per_second.map(|per_second| RateLimit {
        per_second,
        burst: arguments.burst.unwrap_or_else(|| per_second.ceil().clamp(1.0, 1e6) as u32),
    });
    if let Some(limit) = limit.filter(|limit| !limit.is_valid()) {
        let what = format!("--per-second {} --burst {}", limit.per_second, limit.burst);
        return Err(ClientError::usage(
            what,
            "expected 0.001 to 1000000 jobs a second, 1 to 1000000 at once",
        ));
    }
    if !set_rate_limit(client.link(), client.keys(), tenant, limit).await? {
        let detail = format!("{MAX_LIMITS} tenants have a limit already; take one away first");
        return Err(ClientError::usage(format!("tenant {tenant}"), detail));
    }
    if arguments.json {
        let (per_second, burst) = (limit.map(|limit| limit.per_second), limit.map(|limit| limit.burst));
        let line = serde_json::json!({ "tenant": tenant, "perSecond": per_second, "burst": burst });
        print::line(&line.to_string())?;
        return Ok(0);
    }
    match limit {
        Some(limit) => eprintln!("booster: {tenant} may start {} jobs a second", limit.per_second),
        None => eprintln!("booster: {tenant} has no limit"),
    }
    Ok(0)
}

/// Has workers log by another filter.
pub(crate) async fn log_level(arguments: &LogLevelArguments, client: &Client) -> Result<u8, ClientError> {
    let LogLevelArguments { level, worker } = arguments;
    if !is_log_filter(level) {
        return Err(ClientError::usage(level, format!("expected {LOG_FILTER_FORM}")));
    }
    let living = living_workers(client.link(), client.keys()).await?;
    let told = match worker {
        Some(worker) if !living.contains(worker) => {
            let detail = format!("no such worker lives; there are: {}", living.join(", "));
            return Err(ClientError::usage(format!("worker {worker}"), detail));
        }
        Some(worker) => worker.clone(),
        None => format!("{} workers", living.len()),
    };
    set_log_filter(&client.queues().await?, worker.as_deref(), level).await?;
    eprintln!("booster: {told} told to log {level}");
    Ok(0)
}
