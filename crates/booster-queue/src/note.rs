//! What the queue tells whoever watches it: one value for each thing that happens inside.

use booster_core::{Event, OutcomeKind};

use crate::error::QueueError;

/// The attempt that a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobRef<'a> {
    /// The queue.
    pub queue: &'a str,
    /// The job's id.
    pub job: &'a str,
    /// On whose behalf it runs.
    pub tenant: Option<&'a str>,
    /// Which attempt, from 1.
    pub attempt: u32,
}

/// Something that happened in the queue's machinery, for logs and metrics.
#[derive(Debug)]
#[non_exhaustive]
pub enum Note<'a> {
    /// A lifecycle event took effect in Redis.
    Event(&'a Event),
    /// A read returned jobs.
    Fetched {
        /// The queue.
        queue: &'a str,
        /// How many.
        jobs: usize,
    },
    /// The fetch loop of a queue came round, with or without jobs.
    Polled,
    /// An entry carried the id of a job that is known already and was dropped.
    Deduplicated(JobRef<'a>),
    /// A result came after its claim was lost and was dropped.
    LostClaim(JobRef<'a>),
    /// A silent worker's job was put back into the queue.
    Recovered {
        /// The attempt that will not be settled.
        job: JobRef<'a>,
        /// `crash` when the job had been started, else `idle`.
        cause: &'static str,
    },
    /// A Redis command or script was answered.
    Command {
        /// Its name.
        name: &'static str,
        /// Seconds it took.
        seconds: f64,
    },
    /// A Redis command failed.
    RedisError {
        /// One of [`QueueError::KINDS`].
        kind: &'static str,
        /// What happened.
        detail: &'a QueueError,
    },
    /// A lost connection was made again.
    Reconnected,
    /// How many outcomes wait for Redis after a call that it did not answer.
    Spooled {
        /// How many.
        outcomes: usize,
    },
    /// No room to keep another outcome for Redis: it is given up, and its job will run again.
    SpoolFull(JobRef<'a>),
    /// An outcome could not be kept on disk, or one that was there could not be settled.
    SpoolFault {
        /// What happened.
        detail: &'a str,
    },
    /// What a dead process had kept on disk was settled.
    Adopted {
        /// The file, which is gone now.
        file: &'a str,
        /// How many outcomes it held.
        settled: usize,
    },
    /// Jobs that were accepted and have not been told of before, by whichever process.
    Enqueued {
        /// The queue.
        queue: &'a str,
        /// The booster asked for, without version.
        booster: &'a str,
        /// How many.
        jobs: u64,
    },
    /// Jobs that ended without a worker having a part in it, and have not been told of before: cancelled while they
    /// waited, or run by their producer.
    Reported {
        /// The queue.
        queue: &'a str,
        /// How they ended.
        outcome: OutcomeKind,
        /// How many.
        jobs: u64,
    },
    /// Regular agents finished, gave up or lost jobs that were offered to them, and nobody has told of it before.
    Fallback {
        /// The queue.
        queue: &'a str,
        /// `done`, `failed` or `lapsed`.
        result: &'a str,
        /// How many.
        jobs: u64,
    },
    /// A cron schedule could not be read, or its job was not accepted. Told once until that changes.
    ScheduleSkipped {
        /// The queue.
        queue: &'a str,
        /// The schedule's name.
        schedule: &'a str,
        /// What is wrong.
        detail: &'a str,
    },
    /// Somebody wants this process to log by another filter.
    LogLevel {
        /// The filter, in the form of [`booster_core::config::LOG_FILTER_FORM`].
        filter: &'a str,
    },
    /// The elected keeper counted a queue.
    Depth {
        /// The queue.
        queue: &'a str,
        /// What it counted; `None` when this process is no longer the keeper.
        depth: Option<QueueDepth>,
    },
}

/// How many jobs a queue holds in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Neither started nor delayed.
    pub waiting: u64,
    /// Waiting for their time.
    pub delayed: u64,
    /// Held by workers.
    pub running: u64,
    /// Dead jobs that are kept.
    pub dead: u64,
    /// Age of the oldest waiting job, milliseconds.
    pub oldest_age_ms: u64,
}

/// Gets every [`Note`]. Called from the queue's own tasks, so it must be quick and never block.
pub trait Observer: Send + Sync + 'static {
    /// Takes note.
    fn note(&self, note: &Note<'_>);
}

/// An observer that ignores everything, for producers and tools.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn note(&self, _: &Note<'_>) {}
}
