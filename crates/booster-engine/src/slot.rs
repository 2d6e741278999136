//! A slot: one place in the pool, with what others may know of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use booster_core::event::Recovered;
use booster_core::{Attempt, FailureCause, UnixMillis};
use serde::Serialize;
use serde_json::value::RawValue;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

use crate::limits::{Limits, Stopped};
use crate::module::Booster;
use crate::note::{EngineNote, EngineObserver};
use crate::runtime::Runtime;

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
    /// Its instance was replaced and no job has come since.
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
    /// `done`, `refused`, or the cause of the failure.
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
    view: Mutex<SlotView>,
}

/// What one run in a slot came to.
pub(crate) struct SlotRun {
    pub(crate) attempt: Attempt,
    pub(crate) latency_ms: f64,
}

impl Slot {
    pub(crate) fn new(worker: &str, number: usize) -> Self {
        let booster_id = format!("{worker}-s{number}");
        let now = now_ms();
        let view = SlotView {
            instance_id: format!("{booster_id}-i1"),
            booster_id,
            status: SlotStatus::Initializing,
            last_activity: now,
            created_at: now,
            memory_usage: 0,
            history: VecDeque::with_capacity(HISTORY),
            tasks: 0,
            errors: 0,
            busy_ms: 0.0,
            revision: 0,
        };
        Self { worker: worker.to_owned(), view: Mutex::new(view) }
    }

    pub(crate) fn view(&self) -> SlotView {
        self.lock().clone()
    }

    pub(crate) fn status(&self) -> SlotStatus {
        self.lock().status
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
        view.status = status;
        view.last_activity = now_ms();
        view.revision += 1;
    }

    /// Runs one job in a fresh instance. The slot is `busy` meanwhile and `ready` after, unless the job failed.
    pub(crate) fn run(
        &self,
        runtime: &Runtime,
        observer: &dyn EngineObserver,
        booster: &Booster,
        task: &Task<'_>,
    ) -> SlotRun {
        let start = Instant::now();
        let deadline = start + task.timeout;
        let mut store =
            Limits::store(runtime, task.memory_limit, task.max_output, deadline, task.stop.cloned());
        let result = {
            let _ticking = runtime.tick();
            call(&mut store, observer, booster, task.input)
        };
        let latency_ms = start.elapsed().as_secs_f64() * 1000.0;
        let memory = store.data().memory_peak;
        observer.note(&EngineNote::MemoryPeak { booster: booster.reference(), bytes: memory });
        let attempt = judge(result, store.data(), task);
        drop(store);
        self.record(booster, task.id, &attempt, latency_ms, memory);
        SlotRun { attempt, latency_ms }
    }

