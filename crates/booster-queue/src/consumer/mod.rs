//! The workers' side of the queue.
//!
//! ```text
//! fetch (one per queue) ─► buffer ─► dispatch ─► apalis ─► service ─► settle
//!                                     start.lua                        settle.lua
//! renew: keeps the claim on everything held       keeper: promotes due jobs, reclaims dead workers' jobs,
//!                                              fires cron schedules
//! ```
//!
//! Every box is a tokio task that never gives up on a Redis fault: it notes it, waits and tries again. What a
//! worker holds is bounded: fetched jobs that have not started are at most what the measured duration runs in
//! 50 ms, and a job only starts when the pool has a place for it.

mod claim;
mod control;
mod dispatch;
mod fetch;
mod keeper;
mod pace;
mod renew;
mod schedule;
mod settle;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use booster_core::keys::{GROUP, QueueKeys};
use booster_core::{Config, Job, JobError, Keys, UnixMillis};
use redis::{Script, ScriptInvocation};
use tokio::sync::{Notify, mpsc};

use crate::backend::JobBackend;
use crate::entry::{Entry, Lane};
use crate::error::QueueError;
use crate::link::Link;
use crate::note::Note;
use crate::now_ms;
use crate::scripts::Caller;
use crate::spool::Spool;

pub use claim::{Claim, Report, Settled};
use claim::{Hold, Stop};
pub(crate) use control::Told;
use pace::Pace;
use settle::Settlement;

/// Whether a worker can run a job.
#[derive(Debug, Clone)]
pub enum Admit {
    /// Yes.
    Run,
    /// Not this worker, but another may: the job is handed back.
    Elsewhere,
    /// No worker ever will: the job is dead.
    Never(JobError),
}

/// Decides whether this worker can run a job. Called on a tokio thread, so it must be quick.
pub trait Admission: Send + Sync + 'static {
    /// Looks at the job `id` that has just been fetched and has been known since `known_since` (Unix milliseconds,
    /// by the clock of Redis).
    fn admit(&self, id: &str, job: &Job, known_since: UnixMillis) -> Admit;
}

/// What a consumer needs to know.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    /// This process's unique name, new at every start.
    pub worker: String,
    /// The queues to serve.
    pub queues: Vec<String>,
    /// How many jobs the pool runs at the same time at first; see [`Consumer::set_slots`].
    pub slots: usize,
    /// The fleet's configuration.
    pub config: Config,
}

/// A running consumer: its background tasks stop when it is closed. Cheap to clone.
#[derive(Clone)]
pub struct Consumer {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("worker", &self.shared.worker).finish_non_exhaustive()
    }
}

impl Consumer {
    /// Starts the background tasks and returns the backend for apalis' `WorkerBuilder`.
    pub fn start(link: Link, config: ConsumerConfig, admission: Arc<dyn Admission>) -> (Self, JobBackend) {
        // One place for each job that may be started; the dispatcher never has more in flight.
        let (task_sender, task_receiver) = mpsc::channel(MAX_IN_FLIGHT);
        let (shared, inboxes) = Shared::new(link, config, admission);
        let shared = Arc::new(shared);
        shared.fetching.store(shared.lines.len(), Ordering::SeqCst);
        for (index, inbox) in inboxes.into_iter().enumerate() {
            tokio::spawn(fetch::run(Arc::clone(&shared), index));
            tokio::spawn(keeper::run(Arc::clone(&shared), index));
            tokio::spawn(settle::run(Arc::clone(&shared), index, inbox));
        }
        tokio::spawn(dispatch::run(Arc::clone(&shared), task_sender));
        if !shared.config.config.redis.spool_dir.is_empty() {
            tokio::spawn(settle::adopt(Arc::clone(&shared)));
        }
        tokio::spawn(renew::run(Arc::clone(&shared)));
        tokio::spawn(control::run(Arc::clone(&shared)));
        let consumer = Self { shared };
        (consumer.clone(), JobBackend::new(consumer, task_receiver))
    }

