//! `booster-demo`: every example edit through a real fleet on this machine, with every outcome checked.

mod report;

use std::collections::HashMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use booster_core::Config;
use booster_core::outcome::JobOutcome;
use booster_examples::{Case, boosters, default_dir, edits, faults};
use booster_producer::local::{LocalRedis, LocalWorker, stop_signal};
use booster_producer::{Client, ClientError};
use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long all jobs together may take.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs the example edits through a private Redis and worker processes, and checks every outcome.
#[derive(Debug, Parser)]
#[command(name = "booster-demo", version)]
struct Options {
    /// Worker processes
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// How often all examples are submitted
    #[arg(long, default_value_t = 1)]
    rounds: usize,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("demo: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run_until_stopped(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A private fleet. Dropping it kills what is left of it.
struct Fleet {
    redis: LocalRedis,
    workers: Vec<LocalWorker>,
    client: Client,
    _dir: tempfile::TempDir,
}

async fn run_until_stopped(options: &Options) -> Result<bool, ClientError> {
    let stop = stop_signal()?;
    let mut fleet = None;
    let result = tokio::select! {
        result = run(options, &mut fleet) => result,
        () = stop => {
            eprintln!("demo: stopped");
            Ok(false)
        }
    };
    if let Some(fleet) = fleet {
        let workers = fleet.workers.into_iter();
        for worker in workers {
            worker.stop(Duration::from_secs(10)).await;
        }
        fleet.redis.stop().await;
    }
    result
}

async fn run(options: &Options, slot: &mut Option<Fleet>) -> Result<bool, ClientError> {
    let cases = read_cases()?;
    let fleet = slot.insert(start(options.workers).await?);
    let client = fleet.client.clone();

    let mut by_id: HashMap<String, &Case> = HashMap::new();
    let mut jobs = Vec::new();
    for round in 1..=options.rounds {
        for case in &cases {
            let job = case.job(&format!("-{round}"))?;
            by_id.insert(job.id.clone().unwrap_or_default(), case);
            jobs.push(job);
        }
    }
    let total = jobs.len();
    eprintln!("demo: {} cases, {total} jobs", cases.len());
    let bar = progress_bar(total as u64);
    let start = Instant::now();
    let ids = client.submit_many(jobs, None, true).await?.into_iter().map(|submitted| submitted.id).collect();
    let mut outcomes: Vec<JobOutcome> = Vec::new();
    let mut last_edit = start;
    let lost = client
        .wait_each(ids, LIMIT, |outcome| {
            bar.inc(1);
            if by_id.get(&outcome.id).is_some_and(|case| case.booster == "apply") {
                last_edit = Instant::now();
            }
            outcomes.push(outcome);
        })
        .await?;
    bar.finish_and_clear();

    let deviations = report::table(&outcomes, &by_id);
    report::state_hash(&client).await?;
    report::events(&client, total).await?;
    // Somebody may have killed one meanwhile, to see what happens.
    if let Some(worker) = fleet.workers.iter_mut().find_map(|w| w.is_running().then_some(w)) {
        report::metrics(worker.listen()).await?;
    }
    report::speed(&outcomes, &by_id, last_edit - start);
    for deviation in &deviations {
        report::deviation(deviation);
    }
    report::closing(total, &outcomes, lost.len());
    Ok(deviations.is_empty() && lost.is_empty() && outcomes.len() == total)
}

fn read_cases() -> Result<Vec<Case>, ClientError> {
    let unreadable = |error: booster_examples::ExampleError| ClientError::machine("the examples", error);
    let mut cases = edits(&default_dir()).map_err(unreadable)?;
    cases.extend(boosters(&default_dir()).map_err(unreadable)?);
    cases.extend(faults(&default_dir()).map_err(unreadable)?);
    Ok(cases)
}

async fn start(workers: usize) -> Result<Fleet, ClientError> {
    let dir = tempfile::tempdir().map_err(|error| ClientError::machine("a temporary directory", error))?;
    let redis = LocalRedis::start(dir.path(), &[]).await?;
    let mut config = Config::default();
    config.redis.url = redis.url();
    // Its faulty jobs fail on purpose, one after the other: nobody is to leave them alone for that.
    config.booster.breaker_failures = 0;
    let client = Client::connect(config.clone())?;
    let mut fleet = Fleet { redis, workers: Vec::new(), client, _dir: dir };
    for number in 1..=workers {
        let log = fleet._dir.path().join(format!("worker-{number}.log"));
        fleet.workers.push(LocalWorker::start(&config, &log, &[])?);
    }
    for worker in &mut fleet.workers {
        worker.ready(&fleet.client).await?;
    }
    let pids: Vec<String> =
        fleet.workers.iter().filter_map(LocalWorker::pid).map(|pid| pid.to_string()).collect();
    eprintln!("demo: Redis on {}, workers are the processes {}", fleet.redis.url(), pids.join(" and "));
    Ok(fleet)
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar(total: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} jobs, {per_sec}, {elapsed}") {
        bar.set_style(style);
    }
    bar
}
