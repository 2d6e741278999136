//! What Booster Fleet writes for others to read: state hashes, the pool set, agent profiles, the event bus and
//! metrics.
//!
//! All of it informs and nothing of it decides: no job depends on a key of this crate, so a fault here is noted
//! and never holds up work.

mod bus;
mod error;
mod follower;
mod metrics;
mod names;
mod profile;
mod telemetry;
mod writer;

pub use bus::Bus;
pub use error::StateError;
pub use follower::run as follow_events;
pub use metrics::Metrics;
pub use names::{Kind, Series};
pub use profile::{
    Endpoint, MAX_QUEUES, Profile, endpoints, fleet_catalogue, living_workers, queue_names, read_pool,
};
pub use telemetry::Telemetry;
pub use writer::StateWriter;
