//! The pool: slots with a thread each, fed from one queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

use booster_core::{Attempt, Config, FailureCause};
use crossbeam_channel::{Receiver, Sender, select_biased};
use tokio::sync::oneshot;

use crate::breaker::{BreakerConfig, Change, Went};
use crate::error::EngineError;
use crate::health::Health;
use crate::module::Booster;
use crate::note::{EngineNote, EngineObserver};
use crate::occupancy::Occupancy;
use crate::runtime::Runtime;
use crate::sandbox::{Ran, Sandbox, Task};
use crate::slot::{Slot, SlotStatus, SlotView};

/// What a pool needs to know.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// The worker's name, the beginning of every slot's id.
    pub worker: String,
    /// Slots at the start; see [`Pool::resize`].
    pub slots: usize,
    /// Memory of one instance, bytes.
    pub memory_limit: usize,
    /// Largest answer of a booster, bytes.
    pub max_output: usize,
    /// Whether a slot gets a new instance after a failure; else it stays out of service.
    pub auto_recovery: bool,
    /// When a module that fails again and again is left alone.
    pub breaker: BreakerConfig,
}

impl PoolConfig {
    /// `slots` slots with the library's own defaults: answers up to 64 MiB, recovery, and the breaker's defaults.
    pub fn new(worker: &str, slots: usize, memory_limit: usize) -> Self {
        Self {
            worker: worker.to_owned(),
            slots,
            memory_limit,
            max_output: 64 << 20,
            auto_recovery: true,
            breaker: BreakerConfig::default(),
        }
    }

    /// As the fleet is configured, with `slots` slots for `worker`.
    pub fn configured(config: &Config, worker: &str, slots: usize) -> Self {
        Self {
            worker: worker.to_owned(),
            slots,
            memory_limit: config.wasm.memory_limit,
            max_output: config.redis.max_job_bytes,
            auto_recovery: config.booster.auto_recovery,
            breaker: BreakerConfig {
                failures: config.booster.breaker_failures,
                pause: Duration::from_millis(config.booster.breaker_pause_ms),
            },
        }
    }
}

/// One job for the pool.
pub struct Request {
    /// The job's id, for the slot's history.
    pub id: String,
    /// What to run.
    pub booster: Arc<Booster>,
    /// Its input, JSON text.
    pub input: String,
    /// Its deadline, counted from the moment a slot takes it.
    pub timeout: Duration,
    /// Becomes true when nobody wants the result any more.
    pub stop: Option<Arc<AtomicBool>>,
    /// Called with slot and instance when a slot takes the job.
    pub allocated: OnAllocated,
}

/// Is told the ids of the slot that took a job and of the instance in it.
pub type OnAllocated = Box<dyn FnOnce(&str, &str) + Send>;

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("id", &self.id)
            .field("booster", &self.booster)
            .finish_non_exhaustive()
    }
}

/// What a job came to.
#[derive(Debug)]
pub struct Run {
    /// The result.
    pub attempt: Attempt,
    /// Time in the sandbox, instantiation included, milliseconds.
    pub latency_ms: f64,
}

impl Run {
    fn hand_back() -> Self {
        Self { attempt: Attempt::HandBack, latency_ms: 0.0 }
    }
}

/// A job that has waited so long for a slot here goes back: it was started ahead for a faster pace than jobs
/// have now, and another process may have a free slot.
const MOST_WAIT: Duration = Duration::from_secs(1);
/// How long after its deadline a job is given up whose slot has not answered. A guest is stopped within
/// milliseconds; only the host's own code, or one huge memory operation, can take longer.
const GUARD: Duration = Duration::from_secs(5);
/// Deadline of a health check's canary.
const CANARY_LIMIT: Duration = Duration::from_secs(5);

struct Order {
    request: Request,
    asked: Instant,
    answer: oneshot::Sender<Run>,
}

/// What a slot's thread is told besides jobs.
enum Command {
    /// Run the canary of this booster.
    Check(Arc<Booster>),
    /// End.
    Retire,
}

struct Member {
    slot: Arc<Slot>,
    commands: Sender<Command>,
}

/// What a pool has to do, and has done since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Load {
    /// Jobs that wait for a slot.
    pub waiting: usize,
    /// Jobs that run.
    pub running: usize,
    /// Jobs that have ended.
    pub ended: u64,
    /// Seconds that slots were busy with them.
    pub busy_s: f64,
}

/// A running pool. Cheap to clone; the threads end when the last clone is dropped and the queue is empty.
#[derive(Clone)]
pub struct Pool {
    orders: Sender<Order>,
    shared: Arc<Shared>,
}

