//! The names of all metrics, in one place.

use booster_core::{FailureCause, OutcomeKind};
use booster_engine::Health;
use booster_queue::QueueError;

/// How a series is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while its process lives.
    Counter,
    /// May rise and fall.
    Gauge,
    /// Observations in buckets, with their sum and number.
    Histogram,
}

impl Kind {
    /// The word after `# TYPE` in Prometheus' text format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A series that the fleet exports. The names are stable: dashboards and alerts depend on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each variant's meaning is its help text")]
pub enum Series {
    QueueJobs,
    QueueOldestJobAge,
    JobsEnqueued,
    JobsFinished,
    JobAttemptsFailed,
    JobsDeduplicated,
    JobQueueWait,
    JobDuration,
    JobsRecovered,
    PoolSlots,
    PoolSlotsBusy,
    PoolBusySeconds,
    PoolSlotsTarget,
    PoolSlotsByStatus,
    PoolAcquireWait,
    PoolAvailability,
    InstanceRestarts,
    SlotRecovery,
    HealthChecks,
    BreakerOpen,
    ModulesFailed,
    ModuleRollbacks,
    CacheHits,
    Fallback,
    WasmInstantiate,
    WasmMemoryPeak,
    WasmMemoryLimit,
    ModuleInfo,
    FetchBatchSize,
    LastFetch,
    RedisCommandDuration,
    RedisErrors,
    RedisReconnects,
    EventsDropped,
    SpoolOutcomes,
    SpoolDropped,
    BuildInfo,
}

impl Series {
    /// Every series.
    pub const ALL: &'static [Series] = &[
        Self::QueueJobs,
        Self::QueueOldestJobAge,
        Self::JobsEnqueued,
        Self::JobsFinished,
        Self::JobAttemptsFailed,
        Self::JobsDeduplicated,
        Self::JobQueueWait,
        Self::JobDuration,
        Self::JobsRecovered,
        Self::PoolSlots,
        Self::PoolSlotsBusy,
        Self::PoolBusySeconds,
        Self::PoolSlotsTarget,
        Self::PoolSlotsByStatus,
        Self::PoolAcquireWait,
        Self::PoolAvailability,
        Self::InstanceRestarts,
        Self::SlotRecovery,
        Self::HealthChecks,
        Self::BreakerOpen,
        Self::ModulesFailed,
        Self::ModuleRollbacks,
        Self::CacheHits,
        Self::Fallback,
        Self::WasmInstantiate,
        Self::WasmMemoryPeak,
        Self::WasmMemoryLimit,
        Self::ModuleInfo,
        Self::FetchBatchSize,
        Self::LastFetch,
        Self::RedisCommandDuration,
        Self::RedisErrors,
        Self::RedisReconnects,
        Self::EventsDropped,
        Self::SpoolOutcomes,
        Self::SpoolDropped,
        Self::BuildInfo,
    ];

