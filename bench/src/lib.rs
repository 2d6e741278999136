//! What the benchmarks share: the edits, figures of processes, the contenders of the queue benchmark, the edit engine
//! and how its confidence is measured.

pub mod calibrate;
pub mod derive;
pub mod edits;
pub mod engine;
pub mod measure;
pub mod queue;