    /// Stops fetching and hands back what has been fetched but not started. Running jobs go on.
    pub fn stop_fetching(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.stop.notify_waiters();
        self.shared.dispatch.notify_one();
        self.shared.room.notify_waiters();
    }

    /// Stops what runs, so that it is handed back: another worker starts it at once, and it counts as no crash.
    pub fn stop_running(&self) {
        for hold in lock(&self.shared.held).values() {
            hold.lost.store(true, Ordering::Relaxed);
        }
    }

    /// The pool has another size: as much more or less is fetched and started ahead from now on.
    pub fn set_slots(&self, slots: usize) {
        self.shared.pace.set_slots(slots);
        self.shared.dispatch.notify_one();
        self.shared.room.notify_waiters();
    }

    /// How many jobs this worker has fetched and not started.
    pub fn buffered(&self) -> usize {
        self.shared.buffered()
    }

    /// Stops fetching and waits until everything that this worker holds has been settled or handed back.
    pub async fn close(&self) {
        self.stop_fetching();
        loop {
            let emptied = self.shared.emptied.notified();
            if self.shared.is_empty() {
                break;
            }
            // The timeout only guards against a wake-up between the check and the wait.
            let _ = tokio::time::timeout(Duration::from_millis(100), emptied).await;
        }
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.stop.notify_waiters();
    }

    /// How long ago every queue's fetch loop last came round, at the worst.
    pub fn fetch_age(&self) -> Duration {
        let now = now_ms();
        let oldest = self.shared.lines.iter().map(|line| line.polled_at.load(Ordering::Relaxed)).min();
        Duration::from_millis(oldest.map_or(0, |at| now.saturating_sub(at)))
    }

    /// Whether every queue's fetch loop has come round at least once.
    pub fn has_polled(&self) -> bool {
        self.shared.lines.iter().all(|line| line.connected.load(Ordering::Relaxed))
    }

    /// How many jobs have been started and have not ended.
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::SeqCst)
    }

    pub(crate) fn link(&self) -> &Link {
        &self.shared.link
    }

    pub(crate) fn config(&self) -> &ConsumerConfig {
        &self.shared.config
    }
}

/// Most jobs that one worker has started at the same time, whatever its pool.
const MAX_IN_FLIGHT: usize = 4096;

/// One queue as this worker sees it.
struct Line {
    keys: QueueKeys,
    caller: Caller,
    /// Share of this queue against the others while all have jobs.
    weight: i64,
    /// Fetched, not started. Bounded by [`Shared::room`].
    buffer: Mutex<VecDeque<Entry>>,
    /// When the fetch loop last came round.
    polled_at: AtomicU64,
    /// The blocking read has had a connection.
    connected: AtomicBool,
    /// No job of the queue may be started.
    paused: AtomicBool,
    /// When buffered jobs were last handed back for an idle worker, Unix milliseconds.
    yielded_at: AtomicU64,
    /// How many buffered jobs an idle worker wants.
    wanted: AtomicUsize,
    /// A read waits for Redis.
    reading: AtomicBool,
    /// Ends a read that waits.
    unblock: Notify,
    /// When a retry that this worker stored is due, so that its keeper wakes for it.
    next_due: Mutex<Option<Instant>>,
    keeper_wake: Notify,
    /// Unbounded as a type, bounded in fact: each held job sends at most two messages.
    settle: mpsc::UnboundedSender<Settlement>,
}

/// Names an entry that this worker holds.
type EntryKey = (usize, Lane, String);

