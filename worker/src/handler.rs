//! What apalis calls for each job: from the queue's words to the engine's and back.

use std::sync::Arc;
use std::time::Duration;

use booster_core::config::BreakerAction;
use booster_core::{Attempt, Catalogue, Isolation, Job, Keys, UnixMillis};
use booster_engine::{Booster, EngineError, Pool, Request};
use booster_queue::{Admission, Admit, Claim, Consumer, Link, OutcomeCache, Report};
use booster_state::trace::read_traceparent;
use booster_state::{StateError, Telemetry, fleet_catalogue};
use serde_json::value::RawValue;
use tokio::sync::{Notify, Semaphore, watch};
use tracing::{Instrument, error, error_span, warn};

use crate::modules::Deployed;
use crate::run_log::RunLog;
use crate::trace::{self, Tracing};

/// Runs jobs in a pool.
pub(crate) struct Handler {
    pub(crate) modules: Arc<Deployed>,
    pub(crate) pool: Pool,
    pub(crate) default_timeout: Duration,
    pub(crate) breaker_action: BreakerAction,
    pub(crate) consumer: Consumer,
    pub(crate) run_log: Option<Arc<RunLog>>,
    pub(crate) known: Option<KnownOutcomes>,
    pub(crate) tracing: Option<Tracing>,
}

impl Handler {
    /// Runs one attempt. Whatever is logged meanwhile says of which.
    pub(crate) async fn run(&self, job: Job, claim: Claim) -> Result<Report, EngineError> {
        // Of the highest level, so that no filter takes it from the lines that it lets through.
        let said_of = error_span!(
            "attempt",
            queue = claim.queue(),
            job = claim.id(),
            tenant = job.tenant,
            attempt = claim.attempt()
        );
        self.traced(job, claim).instrument(said_of).await
    }

    async fn traced(&self, job: Job, claim: Claim) -> Result<Report, EngineError> {
        if let Some(text) = job.traceparent.as_deref().filter(|text| read_traceparent(text).is_none()) {
            warn!(traceparent = text, "ignored a traceparent that is not valid");
        }
        let process = self.tracing.as_ref().map(|tracing| tracing.begin(&job, &claim));
        let result = self.attempt(job, claim, process.as_ref().map(trace::Process::entry)).await;
        if let Err(error) = &result {
            error!(code = error.code(), %error, "the worker's own code failed");
        }
        if let Some(process) = process {
            process.end(&result);
        }
        result
    }

    async fn attempt(
        &self,
        job: Job,
        claim: Claim,
        entry: Option<trace::Entry>,
    ) -> Result<Report, EngineError> {
        let hand_back = Report::without_run(Attempt::HandBack);
        let is_last = claim.is_last_attempt();
        let Some(booster) = self.modules.choose(&self.pool, &job.target, claim.id(), is_last) else {
            // Admission looked it up a moment ago; without it another worker shall try.
            return Ok(hand_back);
        };
        let reference = booster.reference().to_owned();
        let known = self.known.as_ref().filter(|_| wants_cache(&job, &booster));
        let name = known.map(|_| OutcomeCache::name(booster.image_digest(), job.input.get()));
        if let (Some(known), Some(name)) = (known, &name)
            && let Some(attempt) = known.get(name, &reference).await
        {
            return Ok(Report { attempt, booster: reference, latency_ms: 0.0, cached: true });
        }
        if self.breaker_action == BreakerAction::Fallback && !self.pool.accepts(&booster) {
            let attempt = Attempt::Refused(breaker_open(&reference)?);
            return Ok(Report { attempt, booster: reference, latency_ms: 0.0, cached: false });
        }
        let stop = claim.lost_flag();
        let run_log = self.run_log.clone();
        let id = claim.id().to_owned();
        let request = Request {
            id,
            booster: Arc::clone(&booster),
            input: String::from(Box::<str>::from(job.input)),
            timeout: job.timeout_ms.map_or(self.default_timeout, Duration::from_millis),
            stop: Some(stop),
            allocated: Box::new(move |booster_id, instance_id| {
                if let Some(log) = &run_log {
                    log.write(claim.id(), booster_id, instance_id);
                }
                if let Some(entry) = &entry {
                    trace::enter(entry, booster_id, instance_id);
                }
                claim.allocated(booster_id, instance_id);
            }),
        };
        let run = match self.pool.run(request).await {
            Err(EngineError::Closed) => {
                // Every slot is out of service (booster.autoRecovery is off): this worker can do nothing more.
                self.consumer.stop_fetching();
                return Ok(hand_back);
            }
            other => other?,
        };
        self.modules.note(&booster, &run.attempt);
        if let (Some(known), Some(name)) = (known, name) {
            known.keep(name, &run.attempt);
        }
        Ok(Report { attempt: run.attempt, booster: reference, latency_ms: run.latency_ms, cached: false })
    }
}

/// Whether a job may be answered with what an earlier one came to: as it says itself, else as its booster says. An
/// instance that sees many jobs may answer the same input differently, so its answers are never kept.
fn wants_cache(job: &Job, booster: &Booster) -> bool {
    let manifest = booster.manifest();
    job.cache.unwrap_or(manifest.cache) && manifest.isolation == Isolation::Fresh
}

