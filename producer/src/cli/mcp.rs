//! `booster mcp`: the MCP server.

use std::path::PathBuf;

use booster_core::Config;
use clap::Args;

use super::{listen, print};
use crate::error::ClientError;
use crate::local::stop_signal;
use crate::mcp::{DEFAULT_MIN_CONFIDENCE, Door, Server, Settings, TOKEN_VARIABLE, Token};

/// Arguments of `booster mcp`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Directory whose files may be edited, with all below it; may be given several times [default: the current one]
    #[arg(long = "root", value_name = "DIR")]
    roots: Vec<PathBuf>,
    /// Least confidence of an edit that is written, 0 to 1
    #[arg(long, value_name = "C", default_value_t = DEFAULT_MIN_CONFIDENCE)]
    min_confidence: f64,
    /// Run edits in the fleet instead of in this process; --redis-url means it too
    #[arg(long)]
    fleet: bool,
    /// Serve streamable HTTP at /mcp of this address instead of standard input and output; an address that other
    /// machines reach needs a token in the environment variable BOOSTER_MCP_TOKEN
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Name under which clients reach --listen, beside localhost and the address itself; may be given several times
    #[arg(long = "allow-host", value_name = "HOST", requires = "listen")]
    hosts: Vec<String>,
}

/// Serves until the client closes its end, or Ctrl-C.
pub(crate) async fn run(
    arguments: Arguments,
    config: Config,
    fleet_is_named: bool,
) -> Result<u8, ClientError> {
    let stop = stop_signal()?;
    let roots = if arguments.roots.is_empty() { vec![PathBuf::from(".")] } else { arguments.roots };
    let fleet = arguments.fleet || fleet_is_named;
    let settings = Settings { roots, min_confidence: arguments.min_confidence, fleet };
    let Some(address) = arguments.listen else {
        Server::open(config, &settings)?.serve_stdio(stop).await?;
        return Ok(0);
    };
    let token = std::env::var(TOKEN_VARIABLE).ok().map(|text| Token::new(&text)).transpose()?;
    let listener = listen(&address).await?;
    eprintln!("booster: MCP on http://{}/mcp", print::address(&listener));
    let door = Door { token, hosts: arguments.hosts };
    Server::open(config, &settings)?.serve_http(listener, door, stop).await?;
    Ok(0)
}
