//! A fleet under test: workers that come and go, a submitting side, and books.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use booster_core::{Config, Job};
use booster_producer::Client;
use booster_producer::local::{LocalRedis, LocalWorker};
use booster_tests::small_modules;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::books::{Audit, Books, Ledger, Left};
use crate::load::{Met, Submitter};
use crate::plant::{self, Plant};
use crate::report::Report;
use crate::{SharedReport, Trouble};

/// Events that a stream keeps: the books need all of them.
const ALL_EVENTS: usize = 10_000_000;
/// How long nothing may change while jobs are left, before they count as stuck.
const PATIENCE: Duration = Duration::from_secs(45);
/// How long a worker may take to leave: its drain time and a little more.
const LEAVE_LIMIT: Duration = Duration::from_secs(60);
/// A worker that was stopped by SIGSTOP heeds SIGKILL alone, so that is what it gets if this process dies.
const LAUNCHER: [&str; 4] = ["setpriv", "--pdeathsig", "KILL", "--"];

/// What a scenario plays on.
pub(crate) struct Stage {
    /// Chance, from the tool's seed and the scenario's number.
    pub(crate) random: StdRng,
    /// What was found so far.
    pub(crate) report: SharedReport,
    jobs: Option<u32>,
    plant: Option<Plant>,
    number: u32,
}

impl Stage {
    pub(crate) fn new(seed: u64, number: u32, jobs: Option<u32>, plant: Option<Plant>) -> Self {
        let random = StdRng::seed_from_u64(seed.wrapping_mul(1000).wrapping_add(number.into()));
        Self { random, report: SharedReport::default(), jobs, plant, number }
    }

    /// How many jobs a part has: its own number, unless the command line has another.
    pub(crate) fn jobs(&self, own: usize) -> usize {
        self.jobs.map_or(own, |jobs| jobs as usize)
    }

    /// What the ids of a part begin with.
    pub(crate) fn prefix(&self, part: &str) -> String {
        format!("s{}-{part}", self.number)
    }

    /// A time between two bounds, by chance.
    pub(crate) fn between(&mut self, least_ms: u64, most_ms: u64) -> Duration {
        Duration::from_millis(self.random.random_range(least_ms..=most_ms))
    }

    /// The report, to note something in.
    pub(crate) fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fleet with its own directory. Dropping it kills its workers.
pub(crate) struct Site {
    pub(crate) workers: Vec<LocalWorker>,
    pub(crate) config: Config,
    pub(crate) client: Client,
    ledger: Arc<Ledger>,
    books: Books,
    launcher: Vec<String>,
    started: usize,
    dir: TempDir,
}

impl Site {
    /// Prepares a fleet at the address `url`, whose keys are on `masters` of the servers `nodes`. It has no worker
    /// yet.
    pub(crate) fn open(
        url: &str,
        nodes: Vec<String>,
        masters: usize,
        change: impl FnOnce(&mut Config),
    ) -> Result<Self, Trouble> {
        let dir = tempfile::tempdir()?;
        let mut config = Config::default();
        config.wasm.pool_size = 2;
        config.wasm.modules = small_modules(dir.path()).display().to_string();
        // Thousands of jobs that fail at once are to be tried again, not to be left alone.
        config.booster.breaker_failures = 0;
        // The books want every dead job's outcome.
        config.redis.dead_max = 1_000_000;
        change(&mut config);
        config.redis.url = url.to_owned();
        config.redis.max_events = ALL_EVENTS;
        let client = Client::connect(config.clone())?;
        let books =
            Books { nodes, masters, ledger: dir.path().join("accepted"), run_log: dir.path().join("runs") };
        let ledger = Arc::new(Ledger::create(&books.ledger)?);
        let launcher = LAUNCHER.map(str::to_owned).to_vec();
        Ok(Self { workers: Vec::new(), config, client, ledger, books, launcher, started: 0, dir })
    }

    /// A fleet on one server.
    pub(crate) fn on(redis: &LocalRedis, change: impl FnOnce(&mut Config)) -> Result<Self, Trouble> {
        Self::open(&redis.url(), vec![redis.url()], 1, change)
    }

    pub(crate) fn books(&self) -> &Books {
        &self.books
    }

    pub(crate) fn submitter(&self) -> Submitter {
        Submitter { client: self.client.clone(), ledger: Arc::clone(&self.ledger), confirm: None }
    }