/// What the pool's owner and its threads have in common. The threads do not hold the sender of orders: its end is
/// theirs.
struct Shared {
    runtime: Arc<Runtime>,
    config: PoolConfig,
    observer: Arc<dyn EngineObserver>,
    inbox: Receiver<Order>,
    members: RwLock<Vec<Member>>,
    /// The last instance of each slot that was taken away, so that one which comes back in its place has new ones.
    retired: Mutex<Vec<u64>>,
    in_service: AtomicUsize,
    occupancy: Occupancy,
    ended: AtomicU64,
    busy_us: AtomicU64,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("slots", &self.size()).finish_non_exhaustive()
    }
}

impl Pool {
    /// Starts the slots' threads.
    ///
    /// # Errors
    /// [`EngineError::Setup`] when a thread cannot be made.
    pub fn start(
        runtime: Arc<Runtime>,
        config: PoolConfig,
        observer: Arc<dyn EngineObserver>,
    ) -> Result<Self, EngineError> {
        // Unbounded as a type; callers keep at most what the queue lets them start ahead.
        let (orders, inbox) = crossbeam_channel::unbounded();
        let slots = config.slots;
        let shared = Shared {
            runtime,
            config,
            observer,
            inbox,
            members: RwLock::default(),
            retired: Mutex::default(),
            in_service: AtomicUsize::new(0),
            occupancy: Occupancy::new(),
            ended: AtomicU64::new(0),
            busy_us: AtomicU64::new(0),
        };
        let pool = Self { orders, shared: Arc::new(shared) };
        pool.resize(slots)?;
        Ok(pool)
    }

    /// Runs one job in the next free slot.
    ///
    /// # Errors
    /// [`EngineError::Closed`] when no slot is in service any more, [`EngineError::Broken`] when the host's own
    /// code failed while it ran the job.
    pub async fn run(&self, request: Request) -> Result<Run, EngineError> {
        if self.in_service() == 0 {
            return Err(EngineError::Closed);
        }
        let timeout = request.timeout;
        let (answer, result) = oneshot::channel();
        let order = Order { request, asked: Instant::now(), answer };
        self.orders.send(order).map_err(|_| EngineError::Closed)?;
        match tokio::time::timeout(MOST_WAIT + timeout + GUARD, result).await {
            Ok(Ok(run)) => Ok(run),
            Ok(Err(_)) if self.in_service() == 0 => Err(EngineError::Closed),
            Ok(Err(_)) => Err(EngineError::Broken),
            Err(_) => {
                self.replace_stuck()?;
                let message = format!(
                    "the sandbox had not stopped {} s after the deadline of {} ms",
                    GUARD.as_secs(),
                    timeout.as_millis()
                );
                Ok(Run {
                    attempt: Attempt::failed(FailureCause::Timeout, message),
                    latency_ms: timeout.as_secs_f64() * 1000.0,
                })
            }
        }
    }

    /// Whether a job for `booster` may start now; `false` while the booster's circuit breaker is open.
    pub fn accepts(&self, booster: &Booster) -> bool {
        booster.breaker.allows(&self.shared.config.breaker)
    }

    /// Grows or shrinks the pool. A slot that is taken away ends its job first; the youngest slots go first.
    ///
    /// # Errors
    /// [`EngineError::Setup`] when a thread cannot be made.
    pub fn resize(&self, slots: usize) -> Result<(), EngineError> {
        let mut members = self.shared.members_mut();
        while members.len() > slots {
            let Some(member) = members.pop() else { break };
            self.shared.note_retired(members.len(), member.slot.generation());
            // A slot whose thread has ended already needs no telling.
            let _ = member.commands.send(Command::Retire);
        }
        while members.len() < slots {
            let config = &self.shared.config;
            let first = self.shared.next_generation(members.len());
            let slot = Slot::new(&config.worker, members.len() + 1, first, config.memory_limit);
            members.push(Shared::spawn(&self.shared, slot)?);
        }
        Ok(())
    }

    /// What the pool has to do, and has done.
    pub fn load(&self) -> Load {
        Load {
            waiting: self.shared.inbox.len(),
            running: self.shared.occupancy.running(),
            ended: self.shared.ended.load(Ordering::Relaxed),
            busy_s: self.shared.busy_us.load(Ordering::Relaxed) as f64 / 1e6,
        }
    }

