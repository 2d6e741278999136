//! The vocabulary of Booster Fleet.
//!
//! Everything here is a plain value: jobs, schedules, outcomes, lifecycle events, the names of Redis keys, booster
//! manifests and configuration. This crate does no I/O and knows neither tokio, Redis clients nor wasm, so
//! that every other crate can speak the same words.

pub mod address;
pub mod config;
pub mod digest;
pub mod event;
pub mod job;
pub mod keys;
pub mod manifest;
pub mod modules;
pub mod outcome;
pub mod schedule;

pub use address::Address;
pub use config::Config;
pub use event::Event;
pub use job::{Job, JobError, Priority, Target};
pub use keys::{ApalisKeys, Keys, QueueKeys};
pub use manifest::{CanaryRoute, Catalogue, Isolation, Manifest, Route};
pub use modules::{ModuleError, ModuleRecord, ModuleVersion};
pub use outcome::{Attempt, FailureCause, JobOutcome, OutcomeKind};
pub use schedule::{Schedule, ScheduleError};

/// Milliseconds since the Unix epoch, the time format of every field that others read.
pub type UnixMillis = u64;
