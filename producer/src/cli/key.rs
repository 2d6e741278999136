//! `booster key`: API keys of the HTTP gateway.

use clap::{Args, Subcommand};

use super::print;
use crate::error::ClientError;
use crate::gateway::keys::{KeyLine, new_key};

/// Subcommands of `booster key`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints a new key, and on the next line what gateway.keysFile gets for it
    New(NewArguments),
}

/// Arguments of `key new`.
#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// What people call the key
    #[arg(long)]
    name: String,
    /// On whose behalf its jobs are; without it the key may see and steer the whole fleet
    #[arg(long)]
    tenant: Option<String>,
    /// Jobs, and requests without jobs, per second in the long run
    #[arg(long, value_name = "N")]
    per_second: Option<f64>,
    /// How many at once after a pause [default: one second's]
    #[arg(long, value_name = "N", requires = "per_second")]
    burst: Option<u32>,
    /// Waiting jobs of the tenant beyond which it may submit none
    #[arg(long, value_name = "N", requires = "tenant")]
    max_waiting: Option<u64>,
}

/// Runs a subcommand.
pub(crate) fn run(command: Command) -> Result<u8, ClientError> {
    let Command::New(arguments) = command;
    let (key, sha256) = new_key()?;
    let line = KeyLine {
        name: arguments.name,
        sha256,
        tenant: arguments.tenant,
        per_second: arguments.per_second,
        burst: arguments.burst,
        max_waiting: arguments.max_waiting,
    };
    line.check().map_err(|detail| ClientError::usage("key new", detail))?;
    print::line(&key)?;
    // Texts and numbers: serialising them cannot fail.
    print::line(&serde_json::to_string(&line).unwrap_or_default())?;
    eprintln!(
        "booster: the first line is the key, which is kept nowhere; the second one belongs into gateway.keysFile"
    );
    Ok(0)
}
