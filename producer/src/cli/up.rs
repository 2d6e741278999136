//! `booster up`: a whole fleet on this machine.

use std::path::PathBuf;
use std::time::Duration;

use booster_core::Config;
use clap::Args;

use super::{listen, print, raise_file_limit, scheme};
use crate::client::Client;
use crate::error::ClientError;
use crate::gateway;
use crate::local::{LocalRedis, LocalWorker, stop_signal};

/// How long a worker may drain.
const DRAIN: Duration = Duration::from_secs(40);

/// Arguments of `booster up`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Worker processes
    #[arg(long, value_name = "N", default_value_t = 2)]
    workers: usize,
    /// Directory for Redis' files and the logs, kept; a temporary one when not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Address of the gateway
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Print the addresses as one line of JSON once all takes jobs
    #[arg(long)]
    json: bool,
}

/// Runs the fleet until Ctrl-C, or until a part of it ends by itself.
pub(crate) async fn run(arguments: Arguments, mut config: Config) -> Result<u8, ClientError> {
    if !(1..=64).contains(&arguments.workers) {
        return Err(ClientError::usage(format!("--workers {}", arguments.workers), "expected 1 to 64"));
    }
    let stop = stop_signal()?;
    tokio::pin!(stop);
    raise_file_limit();
    let listener = listen(&arguments.listen).await?;
    let temporary =
        tempfile::tempdir().map_err(|error| ClientError::machine("a temporary directory", error))?;
    let dir = arguments.dir.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    std::fs::create_dir_all(&dir).map_err(|error| ClientError::usage(dir.display().to_string(), error))?;

    let redis = LocalRedis::start(&dir, &[]).await?;
    config.redis.turn_to(redis.url());
    let mut workers = Vec::new();
    for number in 1..=arguments.workers {
        workers.push(LocalWorker::start(&config, &dir.join(format!("worker-{number}.log")), &[])?);
    }
    let gateway = format!("{}://{}", scheme(&config), print::address(&listener));
    let started = tokio::select! {
        result = announce(&mut workers, &redis, &config, &gateway, arguments.json) => result.map(|()| true),
        () = &mut stop => Ok(false),
    };
    if let Ok(true) = started {
        let (client, metrics) = gateway::counted_client(config)?;
        tokio::select! {
            result = gateway::run(client, metrics, listener, std::future::pending()) => result?,
            () = &mut stop => {}
        }
    }
    eprintln!("booster: stopping");
    let stopping = workers.into_iter().map(|worker| worker.stop(DRAIN));
    futures_util::future::join_all(stopping).await;
    redis.stop().await;
    started.map(|_| 0)
}

async fn announce(
    workers: &mut [LocalWorker],
    redis: &LocalRedis,
    config: &Config,
    gateway: &str,
    json: bool,
) -> Result<(), ClientError> {
    let client = Client::connect(config.clone())?;
    for worker in workers.iter_mut() {
        worker.ready(&client).await?;
    }
    if json {
        let metrics = |worker: &LocalWorker| {
            let url = format!("http://{}/metrics", worker.listen());
            serde_json::json!({ "metrics": url, "process": worker.pid() })
        };
        let workers: Vec<serde_json::Value> = workers.iter().map(metrics).collect();
        let line = serde_json::json!({ "redis": redis.url(), "workers": workers, "gateway": gateway });
        return print::line(&line.to_string());
    }
    eprintln!("booster: Redis    {}", redis.url());
    for worker in workers.iter() {
        eprintln!(
            "booster: worker   http://{}/metrics (process {})",
            worker.listen(),
            worker.pid().unwrap_or(0)
        );
    }
    eprintln!("booster: gateway  {gateway}");
    eprintln!(
        "booster: submit with `REDIS_URL={} booster submit JOBS.jsonl --wait`; Ctrl-C ends it all",
        redis.url()
    );
    Ok(())
}
