//! The client library.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use booster_core::config::{ConfigError, Degrade};
use booster_core::outcome::JobOutcome;
use booster_core::{Catalogue, Config, Job, JobError, Keys, Priority};
use booster_queue::{Cancellation, Link, Observer, Queue, QueueError, Record, Silent, Submitted, assign_id};
use booster_state::{MAX_QUEUES, ModuleStore, Modules, StateError, fleet_catalogue, queue_names, read_pool};
use futures_util::FutureExt;

use crate::agent::Agent;
use crate::degrade::Degraded;
use crate::error::ClientError;
use crate::trace::Sends;
use crate::wait::Waiter;

/// How long the fleet's list of boosters is believed.
const CATALOGUE_AGE: Duration = Duration::from_secs(5);
/// How old an answer of "unknown" may be.
const UNKNOWN_AGE: Duration = Duration::from_millis(500);
/// What a job's text has around its input and `meta`, generously.
const SURROUNDINGS: usize = 64 * 1024;
/// Pause after the first submit that Redis did not answer.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest such pause.
const LAST_PAUSE: Duration = Duration::from_secs(1);
/// Longest name of a queue, bytes.
const MAX_QUEUE_BYTES: usize = 64;

/// A connection to a fleet. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    config: Arc<Config>,
    keys: Keys,
    link: Link,
    catalogue: Arc<Known>,
    degraded: Arc<Degraded>,
}

/// The fleet's boosters as last read.
#[derive(Default)]
struct Known {
    last: std::sync::Mutex<Option<(Instant, Arc<Catalogue>)>>,
    /// Held by whoever reads them anew: the modules in Redis as last read.
    reading: tokio::sync::Mutex<Modules>,
}

/// Locks without caring for poison: every critical section leaves its data whole.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("prefix", &self.keys.prefix()).finish_non_exhaustive()
    }
}

impl Client {
    /// Prepares a client; the connection is made when it is first needed. Must be called inside a tokio
    /// runtime.
    ///
    /// # Errors
    /// [`ClientError::Queue`] when the Redis address is wrong.
    pub fn connect(config: Config) -> Result<Self, ClientError> {
        Self::connect_observed(config, Arc::new(Silent))
    }

