//! What the benchmarks share: the edits, figures of processes, the contenders of the queue benchmark, the edit engine
//! and how its confidence is measured.

pub mod calibrate;
pub mod derive;
pub mod edits;
pub mod engine;
pub mod measure;
pub mod queue;

use booster_producer::ClientError;

/// Runs a benchmark on a runtime of its own.
///
/// # Errors
/// The benchmark's, or that there can be no runtime.
pub fn block_on<T>(benchmark: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| ClientError::machine("the runtime", error))
        .and_then(|runtime| runtime.block_on(benchmark))
}