/// What the consumer's tasks share.
struct Shared {
    link: Link,
    keys: Keys,
    worker: String,
    config: ConsumerConfig,
    admission: Arc<dyn Admission>,
    lines: Vec<Line>,
    /// Everything fetched and not settled, started or not. Bounded by what may be fetched and in flight.
    held: Mutex<HashMap<EntryKey, Hold>>,
    in_flight: AtomicUsize,
    /// Started jobs by id, with the index of their queue; as many as are in flight.
    running: Mutex<HashMap<String, (usize, Stop)>>,
    /// Fetch loops that may still bring something.
    fetching: AtomicUsize,
    /// When Redis last answered a script of this consumer, Unix milliseconds.
    answered_at: AtomicU64,
    /// A job runs alone because it has crashed a worker before.
    alone: AtomicBool,
    pace: Pace,
    /// Outcomes that Redis could not be told yet.
    spool: Spool,
    /// Wakes the dispatcher: something was fetched, or something ended.
    dispatch: Notify,
    /// Wakes those who wait for further settlements: nothing runs any more.
    calm: Notify,
    /// Wakes the fetchers: there may be room.
    room: Notify,
    /// Wakes [`Consumer::close`]: nothing is held any more.
    emptied: Notify,
    stopping: AtomicBool,
    /// Set when nothing is held and the remaining tasks may end.
    closed: AtomicBool,
    stop: Notify,
}

impl Shared {
    /// What is shared, and where each queue's settlements arrive.
    fn new(
        link: Link,
        config: ConsumerConfig,
        admission: Arc<dyn Admission>,
    ) -> (Self, Vec<mpsc::UnboundedReceiver<Settlement>>) {
        let keys = Keys::new(config.config.redis.key_prefix.clone());
        let line = |name: &String| {
            let (settle, inbox) = mpsc::unbounded_channel();
            let line = Line {
                caller: Caller::new(&config.config, &keys.queue(name)),
                keys: keys.queue(name),
                weight: weight(name),
                buffer: Mutex::default(),
                polled_at: AtomicU64::new(now_ms()),
                connected: AtomicBool::new(false),
                paused: AtomicBool::new(false),
                yielded_at: AtomicU64::new(0),
                wanted: AtomicUsize::new(0),
                reading: AtomicBool::new(false),
                unblock: Notify::new(),
                next_due: Mutex::default(),
                keeper_wake: Notify::new(),
                settle,
            };
            (line, inbox)
        };
        let (lines, inboxes) = config.queues.iter().map(line).unzip();
        let shared = Self {
            lines,
            spool: Spool::new(&config.config, &config.worker),
            link,
            worker: config.worker.clone(),
            pace: Pace::new(config.slots),
            keys,
            config,
            admission,
            held: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            running: Mutex::default(),
            fetching: AtomicUsize::new(0),
            answered_at: AtomicU64::new(now_ms()),
            alone: AtomicBool::new(false),
            dispatch: Notify::new(),
            calm: Notify::new(),
            room: Notify::new(),
            emptied: Notify::new(),
            stopping: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            stop: Notify::new(),
        };
        (shared, inboxes)
    }

