//! What one instance may use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use wasmtime::{Error, ResourceLimiter, Result, Store, UpdateDeadline};

use crate::runtime::Runtime;

/// Most elements of a table, enough for the function tables of the largest known boosters several times over.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 20_000;
/// Most core instances inside one component; those of componentize-py have 38.
pub(crate) const MAX_CORE_INSTANCES: u32 = 64;
/// Most memories inside one component: an adapter may have one of its own.
pub(crate) const MAX_MEMORIES: u32 = 2;
/// Most tables inside one component.
pub(crate) const MAX_TABLES: u32 = 8;

/// The state of a store: limits that count what they see.
pub(crate) struct Limits {
    memory_limit: usize,
    /// Bytes of all memories together, now.
    memory: usize,
    /// The most that `memory` has been.
    pub(crate) memory_peak: usize,
    /// Whether a growth was refused: without it, out-of-memory looks like a guest's panic.
    pub(crate) refused_growth: bool,
    deadline: Instant,
    stop: Option<Arc<AtomicBool>>,
}

/// Why the host stopped a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stopped {
    /// The deadline has passed.
    #[error("the deadline has passed")]
    Deadline,
    /// Nobody wants the result any more.
    #[error("the job was stopped")]
    Unwanted,
}

impl Limits {
    /// A store for `runtime`'s limit of memory, whose guest is stopped at `deadline`; see [`Limits::arm`].
    pub(crate) fn store(runtime: &Runtime, deadline: Instant) -> Store<Limits> {
        let memory_limit = runtime.memory_limit();
        let limits =
            Limits { memory_limit, memory: 0, memory_peak: 0, refused_growth: false, deadline, stop: None };
        let mut store = Store::new(runtime.engine(), limits);
        store.limiter(|limits| limits);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| context.data().check());
        store
    }

    /// Gets a store ready for one attempt: its guest is stopped at `deadline`, or soon after `stop` becomes true,
    /// and answers at most `max_output` bytes.
    pub(crate) fn arm(
        store: &mut Store<Limits>,
        max_output: usize,
        fuel: Option<u64>,
        deadline: Instant,
        stop: Option<Arc<AtomicBool>>,
    ) {
        // What the host copies out of a guest is bounded before it is copied.
        store.set_hostcall_fuel(max_output.saturating_add(1024));
        if let Some(fuel) = fuel {
            // Fails only in an engine that does not count, and then nobody has asked for it.
            let _ = store.set_fuel(fuel);
        }
        let limits = store.data_mut();
        limits.memory_peak = limits.memory;
        limits.refused_growth = false;
        limits.deadline = deadline;
        limits.stop = stop;
    }

    /// Called at every tick of the engine's epoch.
    fn check(&self) -> Result<UpdateDeadline> {
        if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(Error::from(Stopped::Unwanted));
        }
        if Instant::now() >= self.deadline {
            return Err(Error::from(Stopped::Deadline));
        }
        Ok(UpdateDeadline::Continue(1))
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        let after = self.memory - current.min(self.memory) + desired;
        if after > self.memory_limit {
            self.refused_growth = true;
            return Ok(false);
        }
        self.memory = after;
        self.memory_peak = self.memory_peak.max(after);
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: Error) -> Result<()> {
        self.refused_growth = true;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        MAX_TABLES as usize
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES as usize
    }
}
