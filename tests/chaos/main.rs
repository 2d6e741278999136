//! `chaos`: ten fault scenarios and a long one against real Redis servers and real worker processes, and books that are
//! balanced after each.
//!
//! A scenario submits jobs, writes down itself which were accepted, breaks something meanwhile, waits until
//! nothing is left to do and then has [`books`] compare that list with what Redis holds and with the workers' run
//! logs. Everything that is left to chance comes from one seed, which is printed.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

mod books;
mod load;
mod plant;
mod report;
mod scenarios;
mod site;
mod space;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use booster_producer::local::stop_signal;
use clap::Parser;
use tokio::time::Instant;

use crate::plant::Plant;
use crate::report::{Report, Summary};
use crate::scenarios::{SCENARIOS, Scenario};
use crate::site::Stage;

/// What went wrong with the tool itself or with a scenario; its text is all that anyone needs of it.
pub(crate) type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Breaks fleets and checks that no job is lost and no outcome is stored twice.
#[derive(Debug, Parser)]
#[command(name = "chaos", version)]
struct Options {
    /// Seed of everything that is left to chance; a new one when absent
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Scenarios to run, such as 1,4; when absent, all but the long one, 11
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    only: Vec<u32>,
    /// Jobs of each part of a scenario, in place of its own number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    jobs: Option<u32>,
    /// File for the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// A fault in the books that must be found: the first scenario ends with a job lost or an outcome stored twice
    #[arg(long, value_enum)]
    plant: Option<Plant>,
    /// Succeed although parts could not run here, such as those that need root
    #[arg(long)]
    allow_skip: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let unknown = options.only.iter().find(|number| !SCENARIOS.iter().any(|known| known.number == **number));
    if let Some(number) = unknown {
        eprintln!("chaos: --only {number}: expected numbers from 1 to {}", SCENARIOS.len());
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("chaos: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the chosen scenarios one after the other; whether all is well.
async fn run(options: &Options) -> Result<bool, Trouble> {
    let seed = options.seed.unwrap_or_else(|| rand::random::<u32>().into());
    println!("chaos: seed {seed}");
    let stop = stop_signal()?;
    tokio::pin!(stop);
    let mut summary = Summary::new(seed);
    let mut plant = options.plant;
    let chosen = |scenario: &&Scenario| match options.only.as_slice() {
        [] => !scenario.long,
        only => only.contains(&scenario.number),
    };
    for scenario in SCENARIOS.iter().filter(chosen) {
        eprintln!("chaos: scenario {}: {}", scenario.number, scenario.what);
        let stage = Stage::new(seed, scenario.number, options.jobs, plant.take());
        let report = tokio::select! {
            report = play(scenario, stage) => report,
            () = &mut stop => {
                eprintln!("chaos: stopped");
                return Ok(false);
            }
        };
        println!("{report}");
        summary.add(report);
    }
    if let Some(file) = &options.json {
        std::fs::write(file, summary.to_json()).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    println!("{summary}");
    Ok(summary.is_well(options.allow_skip))
}

/// Runs one scenario. Whatever way it ends, its report has what was found until then.
async fn play(scenario: &'static Scenario, stage: Stage) -> Report {
    let report = Arc::clone(&stage.report);
    let begin = Instant::now();
    // A task of its own, since a panic of the harness ends a task and not the whole tool.
    let mut task = Ended(tokio::spawn((scenario.play)(stage)));
    let failure = match (&mut task.0).await {
        Ok(Ok(())) => None,
        Ok(Err(trouble)) => Some(trouble.to_string()),
        Err(error) => Some(error.to_string()),
    };
    let mut report = std::mem::take(&mut *report.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    report.faults.extend(failure);
    report.name(scenario, begin.elapsed());
    report
}

/// A scenario's task, which ends with its owner: dropping what it holds ends servers and workers.
struct Ended(tokio::task::JoinHandle<Result<(), Trouble>>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A report that a scenario fills while it runs.
pub(crate) type SharedReport = Arc<Mutex<Report>>;
