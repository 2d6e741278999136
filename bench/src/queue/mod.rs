//! The queue benchmark: this fleet's queue beside other queues on Redis, each with one worker process.
//!
//! Every contender is two programs, a worker and a submitter, spoken to in lines of text ([`process`]). What is
//! measured, and in which order, is in [`run`]; how it is printed in [`report`].

pub mod contender;
pub mod ours;
pub mod probe;
pub mod process;
pub mod raw;
pub mod report;
pub mod run;

/// Bytes of text in a job's input: with its JSON around it, a job is about one KB.
pub const PAYLOAD_BYTES: usize = 1000;

/// Jobs submitted in one go.
pub const BATCH: usize = 500;
