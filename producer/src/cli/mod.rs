//! The `booster` command line. Machine output goes to stdout, everything else to stderr.

mod advice;
mod apply;
mod dead;
mod fallback;
mod generate;
mod input;
mod jobs;
mod key;
mod look;
mod mcp;
mod module;
mod print;
mod replay;
mod schedule;
mod steer;
mod targets;
mod top;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use booster_core::Config;
use booster_core::config::LogFormat;
use booster_queue::Mode;
use booster_state::{log, trace};
use clap::{Args, CommandFactory, Parser, Subcommand};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::client::Client;
use crate::error::ClientError;
use crate::gateway;
use crate::local::stop_signal;

/// Exit status of `status` and `wait` for a refused job.
pub(crate) const EXIT_REFUSED: u8 = 3;
/// Exit status for a dead or cancelled job.
pub(crate) const EXIT_DEAD: u8 = 4;
/// Exit status for an unknown id, or one without an outcome in time.
pub(crate) const EXIT_UNKNOWN: u8 = 5;

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
    /// Configuration file (JSON: sections wasm, redis, booster, gateway, modules, log, otel)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Redis address: redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// [environment: REDIS_URL]
    #[arg(long, global = true, value_name = "URL")]
    redis_url: Option<String>,
    /// What to log: off, error, warn, info, debug or trace, or levels of parts [environment: BOOSTER_LOG]
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Log lines as JSON [environment: BOOSTER_LOG_FORMAT=json]
    #[arg(long, global = true)]
    log_json: bool,
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
    /// Takes, answers and lists jobs that are offered to regular agents
    #[command(subcommand)]
    Fallback(fallback::Command),
    /// Runs a finished job again in this process and compares (exit 0 same, 1 different, 5 unknown)
    Replay(replay::Arguments),
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
    /// Changes what running workers log, until they end
    LogLevel(steer::LogLevelArguments),
    /// Adds, lists or removes jobs that are submitted at every tick of a cron expression
    #[command(subcommand)]
    Schedule(schedule::Command),
    /// Pushes, lists, promotes, rolls back or removes the modules that workers load from Redis
    #[command(subcommand)]
    Module(module::Command),
    /// Runs the HTTP gateway
    Serve(ServeArguments),
    /// Prints where the workers serve their metrics, as a target file for Prometheus
    Targets(targets::Arguments),
    /// Makes API keys for the HTTP gateway
    #[command(subcommand)]
    Key(key::Command),
    /// Prints the OpenAPI document of the HTTP gateway
    Openapi,
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
    match start(cli) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            print::error(&error);
            ExitCode::from(error.exit_status())
        }
    }
}

/// What is logged when nobody says what.
const USUAL_LOG: &str = "warn";

fn start(cli: Cli) -> Result<u8, ClientError> {
    let config =
        if cli.command.needs_configuration() { cli.fleet.configuration()? } else { Config::default() };
    log::start(&config.log, USUAL_LOG);
    let service = if matches!(cli.command, Command::Serve(_)) { "booster-gateway" } else { "booster" };
    let spans = trace::start(&config.otel, service, &std::process::id().to_string())?;
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| ClientError::machine("the runtime", error))
        .and_then(|runtime| {
            let result = runtime.block_on(run(cli.command, config, cli.fleet.redis_url.is_some()));
            // A read of standard input that nobody waits for any more must not hold up the end.
            runtime.shutdown_background();
            result
        });
    if let Some(spans) = spans {
        spans.shutdown();
    }
    result
}

/// The whole command line, for those who describe it.
pub fn command() -> clap::Command {
    Cli::command()
}

async fn run(command: Command, config: Config, fleet_named: bool) -> Result<u8, ClientError> {
    match command {
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
        Command::LogLevel(arguments) => steer::log_level(&arguments, &Client::connect(config)?).await,
        Command::Dead(command) => dead::run(command, &Client::connect(config)?).await,
        Command::Fallback(command) => fallback::run(command, &Client::connect(config)?).await,
        Command::Replay(arguments) => replay::run(&arguments, &Client::connect(config)?).await,
        Command::Schedule(command) => schedule::run(command, &Client::connect(config)?).await,
        Command::Module(command) => module::run(command, &Client::connect(config)?).await,
        Command::Serve(arguments) => serve(&arguments, config).await,
        Command::Targets(arguments) => targets::run(&arguments, &Client::connect(config)?).await,
        Command::Key(command) => key::run(command),
        Command::Openapi => {
            print::line(gateway::document().trim_end())?;
            Ok(0)
        }
        Command::Top(arguments) => top::run(&arguments, &Client::connect(config)?).await,
        Command::Mcp(arguments) => mcp::run(arguments, config, fleet_named).await,
        Command::Completions(arguments) => generate::completions(&arguments, Cli::command()),
        Command::Man(arguments) => generate::man(&arguments, Cli::command()),
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
        if let Some(level) = &self.log_level {
            config.set("log.level", &Value::String(level.clone()), "--log-level")?;
        }
        if self.log_json {
            config.log.format = LogFormat::Json;
        }
        Ok(config)
    }
}

async fn serve(arguments: &ServeArguments, config: Config) -> Result<u8, ClientError> {
    let stop = stop_signal()?;
    raise_file_limit();
    let listener = listen(&arguments.listen).await?;
    let scheme = scheme(&config);
    let (client, metrics) = gateway::counted_client(config)?;
    eprintln!("booster: gateway on {scheme}://{}", print::address(&listener));
    gateway::run(client, metrics, listener, stop).await?;
    Ok(0)
}

async fn listen(address: &str) -> Result<TcpListener, ClientError> {
    TcpListener::bind(address).await.map_err(|error| ClientError::usage(format!("--listen {address}"), error))
}

/// How the gateway is spoken to.
pub(crate) fn scheme(config: &Config) -> &'static str {
    if config.gateway.tls_cert.is_empty() { "http" } else { "https" }
}

/// Lets this process have as many open files as the system allows it: every connection is one.
pub(crate) fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With fewer it works too, for fewer clients.
    let _ = setrlimit(Resource::Nofile, limit);
}
