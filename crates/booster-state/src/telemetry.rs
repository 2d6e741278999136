//! Logs and metrics: one function for each thing that happens, so that they cannot disagree.

use std::sync::Arc;

use booster_core::{Event, FailureCause, OutcomeKind};
use booster_engine::{EngineNote, EngineObserver, Pool, SlotStatus};
use booster_queue::{JobRef, Note, Observer, QueueDepth, now_ms};
use tokio::sync::mpsc;
use tracing::{debug, error, info, warn};

use crate::log;
use crate::metrics::Metrics;
use crate::names::Series;

/// Events of the pool that wait to be published, at most; more are dropped and counted.
const OUTBOX: usize = 1024;

/// The observer of a process: writes the log line and the metric for every note.
///
/// The bus messages of a job's events are published by the queue's own scripts, in the same step in which they
/// take effect; the pool's events have no such step, so they go through an outbox to the [`crate::Bus`].
pub struct Telemetry {
    metrics: Arc<Metrics>,
    outbox: mpsc::Sender<Event>,
}

/// What became of modules in Redis at this worker.
#[derive(Debug)]
pub enum ModuleNote<'a> {
    /// A version can run.
    Loaded {
        /// It, as `name@version`.
        booster: &'a str,
        /// SHA-256 of the module.
        digest: &'a str,
        /// Why its instances start cold.
        cold: Option<&'a str>,
    },
    /// A version cannot be loaded; what was there stays.
    Failed {
        /// It, as `name@version`.
        booster: &'a str,
        /// The error's code.
        code: &'static str,
        /// Why.
        error: &'a str,
    },
    /// A version is no longer in Redis.
    Removed {
        /// It, as `name@version`.
        booster: &'a str,
    },
    /// A record cannot be read; what it said before holds.
    Damaged {
        /// The module's name.
        name: &'a str,
        /// What is wrong with it.
        error: &'a str,
    },
    /// What jobs may ask for has changed.
    Serving {
        /// Name, version and digest of all boosters.
        boosters: &'a [(&'a str, &'a str, &'a str)],
        /// Modules in Redis that could not be loaded.
        failed: usize,
    },
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Telemetry")
    }
}

impl Telemetry {
    /// A telemetry over `metrics`, and the outbox of events that the [`crate::Bus`] has to publish.
    pub fn new(metrics: Arc<Metrics>) -> (Arc<Self>, mpsc::Receiver<Event>) {
        let (outbox, events) = mpsc::channel(OUTBOX);
        (Arc::new(Self { metrics, outbox }), events)
    }

    /// The metrics.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Publishes an event of the pool, and logs and counts it.
    pub fn publish(&self, event: Event) {
        self.event(&event);
        if self.outbox.try_send(event).is_err() {
            self.metrics.count(Series::EventsDropped, &[]);
        }
    }

    /// Counts a job that was not run because its outcome was known.
    pub fn cache_hit(&self, booster: &str) {
        let label = self.metrics.booster_label(booster);
        self.metrics.count(Series::CacheHits, &[&label]);
    }

    /// Sets the gauges that describe a pool.
    pub fn describe_pool(&self, pool: &Pool) {
        let (in_service, size) = (pool.in_service(), pool.size());
        self.metrics.set(Series::PoolSlots, &[], in_service as f64);
        self.metrics.set(Series::PoolSlotsTarget, &[], size as f64);
        self.metrics.set(Series::PoolAvailability, &[], in_service as f64 / size.max(1) as f64);
        self.metrics.raise_to(Series::PoolBusySeconds, &[], pool.busy().as_secs_f64());
        for status in SlotStatus::ALL {
            let count = pool.count(status) as f64;
            self.metrics.set(Series::PoolSlotsByStatus, &[status.as_str()], count);
            if status == SlotStatus::Busy {
                self.metrics.set(Series::PoolSlotsBusy, &[], count);
            }
        }
    }

