//! The client library.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use booster_core::outcome::JobOutcome;
use booster_core::{Catalogue, Config, Job, JobError, Keys, Priority};
use booster_queue::{Cancellation, Link, Observer, Queue, QueueError, Record, Silent, Submitted};
use booster_state::{MAX_QUEUES, fleet_catalogue, queue_names, read_pool};

use crate::error::ClientError;
use crate::wait::Waiter;

/// How long the fleet's list of boosters is believed.
const CATALOGUE_AGE: Duration = Duration::from_secs(5);
/// How old an answer of "unknown" may be.
const UNKNOWN_AGE: Duration = Duration::from_millis(500);
/// What a job's text has around its input and `meta`, generously.
const SURROUNDINGS: usize = 64 * 1024;
/// Longest name of a queue, bytes.
const MAX_QUEUE_BYTES: usize = 64;

/// A connection to a fleet. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    config: Arc<Config>,
    keys: Keys,
    link: Link,
    catalogue: Arc<Known>,
}

/// The fleet's boosters as last read.
#[derive(Default)]
struct Known {
    last: std::sync::Mutex<Option<(Instant, Arc<Catalogue>)>>,
    /// Held by whoever reads them anew.
    reading: tokio::sync::Mutex<()>,
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
        let link = Link::open(&config.redis.url, observer)?;
        let keys = Keys::new(config.redis.key_prefix.clone());
        Ok(Self { config: Arc::new(config), keys, link, catalogue: Arc::default() })
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
        let limit = self.config.redis.max_job_bytes;
        // Writing the whole job out is only worth it for those near the limit.
        if job.input.get().len() + SURROUNDINGS > limit {
            let size = job.to_json().len();
            if size > limit {
                return Err(JobError::TooLarge { size, limit }.into());
            }
        }
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
        let _reading = match (self.catalogue.reading.try_lock(), last()) {
            (Ok(reading), _) => reading,
            (Err(_), Some((_, known))) => return Ok(known),
            (Err(_), None) => self.catalogue.reading.lock().await,
        };
        if let Some(known) = last().and_then(fresh) {
            return Ok(known);
        }
        let known = Arc::new(fleet_catalogue(&self.link, &self.keys).await?);
        *lock(&self.catalogue.last) = Some((Instant::now(), Arc::clone(&known)));
        Ok(known)
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
    /// # Errors
    /// The first wrong job, before any is added; else as [`Queue::submit`].
    pub async fn submit_many(
        &self,
        jobs: Vec<Job>,
        queue: Option<&str>,
        watch: bool,
    ) -> Result<Vec<Submitted>, ClientError> {
        for job in &jobs {
            self.check(job).await?;
        }
        if let Some(name) = queue {
            self.name_queue(name).await?;
        }
        let total = jobs.len();
        let mut groups: HashMap<String, Vec<(usize, Job)>> = HashMap::new();
        for (place, job) in jobs.into_iter().enumerate() {
            let name = queue.unwrap_or_else(|| job.priority.as_str()).to_owned();
            groups.entry(name).or_default().push((place, job));
        }
        let mut answers: Vec<Option<Submitted>> = vec![None; total];
        for (name, group) in groups {
            let (places, jobs): (Vec<usize>, Vec<Job>) = group.into_iter().unzip();
            let submitted = self.queue(&name).submit(jobs, watch).await?;
            for (place, answer) in places.into_iter().zip(submitted) {
                answers[place] = Some(answer);
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// Makes a queue known by its name, so that its jobs are found.
    pub(crate) async fn name_queue(&self, name: &str) -> Result<(), ClientError> {
        if !booster_core::job::is_valid_id(name) || name.len() > MAX_QUEUE_BYTES {
            let expected = "expected 1 to 64 characters of A-Z a-z 0-9 . _ : -";
            return Err(ClientError::usage(format!("queue {name}"), expected));
        }
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
        Waiter::new(self, ids).run(limit, each).await
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
