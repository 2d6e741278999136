//! `booster-worker`: parse, bind, run, drain.

use std::process::ExitCode;
use std::time::Duration;

use booster_core::Config;
use booster_state::{log, trace};
use booster_worker::{Options, RunLog, Worker, WorkerError, run, worker_id};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    booster_engine::compile_child();
    let options = Options::parse();
    match start(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("booster-worker: {error}");
            ExitCode::from(error.exit_status())
        }
    }
}

/// What is logged when nobody says what: of the libraries only what goes wrong.
const USUAL_LOG: &str = "info,apalis_core=warn,opentelemetry=warn";

fn start(options: &Options) -> Result<(), WorkerError> {
    let config = options.configuration(|name| std::env::var(name).ok())?;
    log::start(&config.log, USUAL_LOG);
    let queues = options.queue_names()?;
    let id = worker_id();
    let spans = trace::start(&config.otel, "booster-worker", &id)?;
    let result = work(options, id, config, queues);
    if let Some(spans) = spans {
        spans.shutdown();
    }
    result
}

fn work(options: &Options, id: String, config: Config, queues: Vec<String>) -> Result<(), WorkerError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| WorkerError::Stopped { detail: error.to_string() })?;
    runtime.block_on(async {
        let stop = terminated()?;
        let listener = TcpListener::bind(&options.listen).await.map_err(|error| WorkerError::Listen {
            address: options.listen.clone(),
            detail: error.to_string(),
        })?;
        let drain = Duration::from_secs(options.drain);
        let run_log = options.run_log.as_deref().map(RunLog::open).transpose()?;
        let worker = Worker { id, config, queues, listener, drain, run_log };
        run(worker, stop).await
    })
}

/// Resolves at the first SIGTERM or Ctrl-C; a second one ends the process at once. Both are caught from the call
/// on, so that a worker which is still loading its boosters leaves in order too.
fn terminated() -> Result<impl Future<Output = ()> + Send, WorkerError> {
    let refused =
        |error: std::io::Error| WorkerError::Stopped { detail: format!("a signal handler: {error}") };
    let mut term = signal(SignalKind::terminate()).map_err(refused)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(130);
        });
    })
}