    fn event(&self, event: &Event) {
        let metrics = &self.metrics;
        match event {
            Event::Requested(e) => {
                let booster = &e.booster;
                debug!(queue = e.queue, job = e.job_id, tenant = e.tenant, attempt = 0, booster, "requested");
            }
            Event::Allocated(e) => {
                debug!(
                    queue = e.queue,
                    job = e.job_id,
                    tenant = e.tenant,
                    attempt = e.attempt,
                    slot = e.booster_id,
                    "allocated"
                );
                metrics.observe(Series::JobQueueWait, &[&e.queue], e.wait_ms as f64 / 1000.0);
            }
            Event::TaskCompleted(e) => {
                debug!(
                    queue = e.queue,
                    job = e.job_id,
                    tenant = e.tenant,
                    attempt = e.attempt,
                    outcome = e.outcome.as_str(),
                    latency_ms = e.latency_ms,
                    "finished"
                );
                self.finished(&e.queue, &e.booster, e.outcome, e.latency_ms);
            }
            Event::Error(e) => {
                let cause = e.cause.map_or("invalid", FailureCause::as_str);
                warn!(
                    queue = e.queue,
                    job = e.job_id,
                    tenant = e.tenant,
                    attempt = e.attempt,
                    booster = e.booster,
                    cause,
                    code = e.error.code,
                    dead = e.dead,
                    detail = e.error.message,
                    "attempt failed"
                );
                if e.cause.is_some() {
                    metrics.count(Series::JobAttemptsFailed, &[&e.queue, cause]);
                }
                if e.dead {
                    self.finished(&e.queue, &e.booster, OutcomeKind::Dead, e.latency_ms);
                }
            }
            Event::Recovered(e) => {
                let cause = e.cause.as_str();
                info!(slot = e.booster_id, instance = e.instance_id, cause, ms = e.recovery_ms, "recovered");
                metrics.count(Series::InstanceRestarts, &[cause]);
                metrics.observe(Series::SlotRecovery, &[], e.recovery_ms / 1000.0);
            }
            Event::PoolUpdated(e) => info!(slots = e.slots, change = e.change, "pool updated"),
            Event::ModuleUpdated(e) => match &e.reason {
                Some(reason) => {
                    error!(
                        module = e.name,
                        version = e.version,
                        change = e.change,
                        "module updated: {reason}"
                    );
                    metrics.count(Series::ModuleRollbacks, &[&metrics.booster_label(&e.name)]);
                }
                None => {
                    info!(module = e.name, version = e.version, change = e.change, "module updated");
                }
            },
        }
    }

    /// Takes note of what became of modules in Redis.
    pub fn module(&self, note: &ModuleNote<'_>) {
        match note {
            ModuleNote::Loaded { booster, digest, cold: None } => {
                info!(booster, digest, "module loaded from Redis");
            }
            ModuleNote::Loaded { booster, digest, cold: Some(reason) } => {
                warn!(booster, digest, reason, "module loaded from Redis without a warm snapshot");
            }
            ModuleNote::Failed { booster, code, error } => {
                error!(booster, code, "module in Redis not loaded: {error}");
            }
            ModuleNote::Removed { booster } => info!(booster, "module removed"),
            ModuleNote::Damaged { name, error } => error!(name, "module skipped: {error}"),
            ModuleNote::Serving { boosters, failed } => {
                self.metrics.learn(boosters.iter().map(|(name, _, _)| *name));
                self.metrics.describe_modules(boosters.iter().copied());
                self.metrics.set(Series::ModulesFailed, &[], *failed as f64);
            }
        }
    }

    fn finished(&self, queue: &str, booster: &str, outcome: OutcomeKind, latency_ms: f64) {
        let booster = self.metrics.booster_label(booster);
        let labels = [queue, &booster, outcome.as_str()];
        self.metrics.count(Series::JobsFinished, &labels);
        self.metrics.observe(Series::JobDuration, &labels, latency_ms / 1000.0);
    }

    fn depth(&self, queue: &str, depth: Option<QueueDepth>) {
        let Some(depth) = depth else {
            self.metrics.unset(Series::QueueOldestJobAge, &[queue]);
            for state in ["waiting", "delayed", "running", "dead"] {
                self.metrics.unset(Series::QueueJobs, &[queue, state]);
            }
            return;
        };
        self.metrics.set(Series::QueueOldestJobAge, &[queue], depth.oldest_age_ms as f64 / 1000.0);
        let states = [
            ("waiting", depth.waiting),
            ("delayed", depth.delayed),
            ("running", depth.running),
            ("dead", depth.dead),
        ];
        for (state, count) in states {
            self.metrics.set(Series::QueueJobs, &[queue, state], count as f64);
        }
    }
}

