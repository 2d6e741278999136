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
//!
//! [`Client::submit`] and [`Client::submit_many`] send jobs, [`Client::wait`] and [`Client::wait_each`] wait for their
//! outcomes, [`Client::events`] follows what happens in the fleet, and `booster.degrade` says what becomes of jobs while
//! Redis is away. `examples/` has a program for each, to be run with `REDIS_URL` naming a fleet's Redis:
//! `cargo run --package booster-producer --example wait`.

mod agent;
pub mod cli;
mod client;
mod degrade;
mod error;
mod events;
mod fallback;
mod fallback_agent;
mod fallback_view;
mod follow;
pub mod gateway;
pub mod local;
pub mod mcp;
mod model;
mod modules;
mod sandbox;
mod schedules;
mod trace;
mod views;
mod wait;

pub use agent::{Agent, AgentCommand};
pub use client::Client;
pub use error::ClientError;
pub use fallback::{Answer, Answered, Wanted};
pub use follow::{EventsFrom, FleetEvent};
pub use modules::{ModuleAtWorker, ModuleDetail, ModuleView};
