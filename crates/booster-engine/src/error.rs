//! What can go wrong before a job runs.

use std::path::PathBuf;

/// An error of the engine or its registry. What goes wrong *inside* a booster is an outcome, not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The wasmtime engine could not be made with these settings.
    #[error("the sandbox could not be set up: {detail}")]
    Setup {
        /// What wasmtime said.
        detail: String,
    },
    /// A file of the registry could not be read.
    #[error("{path}: {detail}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A module is no booster: not WebAssembly, not a component, with imports, or without the export.
    #[error("booster `{name}` is not usable: {detail}")]
    Module {
        /// The booster.
        name: String,
        /// What is wrong and what would be right.
        detail: String,
    },
    /// No slot is in service.
    #[error("no slot of the pool is in service")]
    Closed,
    /// The host's own code failed while it ran a job.
    #[error("the sandbox's own code failed; the log has the panic")]
    Broken,
}

impl EngineError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "engine_setup",
            Self::File { .. } => "module_file",
            Self::Module { .. } => "module_invalid",
            Self::Closed => "pool_closed",
            Self::Broken => "engine_broken",
        }
    }

    /// Whether the same call may succeed later in this process.
    pub fn is_retryable(&self) -> bool {
        false
    }
}
