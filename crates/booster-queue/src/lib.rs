//! The job queue of Booster Fleet: an apalis backend on Redis Streams.
//!
//! The protocol lives in the Lua scripts under `lua/`; the Rust code decides when to call them. A job is
//! acknowledged only by `settle.lua`, in the same step that stores its outcome, so that no accepted job is lost
//! and no outcome is stored twice. This crate knows nothing of wasm: what a job *does* is the business of the
//! service that apalis calls.
//!
//! * [`Queue`] is the producers' and operators' side: submit, look up, wait, count.
//! * [`consumer::Consumer`] is the workers' side; it feeds a [`backend::JobBackend`] for apalis' `WorkerBuilder`.
//! * [`intake`] takes over what services push with apalis-redis.

pub mod backend;
mod browse;
mod cache;
mod cancel;
pub mod consumer;
mod dead;
mod entry;
mod error;
pub mod intake;
mod line;
mod link;
mod logs;
mod mode;
mod note;
mod offers;
mod office;
mod payload;
mod queue;
mod reports;
mod schedules;
mod scripts;
mod spool;
mod tenants;

pub use backend::JobBackend;
pub use browse::Live;
pub use cache::OutcomeCache;
pub use cancel::Cancellation;
pub use consumer::{Admission, Admit, Claim, Consumer, ConsumerConfig, Report, Settled};
pub use error::QueueError;
pub use link::Link;
pub use logs::set_log_filter;
pub use mode::Mode;
pub use note::{JobRef, Note, Observer, QueueDepth, Silent};
pub use offers::{EndedOffer, FinishedOffer, MAX_TAKES, Offer, TakenOffer};
pub use office::Office;
pub use queue::{Queue, QueueCounts, Record, Submitted, Watched, assign_id};
pub use reports::{Reported, Reports};
pub use schedules::{Scheduled, new_revision};
pub use spool::make_spool_dir;
pub use tenants::{MAX_LIMITS, RateLimit, rate_limits, set_rate_limit};

/// The time now, Unix milliseconds.
pub fn now_ms() -> booster_core::UnixMillis {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
