//! A job in a worker's hands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use booster_core::event::{Allocated, Failed, Finished};
use booster_core::outcome::{ErrorDetail, JobOutcome};
use booster_core::{Attempt, Event, FailureCause, Job, OutcomeKind};
use rand::Rng;

use super::settle::{Given, Op, Settlement};
use super::{EntryKey, Shared, lock};
use crate::entry::Entry;
use crate::now_ms;

/// What this worker remembers of an entry it holds.
pub(super) struct Hold {
    /// When the entry was fetched.
    pub(super) fetched: Instant,
    /// When the entry was fetched or last renewed.
    pub(super) renewed: Instant,
    /// Set when another worker has taken the entry over.
    pub(super) lost: Arc<AtomicBool>,
}

impl Hold {
    /// What was fetched `now`.
    pub(super) fn new(now: Instant) -> Self {
        Self { fetched: now, renewed: now, lost: Arc::default() }
    }
}

/// How a running job is stopped.
#[derive(Clone)]
pub(super) struct Stop {
    /// Makes the sandbox stop.
    pub(super) flag: Arc<AtomicBool>,
    /// Says that it is to end as cancelled.
    pub(super) cancelled: Arc<AtomicBool>,
}

/// What one attempt came to, with what was measured.
#[derive(Debug, Clone)]
pub struct Report {
    /// The result.
    pub attempt: Attempt,
    /// The booster that ran, as `name@version`; empty when none did.
    pub booster: String,
    /// Time in the sandbox, milliseconds.
    pub latency_ms: f64,
    /// Whether the result is that of an earlier job with the same booster and input.
    pub cached: bool,
}

impl Report {
    /// What an attempt came to that no booster ran.
    pub fn without_run(attempt: Attempt) -> Self {
        Self { attempt, booster: String::new(), latency_ms: 0.0, cached: false }
    }
}

/// What Redis made of the end of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// `done`, `refused`, `dead` or `cancelled`, `retry`, or `return` when the job was handed back.
    pub op: &'static str,
    /// Whether it took effect. Else the claim was lost before, or the job's record is damaged.
    pub effective: bool,
}

/// Is told once what Redis made of the end of an attempt.
pub(super) type WhenSettled = Box<dyn FnOnce(Settled) + Send + Sync>;

/// A worker's right to run one attempt of a job. Dropping it unsettled hands the job back.
#[derive(Clone)]
pub struct Claim(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    index: usize,
    entry: Entry,
    id: String,
    job: JobFacts,
    lost: Arc<AtomicBool>,
    cancelled: Arc<AtomicBool>,
    settled: AtomicBool,
    when_settled: Mutex<Option<WhenSettled>>,
    started_at: u64,
    /// When the job was accepted, Unix milliseconds.
    enqueued_at: u64,
}

/// What settling needs to know of the job.
struct JobFacts {
    target: String,
    tenant: Option<Arc<str>>,
    agent_id: Option<String>,
    max_retries: u32,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim").field("id", &self.0.id).finish_non_exhaustive()
    }
}

impl Claim {
    pub(super) fn new(
        shared: Arc<Shared>,
        index: usize,
        entry: Entry,
        id: String,
        job: Option<&Job>,
        lost: Arc<AtomicBool>,
        enqueued_at: u64,
    ) -> Self {
        let default_retries = shared.config.config.wasm.max_retries;
        let facts = JobFacts {
            target: job.map(|job| job.target.to_string()).unwrap_or_default(),
            tenant: job.and_then(|job| job.tenant.as_deref().map(Arc::from)),
            agent_id: job.and_then(|job| job.agent_id.clone()),
            max_retries: job.and_then(|job| job.max_retries).unwrap_or(default_retries),
        };
        let started_at = now_ms();
        Self(Arc::new(Inner {
            shared,
            index,
            entry,
            id,
            job: facts,
            lost,
            cancelled: Arc::default(),
            settled: AtomicBool::new(false),
            when_settled: Mutex::default(),
            started_at,
            enqueued_at,
        }))
    }

    /// The job's id.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The queue's name.
    pub fn queue(&self) -> &str {
        self.0.queue()
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.0.attempt()
    }

    /// Whether the job dies when this attempt fails.
    pub fn is_last_attempt(&self) -> bool {
        self.attempt() > self.0.job.max_retries
    }

    /// Has `tell` called when Redis has answered to the end of the attempt. It is dropped uncalled when Redis never
    /// does, so that the claim lapses.
    pub fn when_settled(&self, tell: impl FnOnce(Settled) + Send + Sync + 'static) {
        *lock(&self.0.when_settled) = Some(Box::new(tell));
    }

