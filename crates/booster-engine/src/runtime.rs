//! The wasmtime engine and the clock that interrupts guests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use crate::error::EngineError;
use crate::limits::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_TABLE_ELEMENTS, MAX_TABLES};

/// How often guests are asked whether their time is over. A guest runs at most about this long beyond its
/// deadline on a free core.
const TICK: Duration = Duration::from_millis(5);
/// Memory of a finished instance that stays mapped for the next one, where the kernel can reset just the pages
/// that were written (PAGEMAP_SCAN, Linux 6.7). Without it every instance would fault its pages in anew, and
/// threads would contend for the process's memory map.
const KEEP_RESIDENT: usize = 16 * 1024 * 1024;
/// Stack of a guest.
const GUEST_STACK: usize = 1024 * 1024;

/// A wasmtime engine with the fleet's settings, and the thread that advances its epoch while jobs run.
pub struct Runtime {
    engine: Engine,
    running: Arc<AtomicUsize>,
    ticker: thread::Thread,
    fast_reset: bool,
    memory_limit: usize,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("fast_reset", &self.fast_reset).finish_non_exhaustive()
    }
}

impl Runtime {
    /// An engine with room for `slots` instances of `memory_limit` bytes each.
    ///
    /// # Errors
    /// [`EngineError::Setup`] when the machine cannot give the address space.
    pub fn new(slots: usize, memory_limit: usize) -> Result<Arc<Self>, EngineError> {
        let fast_reset = PoolingAllocationConfig::is_pagemap_scan_available();
        let mut config = base_config();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(
            slots,
            memory_limit,
            fast_reset,
        )));
        let engine =
            Engine::new(&config).map_err(|error| EngineError::Setup { detail: format!("{error:#}") })?;
        let running = Arc::new(AtomicUsize::new(0));
        let ticker = spawn_ticker(&engine, Arc::downgrade(&running))?;
        Ok(Arc::new(Self { engine, running, ticker, fast_reset, memory_limit }))
    }

    /// An engine for making snapshots: the same code for guests, compiled quickly, without a pool.
    pub(crate) fn for_snapshots() -> Result<Engine, EngineError> {
        let mut config = base_config();
        config.cranelift_opt_level(OptLevel::None);
        Engine::new(&config).map_err(|error| EngineError::Setup { detail: format!("{error:#}") })
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether the kernel can reset just the written pages of an instance; without it several processes scale
    /// better than several slots.
    pub fn fast_reset(&self) -> bool {
        self.fast_reset
    }

    /// Memory of one instance, bytes.
    pub(crate) fn memory_limit(&self) -> usize {
        self.memory_limit
    }

    /// Keeps the epoch advancing until the guard is dropped.
    pub(crate) fn tick(&self) -> Ticking<'_> {
        if self.running.fetch_add(1, Ordering::SeqCst) == 0 {
            self.ticker.unpark();
        }
        Ticking(self)
    }
}

/// While one of these lives, guests are interrupted at every tick.
pub(crate) struct Ticking<'a>(&'a Runtime);

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn base_config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(GUEST_STACK);
    // The same module and input give the same output on every machine.
    config.cranelift_nan_canonicalization(true);
    config.relaxed_simd_deterministic(true);
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config
}

fn pooling(slots: usize, memory_limit: usize, fast_reset: bool) -> PoolingAllocationConfig {
    // A slot may hold an instance that is being dropped while the next one is made.
    let instances = u32::try_from(slots.saturating_mul(2)).unwrap_or(u32::MAX);
    let mut pooling = PoolingAllocationConfig::new();
    pooling.total_component_instances(instances);
    pooling.total_core_instances(instances.saturating_mul(MAX_CORE_INSTANCES));
    pooling.total_memories(instances.saturating_mul(MAX_MEMORIES));
    pooling.total_tables(instances.saturating_mul(MAX_TABLES));
    pooling.max_core_instances_per_component(MAX_CORE_INSTANCES);
    pooling.max_memories_per_component(MAX_MEMORIES);
    pooling.max_tables_per_component(MAX_TABLES);
    pooling.max_component_instance_size(4 * 1024 * 1024);
    pooling.max_core_instance_size(4 * 1024 * 1024);
    pooling.max_memory_size(memory_limit);
    pooling.table_elements(MAX_TABLE_ELEMENTS);
    if fast_reset {
        pooling.pagemap_scan(Enabled::Yes);
        pooling.linear_memory_keep_resident(KEEP_RESIDENT.min(memory_limit));
        pooling.table_keep_resident(1024 * 1024);
    }
    pooling
}

/// Advances the epoch while something runs, sleeps while nothing does, ends with its runtime.
fn spawn_ticker(engine: &Engine, running: Weak<AtomicUsize>) -> Result<thread::Thread, EngineError> {
    let engine = engine.weak();
    let work = move || {
        while let Some(running) = running.upgrade() {
            if running.load(Ordering::SeqCst) == 0 {
                drop(running);
                thread::park_timeout(Duration::from_secs(1));
                continue;
            }
            drop(running);
            thread::sleep(TICK);
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
        }
    };
    thread::Builder::new()
        .name("epoch".into())
        .spawn(work)
        .map(|handle| handle.thread().clone())
        .map_err(|error| EngineError::Setup { detail: format!("the clock thread: {error}") })
}
