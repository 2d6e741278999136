//! Errors of this crate.

use booster_core::ModuleError;
use booster_queue::QueueError;

/// What can go wrong when state is written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Redis could not be asked.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Something cannot be done with a module.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// Two metrics have one name: a mistake in this program.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// Spans cannot be sent as the configuration says.
    #[error("traces: {detail}")]
    Traces {
        /// What is wrong.
        detail: String,
    },
}

impl StateError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Queue(error) => error.code(),
            Self::Module(error) => error.code(),
            Self::Metrics(_) => "metrics",
            Self::Traces { .. } => "traces",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Queue(error) => error.is_retryable(),
            Self::Module(error) => error.is_retryable(),
            Self::Metrics(_) | Self::Traces { .. } => false,
        }
    }
}
