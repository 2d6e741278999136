//! The sandbox of Booster Fleet: runs boosters in wasmtime.
//!
//! A [`Registry`] holds the boosters that this process can run, each compiled once and snapshotted warm. A
//! [`Pool`] has a fixed number of slots, one thread each; every job gets a fresh instance from the module's
//! start image, under a memory limit and a deadline, and whatever happens inside stays inside: a trap, a
//! time-out or a refused growth costs the slot its instance and nothing else. This crate knows nothing of
//! Redis.

mod error;
mod limits;
mod module;
mod note;
mod pool;
mod registry;
mod runtime;
mod slot;
mod snapshot;
#[cfg(test)]
mod tests;

pub use error::EngineError;
pub use module::Booster;
pub use note::{EngineNote, EngineObserver, Silent};
pub use pool::{OnAllocated, Pool, PoolConfig, Request, Run};
pub use registry::{Registry, default_modules_dir};
pub use runtime::Runtime;
pub use slot::{SlotStatus, SlotView, TaskSummary};

/// The version of wasmtime that runs the boosters.
pub const WASMTIME_VERSION: &str = "48.0.8";