    fn record(&self, booster: &Booster, id: &str, attempt: &Attempt, latency_ms: f64, memory: usize) {
        let result = match attempt {
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
        let booster = booster.reference().to_owned();
        let latency = (latency_ms * 1000.0).round() / 1000.0;
        view.history.push_back(TaskSummary {
            task_id: id.to_owned(),
            booster,
            result,
            latency_ms: latency,
            at,
        });
        view.tasks += 1;
        view.busy_ms += latency_ms;
        view.memory_usage = memory;
        view.last_activity = at;
        let failed = matches!(attempt, Attempt::Failed { cause, .. } if cause.spoils_instance());
        view.errors += u64::from(failed);
        view.status = if failed { SlotStatus::Error } else { SlotStatus::Ready };
        view.revision += 1;
    }

    /// Gives the slot a new instance after a failure and says so.
    pub(crate) fn recover(&self, observer: &dyn EngineObserver, cause: FailureCause, since: Instant) {
        let recovered = {
            let mut view = self.lock();
            let generation: u64 =
                view.instance_id.rsplit_once("-i").and_then(|(_, n)| n.parse().ok()).unwrap_or(0) + 1;
            let instance_id = format!("{}-i{generation}", view.booster_id);
            let old_instance_id = std::mem::replace(&mut view.instance_id, instance_id.clone());
            view.created_at = now_ms();
            view.last_activity = view.created_at;
            view.status = SlotStatus::Recovered;
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
}

/// One job as a slot sees it.
pub(crate) struct Task<'a> {
    pub(crate) id: &'a str,
    pub(crate) input: &'a str,
    pub(crate) timeout: Duration,
    pub(crate) memory_limit: usize,
    pub(crate) max_output: usize,
    pub(crate) stop: Option<&'a Arc<AtomicBool>>,
}

type Answer = wasmtime::Result<Result<String, String>>;

fn call(store: &mut Store<Limits>, observer: &dyn EngineObserver, booster: &Booster, input: &str) -> Answer {
    let start = Instant::now();
    let instance = booster.pre.instantiate(&mut *store)?;
    let seconds = start.elapsed().as_secs_f64();
    observer.note(&EngineNote::Instantiated { booster: booster.reference(), seconds });
    let apply = instance.get_typed_func::<(&str,), (Result<String, String>,)>(&mut *store, booster.apply)?;
    Ok(apply.call(&mut *store, (input,))?.0)
}

/// Turns what wasmtime said into the result of the attempt.
fn judge(answer: Answer, limits: &Limits, task: &Task<'_>) -> Attempt {
    match answer {
        Ok(Ok(output)) => json(output, task.max_output, Attempt::Done),
        Ok(Err(refusal)) => json(refusal, task.max_output, Attempt::of_refusal),
        Err(error) => failure(&error, limits, task),
    }
}

fn json(text: String, limit: usize, attempt: impl FnOnce(Box<RawValue>) -> Attempt) -> Attempt {
    if text.len() > limit {
        return too_large(limit);
    }
    // A line break in valid JSON is white space, and outcomes are printed one on a line.
    let text = if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ") } else { text };
    match RawValue::from_string(text) {
        Ok(raw) => attempt(raw),
        Err(error) => {
            Attempt::failed(FailureCause::Panic, format!("the booster's answer is not JSON: {error}"))
        }
    }
}

fn too_large(limit: usize) -> Attempt {
    let message = format!("the booster's answer is larger than the {limit} bytes that are accepted");
    Attempt::Invalid { code: "output_too_large".into(), message }
}

/// wasmtime's error for this has no public type.
fn copied_too_much(error: &wasmtime::Error) -> bool {
    error.to_string().contains("fuel allocated for hostcalls has been exhausted")
}

fn failure(error: &wasmtime::Error, limits: &Limits, task: &Task<'_>) -> Attempt {
    let failed = Attempt::failed;
    match error.downcast_ref::<Stopped>() {
        Some(Stopped::Unwanted) => return Attempt::HandBack,
        Some(Stopped::Deadline) => {
            let message = format!("stopped at its deadline of {} ms", task.timeout.as_millis());
            return failed(FailureCause::Timeout, message);
        }
        None => {}
    }
    if error.is::<PoolConcurrencyLimitError>() {
        // Nobody's fault: an instance that is being dropped still has its place.
        return Attempt::HandBack;
    }
    if copied_too_much(error) {
        return too_large(task.max_output);
    }
    if limits.refused_growth {
        let limit = limits_in_mib(task.memory_limit);
        return failed(FailureCause::Memory, format!("needed more memory than the limit of {limit} MiB"));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => {
            failed(FailureCause::Panic, format!("the booster panicked: {}", chain(error)))
        }
        _ => failed(FailureCause::Trap, chain(error)),
    }
}

fn limits_in_mib(bytes: usize) -> usize {
    bytes / (1024 * 1024)
}

/// The error with its causes, bounded, and without control characters: names in a backtrace are the guest's.
fn chain(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}").replace(char::is_control, " ");
    match text.char_indices().nth(1500) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

pub(crate) fn now_ms() -> UnixMillis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX))
}

/// Whether nobody wants the job's result any more.
pub(crate) fn unwanted(stop: Option<&Arc<AtomicBool>>) -> bool {
    stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
}
