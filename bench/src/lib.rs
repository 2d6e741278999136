//! What the benchmarks share: figures of processes, and the contenders of the queue benchmark.

pub mod measure;
pub mod queue;