impl Observer for Telemetry {
    fn note(&self, note: &Note<'_>) {
        let metrics = &self.metrics;
        match note {
            Note::Event(event) => self.event(event),
            Note::Fetched { queue, jobs } => {
                debug!(queue, jobs, "fetched");
                metrics.observe(Series::FetchBatchSize, &[], *jobs as f64);
            }
            Note::Polled => metrics.set(Series::LastFetch, &[], now_ms() as f64 / 1000.0),
            Note::Deduplicated(JobRef { queue, job, tenant, attempt }) => {
                info!(queue, job, tenant, attempt, "dropped an entry whose job id is known");
                metrics.count(Series::JobsDeduplicated, &[queue]);
            }
            Note::LostClaim(JobRef { queue, job, tenant, attempt }) => {
                warn!(queue, job, tenant, attempt, "dropped a result that came after its claim was lost");
                metrics.count(Series::JobAttemptsFailed, &[queue, FailureCause::LostClaim.as_str()]);
            }
            Note::Recovered { job: JobRef { queue, job, tenant, attempt }, cause } => {
                warn!(queue, job, tenant, attempt, cause, "put a silent worker's job back");
                metrics.count(Series::JobsRecovered, &[queue, cause]);
                if *cause == "crash" {
                    metrics.count(Series::JobAttemptsFailed, &[queue, FailureCause::Crash.as_str()]);
                }
            }
            Note::Command { name, seconds } => {
                metrics.observe(Series::RedisCommandDuration, &[name], *seconds);
            }
            Note::RedisError { kind, detail } => {
                error!(kind, "{detail}");
                metrics.count(Series::RedisErrors, &[kind]);
            }
            Note::Reconnected => {
                info!("reconnected to Redis");
                metrics.count(Series::RedisReconnects, &[]);
            }
            Note::Spooled { outcomes } => metrics.set(Series::SpoolOutcomes, &[], *outcomes as f64),
            Note::SpoolFull(JobRef { queue, job, tenant, attempt }) => {
                error!(
                    queue,
                    job, tenant, attempt, "gave up an outcome: too many wait for Redis (redis.spoolBytes)"
                );
                metrics.count(Series::SpoolDropped, &[queue]);
            }
            Note::SpoolFault { detail } => error!("spool: {detail}"),
            Note::Adopted { file, settled } => {
                warn!(file, settled, "settled what a dead process had kept");
            }
            Note::ScheduleSkipped { queue, schedule, detail } => {
                warn!(queue, schedule, "skipped a schedule: {detail}");
            }
            Note::LogLevel { filter } => log::change(filter),
            Note::Depth { queue, depth } => self.depth(queue, *depth),
            Note::Reported { queue, outcome, jobs } => {
                let labels = [*queue, "other", outcome.as_str()];
                metrics.add_to(Series::JobsFinished, &labels, *jobs as f64);
            }
            Note::Fallback { queue, result, jobs } => {
                metrics.add_to(Series::Fallback, &[queue, result], *jobs as f64);
            }
            Note::Enqueued { queue, booster, jobs } => {
                let booster = metrics.booster_label(booster);
                metrics.add_to(Series::JobsEnqueued, &[queue, &booster], *jobs as f64);
            }
            _ => {}
        }
    }
}

impl EngineObserver for Telemetry {
    fn note(&self, note: &EngineNote<'_>) {
        match note {
            EngineNote::Instantiated { booster, seconds } => {
                let label = self.metrics.booster_label(booster);
                self.metrics.observe(Series::WasmInstantiate, &[&label], *seconds);
            }
            EngineNote::MemoryPeak { booster, bytes } => {
                let label = self.metrics.booster_label(booster);
                self.metrics.observe(Series::WasmMemoryPeak, &[&label], *bytes as f64);
            }
            EngineNote::Acquired { seconds } => self.metrics.observe(Series::PoolAcquireWait, &[], *seconds),
            EngineNote::Breaker { booster, open } => {
                let label = self.metrics.booster_label(booster);
                if *open {
                    error!(booster, "failed too often in a row; it is left alone for now");
                } else {
                    info!(booster, "works again");
                }
                self.metrics.set(Series::BreakerOpen, &[&label], f64::from(u8::from(*open)));
            }
            EngineNote::Checked { health } => {
                debug!(health = health.as_str(), "checked a slot");
                self.metrics.count(Series::HealthChecks, &[health.as_str()]);
            }
            EngineNote::Recovered(recovered) => self.publish(Event::Recovered((*recovered).clone())),
            _ => {}
        }
    }
}
