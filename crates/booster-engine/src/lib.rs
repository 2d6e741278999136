//! The sandbox of Booster Fleet: runs boosters in wasmtime.
//!
//! A [`Registry`] holds the boosters that this process can run, each compiled once and snapshotted warm; a
//! [`ModuleCache`] keeps the result for later processes. A [`Pool`] has slots, one thread each; every job gets a
//! fresh instance from the module's start image, under a memory limit and a deadline, and whatever happens inside
//! stays inside: a trap, a time-out or a refused growth costs the slot its instance and nothing else. This crate
//! knows nothing of Redis.

mod breaker;
mod cache;
mod compile;
mod error;
mod health;
mod limits;
mod module;
mod note;
mod occupancy;
mod pool;
mod registry;
mod runtime;
mod sandbox;
mod sizing;
mod slot;
mod snapshot;
#[cfg(test)]
mod tests;

pub use breaker::BreakerConfig;
pub use cache::{ModuleCache, default_cache_dir};
pub use compile::{COMPILE_ARGUMENT, compile_child};
pub use error::EngineError;
pub use health::Health;
pub use module::Booster;
pub use note::{EngineNote, EngineObserver, Silent};
pub use pool::{Load, OnAllocated, Pool, PoolConfig, Request, Run};
pub use registry::{Registry, default_modules_dir};
pub use runtime::{KEEP_RESIDENT, Runtime, RuntimeConfig};
pub use sandbox::{Ran, Sandbox, Task};
pub use sizing::{HOLD, Seen, Sizer, SizingConfig, TICK, UTILISATION};
pub use slot::{SlotStatus, SlotView, TaskSummary};

/// The version of wasmtime that runs the boosters.
pub const WASMTIME_VERSION: &str = "48.0.8";
