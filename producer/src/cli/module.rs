//! `booster module`: the modules that workers load from Redis.

use std::path::{Path, PathBuf};
use std::time::Duration;

use booster_core::modules::{MAX_MODULE_BYTES, split_reference};
use booster_core::schedule::utc;
use booster_state::{LoadState, NewModule, Signer, TrustedKeys};
use clap::{Args, Subcommand};

use super::print;
use crate::client::Client;
use crate::error::ClientError;
use crate::modules::{ModuleDetail, ModuleView};

/// Subcommands of `booster module`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Stores a module; jobs get it when they name its version, or as --canary and --activate say
    Push(PushArguments),
    /// Lists all modules with their versions, and which workers have them
    List(ListArguments),
    /// Shows one module: its versions, its canary, its last rollback (exit 5 when there is none)
    Show(NameArguments),
    /// Makes a version the one that jobs get, once every worker has loaded it
    Promote(PromoteArguments),
    /// Ends a canary, or returns to what was active before the last promotion
    Rollback(NameArguments),
    /// Removes a version that jobs get only when they name it
    Rm(VersionArguments),
}

/// Arguments of `module push`.
#[derive(Debug, Args)]
pub(crate) struct PushArguments {
    /// The module: a WebAssembly component, or a WASI command
    file: PathBuf,
    /// Its manifest [default: FILE with the extension .json]
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Sign it with this Ed25519 private key (PEM, as `openssl genpkey -algorithm ed25519` makes it)
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Give it this share of the jobs, once every worker has loaded it
    #[arg(long, value_name = "PERCENT", conflicts_with = "activate")]
    canary: Option<u8>,
    /// Make it the version that jobs get, once every worker has loaded it
    #[arg(long)]
    activate: bool,
    #[command(flatten)]
    patience: Patience,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How long workers are waited for.
#[derive(Debug, Args)]
pub(crate) struct Patience {
    /// How long every worker may take to load it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    wait: u64,
    /// Do not wait for workers: each changes over when it has loaded it
    #[arg(long, conflicts_with = "wait")]
    no_wait: bool,
}

impl Patience {
    fn limit(&self) -> Option<Duration> {
        (!self.no_wait).then_some(Duration::from_secs(self.wait))
    }
}

/// Arguments of `module list`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `module show` and `rollback`.
#[derive(Debug, Args)]
pub(crate) struct NameArguments {
    /// The module's name
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `module promote`.
#[derive(Debug, Args)]
pub(crate) struct PromoteArguments {
    /// The version, as NAME@VERSION
    reference: String,
    /// Give it this share of the jobs only
    #[arg(long, value_name = "PERCENT")]
    canary: Option<u8>,
    #[command(flatten)]
    patience: Patience,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `module rm`.
#[derive(Debug, Args)]
pub(crate) struct VersionArguments {
    /// The version, as NAME@VERSION
    reference: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs a subcommand.
pub(crate) async fn run(command: Command, client: &Client) -> Result<u8, ClientError> {
    match command {
        Command::Push(arguments) => push(arguments, client).await,
        Command::List(arguments) => list(&arguments, client).await,
        Command::Show(arguments) => show(&arguments, client).await,
        Command::Promote(arguments) => promote(&arguments, client).await,
        Command::Rollback(arguments) => roll_back(&arguments, client).await,
        Command::Rm(arguments) => remove(&arguments, client).await,
    }
}

async fn push(arguments: PushArguments, client: &Client) -> Result<u8, ClientError> {
    let PushArguments { file, manifest, sign, canary, activate, patience, json } = arguments;
    let trusted = TrustedKeys::configured(client.config())?;
    let prepare = move || {
        let wasm = read_module(&file)?;
        let manifest = manifest.unwrap_or_else(|| file.with_extension("json"));
        let text = std::fs::read_to_string(&manifest)
            .map_err(|error| ClientError::usage(manifest.display().to_string(), error))?;
        let signer = sign.as_deref().map(Signer::from_file).transpose()?;
        Ok::<_, ClientError>(NewModule::prepare(&wasm, &text, signer.as_ref(), trusted.as_ref())?)
    };
    let module = tokio::task::spawn_blocking(prepare)
        .await
        .map_err(|error| ClientError::machine("the module", error))??;
    let (name, version) = (&module.manifest().name, &module.manifest().version);
    let added = client.push_module(&module).await?;
    eprintln!("booster: {name}@{version} is {}", if added { "stored" } else { "there already" });
    if activate || canary.is_some() {
        give(client, name, version, canary, &patience).await?;
    }
    if json { print_versions(client, name).await } else { Ok(0) }
}

fn read_module(file: &Path) -> Result<Vec<u8>, ClientError> {
    let wrong = |error: std::io::Error| ClientError::usage(file.display().to_string(), error);
    let size = std::fs::metadata(file).map_err(wrong)?.len();
    if size > MAX_MODULE_BYTES as u64 {
        let detail = format!("{size} bytes; a module has at most {MAX_MODULE_BYTES}");
        return Err(ClientError::usage(file.display().to_string(), detail));
    }
    std::fs::read(file).map_err(wrong)
}

/// Gives a version all jobs, or a canary's share of them.
async fn give(
    client: &Client,
    name: &str,
    version: &str,
    canary: Option<u8>,
    patience: &Patience,
) -> Result<(), ClientError> {
    match canary {
        Some(percent) => {
            client.start_canary(name, version, percent, patience.limit()).await?;
            eprintln!("booster: {name}@{version} gets {percent} % of the jobs");
        }
        None => {
            client.promote_module(name, version, patience.limit()).await?;
            eprintln!("booster: {name}@{version} is active");
        }
    }
    Ok(())
}

async fn promote(arguments: &PromoteArguments, client: &Client) -> Result<u8, ClientError> {
    let (name, version) = split_reference(&arguments.reference)?;
    give(client, name, version, arguments.canary, &arguments.patience).await?;
    if arguments.json { print_versions(client, name).await } else { Ok(0) }
}

async fn roll_back(arguments: &NameArguments, client: &Client) -> Result<u8, ClientError> {
    let name = &arguments.name;
    let version = client.roll_back_module(name).await?;
    eprintln!("booster: {name}@{version} is taken back");
    if arguments.json { print_versions(client, name).await } else { Ok(0) }
}

async fn remove(arguments: &VersionArguments, client: &Client) -> Result<u8, ClientError> {
    let (name, version) = split_reference(&arguments.reference)?;
    client.remove_module(name, version).await?;
    eprintln!("booster: {name}@{version} is removed");
    if arguments.json {
        print::json(&serde_json::json!({ "name": name, "version": version, "removed": true }))?;
    }
    Ok(0)
}

async fn print_versions(client: &Client, name: &str) -> Result<u8, ClientError> {
    let versions = client.module(name).await?.versions;
    print::json(&serde_json::json!({ "modules": versions }))?;
    Ok(0)
}

async fn list(arguments: &ListArguments, client: &Client) -> Result<u8, ClientError> {
    let modules = client.modules().await?;
    if arguments.json {
        print::json(&serde_json::json!({ "modules": modules }))?;
    } else {
        print_table(&modules)?;
    }
    Ok(0)
}

async fn show(arguments: &NameArguments, client: &Client) -> Result<u8, ClientError> {
    let detail = client.module(&arguments.name).await?;
    if arguments.json {
        print::json(&detail)?;
        return Ok(0);
    }
    print_table(&detail.versions)?;
    print_history(&detail)?;
    Ok(0)
}

fn print_table(modules: &[ModuleView]) -> Result<(), ClientError> {
    let rows: Vec<Vec<String>> = modules.iter().map(row).collect();
    print::table(&["module", "state", "workers", "bytes", "from", "pushed", "digest"], &rows)?;
    for module in modules {
        for line in remarks(module) {
            print::line(&print::one_line(&line))?;
        }
    }
    Ok(())
}

fn row(module: &ModuleView) -> Vec<String> {
    let state = match module.canary_percent {
        Some(percent) => format!("{} {percent} %", module.state),
        None => module.state.to_owned(),
    };
    let from = match (module.pushed_at, module.signed) {
        (None, _) => "directory",
        (Some(_), true) => "redis, signed",
        (Some(_), false) => "redis",
    };
    vec![
        format!("{}@{}", module.name, module.version),
        state,
        format!("{}/{}", module.workers, module.worker_states.len()),
        module.size.to_string(),
        from.to_owned(),
        module.pushed_at.map_or_else(|| "-".to_owned(), utc),
        module.digest.chars().take(12).collect(),
    ]
}

/// What is to be said of a version at some workers.
fn remarks(module: &ModuleView) -> Vec<String> {
    let reference = format!("{}@{}", module.name, module.version);
    let of_worker = |state: &crate::modules::ModuleAtWorker| {
        let what = match (state.state, &state.error, &state.cold) {
            (Some(LoadState::Failed), Some(error), _) => format!("is not loaded: {error}"),
            (Some(LoadState::Loading), ..) => "is being loaded".to_owned(),
            (_, _, Some(cold)) => format!("starts without a warm snapshot: {cold}"),
            _ => return None,
        };
        Some(format!("{reference} {what} (worker {})", state.worker))
    };
    module.worker_states.iter().filter_map(of_worker).collect()
}

fn print_history(detail: &ModuleDetail) -> Result<(), ClientError> {
    if let Some(canary) = &detail.canary {
        let counted = detail.trial.unwrap_or_default();
        print::line(&format!(
            "canary {} since {}: {} of {} attempts failed; of the active version {} of {}",
            canary.version,
            utc(canary.since),
            counted.canary.failed,
            counted.canary.attempts,
            counted.active.failed,
            counted.active.attempts
        ))?;
    }
    if let Some(back) = &detail.rolled_back {
        let reason = back.reason.as_deref().unwrap_or("by an operator");
        print::line(&print::one_line(&format!(
            "{} was rolled back at {}: {reason}",
            back.version,
            utc(back.at)
        )))?;
    }
    Ok(())
}