    fn note(&self, note: &Note<'_>) {
        self.link.observer().note(note);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn is_empty(&self) -> bool {
        self.fetching.load(Ordering::SeqCst) == 0 && lock(&self.held).is_empty()
    }

    /// Makes a queue's streams and their group, where they are missing. Everything from the beginning is read:
    /// a lost group takes no job with it.
    async fn ensure_groups(&self, index: usize) -> Result<(), QueueError> {
        let keys = &self.lines[index].keys;
        for lane in Lane::ALL {
            let mut command = redis::cmd("XGROUP");
            command.arg("CREATE").arg(lane.key(keys)).arg(GROUP).arg("0").arg("MKSTREAM");
            match self.link.query::<()>("group", &command).await {
                Err(QueueError::Refused { detail, .. }) if detail.contains("BUSYGROUP") => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// After a failed script: mends a lost group, so that the next try may succeed.
    async fn mend(&self, index: usize, error: &QueueError) {
        if error.is_missing_group() {
            let _ = self.ensure_groups(index).await;
        }
    }

    /// Stops a job that runs here, if it does, because someone wants it cancelled.
    fn cancel_running(&self, id: &str) {
        if let Some((_, stop)) = lock(&self.running).get(id) {
            stop.cancelled.store(true, Ordering::SeqCst);
            stop.flag.store(true, Ordering::SeqCst);
        }
    }

    fn running_ids(&self, index: usize) -> Vec<String> {
        let running = lock(&self.running);
        running.iter().filter(|(_, (of, _))| *of == index).map(|(id, _)| id.clone()).collect()
    }

    fn answered(&self) {
        self.answered_at.store(now_ms(), Ordering::Relaxed);
    }

    fn claim_ttl(&self) -> Duration {
        Duration::from_millis(self.config.config.redis.claim_ttl_ms)
    }

    /// Begins a call of one of a queue's scripts.
    fn begin<'a>(&self, index: usize, script: &'a Script) -> ScriptInvocation<'a> {
        self.lines[index].caller.begin(script)
    }

    /// Most bytes of a job's text.
    fn text_limit(&self) -> usize {
        self.config.config.redis.max_job_bytes
    }

    /// How many more jobs may be fetched from a queue. Each queue may always hold one from each of its streams,
    /// so that a full buffer of one never hides an urgent job of another.
    fn room(&self, index: usize) -> usize {
        let line = &self.lines[index];
        let yielded = now_ms().saturating_sub(line.yielded_at.load(Ordering::Relaxed)) < YIELD_MS;
        if line.paused.load(Ordering::SeqCst) || (yielded && self.capacity() == 0) {
            return 0;
        }
        let own = lock(&line.buffer).len();
        let reserve = if own == 0 { Lane::ALL.len() } else { 0 };
        self.pace.buffer().saturating_sub(self.buffered()).max(reserve)
    }

    /// How many jobs have been fetched and not started.
    fn buffered(&self) -> usize {
        self.lines.iter().map(|line| lock(&line.buffer).len()).sum()
    }

    /// Whether short jobs run, so that one of them ends in a moment.
    fn expects_more(&self) -> bool {
        self.pace.starts_ahead() > 0 && self.in_flight.load(Ordering::SeqCst) > 0 && !self.is_stopping()
    }

    /// How many more jobs may be started now.
    fn capacity(&self) -> usize {
        if self.alone.load(Ordering::SeqCst) {
            return 0;
        }
        let limit = self.pace.in_flight().min(MAX_IN_FLIGHT);
        limit.saturating_sub(self.in_flight.load(Ordering::SeqCst))
    }

    /// Waits for `duration`, or until the consumer stops.
    async fn pause(&self, duration: Duration) {
        let stopped = self.stop.notified();
        tokio::pin!(stopped);
        stopped.as_mut().enable();
        if self.is_closed() {
            return;
        }
        let _ = tokio::time::timeout(duration, stopped).await;
    }

    /// Forgets an entry that has been settled, handed back or lost.
    fn release(&self, key: &EntryKey) {
        let mut held = lock(&self.held);
        held.remove(key);
        if held.is_empty() {
            self.emptied.notify_waiters();
        }
    }
}

/// After handing back for an idle worker, nothing more is fetched for so long while all slots are busy (ms).
const YIELD_MS: u64 = 1000;

/// Credits of the three priorities; a queue with another name counts as `normal`.
fn weight(queue: &str) -> i64 {
    match queue {
        "high" => 8,
        "low" => 1,
        _ => 4,
    }
}

/// Locks without caring for poison: every critical section leaves its data whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Growing pauses between attempts to reach Redis, with full jitter so that a fleet does not return in step.
struct Backoff {
    failures: u32,
}

impl Backoff {
    const BASE: Duration = Duration::from_millis(20);
    const MOST: Duration = Duration::from_secs(2);

    fn new() -> Self {
        Self { failures: 0 }
    }

    fn next(&mut self) -> Duration {
        let ceiling = Self::BASE.saturating_mul(1 << self.failures.min(10)).min(Self::MOST);
        self.failures += 1;
        ceiling.mul_f64(rand::random_range(0.5..=1.0))
    }

    fn reset(&mut self) {
        self.failures = 0;
    }
}
