//! What a producer can be told.

use booster_core::config::ConfigError;
use booster_core::{JobError, ModuleError, ScheduleError};
use booster_queue::QueueError;
use booster_state::StateError;

/// An error of the client library, the command line or the gateway.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A job is wrong.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A schedule is wrong.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// Something cannot be done with a module.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// A queue operation failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An argument, a file or a line of a file is wrong.
    #[error("{what}: {detail}")]
    Usage {
        /// The argument, file or line.
        what: String,
        /// What is wrong and what would be right.
        detail: String,
    },
    /// A process or file of this machine cannot be had.
    #[error("{what}: {detail}")]
    Machine {
        /// What was wanted.
        what: String,
        /// What the system said.
        detail: String,
    },
}

impl ClientError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Job(error) => error.code(),
            Self::Schedule(error) => error.code(),
            Self::Module(error) => error.code(),
            Self::Queue(error) => error.code(),
            Self::Config(error) => error.code(),
            Self::Usage { .. } => "usage",
            Self::Machine { .. } => "machine",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Queue(error) => error.is_retryable(),
            Self::Module(error) => error.is_retryable(),
            Self::Machine { .. } => true,
            Self::Job(_) | Self::Schedule(_) | Self::Config(_) | Self::Usage { .. } => false,
        }
    }

    /// Whether Redis is away, or in a state that passes: the queue itself has not said no.
    pub(crate) fn is_about_redis(&self) -> bool {
        matches!(self, Self::Queue(error) if error.is_about_redis())
    }

    /// The command line's exit status: 2 for what the caller has to mend, 5 for what is not known, 69 when Redis is not reachable (as in
    /// sysexits.h), 75 when trying again later may help, else 1.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Job(_) | Self::Schedule(_) | Self::Config(_) | Self::Usage { .. } => 2,
            Self::Module(ModuleError::Unknown { .. } | ModuleError::UnknownVersion { .. }) => 5,
            Self::Module(ModuleError::NotLoaded { .. } | ModuleError::Damaged { .. }) => 1,
            Self::Module(error) => {
                if error.is_retryable() {
                    75
                } else {
                    2
                }
            }
            Self::Queue(
                QueueError::Job(_)
                | QueueError::Schedule(_)
                | QueueError::Address { .. }
                | QueueError::Tls { .. }
                | QueueError::SchedulesFull { .. },
            ) => 2,
            Self::Queue(QueueError::Unreachable { .. }) => 69,
            // Full, draining, unconfirmed, or Redis in a state that passes.
            Self::Queue(error) if error.is_retryable() => 75,
            Self::Queue(_) | Self::Machine { .. } => 1,
        }
    }

    /// A wrong argument, file or line.
    pub fn usage(what: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Usage { what: what.into(), detail: detail.to_string() }
    }

    /// Something of this machine that cannot be had.
    pub fn machine(what: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Machine { what: what.into(), detail: detail.to_string() }
    }
}

impl From<StateError> for ClientError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Queue(error) => Self::Queue(error),
            StateError::Module(error) => Self::Module(error),
            other => Self::machine("state", other),
        }
    }
}