    /// Submits jobs in the background, evenly over `spread`.
    pub(crate) fn feed(&self, jobs: Vec<Job>, spread: Duration) -> JoinHandle<Result<Met, Trouble>> {
        tokio::spawn(self.submitter().feed(jobs, spread))
    }

    /// Starts one more worker, without waiting for it.
    pub(crate) fn start_worker(&mut self, arguments: &[&str]) -> Result<(), Trouble> {
        let config = self.config.clone();
        self.start_elsewhere(&[], &config, arguments)
    }

    /// Starts one more worker with its own configuration, by a program that becomes the worker.
    pub(crate) fn start_elsewhere(
        &mut self,
        launcher: &[&str],
        config: &Config,
        arguments: &[&str],
    ) -> Result<(), Trouble> {
        self.started += 1;
        let log = self.dir.path().join(format!("worker-{}.log", self.started));
        let run_log = self.books.run_log.display().to_string();
        let mut all = vec!["--run-log", &run_log];
        all.extend(arguments);
        let mut through: Vec<&str> = self.launcher.iter().map(String::as_str).collect();
        through.extend(launcher);
        self.workers.push(LocalWorker::start_under(&through, config, &log, &all)?);
        Ok(())
    }

    /// Starts workers and waits until they take jobs.
    pub(crate) async fn staff(&mut self, count: usize) -> Result<(), Trouble> {
        for _ in 0..count {
            self.start_worker(&[])?;
        }
        self.ready().await
    }

    /// Waits until all workers take jobs.
    pub(crate) async fn ready(&mut self) -> Result<(), Trouble> {
        for worker in &mut self.workers {
            worker.ready(&self.client).await?;
        }
        Ok(())
    }

    /// Kills a worker without warning and starts another in its place.
    pub(crate) async fn kill_and_replace(&mut self, index: usize) -> Result<(), Trouble> {
        self.workers.swap_remove(index).kill().await;
        self.start_worker(&[])
    }

    /// Sends a signal to a worker.
    pub(crate) fn signal(&self, index: usize, signal: Signal) {
        self.workers[index].signal(signal);
    }

    /// Ends a worker by SIGTERM, which it has to obey with exit status 0.
    pub(crate) async fn dismiss(&mut self, index: usize) -> Result<(), Trouble> {
        left(self.workers.remove(index).stop(LEAVE_LIMIT).await)
    }

    /// Waits until the queues are empty and balances the books, then ends the workers.
    pub(crate) async fn balance(mut self, stage: &mut Stage, part: &str) -> Result<Audit, Trouble> {
        let planted = stage.plant.take();
        let url = self.books.nodes.first().cloned().unwrap_or_default();
        match planted {
            Some(Plant::Loss) => plant::loss(&self.submitter(), &url).await?,
            Some(Plant::Duplicate) => plant::duplicate(&self.submitter(), &url).await?,
            None => {}
        }
        let left_over = self.settle().await;
        let audit = self.books.audit().await?;
        if left_over != Left::default() {
            stage.report().fault(format!("{part}: nothing moves for {PATIENCE:?}, {left_over:?}"));
        }
        if planted.is_none() && !audit.faults.is_empty() {
            self.keep_evidence(stage, part);
        }
        let leaving = std::mem::take(&mut self.workers);
        for status in join_all(leaving.into_iter().map(|worker| worker.stop(LEAVE_LIMIT))).await {
            left(status)?;
        }
        Ok(audit)
    }

    /// Balances the books and adds them to the report.
    pub(crate) async fn close(self, stage: &mut Stage, part: &str) -> Result<(), Trouble> {
        let audit = self.balance(stage, part).await?;
        stage.report().add(part, audit);
        Ok(())
    }

    /// Waits until the queues hold nothing, or nothing moves any more.
    pub(crate) async fn settle(&self) -> Left {
        self.books.wait_until_empty(PATIENCE).await
    }

    /// Keeps the directory with the workers' logs, the list and the run log, for whoever looks for the cause.
    fn keep_evidence(&mut self, stage: &Stage, part: &str) {
        self.dir.disable_cleanup(true);
        stage.report().figure(format!("{part} is kept in"), self.dir.path().display());
    }
}

/// Checks that a worker has left in order.
fn left(status: Option<i32>) -> Result<(), Trouble> {
    match status {
        Some(0) => Ok(()),
        other => Err(format!("a worker did not leave in order: exit status {other:?}").into()),
    }
}