    /// A flag that becomes true when the claim is lost, for code that cannot ask.
    pub fn lost_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.lost)
    }

    /// Says which slot took the job. Published before the attempt's end, whatever comes first.
    pub fn allocated(&self, booster_id: &str, instance_id: &str) {
        let inner = &self.0;
        let event = Event::Allocated(Allocated {
            job_id: inner.id.clone(),
            queue: inner.queue().to_owned(),
            booster_id: booster_id.to_owned(),
            instance_id: instance_id.to_owned(),
            worker_id: inner.shared.worker.clone(),
            attempt: self.attempt(),
            wait_ms: inner.wait_ms(),
            tenant: inner.tenant(),
        });
        inner.send(Op::Event, Some(event), None);
    }

    /// Ends the attempt. Only the first call counts.
    pub fn settle(&self, report: Report) {
        if self.0.settled.swap(true, Ordering::SeqCst) {
            return;
        }
        if report.latency_ms > 0.0 {
            self.0.shared.pace.record(report.latency_ms);
        }
        let (op, event) = self.0.plan(report);
        self.0.end(op, event);
    }

    /// Makes the job one that can be stopped while it runs.
    pub(super) fn register(&self) {
        let inner = &self.0;
        let stop = Stop { flag: Arc::clone(&inner.lost), cancelled: Arc::clone(&inner.cancelled) };
        lock(&inner.shared.running).insert(inner.id.clone(), (inner.index, stop));
    }

    /// Ends a job that was cancelled before it ran.
    pub(super) fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        self.settle(Report::without_run(Attempt::HandBack));
    }

    /// Lets the job run later, here or elsewhere. Counts neither as attempt nor as crash.
    pub(super) fn postpone(&self, millis: u64) {
        if !self.0.settled.swap(true, Ordering::SeqCst) {
            let (attempts, crashes) = (self.0.entry.attempts, self.0.entry.crashes);
            self.0.end(Op::Retry { attempts, crashes, due: now_ms() + millis, reason: "elsewhere" }, None);
        }
    }

    /// Ends a job that was never run because it is wrong.
    pub(super) fn invalid(&self, code: &str, message: String) {
        self.settle(Report::without_run(Attempt::Invalid { code: code.to_owned(), message }));
    }
}

impl Inner {
    fn queue(&self) -> &str {
        self.shared.lines[self.index].keys.name()
    }

    fn attempt(&self) -> u32 {
        self.entry.attempts + 1
    }

    fn tenant(&self) -> Option<String> {
        self.job.tenant.as_deref().map(ToOwned::to_owned)
    }

    fn wait_ms(&self) -> u64 {
        self.started_at.saturating_sub(self.entry.since)
    }

    fn key(&self) -> EntryKey {
        (self.index, self.entry.lane, self.entry.entry.clone())
    }

    fn send(&self, op: Op, event: Option<Event>, when_settled: Option<WhenSettled>) {
        let Entry { attempts, crashes, since, .. } = self.entry;
        let given = Given { attempts, crashes, since };
        let (id, tenant) = (self.id.clone(), self.job.tenant.clone());
        let settlement = Settlement { key: self.key(), id, tenant, given, op, event, when_settled };
        // The settling task outlives every claim; it ends only when nothing is held.
        let _ = self.shared.lines[self.index].settle.send(settlement);
    }

    fn end(&self, op: Op, event: Option<Event>) {
        lock(&self.shared.running).remove(&self.id);
        let when_settled = lock(&self.when_settled).take();
        self.send(op, event, when_settled);
        self.shared.finished();
    }

    /// Turns a report into what settling has to do.
    fn plan(&self, report: Report) -> (Op, Option<Event>) {
        let mut outcome = self.outcome(&report);
        match report.attempt {
            Attempt::Done(output) => {
                outcome.output = Some(output);
                self.finish(outcome)
            }
            Attempt::Refused(refusal) => {
                outcome.outcome = OutcomeKind::Refused;
                outcome.refusal = Some(refusal);
                self.finish(outcome)
            }
            Attempt::Invalid { code, message } => {
                outcome.outcome = OutcomeKind::Dead;
                outcome.error = Some(ErrorDetail { code, message });
                self.finish(outcome)
            }
            // Whatever it came to, nobody wants it tried again.
            Attempt::Failed { .. } | Attempt::HandBack if self.cancelled.load(Ordering::SeqCst) => {
                outcome.outcome = OutcomeKind::Cancelled;
                self.finish(outcome)
            }
            Attempt::Failed { cause, message, retry_after_ms } => {
                self.failed(outcome, cause, message, retry_after_ms)
            }
            Attempt::HandBack => (Op::Return, None),
        }
    }

