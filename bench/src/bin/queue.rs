//! This fleet's queue beside other queues on Redis: throughput, cost, latency, idle load and recovery, all in one
//! run on one machine. `make bench-queue` installs the contenders first.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use booster_bench::queue::contender::Kind;
use booster_bench::queue::ours::Ours;
use booster_bench::queue::process::serve;
use booster_bench::queue::raw::{self, Raw};
use booster_bench::queue::report::peer_versions;
use booster_bench::queue::run::{Plan, run};
use booster_producer::ClientError;
use clap::{Parser, Subcommand};

/// Compares queues.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// Contenders, of: ours, bullmq, apalis, apalis-tuned, raw
    #[arg(long, value_delimiter = ',', value_parser = contender)]
    only: Vec<Kind>,
    /// How often throughput and single jobs are measured, contenders taking turns
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// At most so many jobs in one measurement of throughput
    #[arg(long)]
    jobs: Option<usize>,
    /// Single jobs of a round
    #[arg(long, default_value_t = 400)]
    singles: usize,
    /// Slots of this fleet's worker
    #[arg(long, default_value_t = 2)]
    slots: usize,
    /// Run Redis without its append-only file
    #[arg(long)]
    no_aof: bool,
    /// Seconds to wait for a recovery; 0 leaves recoveries out
    #[arg(long, default_value_t = 90)]
    recovery_limit: u64,
    /// Jobs that wait in the measurement of a large backlog; 0 leaves it out
    #[arg(long, default_value_t = 1_000_000)]
    backlog: usize,
    /// Also write everything, with all samples, to this file
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// One process of a contender; started by the benchmark itself
    #[command(hide = true)]
    Peer {
        /// `ours` or `raw`
        name: String,
        /// `worker` or `submitter`
        role: String,
        /// Redis
        url: String,
    },
}

fn contender(name: &str) -> Result<Kind, String> {
    Kind::from_name(name).ok_or_else(|| "expected ours, bullmq, apalis, apalis-tuned or raw".to_owned())
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = booster_bench::block_on(start(options));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-queue: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start(options: Options) -> Result<(), ClientError> {
    let Some(Role::Peer { name, role, url }) = &options.role else { return compare(options).await };
    let say = |line: &str| println!("{line}");
    match (name.as_str(), role.as_str()) {
        ("ours", "submitter") => serve(Ours::connect(url)?, say).await,
        ("raw", "submitter") => serve(Raw::connect(url).await?, say).await,
        ("raw", "worker") => raw::work(url, || say("ready")).await,
        _ => Err(ClientError::usage(
            format!("{name} {role}"),
            "expected ours submitter, raw submitter or raw worker",
        )),
    }
}

async fn compare(options: Options) -> Result<(), ClientError> {
    let kinds = if options.only.is_empty() { Kind::ALL.to_vec() } else { options.only };
    let plan = Plan {
        kinds,
        rounds: usize::from(options.rounds),
        jobs: options.jobs,
        singles: options.singles,
        slots: options.slots,
        append_only: !options.no_aof,
        recovery_limit: Duration::from_secs(options.recovery_limit),
        backlog: options.backlog,
    };
    let begin = Instant::now();
    // Progress is no result: it goes where errors go.
    let results = run(&plan, |what| eprintln!("{:>4} s  {what}", begin.elapsed().as_secs())).await?;
    let versions = peer_versions();
    print!("{}", results.to_text());
    println!(
        "versions: {}",
        versions.iter().map(|(name, version)| format!("{name} {version}")).collect::<Vec<_>>().join(", ")
    );
    if let Some(file) = options.json {
        let text = format!("{:#}\n", results.to_json(&versions));
        std::fs::write(&file, text)
            .map_err(|error| ClientError::machine(file.display().to_string(), error))?;
    }
    Ok(())
}
