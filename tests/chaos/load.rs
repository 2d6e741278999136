//! The submitting side: jobs by chance, sent at a pace, and written down once they are accepted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use booster_core::Job;
use booster_core::job::Priority;
use booster_producer::Client;
use rand::Rng;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep, sleep_until};

use crate::Trouble;
use crate::books::Ledger;

/// Jobs of one submit.
const BATCH: usize = 100;
/// Batches between which the pace is kept: shorter pauses than a few milliseconds are not exact.
const BEAT: Duration = Duration::from_millis(20);
/// How long a replica may take to confirm a batch: less than a connection waits for an answer.
const WAIT_MS: u64 = 400;
/// How long a batch is offered again and again while it is not accepted.
const PATIENCE: Duration = Duration::from_secs(120);

/// Jobs of all kinds: most do nothing or work for up to a few milliseconds, some are refused, some fail.
pub(crate) fn mixed(random: &mut StdRng, prefix: &str, count: usize) -> Result<Vec<Job>, Trouble> {
    (0..count)
        .map(|number| {
            let mut job = match random.random_range(0..100) {
                0..50 => Job::new("noop", "{}")?,
                50..92 => work(random.random_range(100_000..3_000_000))?,
                92..96 => Job::new("faulty", r#"{"do":"refuse"}"#)?,
                _ => Job::new("faulty", r#"{"do":"panic"}"#)?,
            };
            job.id = Some(format!("{prefix}-{number}"));
            job.max_retries = Some(2);
            job.priority = match random.random_range(0..10) {
                0..2 => Priority::High,
                2..9 => Priority::Normal,
                _ => Priority::Low,
            };
            Ok(job)
        })
        .collect()
}

/// As [`mixed`], with some long jobs between the others, so that every worker has one in its hands at any time.
pub(crate) fn mixed_with_long(random: &mut StdRng, prefix: &str, count: usize) -> Result<Vec<Job>, Trouble> {
    let mut jobs = mixed(random, prefix, count)?;
    for job in jobs.iter_mut().step_by(50) {
        let long = work(100_000_000)?;
        (job.target, job.input) = (long.target, long.input);
    }
    Ok(jobs)
}

/// A job of so many steps; a million takes about a millisecond.
pub(crate) fn work(steps: u64) -> Result<Job, Trouble> {
    Ok(Job::new("faulty", &format!(r#"{{"do":"work","times":{steps}}}"#))?)
}

/// Jobs that are all alike.
pub(crate) fn alike(job: &Job, prefix: &str, count: usize) -> Vec<Job> {
    (0..count)
        .map(|number| {
            let mut job = job.clone();
            job.id = Some(format!("{prefix}-{number}"));
            job
        })
        .collect()
}

/// What submitting met with.
#[derive(Debug, Default)]
pub(crate) struct Met {
    /// Answers other than "accepted", by their code; each was followed by another try with the same ids.
    pub(crate) errors: BTreeMap<&'static str, usize>,
}

impl std::fmt::Display for Met {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.errors.values().sum::<usize>())
    }
}

/// Submits jobs and writes down what was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Submitter {
    pub(crate) client: Client,
    pub(crate) ledger: Arc<Ledger>,
    /// A server on which a replica has to confirm what was accepted before it is written down.
    pub(crate) confirm: Option<String>,
}

impl Submitter {
    /// Submits jobs evenly over about `spread`. What is not accepted is offered again with the same ids.
    ///
    /// # Errors
    /// When a batch is not accepted for two minutes.
    pub(crate) async fn feed(self, jobs: Vec<Job>, spread: Duration) -> Result<Met, Trouble> {
        let beats = usize::try_from(spread.as_millis() / BEAT.as_millis()).unwrap_or(1).max(1);
        let size = jobs.len().div_ceil(beats).clamp(1, BATCH);
        let batches = jobs.len().div_ceil(size).max(1);
        let begin = Instant::now();
        let mut met = Met::default();
        for (number, batch) in jobs.chunks(size).enumerate() {
            sleep_until(begin + spread.mul_f64(number as f64 / batches as f64)).await;
            self.submit(batch, &mut met).await?;
        }
        Ok(met)
    }

    /// Submits one batch, until it is accepted.
    async fn submit(&self, batch: &[Job], met: &mut Met) -> Result<(), Trouble> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (code, error) = match self.client.submit_many(batch.to_vec(), None, false).await {
                Ok(answers) => match self.confirmed().await {
                    Ok(()) => return self.ledger.accepted(answers.iter().map(|answer| answer.id.as_str())),
                    Err(trouble) => ("not_confirmed", trouble.to_string()),
                },
                Err(error) => (error.code(), error.to_string()),
            };
            *met.errors.entry(code).or_default() += 1;
            if Instant::now() > deadline {
                return Err(format!("submitting fails for {PATIENCE:?}: {error}").into());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a replica has all that the server has done until now. `WAIT` speaks of the writes of its own
    /// connection, so there is one.
    async fn confirmed(&self) -> Result<(), Trouble> {
        let Some(url) = &self.confirm else { return Ok(()) };
        let mut redis = redis::Client::open(url.as_str())?.get_multiplexed_async_connection().await?;
        let mut pipeline = redis::pipe();
        pipeline.cmd("INCR").arg("chaos:confirmed").ignore();
        pipeline.cmd("WAIT").arg(1).arg(WAIT_MS);
        let (replicas,): (u32,) = pipeline.query_async(&mut redis).await?;
        if replicas > 0 { Ok(()) } else { Err(format!("no replica within {WAIT_MS} ms").into()) }
    }

    /// Submits those of `jobs` again whose ids are in `ids`: what a server has forgotten.
    ///
    /// # Errors
    /// As [`Submitter::feed`].
    pub(crate) async fn again(&self, jobs: &HashMap<String, Job>, ids: &[String]) -> Result<(), Trouble> {
        let forgotten: Vec<Job> = ids.iter().filter_map(|id| jobs.get(id)).cloned().collect();
        self.clone().feed(forgotten, Duration::ZERO).await.map(drop)
    }
}

/// Jobs by their ids.
pub(crate) fn by_id(jobs: &[Job]) -> HashMap<String, Job> {
    jobs.iter().filter_map(|job| Some((job.id.clone()?, job.clone()))).collect()
}