    fn outcome(&self, report: &Report) -> JobOutcome {
        JobOutcome {
            id: self.id.clone(),
            outcome: OutcomeKind::Done,
            output: None,
            refusal: None,
            error: None,
            attempts: self.entry.attempts,
            crashes: self.entry.crashes,
            latency_ms: (report.latency_ms * 1000.0).round() / 1000.0,
            wait_ms: self.wait_ms(),
            worker: self.shared.worker.clone(),
            booster: report.booster.clone(),
            tenant: self.tenant(),
            enqueued_at: self.enqueued_at,
            finished_at: now_ms(),
            used_fallback: false,
            cached: report.cached,
        }
    }

    fn finish(&self, outcome: JobOutcome) -> (Op, Option<Event>) {
        let event = match &outcome.error {
            Some(error) => Event::Error(self.failure(&outcome, None, error.clone(), None)),
            None => Event::TaskCompleted(Finished {
                job_id: self.id.clone(),
                queue: self.queue().to_owned(),
                booster: outcome.booster.clone(),
                outcome: outcome.outcome,
                attempt: self.attempt(),
                worker_id: self.shared.worker.clone(),
                latency_ms: outcome.latency_ms,
                used_fallback: outcome.used_fallback,
                cached: outcome.cached,
                tenant: self.tenant(),
                agent_id: self.job.agent_id.clone(),
            }),
        };
        (Op::Outcome(Box::new(outcome)), Some(event))
    }

    /// A failed attempt: tried again later while the job has retries left, else the job is dead.
    fn failed(
        &self,
        mut outcome: JobOutcome,
        cause: FailureCause,
        message: String,
        retry_after_ms: Option<u64>,
    ) -> (Op, Option<Event>) {
        outcome.attempts += 1;
        let error = ErrorDetail { code: cause.as_str().to_owned(), message };
        if outcome.attempts > self.job.max_retries {
            outcome.outcome = OutcomeKind::Dead;
            outcome.error = Some(error.clone());
            let event = Event::Error(self.failure(&outcome, Some(cause), error, None));
            return (Op::Outcome(Box::new(outcome)), Some(event));
        }
        let mut random = rand::rng();
        let due = now_ms()
            + match retry_after_ms {
                Some(least) => asked_delay_ms(least, &mut random),
                None => retry_delay_ms(outcome.attempts, &mut random),
            };
        let event = Event::Error(self.failure(&outcome, Some(cause), error, Some(due)));
        let op =
            Op::Retry { attempts: outcome.attempts, crashes: outcome.crashes, due, reason: cause.as_str() };
        (op, Some(event))
    }

    fn failure(
        &self,
        outcome: &JobOutcome,
        cause: Option<FailureCause>,
        error: ErrorDetail,
        retry_at: Option<u64>,
    ) -> Failed {
        let ran = !outcome.booster.is_empty();
        Failed {
            job_id: self.id.clone(),
            queue: self.queue().to_owned(),
            booster: if ran { outcome.booster.clone() } else { self.job.target.clone() },
            cause,
            error,
            attempt: self.attempt(),
            attempts: outcome.attempts,
            latency_ms: outcome.latency_ms,
            dead: retry_at.is_none(),
            retry_at,
            worker_id: self.shared.worker.clone(),
            tenant: self.tenant(),
            agent_id: self.job.agent_id.clone(),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !*self.settled.get_mut() {
            self.end(Op::Return, None);
        }
    }
}

/// First back-off ceiling.
const RETRY_BASE_MS: u64 = 250;
/// Last back-off ceiling.
const RETRY_MOST_MS: u64 = 30_000;

/// Exponential back-off with full jitter: a uniform choice between nothing and a ceiling that doubles with
/// every failure. Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
fn retry_delay_ms(failures: u32, random: &mut impl Rng) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    let ceiling = RETRY_BASE_MS.saturating_mul(1 << doublings).min(RETRY_MOST_MS);
    random.random_range(1..=ceiling)
}

/// The delay that a booster asked for, and up to a tenth more, so that jobs put off together do not return in step.
fn asked_delay_ms(least: u64, random: &mut impl Rng) -> u64 {
    least + random.random_range(0..=least / 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn delays_grow_to_a_bound_and_use_the_whole_range() {
        let mut random = StdRng::seed_from_u64(7);
        let mut most = |failures| (0..2000).map(|_| retry_delay_ms(failures, &mut random)).max().unwrap();
        assert!((200..=250).contains(&most(1)));
        assert!((800..=1000).contains(&most(3)));
        assert!((29_000..=30_000).contains(&most(60)));
        assert!((0..2000).any(|_| retry_delay_ms(5, &mut random) < 100));
    }

    #[test]
    fn a_delay_that_was_asked_for_is_never_cut_short() {
        let mut random = StdRng::seed_from_u64(7);
        let delays: Vec<u64> = (0..2000).map(|_| asked_delay_ms(1000, &mut random)).collect();
        assert_eq!((delays.iter().min(), delays.iter().max()), (Some(&1000), Some(&1100)));
        assert_eq!(asked_delay_ms(1, &mut random), 1);
    }
}
