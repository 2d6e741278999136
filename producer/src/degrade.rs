//! What a producer does with jobs while Redis stays away: nothing, run them in this process, or hand them to a
//! regular agent. What it did itself it reports once Redis is back.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use booster_core::config::Degrade;
use booster_core::outcome::{ErrorDetail, JobOutcome};
use booster_core::{Attempt, Config, Job, OutcomeKind};
use booster_queue::{Link, Reported, Reports, now_ms};
use futures_util::StreamExt;
use tokio::sync::OnceCell;

use crate::agent::{Agent, AgentCommand};
use crate::error::ClientError;
use crate::sandbox::Sandbox;

/// Pauses between attempts to report.
const REPORT_EVERY: Duration = Duration::from_millis(500);
/// What an outcome has around its output and the job, generously.
const SURROUNDINGS: usize = 1024;

/// Runs jobs without Redis, and remembers what became of them until Redis knows.
pub(crate) struct Degraded {
    config: Arc<Config>,
    /// This process's name in the outcomes.
    who: String,
    agent: Arc<dyn Agent>,
    /// Started with the first job that runs here.
    sandbox: OnceCell<Sandbox>,
    reports: Reports,
    /// A task reports.
    reporting: AtomicBool,
}

impl Degraded {
    pub(crate) fn new(config: &Arc<Config>, link: Link, agent: Option<Arc<dyn Agent>>) -> Self {
        let who = format!("producer-{}-{:08x}", std::process::id(), rand::random::<u32>());
        let agent = agent.unwrap_or_else(|| {
            let timeout = Duration::from_millis(config.wasm.task_timeout_ms);
            Arc::new(AgentCommand::new(&config.booster.agent_command, timeout, config.redis.max_job_bytes))
        });
        let reports = Reports::new(link, config, who.clone());
        let (sandbox, reporting) = (OnceCell::new(), AtomicBool::new(false));
        Self { config: Arc::clone(config), who, agent, sandbox, reports, reporting }
    }

    /// Whether anything else than failing is configured.
    pub(crate) fn helps(&self) -> bool {
        self.config.booster.degrade != Degrade::None
    }

    /// Runs jobs, each with the queue that it would have taken, several at a time. `away` is why Redis could not
    /// be asked; it is returned for jobs whose outcomes there is no room to keep, and for those that are not due yet:
    /// only Redis could make them wait.
    pub(crate) async fn run(
        self: &Arc<Self>,
        jobs: Vec<(String, Job)>,
        away: ClientError,
    ) -> Result<(), ClientError> {
        let now = now_ms();
        let (due, later): (Vec<_>, Vec<_>) =
            jobs.into_iter().partition(|(_, job)| job.run_at.is_none_or(|at| at <= now));
        let mut runs =
            futures_util::stream::iter(due.into_iter().map(|(queue, job)| self.run_one(queue, job)))
                .buffer_unordered(slots());
        let mut left_over = !later.is_empty();
        while let Some(run) = runs.next().await {
            match run? {
                Some(reported) => self.reports.add(&reported).await,
                None => left_over = true,
            }
        }
        drop(runs);
        self.report_soon();
        if left_over { Err(away) } else { Ok(()) }
    }

    /// Runs one job; `None` when there is no room to keep what it comes to.
    async fn run_one(&self, queue: String, job: Job) -> Result<Option<Reported>, ClientError> {
        if !self.reports.has_room(2 * job.input.get().len() + SURROUNDINGS) {
            return Ok(None);
        }
        let start = Instant::now();
        let retries = job.max_retries.unwrap_or(self.config.wasm.max_retries);
        let mut outcome = self.blank(&job);
        loop {
            let (attempt, booster) = self.attempt(&job).await?;
            outcome.booster = booster;
            outcome.latency_ms = (start.elapsed().as_secs_f64() * 1e6).round() / 1000.0;
            outcome.finished_at = now_ms();
            let (code, message) = match attempt {
                Attempt::Done(output) => {
                    outcome.output = Some(output);
                    return Ok(Some(Reported { queue, job, outcome }));
                }
                Attempt::Refused(refusal) => {
                    (outcome.outcome, outcome.refusal) = (OutcomeKind::Refused, Some(refusal));
                    return Ok(Some(Reported { queue, job, outcome }));
                }
                Attempt::Failed { cause, message, .. } => {
                    outcome.attempts += 1;
                    (cause.as_str().to_owned(), message)
                }
                // There is nobody to hand it back to, so it counts: an agent must not be asked for ever.
                Attempt::HandBack => {
                    outcome.attempts += 1;
                    ("handed_back".to_owned(), "the job was handed back, and nobody else is here".to_owned())
                }
                Attempt::Invalid { code, message } => {
                    (outcome.outcome, outcome.error) =
                        (OutcomeKind::Dead, Some(ErrorDetail { code, message }));
                    return Ok(Some(Reported { queue, job, outcome }));
                }
            };
            if outcome.attempts > retries {
                (outcome.outcome, outcome.error) = (OutcomeKind::Dead, Some(ErrorDetail { code, message }));
                return Ok(Some(Reported { queue, job, outcome }));
            }
        }
    }

    fn blank(&self, job: &Job) -> JobOutcome {
        JobOutcome {
            id: job.id.clone().unwrap_or_default(),
            outcome: OutcomeKind::Done,
            output: None,
            refusal: None,
            error: None,
            attempts: 0,
            crashes: 0,
            latency_ms: 0.0,
            wait_ms: 0,
            worker: self.who.clone(),
            booster: String::new(),
            tenant: job.tenant.clone(),
            enqueued_at: now_ms(),
            finished_at: 0,
            used_fallback: true,
            cached: false,
        }
    }

    /// One attempt, and the booster that made it.
    async fn attempt(&self, job: &Job) -> Result<(Attempt, String), ClientError> {
        if self.config.booster.degrade == Degrade::Agent {
            return Ok((self.agent.run(job).await, "agent".to_owned()));
        }
        let sandbox = self.sandbox.get_or_try_init(|| Sandbox::open(&self.config, slots())).await?;
        match sandbox.resolve(&job.target) {
            Ok(booster) => {
                let reference = booster.reference().to_owned();
                let timeout = job.timeout_ms.map(Duration::from_millis);
                let run = sandbox.run(booster, job.input.get().to_owned(), timeout).await?;
                Ok((run.attempt, reference))
            }
            Err(known) => {
                let message = format!("{} is not known here; {known}", job.target);
                Ok((Attempt::Invalid { code: "booster_unknown".into(), message }, String::new()))
            }
        }
    }

    /// Those of the jobs that ran here and that Redis does not know yet.
    pub(crate) fn outcomes(&self, ids: &HashSet<String>) -> Vec<(String, JobOutcome)> {
        self.reports.find(|id| ids.contains(id))
    }

    /// How many outcomes Redis has not been told of.
    pub(crate) fn unreported(&self) -> usize {
        self.reports.len()
    }

    /// Reports in the background until Redis knows all.
    fn report_soon(self: &Arc<Self>) {
        if self.reports.is_empty() || self.reporting.swap(true, Ordering::SeqCst) {
            return;
        }
        let this = Arc::clone(self);
        tokio::spawn(async move {
            while this.reports.send().await.is_err() {
                tokio::time::sleep(REPORT_EVERY).await;
            }
            this.reporting.store(false, Ordering::SeqCst);
            // One may have come in between.
            this.report_soon();
        });
    }
}

/// Jobs that run here at the same time: as many as there are cores.
pub(crate) fn slots() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(16)
}
