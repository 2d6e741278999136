//! The `booster` command line. Machine output goes to stdout, everything else to stderr.

mod advice;
mod apply;
mod dead;
mod generate;
mod jobs;
mod look;
mod mcp;
mod print;
mod schedule;
mod steer;
mod top;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use booster_core::Config;
use booster_queue::Mode;
use clap::{Args, CommandFactory, Parser, Subcommand};
use serde_json::Value;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::client::Client;
use crate::error::ClientError;
use crate::gateway;
use crate::local::stop_signal;

/// Exit status of `status` and `wait` for a refused job.
pub const EXIT_REFUSED: u8 = 3;
/// Exit status for a dead or cancelled job.
pub const EXIT_DEAD: u8 = 4;
/// Exit status for an unknown id, or one without an outcome in time.
pub const EXIT_UNKNOWN: u8 = 5;

/// Runs code-edit jobs in a fleet of sandboxes.
#[derive(Debug, Parser)]
#[command(name = "booster", version)]
struct Cli {
    #[command(flatten)]
    fleet: Fleet,
    #[command(subcommand)]
    command: Command,
}

/// Which fleet.
#[derive(Debug, Args)]
struct Fleet {
    /// Configuration file (JSON: sections wasm, redis, booster)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Redis address: redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// [environment: REDIS_URL]
    #[arg(long, global = true, value_name = "URL")]
    redis_url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Applies one edit in this process, without Redis
    Apply(apply::Arguments),
    /// Runs a private Redis, workers and the gateway on this machine until Ctrl-C
    Up(up::Arguments),
    /// Submits jobs, one JSON object a line
    Submit(jobs::SubmitArguments),
    /// Says what is known of a job (exit 0 done, 3 refused, 4 dead, 5 unknown)
    Status(jobs::StatusArguments),
    /// Waits for jobs (exit 0 all done, 3 refused, 4 dead, 5 unknown or not in time)
    Wait(jobs::WaitArguments),
    /// Cancels a job (exit 0 cancelled or being stopped, 1 it had ended, 5 unknown)
    Cancel(jobs::CancelArguments),
    /// Lists the queues
    Queues(look::Arguments),
    /// Lists the slots of all living workers
    Pool(look::Arguments),
    /// Prints lifecycle events, one JSON object a line
    Events(look::EventsArguments),
    /// Lists, shows, retries or drops dead jobs
    #[command(subcommand)]
    Dead(dead::Command),
    /// Lets no more jobs of a queue start; what runs goes on
    Pause(steer::QueueArguments),
    /// Opens a paused or draining queue again
    Resume(steer::QueueArguments),
    /// Lets a queue take no more jobs and waits until all it has have ended
    Drain(steer::DrainArguments),
    /// Lists tenants with parked jobs and those with a rate limit
    Tenants(look::Arguments),
    /// Limits how many jobs of a tenant start in a second
    Limit(steer::LimitArguments),
    /// Adds, lists or removes jobs that are submitted at every tick of a cron expression
    #[command(subcommand)]
    Schedule(schedule::Command),
    /// Runs the HTTP gateway
    Serve(ServeArguments),
    /// Shows queues, slots, rates and events, refreshed each second, until q
    Top(top::Arguments),
    /// Runs the MCP server, with which agents edit files, on standard input and output
    Mcp(mcp::Arguments),
    /// Prints completions for a shell
    Completions(generate::CompletionsArguments),
    /// Writes manual pages
    Man(generate::ManArguments),
}

#[derive(Debug, Args)]
struct ServeArguments {
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
}

/// Parses, runs and turns the result into an exit status.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("BOOSTER_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = print::has_colours(&std::io::stderr());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| ClientError::machine("the runtime", error))
        .and_then(|runtime| {
            let result = runtime.block_on(run(cli));
            // A read of standard input that nobody waits for any more must not hold up the end.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            print::error(&error);
            ExitCode::from(error.exit_status())
        }
    }
}

/// The whole command line, for those who describe it.
pub fn command() -> clap::Command {
    Cli::command()
}

async fn run(cli: Cli) -> Result<u8, ClientError> {
    let config =
        if cli.command.needs_configuration() { cli.fleet.configuration()? } else { Config::default() };
    match cli.command {
        Command::Apply(arguments) => apply::run(arguments, &config).await,
        Command::Up(arguments) => up::run(arguments, config).await,
        Command::Submit(arguments) => jobs::submit(arguments, &Client::connect(config)?).await,
        Command::Status(arguments) => jobs::status(&arguments, &Client::connect(config)?).await,
        Command::Wait(arguments) => jobs::wait(arguments, &Client::connect(config)?).await,
        Command::Cancel(arguments) => jobs::cancel(&arguments, &Client::connect(config)?).await,
        Command::Queues(arguments) => look::queues(&arguments, &Client::connect(config)?).await,
        Command::Pool(arguments) => look::pool(&arguments, &Client::connect(config)?).await,
        Command::Events(arguments) => look::events(&arguments, &Client::connect(config)?).await,
        Command::Pause(arguments) => {
            steer::set_mode(&arguments, Mode::Paused, &Client::connect(config)?).await
        }
        Command::Resume(arguments) => {
            steer::set_mode(&arguments, Mode::Open, &Client::connect(config)?).await
        }
        Command::Drain(arguments) => steer::drain(&arguments, &Client::connect(config)?).await,
        Command::Tenants(arguments) => steer::tenants(&arguments, &Client::connect(config)?).await,
        Command::Limit(arguments) => steer::limit(&arguments, &Client::connect(config)?).await,
        Command::Dead(command) => dead::run(command, &Client::connect(config)?).await,
        Command::Schedule(command) => schedule::run(command, &Client::connect(config)?).await,
        Command::Serve(arguments) => serve(&arguments, config).await,
        Command::Top(arguments) => top::run(&arguments, &Client::connect(config)?).await,
        Command::Mcp(arguments) => mcp::run(arguments, config, cli.fleet.redis_url.is_some()).await,
        Command::Completions(arguments) => generate::completions(&arguments, command()),
        Command::Man(arguments) => generate::man(&arguments, command()),
    }
}

impl Command {
    /// Whether it has to do with a fleet or a booster at all.
    fn needs_configuration(&self) -> bool {
        !matches!(self, Self::Completions(_) | Self::Man(_))
    }
}

impl Fleet {
    fn configuration(&self) -> Result<Config, ClientError> {
        let file = match &self.config {
            None => None,
            Some(path) => Some(
                std::fs::read_to_string(path)
                    .map_err(|error| ClientError::usage(path.display().to_string(), error))?,
            ),
        };
        let mut config = Config::load(file.as_deref(), |name| std::env::var(name).ok())?;
        if let Some(url) = &self.redis_url {
            config.set("redis.url", &Value::String(url.clone()), "--redis-url")?;
        }
        Ok(config)
    }
}

async fn serve(arguments: &ServeArguments, config: Config) -> Result<u8, ClientError> {
    let stop = stop_signal()?;
    let listener = listen(&arguments.listen).await?;
    let (client, metrics) = gateway::counted_client(config)?;
    eprintln!("booster: gateway on http://{}", print::address(&listener));
    gateway::run(client, metrics, listener, stop).await?;
    Ok(0)
}

async fn listen(address: &str) -> Result<TcpListener, ClientError> {
    TcpListener::bind(address).await.map_err(|error| ClientError::usage(format!("--listen {address}"), error))
}
