//! One thread's sandbox: makes instances, runs jobs in them, and judges what came back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use booster_core::{Attempt, FailureCause, Isolation};
use serde_json::value::RawValue;
use wasmtime::component::Func;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};

use crate::limits::{Limits, Stopped};
use crate::module::Booster;
use crate::note::{EngineNote, EngineObserver};
use crate::runtime::Runtime;

/// How long the start of an instance may take that is made ahead of its job.
const AHEAD_LIMIT: Duration = Duration::from_millis(500);
/// Longest text of a failure that is kept, in characters.
const MAX_MESSAGE: usize = 1500;
/// Most functions of a backtrace, and the longest name of one in characters.
const MAX_FRAMES: usize = 32;
const MAX_NAME: usize = 120;

/// One attempt as a sandbox sees it.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The job's input, JSON text.
    pub input: &'a str,
    /// How long it may take, instantiation included.
    pub timeout: Duration,
    /// Largest answer, bytes.
    pub max_output: usize,
    /// Becomes true when nobody wants the result any more.
    pub stop: Option<&'a Arc<AtomicBool>>,
}

/// What one attempt came to.
#[derive(Debug)]
pub struct Ran {
    /// The result.
    pub attempt: Attempt,
    /// Time it took, milliseconds.
    pub latency_ms: f64,
    /// The most memory that the instance had, bytes.
    pub memory_peak: usize,
    /// Where the guest was when it was stopped, the innermost function first; empty when it was not.
    pub backtrace: Vec<String>,
}

/// Makes an instance for each job (or keeps one, where the module asks for `isolation: reuse`), one at a time. A
/// pool's slot has one; used alone it is the bare loop that benchmarks compare with.
pub struct Sandbox {
    runtime: Arc<Runtime>,
    observer: Arc<dyn EngineObserver>,
    /// The instance that the next job gets, if it is for this booster.
    ahead: Option<Instance>,
    /// The instance of the last job, until [`Sandbox::clear`].
    used: Option<Instance>,
}

struct Instance {
    booster: Arc<Booster>,
    store: Store<Limits>,
    apply: Func,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("ahead", &self.ahead.is_some()).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// An empty sandbox.
    pub fn new(runtime: Arc<Runtime>, observer: Arc<dyn EngineObserver>) -> Self {
        Self { runtime, observer, ahead: None, used: None }
    }

    /// Runs one attempt. Its instance lives until [`Sandbox::clear`], so that the answer can go out first.
    pub fn run(&mut self, booster: &Arc<Booster>, task: &Task<'_>) -> Ran {
        let start = Instant::now();
        self.clear();
        let runtime = Arc::clone(&self.runtime);
        let _ticking = runtime.tick();
        let deadline = start + task.timeout;
        let ahead = self.ahead.take_if(|instance| Arc::ptr_eq(&instance.booster, booster));
        let (mut store, apply) = match ahead {
            Some(instance) => (instance.store, Some(instance.apply)),
            None => {
                // Its place in the pool may be needed.
                self.ahead = None;
                (Limits::store(&runtime, deadline), None)
            }
        };
        Limits::arm(&mut store, task.max_output, runtime.fuel(), deadline, task.stop.cloned());
        let apply = match apply {
            Some(apply) => Ok(apply),
            None => self.instantiate(&mut store, booster),
        };
        let answer =
            apply.and_then(|apply| call(&mut store, apply, task.input).map(|answer| (apply, answer)));
        let latency_ms = start.elapsed().as_secs_f64() * 1000.0;
        let memory_peak = store.data().memory_peak;
        self.observer.note(&EngineNote::MemoryPeak { booster: booster.reference(), bytes: memory_peak });
        let (attempt, apply, backtrace) = match answer {
            Ok((apply, answer)) => (judge(answer, task.max_output), Some(apply), Vec::new()),
            Err(error) => {
                (failure(&error, store.data(), task, runtime.memory_limit()), None, backtrace(&error))
            }
        };
        // An instance that came to harm is of no more use, and goes with its store.
        let harmed = attempt.harm().is_some();
        self.used =
            apply.filter(|_| !harmed).map(|apply| Instance { booster: Arc::clone(booster), store, apply });
        Ran { attempt, latency_ms, memory_peak, backtrace }
    }