    /// Has every idle slot run a booster's canary: that of the first given one that has a canary. Slots that do
    /// not pass are given a new instance, slots whose thread is stuck a new thread. The result shows in
    /// [`Pool::views`] when the canaries have run.
    ///
    /// # Errors
    /// [`EngineError::Setup`] when a thread cannot be made.
    pub fn check_health(&self, boosters: &[Arc<Booster>]) -> Result<(), EngineError> {
        self.replace_stuck()?;
        let Some(booster) = boosters.iter().find(|booster| booster.canary().is_some()) else {
            return Ok(());
        };
        for member in self.shared.members().iter() {
            let is_idle = matches!(member.slot.status(), SlotStatus::Ready | SlotStatus::Recovered);
            // A slot that has not come to the last check gets no further one: checks go before jobs.
            if is_idle && member.commands.is_empty() {
                let _ = member.commands.send(Command::Check(Arc::clone(booster)));
            }
        }
        Ok(())
    }

    /// Whether every slot has come to what it was told last.
    #[cfg(test)]
    pub(crate) fn has_taken_orders(&self) -> bool {
        self.shared.members().iter().all(|member| member.commands.is_empty())
    }

    /// Gives the place of every slot whose thread is stuck in host code to a new one.
    fn replace_stuck(&self) -> Result<(), EngineError> {
        let mut members = self.shared.members_mut();
        for member in members.iter_mut().filter(|member| member.slot.is_overdue()) {
            let stuck = std::mem::replace(member, Shared::spawn(&self.shared, member.slot.successor())?);
            self.shared.in_service.fetch_sub(1, Ordering::SeqCst);
            let _ = stuck.commands.send(Command::Retire);
            member.slot.recover(&*self.shared.observer, FailureCause::Timeout, Instant::now());
        }
        Ok(())
    }

    /// What is known of every slot.
    pub fn views(&self) -> Vec<SlotView> {
        self.shared.members().iter().map(|member| member.slot.view()).collect()
    }

    /// How many slots are in each state.
    pub fn count(&self, status: SlotStatus) -> usize {
        self.shared.members().iter().filter(|member| member.slot.status() == status).count()
    }

    /// The time that slots have spent on jobs since the pool started, that of all slots added up; of running jobs what
    /// has passed.
    pub fn busy(&self) -> Duration {
        self.shared.occupancy.busy()
    }

    /// The most memory that the last job of any slot has used, bytes.
    pub fn largest_memory(&self) -> usize {
        self.shared.members().iter().map(|member| member.slot.memory_usage()).max().unwrap_or(0)
    }

    /// Slots, in service or not.
    pub fn size(&self) -> usize {
        self.shared.members().len()
    }

    /// Slots that take jobs.
    pub fn in_service(&self) -> usize {
        self.shared.in_service.load(Ordering::SeqCst)
    }
}

impl Shared {
    /// Runs a job and counts it.
    fn counted(&self, job: impl FnOnce() -> Ran) -> Ran {
        let _running = self.occupancy.begin();
        let ran = job();
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.busy_us.fetch_add((ran.latency_ms * 1000.0) as u64, Ordering::Relaxed);
        ran
    }

    fn members(&self) -> RwLockReadGuard<'_, Vec<Member>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn members_mut(&self) -> RwLockWriteGuard<'_, Vec<Member>> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_retired(&self, place: usize, generation: u64) {
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        if retired.len() <= place {
            retired.resize(place + 1, 0);
        }
        // The job that it still runs may cost it its instance.
        retired[place] = generation + 1;
    }

    fn next_generation(&self, place: usize) -> u64 {
        let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired.get(place).map_or(1, |generation| generation + 1)
    }

    fn spawn(shared: &Arc<Self>, slot: Slot) -> Result<Member, EngineError> {
        let slot = Arc::new(slot);
        let (commands, orders) = crossbeam_channel::unbounded();
        let sandbox = Sandbox::new(Arc::clone(&shared.runtime), Arc::clone(&shared.observer));
        let thread =
            SlotThread { slot: Arc::clone(&slot), shared: Arc::clone(shared), commands: orders, sandbox };
        shared.in_service.fetch_add(1, Ordering::SeqCst);
        thread::Builder::new()
            .name("slot".into())
            .stack_size(4 * 1024 * 1024)
            .spawn(|| thread.serve())
            .map_err(|error| {
                shared.in_service.fetch_sub(1, Ordering::SeqCst);
                EngineError::Setup { detail: format!("a slot's thread: {error}") }
            })?;
        Ok(Member { slot, commands })
    }
}

struct SlotThread {
    slot: Arc<Slot>,
    shared: Arc<Shared>,
    commands: Receiver<Command>,
    sandbox: Sandbox,
}

