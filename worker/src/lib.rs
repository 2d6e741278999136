//! The worker process: takes jobs from the queues and runs them in its pool.
//!
//! [`run`] is the whole worker; `main` only parses, binds and calls it, so that tests and `booster up` can do
//! the same with their own listener and shutdown.

mod error;
mod handler;
mod http;
mod modules;
mod options;
mod run;
mod run_log;
mod sizing;
mod trace;

pub use error::WorkerError;
pub use options::Options;
pub use run::{Worker, run, worker_id};
pub use run_log::RunLog;