    /// Drops the last job's instance, unless its module wants it kept and it came to no harm.
    pub fn clear(&mut self) {
        let keep = |instance: &Instance| instance.booster.manifest().isolation == Isolation::Reuse;
        if let Some(instance) = self.used.take()
            && keep(&instance)
        {
            self.ahead = Some(instance);
        }
    }

    /// Makes the next job's instance ahead of it, in the belief that it will be for the same booster. What goes
    /// wrong is left to that job to find out.
    pub fn prepare(&mut self, booster: &Arc<Booster>) {
        self.clear();
        if self.ahead.as_ref().is_some_and(|instance| Arc::ptr_eq(&instance.booster, booster)) {
            return;
        }
        self.ahead = None;
        let runtime = Arc::clone(&self.runtime);
        let _ticking = runtime.tick();
        let mut store = Limits::store(&runtime, Instant::now() + AHEAD_LIMIT);
        Limits::arm(&mut store, 0, runtime.fuel(), Instant::now() + AHEAD_LIMIT, None);
        if let Ok(apply) = self.instantiate(&mut store, booster) {
            self.ahead = Some(Instance { booster: Arc::clone(booster), store, apply });
        }
    }

    /// Drops all instances.
    pub fn discard(&mut self) {
        self.ahead = None;
        self.used = None;
    }

    fn instantiate(&self, store: &mut Store<Limits>, booster: &Booster) -> wasmtime::Result<Func> {
        let start = Instant::now();
        let instance = booster.pre.instantiate(&mut *store)?;
        let apply = instance
            .get_func(&mut *store, booster.apply)
            .ok_or_else(|| wasmtime::Error::msg("the export that was checked is there"))?;
        let seconds = start.elapsed().as_secs_f64();
        self.observer.note(&EngineNote::Instantiated { booster: booster.reference(), seconds });
        Ok(apply)
    }
}

fn call(store: &mut Store<Limits>, apply: Func, input: &str) -> wasmtime::Result<Result<String, String>> {
    Ok(apply.typed::<(&str,), (Result<String, String>,)>(&*store)?.call(&mut *store, (input,))?.0)
}

/// Turns a booster's answer into the result of the attempt.
fn judge(answer: Result<String, String>, max_output: usize) -> Attempt {
    match answer {
        Ok(output) => json(output, max_output, Attempt::Done),
        Err(refusal) => json(refusal, max_output, Attempt::of_refusal),
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

/// Turns what wasmtime said into the result of the attempt.
fn failure(error: &wasmtime::Error, limits: &Limits, task: &Task<'_>, memory_limit: usize) -> Attempt {
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
        let limit = memory_limit / (1024 * 1024);
        return failed(FailureCause::Memory, format!("needed more memory than the limit of {limit} MiB"));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => {
            failed(FailureCause::Panic, format!("the booster panicked: {}", chain(error)))
        }
        Some(Trap::OutOfFuel) => {
            failed(FailureCause::Timeout, "used up its budget of instructions (wasm.fuel)".to_owned())
        }
        _ => failed(FailureCause::Trap, chain(error)),
    }
}

/// The functions that the guest was in. Names are the guest's own: they are bounded and have no control characters.
fn backtrace(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let frame = |frame: &wasmtime::FrameInfo| {
        let name = match frame.func_name() {
            Some(name) => name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect(),
            None => format!("function {}", frame.func_index()),
        };
        match frame.module_offset() {
            Some(offset) => format!("{name} at 0x{offset:x}"),
            None => name,
        }
    };
    backtrace.frames().iter().take(MAX_FRAMES).map(frame).collect()
}

/// The error with its causes, bounded, and without control characters: names in a backtrace are the guest's.
fn chain(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}").replace(char::is_control, " ");
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