impl SlotThread {
    fn serve(mut self) {
        self.slot.set_status(SlotStatus::Ready);
        let inbox = self.shared.inbox.clone();
        let commands = self.commands.clone();
        while !self.slot.is_abandoned() {
            // Commands first: a slot that is to go takes no more jobs.
            let stays = select_biased! {
                recv(commands) -> command => match command {
                    Ok(Command::Check(booster)) => self.guarded(|thread| thread.check(&booster)),
                    Ok(Command::Retire) | Err(_) => false,
                },
                recv(inbox) -> order => match order {
                    Ok(order) => self.guarded(|thread| thread.take(order)),
                    Err(_) => false,
                },
            };
            if !stays {
                break;
            }
        }
        // Whoever took an abandoned slot's place has counted it out.
        if !self.slot.is_abandoned() {
            self.shared.in_service.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// A panic here is a mistake of the host: the job's answer is dropped with it, and the slot goes on with a new
    /// instance.
    fn guarded(&mut self, work: impl FnOnce(&mut Self) -> bool) -> bool {
        let done = catch_unwind(AssertUnwindSafe(|| work(self)));
        self.slot.set_due(None);
        done.unwrap_or_else(|_| {
            self.sandbox.discard();
            self.slot.recover(&*self.shared.observer, FailureCause::Panic, Instant::now());
            true
        })
    }

    /// Does one job; `false` when the slot is out of service after it.
    fn take(&mut self, order: Order) -> bool {
        let Order { request, asked, answer } = order;
        self.shared.observer.note(&EngineNote::Acquired { seconds: asked.elapsed().as_secs_f64() });
        let Request { id, booster, input, timeout, stop, allocated } = request;
        let unwanted = stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed));
        if unwanted || asked.elapsed() > MOST_WAIT || !booster.breaker.enter(&self.shared.config.breaker) {
            let _ = answer.send(Run::hand_back());
            return true;
        }
        self.slot.set_status(SlotStatus::Busy);
        self.slot.set_due(Some(Instant::now() + timeout + GUARD));
        let (booster_id, instance_id) = self.slot.ids();
        allocated(&booster_id, &instance_id);
        let max_output = self.shared.config.max_output;
        let task = Task { input: &input, timeout, max_output, stop: stop.as_ref() };
        let ran = self.shared.counted(|| self.sandbox.run(&booster, &task));
        let failed_at = Instant::now();
        if self.slot.is_abandoned() {
            return false;
        }
        let cause = ran.attempt.harm();
        self.slot.record(booster.reference(), &id, &ran);
        self.note_breaker(&booster, &id, &ran);
        // The job's owner first: what follows is the slot's own business.
        let _ = answer.send(Run { attempt: ran.attempt, latency_ms: ran.latency_ms });
        match cause {
            Some(cause) if self.shared.config.auto_recovery => {
                self.renew(&booster, cause, failed_at);
                true
            }
            Some(_) => false,
            None => {
                self.make_ahead(&booster);
                true
            }
        }
    }

    /// Gives the slot a new instance after a failure.
    fn renew(&mut self, booster: &Arc<Booster>, cause: FailureCause, failed_at: Instant) {
        self.sandbox.discard();
        self.sandbox.prepare(booster);
        self.slot.recover(&*self.shared.observer, cause, failed_at);
    }

    /// Clears the last job's instance away and, when no job waits, makes the next one's.
    fn make_ahead(&mut self, booster: &Arc<Booster>) {
        if self.shared.inbox.is_empty() {
            self.sandbox.prepare(booster);
        } else {
            self.sandbox.clear();
        }
    }

    fn note_breaker(&self, booster: &Booster, id: &str, ran: &Ran) {
        let went = match &ran.attempt {
            attempt if attempt.harm().is_some() => Went::Badly,
            Attempt::HandBack => Went::Nowhere,
            _ => Went::Well,
        };
        if let Some(change) = booster.breaker.leave(&self.shared.config.breaker, id, went) {
            let open = change == Change::Opened;
            self.shared.observer.note(&EngineNote::Breaker { booster: booster.reference(), open });
        }
    }

    /// Runs a canary and judges the slot by it; a slot that is not healthy then gets a new instance.
    fn check(&mut self, booster: &Arc<Booster>) -> bool {
        let Some(input) = booster.canary() else { return true };
        self.slot.set_due(Some(Instant::now() + CANARY_LIMIT + GUARD));
        let task =
            Task { input, timeout: CANARY_LIMIT, max_output: self.shared.config.max_output, stop: None };
        let started = Instant::now();
        let cause = self.sandbox.run(booster, &task).attempt.harm();
        let health = if cause.is_some() { Health::Unhealthy } else { self.slot.health() };
        self.slot.set_health(health);
        self.shared.observer.note(&EngineNote::Checked { health });
        if health == Health::Unhealthy {
            self.slot.set_status(SlotStatus::Error);
            self.slot.forget();
            self.renew(booster, cause.unwrap_or(FailureCause::Trap), started);
        } else {
            self.slot.set_status(SlotStatus::Ready);
            self.sandbox.clear();
            self.sandbox.prepare(booster);
        }
        true
    }
}
