//! Outcomes of jobs that their producer ran itself because Redis was away, until Redis has been told of them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use booster_core::event::{Failed, Finished};
use booster_core::outcome::JobOutcome;
use booster_core::{Config, Event, Job, Keys, OutcomeKind};

use crate::error::QueueError;
use crate::link::Link;
use crate::note::Note;
use crate::now_ms;
use crate::scripts::{Caller, MAX_BYTES, MAX_ITEMS};
use crate::spool::{self, Order, Spool};

/// A job that no worker ran, and what became of it.
#[derive(Debug, Clone)]
pub struct Reported {
    /// The queue that it would have taken.
    pub queue: String,
    /// The job.
    pub job: Job,
    /// What became of it.
    pub outcome: JobOutcome,
}

/// Reports that wait for Redis, within `redis.spoolBytes`, and on disk where `redis.spoolDir` says so.
pub struct Reports {
    link: Link,
    config: Config,
    /// Who ran the jobs: a name that no other process has.
    who: String,
    spool: Spool,
    /// By queue, in the order in which they came.
    waiting: Mutex<VecDeque<(String, Order)>>,
}

impl std::fmt::Debug for Reports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reports")
            .field("who", &self.who)
            .field("waiting", &self.len())
            .finish_non_exhaustive()
    }
}

impl Reports {
    /// No reports yet. `who` names this process and no other.
    pub fn new(link: Link, config: &Config, who: String) -> Self {
        let spool = Spool::new(config, &who);
        Self { link, config: config.clone(), who, spool, waiting: Mutex::default() }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting().len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The outcomes of those that wait and whose jobs are wanted, with the queue of each.
    pub fn find(&self, wanted: impl Fn(&str) -> bool) -> Vec<(String, JobOutcome)> {
        let waiting = self.waiting();
        let found = waiting.iter().filter(|(_, order)| wanted(&order.id));
        found
            .filter_map(|(queue, order)| Some((queue.clone(), serde_json::from_str(&order.text).ok()?)))
            .collect()
    }

    /// Whether one with so many bytes of outcome and job may be added.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.spool.has_room(bytes)
    }

    /// Adds one. What cannot be written to disk is kept in memory and noted.
    pub async fn add(&self, reported: &Reported) {
        let order = order(reported);
        self.spool.add(order.len());
        let written = self.spool.write(&reported.queue, &self.who, std::iter::once(&order)).await;
        self.note_fault(written);
        self.waiting().push_back((reported.queue.clone(), order));
    }

    /// Tells Redis of all that wait.
    ///
    /// # Errors
    /// A Redis error; what it has not been told of waits on.
    pub async fn send(&self) -> Result<(), QueueError> {
        loop {
            let batch = self.next_batch();
            let Some((queue, _)) = batch.first() else { return Ok(()) };
            let keys = Keys::new(self.config.redis.key_prefix.clone()).queue(queue);
            let caller = Caller::new(&self.config, &keys);
            let orders = batch.iter().map(|(_, order)| order);
            spool::report(&self.link, &caller, &self.config, &self.who, orders).await?;
            for (_, order) in &batch {
                self.waiting().pop_front();
                let settled = self.spool.settled(order.len()).await;
                self.note_fault(settled);
            }
        }
    }

    /// The oldest of one queue that fit into one call.
    fn next_batch(&self) -> Vec<(String, Order)> {
        let waiting = self.waiting();
        let mut bytes = 0;
        let mut batch: Vec<(String, Order)> = Vec::new();
        for (queue, order) in waiting.iter().take(MAX_ITEMS) {
            bytes += order.len();
            let other = batch.first().is_some_and(|(first, _)| first != queue);
            if other || (bytes > MAX_BYTES && !batch.is_empty()) {
                break;
            }
            batch.push((queue.clone(), order.clone()));
        }
        batch
    }

    fn note_fault(&self, result: std::io::Result<()>) {
        if let Err(error) = result {
            self.link.observer().note(&Note::SpoolFault { detail: &error.to_string() });
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(String, Order)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn order(reported: &Reported) -> Order {
    let Reported { queue, job, outcome } = reported;
    Order {
        head: format!("report {} {}", outcome.outcome.as_str(), job.target.name()),
        id: outcome.id.clone(),
        // A plain struct with string keys: serialising it cannot fail.
        text: serde_json::to_string(outcome).unwrap_or_default(),
        message: event(queue, job, outcome).to_message(now_ms()),
        job: job.to_json(),
    }
}

fn event(queue: &str, job: &Job, outcome: &JobOutcome) -> Event {
    let (job_id, queue) = (outcome.id.clone(), queue.to_owned());
    let (tenant, agent_id) = (job.tenant.clone(), job.agent_id.clone());
    // A dead job's last attempt is among those that failed.
    let attempt = outcome.attempts + u32::from(outcome.outcome != OutcomeKind::Dead);
    let (booster, worker_id, latency_ms) =
        (outcome.booster.clone(), outcome.worker.clone(), outcome.latency_ms);
    match &outcome.error {
        Some(error) if outcome.outcome == OutcomeKind::Dead => Event::Error(Failed {
            job_id,
            queue,
            booster,
            cause: None,
            error: error.clone(),
            attempt,
            attempts: outcome.attempts,
            latency_ms,
            dead: true,
            retry_at: None,
            worker_id,
            tenant,
            agent_id,
        }),
        _ => Event::TaskCompleted(Finished {
            job_id,
            queue,
            booster,
            outcome: outcome.outcome,
            attempt,
            worker_id,
            latency_ms,
            used_fallback: outcome.used_fallback,
            cached: outcome.cached,
            tenant,
            agent_id,
        }),
    }
}