    /// The name as Prometheus sees it.
    pub fn name(self) -> &'static str {
        self.describe().0
    }

    /// What it means, with its unit.
    pub fn help(self) -> &'static str {
        self.describe().1
    }

    /// The names of its labels.
    pub fn labels(self) -> &'static [&'static str] {
        self.describe().2
    }

    /// How it is counted.
    pub fn kind(self) -> Kind {
        match self {
            Self::JobsEnqueued
            | Self::JobsFinished
            | Self::JobAttemptsFailed
            | Self::JobsDeduplicated
            | Self::JobsRecovered
            | Self::PoolBusySeconds
            | Self::InstanceRestarts
            | Self::HealthChecks
            | Self::RedisErrors
            | Self::RedisReconnects
            | Self::EventsDropped
            | Self::ModuleRollbacks
            | Self::CacheHits
            | Self::Fallback
            | Self::SpoolDropped => Kind::Counter,
            Self::QueueJobs
            | Self::QueueOldestJobAge
            | Self::PoolSlots
            | Self::PoolSlotsBusy
            | Self::PoolSlotsTarget
            | Self::PoolSlotsByStatus
            | Self::PoolAvailability
            | Self::BreakerOpen
            | Self::WasmMemoryLimit
            | Self::ModuleInfo
            | Self::ModulesFailed
            | Self::SpoolOutcomes
            | Self::LastFetch
            | Self::BuildInfo => Kind::Gauge,
            Self::JobQueueWait
            | Self::JobDuration
            | Self::PoolAcquireWait
            | Self::SlotRecovery
            | Self::WasmInstantiate
            | Self::WasmMemoryPeak
            | Self::FetchBatchSize
            | Self::RedisCommandDuration => Kind::Histogram,
        }
    }

    /// The values that its label `label` can have, when they are few and follow from the program alone.
    pub(crate) fn label_values(self, label: &str) -> Option<Vec<&'static str>> {
        match (self, label) {
            (_, "outcome") => Some(OutcomeKind::ALL.map(OutcomeKind::as_str).to_vec()),
            (Self::JobsRecovered, "cause") => Some(vec!["crash", "idle"]),
            // A worker that crashed has nothing left to replace, and a lost claim left the instance sound.
            (Self::InstanceRestarts, "cause") => Some(
                [FailureCause::Trap, FailureCause::Timeout, FailureCause::Memory, FailureCause::Panic]
                    .map(FailureCause::as_str)
                    .to_vec(),
            ),
            (_, "cause") => Some(FailureCause::ALL.map(FailureCause::as_str).to_vec()),
            (_, "health") => Some(Health::ALL.map(Health::as_str).to_vec()),
            (_, "kind") => Some(QueueError::KINDS.to_vec()),
            (Self::Fallback, "result") => Some(vec!["done", "failed", "lapsed"]),
            _ => None,
        }
    }

    fn describe(self) -> (&'static str, &'static str, &'static [&'static str]) {
        match self {
            Self::QueueJobs => (
                "booster_queue_jobs",
                "Jobs that the queue holds, by state (waiting, delayed, running, dead). From the queue's elected keeper only.",
                &["queue", "state"],
            ),
            Self::QueueOldestJobAge => (
                "booster_queue_oldest_job_age_seconds",
                "Age of the oldest waiting job in seconds. From the queue's elected keeper only.",
                &["queue"],
            ),
            Self::JobsEnqueued => (
                "booster_jobs_enqueued_total",
                "Jobs accepted into the queue, by booster asked for. From the queue's elected keeper only.",
                &["queue", "booster"],
            ),
            Self::JobsFinished => (
                "booster_jobs_finished_total",
                "Jobs that ended, by outcome (done, refused, dead, cancelled).",
                &["queue", "booster", "outcome"],
            ),
            Self::JobAttemptsFailed => (
                "booster_job_attempts_failed_total",
                "Attempts that failed, by cause (trap, timeout, memory, panic, crash, lost_claim, deferred).",
                &["queue", "cause"],
            ),
            Self::JobsDeduplicated => (
                "booster_jobs_deduplicated_total",
                "Entries dropped because a job with their id was known.",
                &["queue"],
            ),
            Self::JobQueueWait => (
                "booster_job_queue_wait_seconds",
                "Time from enqueueing to the start of an attempt in seconds, deliberate delays excluded.",
                &["queue"],
            ),
            Self::JobDuration => (
                "booster_job_duration_seconds",
                "Time of the last attempt in the sandbox in seconds, by outcome.",
                &["queue", "booster", "outcome"],
            ),
            Self::JobsRecovered => (
                "booster_jobs_recovered_total",
                "Jobs put back because their worker fell silent, by whether they had been started (crash) or not (idle).",
                &["queue", "cause"],
            ),
            Self::PoolSlots => ("booster_pool_slots", "Slots of this worker that take jobs.", &[]),
            Self::PoolSlotsBusy => ("booster_pool_slots_busy", "Slots that run a job now.", &[]),
            Self::PoolBusySeconds => (
                "booster_pool_busy_seconds_total",
                "Time that slots have spent on jobs in seconds, that of all slots added up.",
                &[],
            ),
            Self::PoolSlotsTarget => {
                ("booster_pool_slots_target", "Slots that the pool's sizing wants.", &[])
            }
            Self::PoolSlotsByStatus => (
                "booster_pool_slots_by_status",
                "Slots by status (initializing, ready, busy, error, recovered).",
                &["status"],
            ),
            Self::PoolAcquireWait => (
                "booster_pool_acquire_wait_seconds",
                "Time that a started job waited for a slot of this worker in seconds.",
                &[],
            ),
            Self::PoolAvailability => (
                "booster_pool_availability_ratio",
                "Share of this worker's slots that are in service, 0 to 1.",
                &[],
            ),
            Self::InstanceRestarts => (
                "booster_instance_restarts_total",
                "Instances replaced after a failure, by cause.",
                &["cause"],
            ),
            Self::SlotRecovery => (
                "booster_slot_recovery_seconds",
                "Time from an instance's failure to its slot being ready again in seconds.",
                &[],
            ),
            Self::HealthChecks => (
                "booster_health_checks_total",
                "Health checks of idle slots, by what they found (healthy, degraded, unhealthy).",
                &["health"],
            ),
            Self::BreakerOpen => (
                "booster_breaker_open",
                "1 while a booster that failed too often in a row is left alone by this worker, else 0.",
                &["booster"],
            ),
            Self::ModulesFailed => (
                "booster_modules_failed",
                "Modules in Redis that this worker could not load; it goes on with what it had.",
                &[],
            ),
            Self::ModuleRollbacks => (
                "booster_module_rollbacks_total",
                "Canaries that this worker rolled back because too many of their attempts failed.",
                &["booster"],
            ),
            Self::CacheHits => (
                "booster_cache_hits_total",
                "Jobs whose outcome was that of an earlier job with the same booster and input.",
                &["booster"],
            ),
            Self::Fallback => (
                "booster_fallback_total",
                "Offers that regular agents finished or gave up, or whose claims lapsed, by result (done, failed, lapsed). From the queue's elected keeper only.",
                &["queue", "result"],
            ),
            Self::WasmInstantiate => (
                "booster_wasm_instantiate_seconds",
                "Time to make a fresh instance in seconds.",
                &["booster"],
            ),
            Self::WasmMemoryPeak => (
                "booster_wasm_memory_peak_bytes",
                "Most memory of one job's instance in bytes.",
                &["booster"],
            ),
            Self::WasmMemoryLimit => {
                ("booster_wasm_memory_limit_bytes", "Memory that one instance may have in bytes.", &[])
            }
            Self::ModuleInfo => (
                "booster_module_info",
                "Always 1; a module that this worker has loaded, with its version and the beginning of its SHA-256.",
                &["booster", "version", "digest"],
            ),
            Self::FetchBatchSize => ("booster_fetch_batch_size", "Jobs returned by one read.", &[]),
            Self::LastFetch => (
                "booster_last_fetch_timestamp_seconds",
                "When the fetch loop last came round, Unix seconds.",
                &[],
            ),
            Self::RedisCommandDuration => (
                "booster_redis_command_duration_seconds",
                "Time of a Redis command or script with its round trip in seconds.",
                &["command"],
            ),
            Self::RedisErrors => (
                "booster_redis_errors_total",
                "Redis commands that failed, by kind (unreachable, unconfirmed, passing, refused, other).",
                &["kind"],
            ),
            Self::RedisReconnects => {
                ("booster_redis_reconnects_total", "Blocking connections made anew after a fault.", &[])
            }
            Self::EventsDropped => (
                "booster_events_dropped_total",
                "Events that could not be published because Redis was away.",
                &[],
            ),
            Self::SpoolOutcomes => (
                "booster_spool_outcomes",
                "Outcomes that this worker keeps because Redis does not answer.",
                &[],
            ),
            Self::SpoolDropped => (
                "booster_spool_dropped_total",
                "Outcomes given up because too many waited for Redis; their jobs run again.",
                &["queue"],
            ),
            Self::BuildInfo => {
                ("booster_build_info", "Always 1; the versions are in the labels.", &["version", "wasmtime"])
            }
        }
    }
}
