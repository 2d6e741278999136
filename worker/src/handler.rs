//! What apalis calls for each job: from the queue's words to the engine's and back.

use std::sync::Arc;
use std::time::Duration;

use booster_core::{Attempt, Catalogue, Job};
use booster_engine::{EngineError, Pool, Registry, Request};
use booster_queue::{Admission, Admit, Claim, Report};
use booster_state::fleet_catalogue;
use tokio::sync::watch;

/// Runs jobs in a pool.
pub(crate) struct Handler {
    pub(crate) registry: Arc<Registry>,
    pub(crate) pool: Pool,
    pub(crate) default_timeout: Duration,
}

impl Handler {
    /// Runs one attempt.
    pub(crate) async fn run(&self, job: Job, claim: Claim) -> Result<Report, EngineError> {
        let Some(booster) = self.registry.resolve(&job.target).cloned() else {
            // Admission looked it up a moment ago; without it another worker shall try.
            return Ok(Report { attempt: Attempt::HandBack, booster: String::new(), latency_ms: 0.0 });
        };
        let reference = booster.reference().to_owned();
        let stop = claim.lost_flag();
        let id = claim.id().to_owned();
        let request = Request {
            id,
            booster,
            input: String::from(Box::<str>::from(job.input)),
            timeout: job.timeout_ms.map_or(self.default_timeout, Duration::from_millis),
            stop: Some(stop),
            allocated: Box::new(move |booster_id, instance_id| claim.allocated(booster_id, instance_id)),
        };
        let run = self.pool.run(request).await?;
        Ok(Report { attempt: run.attempt, booster: reference, latency_ms: run.latency_ms })
    }
}

/// Decides by this worker's registry, and for unknown boosters by what the whole fleet has registered.
pub(crate) struct ByRegistry {
    pub(crate) registry: Arc<Registry>,
    pub(crate) fleet: watch::Receiver<Catalogue>,
}

impl Admission for ByRegistry {
    fn admit(&self, job: &Job) -> Admit {
        match self.registry.catalogue().check(job) {
            Ok(_) => Admit::Run,
            // Another worker has it, so it is this worker that lacks something.
            Err(_) if self.registry.resolve(&job.target).is_none() && self.elsewhere(job) => Admit::Elsewhere,
            Err(error) => Admit::Never(error),
        }
    }
}

impl ByRegistry {
    fn elsewhere(&self, job: &Job) -> bool {
        self.fleet.borrow().resolve(&job.target).is_some()
    }
}

/// How often the fleet's registrations are read.
const REFRESH: Duration = Duration::from_secs(5);

/// Keeps `fleet` up to date until nobody reads it any more.
pub(crate) async fn refresh_fleet(
    link: booster_queue::Link,
    keys: booster_core::Keys,
    fleet: watch::Sender<Catalogue>,
) {
    while !fleet.is_closed() {
        // A fault is noted by the link; what was last known stays.
        if let Ok(catalogue) = fleet_catalogue(&link, &keys).await {
            fleet.send_replace(catalogue);
        }
        tokio::time::sleep(REFRESH).await;
    }
}
