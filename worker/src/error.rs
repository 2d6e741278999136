//! Why a worker could not start or go on.

use booster_core::config::ConfigError;
use booster_engine::EngineError;
use booster_queue::QueueError;
use booster_state::StateError;

/// An error that ends the worker. Faults of Redis are not among them once it runs: it waits for it to return.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration file cannot be read.
    #[error("configuration file {path}: {detail}")]
    ConfigFile {
        /// The file.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// A flag's value is wrong.
    #[error("{flag} {value}: expected {expected}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// The address to listen on cannot be had.
    #[error("cannot listen on {address}: {detail}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        detail: String,
    },
    /// The run log cannot be opened.
    #[error("run log {path}: {detail}")]
    RunLog {
        /// The file.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// The boosters or the sandbox cannot be set up.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The Redis address is wrong.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Metrics cannot be set up.
    #[error(transparent)]
    State(#[from] StateError),
    /// apalis' monitor ended with an error, or a part of the worker stopped unexpectedly.
    #[error("the worker stopped: {detail}")]
    Stopped {
        /// What happened.
        detail: String,
    },
}

impl WorkerError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config(error) => error.code(),
            Self::ConfigFile { .. } => "config_file",
            Self::Flag { .. } => "flag_invalid",
            Self::Listen { .. } => "listen",
            Self::RunLog { .. } => "run_log",
            Self::Engine(error) => error.code(),
            Self::Queue(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Stopped { .. } => "stopped",
        }
    }

    /// Whether starting again with the same configuration may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Listen { .. } | Self::Stopped { .. })
    }

    /// The process's exit status: 2 for what the caller has to mend, else 1.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::ConfigFile { .. }
            | Self::Flag { .. }
            | Self::RunLog { .. }
            | Self::Queue(_) => 2,
            _ => 1,
        }
    }
}
