//! How fast the whole fleet is on this machine: Redis, one worker process and the client, everything switched
//! on as it ships. Prints what it measured and nothing else; absolute numbers belong to the machine.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use booster_bench::edits::kilobyte_edits;
use booster_bench::measure::{cpu_ms, percentile};
use booster_core::{Config, Job};
use booster_producer::local::{LocalRedis, LocalWorker};
use booster_producer::{Client, ClientError};
use clap::Parser;

/// Measures the fleet.
#[derive(Debug, Parser)]
struct Options {
    /// KB-sized edits
    #[arg(long, default_value_t = 10_000)]
    edits: usize,
    /// No-op jobs
    #[arg(long, default_value_t = 100_000)]
    noops: usize,
    /// Single jobs on an idle fleet
    #[arg(long, default_value_t = 500)]
    singles: usize,
    /// Slots of the worker
    #[arg(long, default_value_t = 2)]
    slots: usize,
}

struct Fleet {
    redis: LocalRedis,
    worker: LocalWorker,
    client: Client,
    _dir: tempfile::TempDir,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = booster_bench::block_on(run(&options));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), ClientError> {
    let fleet = start(options.slots).await?;
    println!("{:<28} {:>9} {:>10} {:>14} {:>15}", "what", "jobs", "jobs/s", "redis us/job", "worker us/job");
    let edits = kilobyte_edits()?;
    throughput(&fleet, "edits of 0.5 to 2 KB", options.edits, |n| edits[n % edits.len()].clone()).await?;
    let noop = Job::new("noop", "{}")?;
    throughput(&fleet, "no-op jobs", options.noops, |_| noop.clone()).await?;
    idle_latency(&fleet, options.singles).await?;
    fleet.worker.stop(Duration::from_secs(10)).await;
    fleet.redis.stop().await;
    Ok(())
}

async fn start(slots: usize) -> Result<Fleet, ClientError> {
    let dir = tempfile::tempdir().map_err(|error| ClientError::machine("a temporary directory", error))?;
    let redis = LocalRedis::start(dir.path(), &[]).await?;
    let mut config = Config::default();
    config.redis.url = redis.url();
    config.wasm.pool_size = slots;
    let client = Client::connect(config.clone())?;
    let mut worker = LocalWorker::start(&config, &dir.path().join("worker.log"), &[])?;
    worker.ready(&client).await?;
    Ok(Fleet { redis, worker, client, _dir: dir })
}

/// Submits `count` jobs as fast as the queue takes them and waits until all have an outcome.
async fn throughput(
    fleet: &Fleet,
    what: &str,
    count: usize,
    job: impl Fn(usize) -> Job,
) -> Result<(), ClientError> {
    let before = finished(&fleet.client).await?;
    let (redis_cpu, worker_cpu) = (cpu_ms(fleet.redis.pid()), cpu_ms(fleet.worker.pid()));
    let start = Instant::now();
    let mut sent = 0;
    while sent < count {
        let batch: Vec<Job> = (sent..count.min(sent + 500)).map(&job).collect();
        sent += batch.len();
        fleet.client.queue("normal").submit(batch, false).await?;
    }
    while finished(&fleet.client).await? < before + count as u64 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let seconds = start.elapsed().as_secs_f64();
    let each = |from: f64, pid: Option<u32>| (cpu_ms(pid) - from) * 1000.0 / count as f64;
    println!(
        "{what:<28} {count:>9} {:>10.0} {:>14.1} {:>15.1}",
        count as f64 / seconds,
        each(redis_cpu, fleet.redis.pid()),
        each(worker_cpu, fleet.worker.pid()),
    );
    Ok(())
}

async fn finished(client: &Client) -> Result<u64, ClientError> {
    let counts = client.queue("normal").counts().await?;
    Ok(counts.done + counts.refused + counts.dead)
}

/// One job at a time on an idle fleet: from the submit to its outcome at the client.
async fn idle_latency(fleet: &Fleet, count: usize) -> Result<(), ClientError> {
    let mut whole = Vec::with_capacity(count);
    let mut start_ms = Vec::with_capacity(count);
    for _ in 0..count {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let begin = Instant::now();
        let submitted = fleet.client.submit_many(vec![Job::new("noop", "{}")?], None, true).await?;
        let ids = submitted.into_iter().map(|answer| answer.id).collect();
        let mut inside = 0.0;
        fleet.client.wait_each(ids, Duration::from_secs(10), |outcome| inside = outcome.latency_ms).await?;
        let total = begin.elapsed().as_secs_f64() * 1000.0;
        whole.push(total);
        start_ms.push(total - inside);
    }
    let line = |what: &str, values: &[f64]| {
        let at = |share: f64| percentile(values, share).unwrap_or_default();
        println!("{what:<28} p50 {:.2} ms, p99 {:.2} ms ({} single jobs)", at(0.5), at(0.99), values.len());
    };
    line("submit to outcome, idle", &whole);
    line("the same without the run", &start_ms);
    Ok(())
}
