//! What Booster Fleet writes for others to read: state hashes, the pool set, agent profiles, the event bus, metrics,
//! the log and traces; and the modules that are kept in Redis.
//!
//! All but the modules informs and decides nothing: no job depends on it, so a fault is noted and never holds up
//! work. Of the modules each worker has its own copies: while Redis is away it goes on with what it has loaded.

mod bus;
mod error;
mod follower;
pub mod log;
mod metrics;
mod modules;
mod names;
mod profile;
mod signature;
mod telemetry;
pub mod trace;
mod writer;

pub use bus::Bus;
pub use error::StateError;
pub use follower::run as follow_events;
pub use metrics::Metrics;
pub use modules::{ModuleStore, Modules, NewModule, route};
pub use names::{Kind, Series};
pub use profile::{
    Endpoint, LoadState, MAX_QUEUES, ModuleSource, Profile, Standing, WorkerModule, WorkerProfile, endpoints,
    fleet_catalogue, living_workers, pool_load, queue_names, read_health, read_pool, read_workers,
    worker_modules,
};
pub use signature::{Signer, TrustedKeys};
pub use telemetry::{ModuleNote, Telemetry};
pub use writer::StateWriter;
