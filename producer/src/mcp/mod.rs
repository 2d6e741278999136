//! The MCP server: tools with which an agent edits files under configured roots, and asks a fleet.
//!
//! A call's way: `tools` reads its parameters, `editor` has the file opened by `roots` and the edit applied by
//! `engine`, in this process or through a fleet, and writes what is certain enough. `http` and standard input and
//! output carry the messages.

mod answer;
mod editor;
mod engine;
mod fleet;
mod http;
mod markdown;
mod roots;
mod tools;

use std::path::PathBuf;
use std::sync::Arc;

use booster_core::Config;
use rmcp::ServiceExt;
use tokio::net::TcpListener;

use crate::client::Client;
use crate::error::ClientError;
use editor::Editor;
use engine::Engine;
pub use http::{Door, TOKEN_VARIABLE, Token};
use roots::Roots;
use tools::Tools;

/// Edits with less confidence are not written unless the caller says otherwise.
pub const DEFAULT_MIN_CONFIDENCE: f64 = 0.7;

/// What the server may do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Directories whose files may be edited; relative paths are taken from the first.
    pub roots: Vec<PathBuf>,
    /// Least confidence of an edit that is written, 0 to 1.
    pub min_confidence: f64,
    /// Whether edits run in the fleet of the configuration, instead of in this process.
    pub fleet: bool,
}

/// The MCP server, ready to be connected.
#[derive(Debug)]
pub struct Server {
    tools: Tools,
}

impl Server {
    /// Opens the roots and begins to prepare the boosters. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ClientError::Usage`] for a root that is no directory or a confidence that is none; else as
    /// [`Client::connect`].
    pub fn open(config: Config, settings: &Settings) -> Result<Self, ClientError> {
        if !(0.0..=1.0).contains(&settings.min_confidence) {
            let what = format!("--min-confidence {}", settings.min_confidence);
            return Err(ClientError::usage(what, "expected a number from 0 to 1"));
        }
        let roots = Roots::open(&settings.roots)?;
        let engine = Arc::new(match settings.fleet {
            true => Engine::fleet(Client::connect(config)?),
            false => Engine::here(config),
        });
        let early = Arc::clone(&engine);
        // Whoever calls first need not wait for all of it; a failure is told to them again.
        tokio::spawn(async move { early.prepare().await });
        Ok(Self { tools: Tools::new(Editor::new(roots, engine, settings.min_confidence)) })
    }

    /// Serves one client over standard input and output until it closes them, or `shutdown` resolves.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when the client's first messages are no MCP.
    pub async fn serve_stdio(self, shutdown: impl Future<Output = ()>) -> Result<(), ClientError> {
        let failed = |detail: String| ClientError::machine("MCP over standard input and output", detail);
        let serve = async {
            let running = self.tools.serve(rmcp::transport::io::stdio_pipes()).await;
            let running = running.map_err(|error| failed(error.to_string()))?;
            running.waiting().await.map(drop).map_err(|error| failed(error.to_string()))
        };
        tokio::select! {
            result = serve => result,
            () = shutdown => Ok(()),
        }
    }

    /// Serves clients over streamable HTTP at the path `/mcp` until `shutdown` resolves.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when the listener is open to other machines and no token guards it;
    /// [`ClientError::Machine`] when the listener fails.
    pub async fn serve_http(
        self,
        listener: TcpListener,
        door: Door,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ClientError> {
        http::run(self.tools, listener, door, shutdown).await
    }
}
