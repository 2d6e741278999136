//! What can go wrong between this crate and Redis.

use booster_core::{JobError, ScheduleError};
use redis::ErrorKind;

/// An error of a queue operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The address is not one that the client understands.
    #[error("the Redis address is not valid: {detail}")]
    Address {
        /// What is wrong with it; never the address itself, which may hold a password.
        detail: String,
    },
    /// The files of the TLS settings do not fit.
    #[error("TLS to Redis cannot be set up: {detail}")]
    Tls {
        /// Which setting, and what is wrong with it.
        detail: String,
    },
    /// Too few replicas have a job that was submitted (`redis.waitReplicas`).
    #[error(
        "{} accepted, but {replicas} of {wanted} replicas confirmed it within {timeout_ms} ms: it may or may not \
         survive a failover; submitting it again with the same id is safe",
        named(.ids)
    )]
    Unconfirmed {
        /// The jobs.
        ids: Vec<String>,
        /// How many have it.
        replicas: u32,
        /// How many have to (`redis.waitReplicas`).
        wanted: u32,
        /// How long they were waited for (`redis.waitTimeout`), milliseconds.
        timeout_ms: u64,
    },
    /// Redis could not be reached, or did not answer in time.
    #[error("Redis is not reachable: {detail}")]
    Unreachable {
        /// What the client said.
        detail: String,
    },
    /// Redis answered with an error.
    #[error("Redis refused `{command}`: {detail}")]
    Refused {
        /// The command or script.
        command: &'static str,
        /// What Redis said.
        detail: String,
        /// Whether the same command may succeed later (loading, failing over, out of memory…).
        passing: bool,
    },
    /// The queue holds as many waiting jobs as it may.
    #[error("queue `{queue}` is full: {limit} jobs are waiting; submit again when it has drained")]
    Full {
        /// The queue.
        queue: String,
        /// Its limit (`redis.maxWaiting`).
        limit: usize,
    },
    /// The queue is being drained.
    #[error("queue `{queue}` is draining and takes no more jobs; `booster resume {queue}` opens it again")]
    Draining {
        /// The queue.
        queue: String,
    },
    /// The apalis queue and the fleet's queue lie in different slots of a Redis Cluster.
    #[error(
        "apalis queue `{namespace}` cannot be taken into queue `{queue}` on a Redis Cluster: their keys do not share \
         a slot; let the services name it with the tag `{{{queue}}}`, such as `{{{queue}}}edits`"
    )]
    IntakeSlot {
        /// The apalis queue.
        namespace: String,
        /// The fleet's queue.
        queue: String,
    },
    /// A file with outcomes that a dead process has left cannot be read.
    #[error("{path}: {detail}; its outcomes are kept there")]
    Spool {
        /// The file.
        path: String,
        /// What the system said.
        detail: String,
    },
    /// The job itself is wrong.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The schedule itself is wrong.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The queue has as many schedules as it may.
    #[error("queue `{queue}` has {limit} schedules, which is the most; remove one first")]
    SchedulesFull {
        /// The queue.
        queue: String,
        /// How many it may have.
        limit: usize,
    },
}

impl QueueError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "redis_address_invalid",
            Self::Tls { .. } => "redis_tls_invalid",
            Self::Spool { .. } => "spool_unreadable",
            Self::Unconfirmed { .. } => "redis_unconfirmed",
            Self::Unreachable { .. } => "redis_unreachable",
            Self::Refused { .. } => "redis_refused",
            Self::Full { .. } => "queue_full",
            Self::Draining { .. } => "queue_draining",
            Self::IntakeSlot { .. } => "intake_slot",
            Self::Job(error) => error.code(),
            Self::Schedule(error) => error.code(),
            Self::SchedulesFull { .. } => "schedules_full",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Address { .. }
            | Self::Tls { .. }
            | Self::IntakeSlot { .. }
            | Self::SchedulesFull { .. } => false,
            Self::Unreachable { .. }
            | Self::Spool { .. }
            | Self::Unconfirmed { .. }
            | Self::Full { .. }
            | Self::Draining { .. } => true,
            Self::Refused { passing, .. } => *passing,
            Self::Job(error) => error.is_retryable(),
            Self::Schedule(error) => error.is_retryable(),
        }
    }

    /// Whether Redis is away, or in a state that passes: the queue itself has not said no.
    pub fn is_about_redis(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Refused { passing: true, .. })
    }

    pub(crate) fn from_redis(command: &'static str, error: &redis::RedisError) -> Self {
        let without_master = matches!(
            error.kind(),
            ErrorKind::ClusterConnectionNotFound | ErrorKind::MasterNameNotFoundBySentinel
        );
        if without_master || error.is_io_error() || error.is_timeout() || error.is_connection_dropped() {
            return Self::Unreachable { detail: error.to_string() };
        }
        Self::Refused { command, detail: error.to_string(), passing: is_passing(error) }
    }

    /// Whether the stream or its group is gone, so that it has to be made again.
    pub(crate) fn is_missing_group(&self) -> bool {
        matches!(self, Self::Refused { detail, .. } if detail.contains("NOGROUP"))
    }

    /// All values of the label `kind` of `redis_errors_total`.
    pub const KINDS: [&'static str; 5] = ["unreachable", "unconfirmed", "passing", "refused", "other"];

    /// The label of `redis_errors_total`, one of [`QueueError::KINDS`].
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::Refused { passing: true, .. } => "passing",
            Self::Refused { .. } => "refused",
            _ => "other",
        }
    }
}

/// The jobs of a batch in a few words.
fn named(ids: &[String]) -> String {
    match ids {
        [] => "the job is".to_owned(),
        [id] => format!("job {id} is"),
        [first, .., last] => format!("{} jobs from {first} to {last} are", ids.len()),
    }
}

/// Server states that end by themselves or by an operator's hand, without the command being wrong.
fn is_passing(error: &redis::RedisError) -> bool {
    matches!(
        error.code(),
        Some(
            "LOADING"
                | "BUSY"
                | "TRYAGAIN"
                | "CLUSTERDOWN"
                | "MASTERDOWN"
                | "READONLY"
                | "OOM"
                | "MISCONF"
                | "NOREPLICAS"
                | "MOVED"
                | "ASK"
                | "UNBLOCKED"
        )
    )
}