    /// As [`Client::connect`], with an observer of what happens on the connection.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn connect_observed(config: Config, observer: Arc<dyn Observer>) -> Result<Self, ClientError> {
        if config.booster.degrade == Degrade::Agent && config.booster.agent_command.trim().is_empty() {
            return Err(ConfigError::Invalid {
                key: "booster.agentCommand".into(),
                source_name: "the configuration".into(),
                found: "empty".into(),
                expected: "a program with its arguments, since booster.degrade is agent".into(),
            }
            .into());
        }
        Self::open(config, observer, None)
    }

    /// As [`Client::connect`], with a regular agent of one's own for `booster.degrade` = `agent`.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn connect_with_agent(config: Config, agent: Arc<dyn Agent>) -> Result<Self, ClientError> {
        Self::open(config, Arc::new(Silent), Some(agent))
    }

    fn open(
        config: Config,
        observer: Arc<dyn Observer>,
        agent: Option<Arc<dyn Agent>>,
    ) -> Result<Self, ClientError> {
        let link = Link::open(&config.redis, observer)?;
        let keys = Keys::new(config.redis.key_prefix.clone());
        let config = Arc::new(config);
        let degraded = Arc::new(Degraded::new(&config, link.clone(), agent));
        Ok(Self { config, keys, link, catalogue: Arc::default(), degraded })
    }

    /// The fleet's configuration as this client has it.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The names of the fleet's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The connection.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// One queue.
    pub fn queue(&self, name: &str) -> Queue {
        Queue::new(self.link.clone(), &self.config, name)
    }

    /// All queues: those of the three priorities, and those that workers serve or clients have named.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn queues(&self) -> Result<Vec<Queue>, ClientError> {
        let names = queue_names(&self.link, &self.keys).await?;
        Ok(names.iter().map(|name| self.queue(name)).collect())
    }

    /// Checks a job as a worker would: its booster, capability and language must be known to the fleet. While
    /// no worker has ever registered a booster, everything is accepted.
    ///
    /// # Errors
    /// [`ClientError::Job`] with what is known, or a Redis error.
    pub async fn check(&self, job: &Job) -> Result<(), ClientError> {
        self.check_size(job)?;
        self.check_known(job).await
    }

    /// The boosters that the fleet's workers have registered, as read a few seconds ago at most.
    pub(crate) async fn boosters(&self) -> Result<Arc<Catalogue>, ClientError> {
        self.catalogue(CATALOGUE_AGE).await
    }

    fn check_size(&self, job: &Job) -> Result<(), ClientError> {
        let limit = self.config.redis.max_job_bytes;
        // Writing the whole job out is only worth it for those near the limit.
        if job.input.get().len() + SURROUNDINGS > limit {
            let size = job.to_json().len();
            if size > limit {
                return Err(JobError::TooLarge { size, limit }.into());
            }
        }
        Ok(())
    }

    async fn check_known(&self, job: &Job) -> Result<(), ClientError> {
        let known = self.catalogue(CATALOGUE_AGE).await?;
        if known.is_empty() || known.check(job).is_ok() {
            return Ok(());
        }
        // "Unknown" is worth a fresh look before it is said.
        let known = self.catalogue(UNKNOWN_AGE).await?;
        if known.is_empty() { Ok(()) } else { Ok(known.check(job).map(drop)?) }
    }

    /// The fleet's boosters, read at most `age` ago. One caller reads; others take what was last read meanwhile.
    async fn catalogue(&self, age: Duration) -> Result<Arc<Catalogue>, ClientError> {
        let last = || lock(&self.catalogue.last).clone();
        let fresh = |(read, known): (Instant, Arc<Catalogue>)| (read.elapsed() <= age).then_some(known);
        if let Some(known) = last().and_then(fresh) {
            return Ok(known);
        }
        let mut modules = match (self.catalogue.reading.try_lock(), last()) {
            (Ok(reading), _) => reading,
            (Err(_), Some((_, known))) => return Ok(known),
            (Err(_), None) => self.catalogue.reading.lock().await,
        };
        if let Some(known) = last().and_then(fresh) {
            return Ok(known);
        }
        let known = Arc::new(self.read_catalogue(&mut modules).await?);
        *lock(&self.catalogue.last) = Some((Instant::now(), Arc::clone(&known)));
        Ok(known)
    }

    async fn read_catalogue(&self, modules: &mut Modules) -> Result<Catalogue, StateError> {
        match self.module_store().read_changed(modules).await {
            Ok(changed) => *modules = changed.unwrap_or_else(|| std::mem::take(modules)),
            Err(error) if error.is_retryable() => return Err(error),
            // An access list may keep a producer from looking: then the workers alone know.
            Err(_) => {}
        }
        // Read after the modules: a version is registered before it becomes the active one.
        let mut known = fleet_catalogue(&self.link, &self.keys).await?;
        known.prefer(self.config.modules.prefer.clone());
        // While no worker has registered anything, nothing is refused.
        if !known.is_empty() {
            modules.extend(&mut known);
        }
        Ok(known)
    }

    /// The modules that are kept in Redis.
    pub(crate) fn module_store(&self) -> ModuleStore {
        ModuleStore::new(self.link.clone(), &self.config)
    }

    /// Checks and submits one job to the queue of its priority.
    ///
    /// # Errors
    /// A [`ClientError`]; a retryable one may be submitted again with the same id.
    pub async fn submit(&self, job: Job) -> Result<Submitted, ClientError> {
        let mut submitted = self.submit_many(vec![job], None, false).await?;
        submitted.pop().ok_or_else(|| ClientError::machine("submit", "the script gave no answer"))
    }

    /// Checks and submits jobs, each to the queue of its priority or all to `queue`. Answers come in the order
    /// of the jobs. With `watch`, workers will announce every outcome, which makes [`Client::wait_each`] quick.
    ///
    /// While Redis does not answer, what it has not accepted is submitted again, with the same ids, for
    /// `redis.submitTimeout`. Then `booster.degrade` says what happens: an error, or the jobs are run in this
    /// process or by the regular agent before this returns. Their outcomes have `usedFallback` set, are known to
    /// this client at once and to Redis once it is back.
    ///
    /// Where OpenTelemetry has a current span, or this process sends spans, each job gets a span `send QUEUE` and its
    /// attempts become children of it; see the field `traceparent`. One that is not valid is ignored.
    ///
    /// # Errors
    /// The first wrong job, before any is added; else as [`Queue::submit`].
    pub async fn submit_many(
        &self,
        mut jobs: Vec<Job>,
        queue: Option<&str>,
        watch: bool,
    ) -> Result<Vec<Submitted>, ClientError> {
        if let Some(name) = queue {
            check_queue_name(name)?;
        }
        for job in &mut jobs {
            assign_id(job);
            self.check_size(job)?;
        }
        let sends = Sends::begin(&mut jobs, queue);
        let result = self.submit_patiently(Submit::new(jobs, queue, watch)).boxed().await;
        sends.end(&result);
        result
    }

    async fn submit_patiently(&self, mut submit: Submit) -> Result<Vec<Submitted>, ClientError> {
        let begin = Instant::now();
        let patience = Duration::from_millis(self.config.redis.submit_timeout_ms);
        let mut pause = FIRST_PAUSE;
        // Boxed, so that the futures of whoever calls this stay small and their types shallow.
        while let Err(error) = self.submit_rest(&mut submit).boxed().await {
            if !error.is_about_redis() {
                return Err(error);
            }
            if begin.elapsed() + pause > patience {
                self.degrade(&mut submit, error).boxed().await?;
                break;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE).mul_f64(rand::random_range(0.75..=1.0));
        }
        Ok(submit.answers.into_iter().flatten().collect())
    }

    /// Submits what has not been accepted yet.
    async fn submit_rest(&self, submit: &mut Submit) -> Result<(), ClientError> {
        for job in submit.rest.values().flatten() {
            self.check_known(&job.1).await?;
        }
        if let Some(name) = &submit.named {
            self.name_queue(name).await?;
            submit.named = None;
        }
        while let Some(name) = submit.rest.keys().next().cloned() {
            let group = &submit.rest[&name];
            let jobs = group.iter().map(|(_, job)| job.clone()).collect();
            let answers = self.queue(&name).submit(jobs, submit.watch).await?;
            submit.answer(&name, answers);
        }
        Ok(())
    }

    /// Does with what Redis has not accepted what the configuration says.
    async fn degrade(&self, submit: &mut Submit, away: ClientError) -> Result<(), ClientError> {
        if !self.degraded.helps() {
            return Err(away);
        }
        let jobs: Vec<(String, Job)> = (submit.rest.iter())
            .flat_map(|(queue, group)| group.iter().map(|(_, job)| (queue.clone(), job.clone())))
            .collect();
        self.degraded.run(jobs, away).await?;
        for name in submit.rest.keys().cloned().collect::<Vec<_>>() {
            let answers = submit.rest[&name]
                .iter()
                .map(|(_, job)| Submitted { id: job.id.clone().unwrap_or_default(), accepted: true });
            let answers = answers.collect();
            submit.answer(&name, answers);
        }
        Ok(())
    }

    /// The outcomes of jobs that this client ran itself and that Redis does not know yet.
    pub(crate) fn degraded_outcomes(&self, ids: &HashSet<String>) -> Vec<JobOutcome> {
        self.degraded.outcomes(ids).into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// Waits until Redis has been told of the jobs that this client ran itself; how many it has not been told of when
    /// the time is over.
    pub async fn report(&self, limit: Duration) -> usize {
        let deadline = Instant::now() + limit;
        while self.degraded.unreported() > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.degraded.unreported()
    }

    /// A queue that the fleet has.
    pub(crate) async fn known_queue(&self, name: &str) -> Result<Queue, ClientError> {
        let queues = self.queues().await?;
        let known: Vec<&str> = queues.iter().map(Queue::name).collect();
        if !known.contains(&name) {
            let detail = format!("the fleet has no queue of this name; known: {}", known.join(", "));
            return Err(ClientError::usage(format!("queue {name}"), detail));
        }
        Ok(self.queue(name))
    }

    /// Makes a queue known by its name, so that its jobs are found.
    pub(crate) async fn name_queue(&self, name: &str) -> Result<(), ClientError> {
        check_queue_name(name)?;
        if Priority::from_name(name).is_some() {
            return Ok(());
        }
        let count: usize = self.link.query("queues", redis::cmd("SCARD").arg(self.keys.queues())).await?;
        if count >= MAX_QUEUES {
            return Err(ClientError::usage(
                format!("queue {name}"),
                format!("the fleet has {count} queues already"),
            ));
        }
        Ok(self.link.query("queues", redis::cmd("SADD").arg(self.keys.queues()).arg(name)).await?)
    }

    /// What is known of a job, from whichever queue has it.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn status(&self, id: &str) -> Result<Option<Record>, ClientError> {
        let own = self.degraded.outcomes(&HashSet::from([id.to_owned()])).pop();
        if let Some((queue, outcome)) = own {
            return Ok(Some(Record::of_outcome(queue, outcome, None)));
        }
        for queue in self.queues().await? {
            if let Some(record) = queue.record(id).await? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Cancels a job, in whichever queue it is.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn cancel(&self, id: &str) -> Result<Cancellation, ClientError> {
        for queue in self.queues().await? {
            match queue.cancel(id).await? {
                Cancellation::Unknown => {}
                known => return Ok(known),
            }
        }
        Ok(Cancellation::Unknown)
    }

    /// Waits for a job's outcome; `None` when it has none after `limit`, or the job is not known.
    ///
    /// # Errors
    /// A Redis error that did not pass within the limit.
    pub async fn wait(&self, id: &str, limit: Duration) -> Result<Option<JobOutcome>, ClientError> {
        let mut found = None;
        self.wait_each(vec![id.to_owned()], limit, |outcome| found = Some(outcome)).await?;
        Ok(found)
    }

    /// As [`Client::wait`], for a job that is known to be in `queue`: with less to ask for.
    pub(crate) async fn wait_in(
        &self,
        queue: &str,
        id: &str,
        limit: Duration,
    ) -> Result<Option<JobOutcome>, ClientError> {
        let mut found = None;
        let waiter = Waiter::new(self, vec![id.to_owned()], false).within(self.queue(queue));
        waiter.run(limit, |outcome| found = Some(outcome)).await?;
        Ok(found)
    }

    /// Waits for many jobs and calls `each` as their outcomes come. Returns the ids without an outcome when the
    /// time is over.
    ///
    /// # Errors
    /// A Redis error that did not pass within the limit.
    pub async fn wait_each(
        &self,
        ids: Vec<String>,
        limit: Duration,
        each: impl FnMut(JobOutcome),
    ) -> Result<Vec<String>, ClientError> {
        Waiter::new(self, ids, false).run(limit, each).await
    }

    /// As [`Client::wait_each`], but a refused or dead job that is offered to regular agents is waited for until one has
    /// done it, enough have given it up, or the time is over; in the last two cases its refusal or death is what comes.
    ///
    /// # Errors
    /// As [`Client::wait_each`].
    pub async fn wait_each_with_fallback(
        &self,
        ids: Vec<String>,
        limit: Duration,
        each: impl FnMut(JobOutcome),
    ) -> Result<Vec<String>, ClientError> {
        Waiter::new(self, ids, true).run(limit, each).await
    }

    /// The state hashes of all slots of living workers: slot id and fields.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn pool(&self) -> Result<Vec<(String, HashMap<String, String>)>, ClientError> {
        Ok(read_pool(&self.link, &self.keys).await?)
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] when it does not.
    pub async fn ping(&self) -> Result<(), QueueError> {
        self.link.query::<String>("ping", &redis::cmd("PING")).await.map(drop)
    }
}

