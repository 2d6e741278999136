//! A slot: one place in the pool, with what others may know of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use booster_core::event::Recovered;
use booster_core::{Attempt, FailureCause, UnixMillis};
use serde::Serialize;

use crate::health::{Health, assess};
use crate::note::{EngineNote, EngineObserver};
use crate::sandbox::Ran;

/// Entries of a slot's task history.
const HISTORY: usize = 20;

/// A slot's state, in the words of the state hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotStatus {
    /// Not yet ready for the first job.
    Initializing,
    /// Waiting for a job.
    Ready,
    /// Running one.
    Busy,
    /// Its instance failed and has not been replaced.
    Error,
    /// Its instance was replaced, and neither a job nor a health check has come since.
    Recovered,
}

impl SlotStatus {
    /// All states.
    pub const ALL: [SlotStatus; 5] =
        [Self::Initializing, Self::Ready, Self::Busy, Self::Error, Self::Recovered];

    /// The word in the state hash and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Ready => "ready",
            Self::Busy => "busy",
            Self::Error => "error",
            Self::Recovered => "recovered",
        }
    }
}

/// One finished task in a slot's history.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSummary {
    /// The job.
    pub task_id: String,
    /// The booster that ran.
    pub booster: String,
    /// `done`, `refused`, `invalid`, `stopped`, or the cause of the failure.
    pub result: &'static str,
    /// Time in the sandbox, milliseconds.
    pub latency_ms: f64,
    /// When it ended, Unix milliseconds.
    pub at: UnixMillis,
}

/// What is known of a slot.
#[derive(Debug, Clone)]
pub struct SlotView {
    /// The slot.
    pub booster_id: String,
    /// The instance in it now.
    pub instance_id: String,
    /// Its state.
    pub status: SlotStatus,
    /// How well it does.
    pub health: Health,
    /// When its state last changed, Unix milliseconds.
    pub last_activity: UnixMillis,
    /// When the instance was made, Unix milliseconds.
    pub created_at: UnixMillis,
    /// Most memory of the last job, bytes.
    pub memory_usage: usize,
    /// The last tasks, oldest first.
    pub history: VecDeque<TaskSummary>,
    /// Tasks run.
    pub tasks: u64,
    /// Tasks that failed.
    pub errors: u64,
    /// Time spent in the sandbox, milliseconds.
    pub busy_ms: f64,
    /// Grows with every change, so that a reader sees whether it has to write.
    pub revision: u64,
}

/// A slot as the pool shares it between its thread and its readers.
pub(crate) struct Slot {
    worker: String,
    memory_limit: usize,
    view: Mutex<SlotView>,
    /// When what it runs has to be over, host code included; `None` while it runs nothing.
    due: Mutex<Option<Instant>>,
    /// Whether another thread has taken its place.
    abandoned: AtomicBool,
}

impl Slot {
    /// A slot whose first instance has the number `generation`.
    pub(crate) fn new(worker: &str, number: usize, generation: u64, memory_limit: usize) -> Self {
        let booster_id = format!("{worker}-s{number}");
        let now = now_ms();
        let view = SlotView {
            instance_id: format!("{booster_id}-i{generation}"),
            booster_id,
            status: SlotStatus::Initializing,
            health: Health::Healthy,
            last_activity: now,
            created_at: now,
            memory_usage: 0,
            history: VecDeque::with_capacity(HISTORY),
            tasks: 0,
            errors: 0,
            busy_ms: 0.0,
            revision: 0,
        };
        Self::with_view(worker, memory_limit, view)
    }

    fn with_view(worker: &str, memory_limit: usize, view: SlotView) -> Self {
        Self {
            worker: worker.to_owned(),
            memory_limit,
            view: Mutex::new(view),
            due: Mutex::new(None),
            abandoned: AtomicBool::new(false),
        }
    }