/// The fleet's cache of outcomes as a worker uses it.
pub(crate) struct KnownOutcomes {
    cache: OutcomeCache,
    telemetry: Arc<Telemetry>,
    /// Outcomes on their way into it.
    keeping: Arc<Semaphore>,
}

/// Outcomes on their way into the cache at the same time; beyond that they are not kept.
const KEEPING: usize = 64;

impl KnownOutcomes {
    pub(crate) fn new(cache: OutcomeCache, telemetry: Arc<Telemetry>) -> Self {
        Self { cache, telemetry, keeping: Arc::new(Semaphore::new(KEEPING)) }
    }

    async fn get(&self, name: &str, booster: &str) -> Option<Attempt> {
        let attempt = self.cache.get(name).await?;
        self.telemetry.cache_hit(booster);
        Some(attempt)
    }

    /// Keeps an outcome, without the job waiting for it.
    fn keep(&self, name: String, attempt: &Attempt) {
        let answered = matches!(attempt, Attempt::Done(_) | Attempt::Refused(_));
        if let (true, Ok(permit)) = (answered, Arc::clone(&self.keeping).try_acquire_owned()) {
            let (cache, attempt) = (self.cache.clone(), attempt.clone());
            tokio::spawn(async move {
                cache.put(&name, &attempt).await;
                drop(permit);
            });
        }
    }
}

/// Why a job is refused whose booster is left alone.
fn breaker_open(reference: &str) -> Result<Box<RawValue>, EngineError> {
    let message = format!("{reference} has failed too often in a row and is left alone for now");
    let refusal = serde_json::json!({ "reason": "breaker_open", "message": message });
    serde_json::value::to_raw_value(&refusal).map_err(|_| EngineError::Broken)
}

/// Decides by this worker's boosters, and for unknown boosters by what the whole fleet has registered.
pub(crate) struct ByRegistry {
    pub(crate) modules: Arc<Deployed>,
    pub(crate) fleet: watch::Receiver<FleetList>,
    /// Asks for a newer list of what the fleet has registered.
    pub(crate) stale: Arc<Notify>,
    pub(crate) pool: Pool,
    pub(crate) breaker_action: BreakerAction,
}

/// What the fleet's workers have registered, and when it was read (Unix milliseconds, by the clock of Redis).
#[derive(Debug, Default)]
pub(crate) struct FleetList {
    catalogue: Catalogue,
    read_at: u64,
}

impl Admission for ByRegistry {
    fn admit(&self, id: &str, job: &Job, known_since: UnixMillis) -> Admit {
        if !self.modules.is_settled() {
            return Admit::Elsewhere;
        }
        let registry = self.modules.registry();
        match registry.catalogue().check_for(job, id) {
            Ok(_) if self.is_left_alone(id, job) => Admit::Elsewhere,
            Ok(_) => Admit::Run,
            Err(_) if registry.resolve(&job.target).is_none() && self.may_be_elsewhere(job, known_since) => {
                Admit::Elsewhere
            }
            Err(error) => Admit::Never(error),
        }
    }
}

impl ByRegistry {
    /// Whether the job's booster has failed too often here; another worker may have better luck, or this one later.
    fn is_left_alone(&self, id: &str, job: &Job) -> bool {
        self.breaker_action == BreakerAction::Delay
            && self
                .modules
                .choose(&self.pool, &job.target, id, false)
                .is_some_and(|booster| !self.pool.accepts(&booster))
    }

    /// Whether another worker has the booster, so that it is this worker that lacks something. A list older
    /// than the job proves nothing: a worker may have registered the booster meanwhile.
    fn may_be_elsewhere(&self, job: &Job, known_since: UnixMillis) -> bool {
        self.stale.notify_one();
        let list = self.fleet.borrow();
        list.catalogue.resolve(&job.target).is_some() || list.read_at <= known_since
    }
}

async fn read_fleet(link: &Link, keys: &Keys) -> Result<FleetList, StateError> {
    let (seconds, micros): (u64, u64) = link.query("time", &redis::cmd("TIME")).await?;
    let catalogue = fleet_catalogue(link, keys).await?;
    Ok(FleetList { catalogue, read_at: seconds * 1000 + micros / 1000 })
}

/// The fleet's registrations are not read more often than this.
const REFRESH: Duration = Duration::from_secs(2);

/// Reads what the fleet has registered whenever that is `stale`, until nobody reads `fleet` any more.
pub(crate) async fn refresh_fleet(
    link: Link,
    keys: Keys,
    stale: Arc<Notify>,
    fleet: watch::Sender<FleetList>,
) {
    loop {
        tokio::select! {
            () = fleet.closed() => return,
            () = stale.notified() => {}
        }
        // A fault is noted by the link; what was last known stays.
        if let Ok(list) = read_fleet(&link, &keys).await {
            fleet.send_replace(list);
        }
        tokio::time::sleep(REFRESH).await;
    }
}