/// Jobs on their way into queues.
struct Submit {
    /// A queue that its producer named, until the fleet knows it.
    named: Option<String>,
    watch: bool,
    /// What has not been accepted yet, by queue, with each job's place in the answers.
    rest: BTreeMap<String, Vec<(usize, Job)>>,
    answers: Vec<Option<Submitted>>,
}

impl Submit {
    fn new(jobs: Vec<Job>, queue: Option<&str>, watch: bool) -> Self {
        let answers = vec![None; jobs.len()];
        let mut rest: BTreeMap<String, Vec<(usize, Job)>> = BTreeMap::new();
        for (place, job) in jobs.into_iter().enumerate() {
            let name = queue.unwrap_or_else(|| job.priority.as_str()).to_owned();
            rest.entry(name).or_default().push((place, job));
        }
        Self { named: queue.map(ToOwned::to_owned), watch, rest, answers }
    }

    /// Takes the answers for all jobs of one queue.
    fn answer(&mut self, queue: &str, answers: Vec<Submitted>) {
        for ((place, _), answer) in self.rest.remove(queue).into_iter().flatten().zip(answers) {
            self.answers[place] = Some(answer);
        }
    }
}

fn check_queue_name(name: &str) -> Result<(), ClientError> {
    if booster_core::job::is_valid_id(name) && name.len() <= MAX_QUEUE_BYTES {
        return Ok(());
    }
    Err(ClientError::usage(format!("queue {name}"), "expected 1 to 64 characters of A-Z a-z 0-9 . _ : -"))
}