    /// A slot in the place of this one, whose thread is stuck in code of the host.
    pub(crate) fn successor(&self) -> Self {
        self.abandoned.store(true, Ordering::SeqCst);
        Self::with_view(&self.worker, self.memory_limit, self.view())
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::SeqCst)
    }

    pub(crate) fn view(&self) -> SlotView {
        self.lock().clone()
    }

    pub(crate) fn status(&self) -> SlotStatus {
        self.lock().status
    }

    pub(crate) fn memory_usage(&self) -> usize {
        self.lock().memory_usage
    }

    pub(crate) fn health(&self) -> Health {
        self.lock().health
    }

    pub(crate) fn ids(&self) -> (String, String) {
        let view = self.lock();
        (view.booster_id.clone(), view.instance_id.clone())
    }

    fn lock(&self) -> MutexGuard<'_, SlotView> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_status(&self, status: SlotStatus) {
        let mut view = self.lock();
        if view.status != status {
            view.status = status;
            view.last_activity = now_ms();
            view.revision += 1;
        }
    }

    /// Notes the health that a check found.
    pub(crate) fn set_health(&self, health: Health) {
        let mut view = self.lock();
        if view.health != health {
            view.health = health;
            view.revision += 1;
        }
    }

    /// Notes when what it runs now has to be over, or that it runs nothing.
    pub(crate) fn set_due(&self, due: Option<Instant>) {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = due;
    }

    /// Whether what it runs should have been over by now.
    pub(crate) fn is_overdue(&self) -> bool {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|due| Instant::now() > due)
    }

    /// Writes a finished job into the history. The slot is `ready` then, or in `error` when the job failed.
    pub(crate) fn record(&self, booster: &str, id: &str, ran: &Ran) {
        let result = match &ran.attempt {
            Attempt::Done(_) => "done",
            Attempt::Refused(_) => "refused",
            Attempt::Failed { cause, .. } => cause.as_str(),
            Attempt::Invalid { .. } => "invalid",
            Attempt::HandBack => "stopped",
        };
        let mut view = self.lock();
        if view.history.len() == HISTORY {
            view.history.pop_front();
        }
        let at = now_ms();
        view.history.push_back(TaskSummary {
            task_id: id.to_owned(),
            booster: booster.to_owned(),
            result,
            latency_ms: (ran.latency_ms * 1000.0).round() / 1000.0,
            at,
        });
        view.tasks += 1;
        view.busy_ms += ran.latency_ms;
        view.memory_usage = ran.memory_peak;
        view.last_activity = at;
        let failed = ran.attempt.harm().is_some();
        view.errors += u64::from(failed);
        view.status = if failed { SlotStatus::Error } else { SlotStatus::Ready };
        view.health = assess(&view, self.memory_limit);
        view.revision += 1;
    }

    /// Notes that the slot has a new instance after a failure, and says so.
    pub(crate) fn recover(&self, observer: &dyn EngineObserver, cause: FailureCause, since: Instant) {
        let recovered = {
            let mut view = self.lock();
            let generation = generation_of(&view.instance_id) + 1;
            let instance_id = format!("{}-i{generation}", view.booster_id);
            let old_instance_id = std::mem::replace(&mut view.instance_id, instance_id.clone());
            view.created_at = now_ms();
            view.last_activity = view.created_at;
            view.status = SlotStatus::Recovered;
            view.health = assess(&view, self.memory_limit);
            view.revision += 1;
            Recovered {
                booster_id: view.booster_id.clone(),
                old_instance_id,
                instance_id,
                worker_id: self.worker.clone(),
                cause,
                recovery_ms: since.elapsed().as_secs_f64() * 1000.0,
            }
        };
        observer.note(&EngineNote::Recovered(&recovered));
    }

    /// The number of the instance in it.
    pub(crate) fn generation(&self) -> u64 {
        generation_of(&self.lock().instance_id)
    }

    /// Forgets how its tasks went, so that a replaced slot is judged by what comes.
    pub(crate) fn forget(&self) {
        self.lock().history.clear();
    }
}

fn generation_of(instance_id: &str) -> u64 {
    instance_id.rsplit_once("-i").and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

pub(crate) fn now_ms() -> UnixMillis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX))
}
