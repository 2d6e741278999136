//! The pool: slots with a thread each, fed from one queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use booster_core::{Attempt, FailureCause};
use crossbeam_channel::{Receiver, Sender};
use tokio::sync::oneshot;

use crate::error::EngineError;
use crate::module::Booster;
use crate::note::{EngineNote, EngineObserver};
use crate::runtime::Runtime;
use crate::slot::{Slot, SlotStatus, SlotView, Task, unwanted};

/// What a pool needs to know.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// The worker's name, the beginning of every slot's id.
    pub worker: String,
    /// Slots.
    pub slots: usize,
    /// Memory of one instance, bytes.
    pub memory_limit: usize,
    /// Largest answer of a booster, bytes.
    pub max_output: usize,
    /// Whether a slot gets a new instance after a failure; else it stays out of service.
    pub auto_recovery: bool,
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

/// A job that has waited so long for a slot here goes back: it was started ahead for a faster pace than jobs
/// have now, and another process may have a free slot.
const MOST_WAIT: Duration = Duration::from_secs(1);

struct Order {
    request: Request,
    asked: Instant,
    answer: oneshot::Sender<Run>,
}

/// A running pool. Cheap to clone; the threads end when the last clone is dropped and the queue is empty.
#[derive(Clone)]
pub struct Pool {
    orders: Sender<Order>,
    slots: Arc<[Arc<Slot>]>,
    in_service: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("slots", &self.slots.len()).finish_non_exhaustive()
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
        let slots: Arc<[Arc<Slot>]> =
            (1..=config.slots).map(|number| Arc::new(Slot::new(&config.worker, number))).collect();
        let in_service = Arc::new(AtomicUsize::new(config.slots));
        for slot in slots.iter() {
            let thread = SlotThread {
                slot: Arc::clone(slot),
                runtime: Arc::clone(&runtime),
                config: config.clone(),
                observer: Arc::clone(&observer),
                in_service: Arc::clone(&in_service),
            };
            let inbox = inbox.clone();
            thread::Builder::new()
                .name("slot".into())
                .stack_size(4 * 1024 * 1024)
                .spawn(move || thread.serve(&inbox))
                .map_err(|error| EngineError::Setup { detail: format!("a slot's thread: {error}") })?;
        }
        Ok(Self { orders, slots, in_service })
    }

    /// Runs one job in the next free slot.
    ///
    /// # Errors
    /// [`EngineError::Closed`] when no slot is in service any more, [`EngineError::Broken`] when the host's own
    /// code failed while it ran the job.
    pub async fn run(&self, request: Request) -> Result<Run, EngineError> {
        if self.in_service.load(Ordering::SeqCst) == 0 {
            return Err(EngineError::Closed);
        }
        let (answer, result) = oneshot::channel();
        let order = Order { request, asked: Instant::now(), answer };
        self.orders.send(order).map_err(|_| EngineError::Closed)?;
        result.await.map_err(|_| match self.in_service() {
            0 => EngineError::Closed,
            _ => EngineError::Broken,
        })
    }

    /// What is known of every slot.
    pub fn views(&self) -> Vec<SlotView> {
        self.slots.iter().map(|slot| slot.view()).collect()
    }

    /// How many slots are in each state.
    pub fn count(&self, status: SlotStatus) -> usize {
        self.slots.iter().filter(|slot| slot.status() == status).count()
    }

    /// Slots, in service or not.
    pub fn size(&self) -> usize {
        self.slots.len()
    }

    /// Slots that take jobs.
    pub fn in_service(&self) -> usize {
        self.in_service.load(Ordering::SeqCst)
    }
}

struct SlotThread {
    slot: Arc<Slot>,
    runtime: Arc<Runtime>,
    config: PoolConfig,
    observer: Arc<dyn EngineObserver>,
    in_service: Arc<AtomicUsize>,
}

impl SlotThread {
    fn serve(&self, inbox: &Receiver<Order>) {
        self.slot.set_status(SlotStatus::Ready);
        while let Ok(order) = inbox.recv() {
            // A panic here is a mistake of the host: the job's answer is dropped with it, and the slot goes on
            // with a new instance.
            let taken = catch_unwind(AssertUnwindSafe(|| self.take(order)));
            let stays = taken.unwrap_or_else(|_| {
                self.slot.recover(&*self.observer, FailureCause::Panic, Instant::now());
                true
            });
            if !stays {
                self.in_service.fetch_sub(1, Ordering::SeqCst);
                return;
            }
        }
    }

    /// Does one job; `false` when the slot is out of service after it.
    fn take(&self, order: Order) -> bool {
        let Order { request, asked, answer } = order;
        self.observer.note(&EngineNote::Acquired { seconds: asked.elapsed().as_secs_f64() });
        if unwanted(request.stop.as_ref()) || asked.elapsed() > MOST_WAIT {
            let _ = answer.send(Run { attempt: Attempt::HandBack, latency_ms: 0.0 });
            return true;
        }
        self.slot.set_status(SlotStatus::Busy);
        let (booster_id, instance_id) = self.slot.ids();
        (request.allocated)(&booster_id, &instance_id);
        let task = Task {
            id: &request.id,
            input: &request.input,
            timeout: request.timeout,
            memory_limit: self.config.memory_limit,
            max_output: self.config.max_output,
            stop: request.stop.as_ref(),
        };
        let run = self.slot.run(&self.runtime, &*self.observer, &request.booster, &task);
        let failed_at = Instant::now();
        let cause = match &run.attempt {
            Attempt::Failed { cause, .. } if cause.spoils_instance() => Some(*cause),
            _ => None,
        };
        // The job's owner first: what follows is the slot's own business.
        let _ = answer.send(Run { attempt: run.attempt, latency_ms: run.latency_ms });
        match cause {
            Some(cause) if self.config.auto_recovery => {
                self.slot.recover(&*self.observer, cause, failed_at);
                true
            }
            Some(_) => false,
            None => true,
        }
    }
}
