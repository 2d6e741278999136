//! The producers' side of Booster Fleet: a client library, the `booster` command line, the HTTP gateway and the MCP server.
//!
//! ```no_run
//! # async fn example() -> Result<(), booster_producer::ClientError> {
//! use booster_core::{Config, Job};
//! use booster_producer::Client;
//!
//! let client = Client::connect(Config::default())?;
//! let job = Job::new("apply", r#"{"code":"def a(): pass","edit":"def a(): return 1","language":"python"}"#)?;
//! let submitted = client.submit(job).await?;
//! let outcome = client.wait(&submitted.id, std::time::Duration::from_secs(30)).await?;
//! println!("{:?}", outcome.map(|outcome| outcome.outcome));
//! # Ok(())
//! # }
//! ```

mod agent;
pub mod cli;
mod client;
mod degrade;
mod error;
pub mod gateway;
pub mod local;
pub mod mcp;
mod sandbox;
mod schedules;
mod views;
mod wait;

pub use agent::{Agent, AgentCommand};
pub use client::Client;
pub use error::ClientError;
