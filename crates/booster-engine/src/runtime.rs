//! The wasmtime engine and the clock that interrupts guests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::component::Component;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use crate::cache::{CachedFile, ModuleCache, default_cache_dir};
use crate::compile::{Compiled, Compiler, Order};
use crate::error::EngineError;
use crate::limits::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_TABLE_ELEMENTS, MAX_TABLES};

/// How often guests are asked whether their time is over. A guest runs at most about this long beyond its
/// deadline on a free core.
const TICK: Duration = Duration::from_millis(5);
/// Memory of a finished instance that stays mapped for the next one, where the kernel can reset just the pages
/// that were written (PAGEMAP_SCAN, Linux 6.7). Without it every instance would fault its pages in anew, and
/// threads would contend for the process's memory map.
pub const KEEP_RESIDENT: usize = 16 * 1024 * 1024;
/// Stack of a guest.
const GUEST_STACK: usize = 1024 * 1024;

/// What a [`Runtime`] needs to know.
#[derive(Debug)]
pub struct RuntimeConfig {
    /// Slots: as many jobs run at the same time at most.
    pub slots: usize,
    /// Memory of one instance, bytes.
    pub memory_limit: usize,
    /// WebAssembly instructions of one attempt, or 0 for as many as its deadline allows. Counting makes every
    /// module slower, by a fifth to two thirds.
    pub fuel: u64,
    /// Where compiled modules are kept, if anywhere.
    pub cache: Option<ModuleCache>,
}

impl RuntimeConfig {
    /// Without fuel and without a cache.
    pub fn new(slots: usize, memory_limit: usize) -> Self {
        Self { slots, memory_limit, fuel: 0, cache: None }
    }

    /// As the fleet is configured. A cache that cannot be used is done without, with a line in the log.
    pub fn configured(config: &booster_core::Config, slots: usize) -> Self {
        let wasm = &config.wasm;
        let dir = match wasm.cache_dir.as_str() {
            "off" => None,
            "" => default_cache_dir(),
            dir => Some(PathBuf::from(dir)),
        };
        let cache = dir.and_then(|dir| {
            let opened = ModuleCache::open(&dir, wasm.cache_max);
            opened
                .inspect_err(
                    |error| tracing::warn!(code = error.code(), %error, "no cache of compiled modules"),
                )
                .ok()
        });
        Self { slots, memory_limit: wasm.memory_limit, fuel: wasm.fuel, cache }
    }
}

/// Settings that change the code which the compiler makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tuning {
    /// Whether instructions are counted.
    fuel: bool,
}

/// A wasmtime engine with the fleet's settings, and the thread that advances its epoch while jobs run.
pub struct Runtime {
    engine: Engine,
    config: RuntimeConfig,
    compiler: Compiler,
    running: Arc<AtomicUsize>,
    ticker: thread::Thread,
    fast_reset: bool,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("fast_reset", &self.fast_reset).finish_non_exhaustive()
    }
}

impl Runtime {
    /// An engine with room for the configured slots.
    ///
    /// # Errors
    /// [`EngineError::Setup`] when the machine cannot give the address space.
    pub fn new(config: RuntimeConfig) -> Result<Arc<Self>, EngineError> {
        let fast_reset = PoolingAllocationConfig::is_pagemap_scan_available();
        let mut settings = base_config(Tuning { fuel: config.fuel > 0 });
        settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(
            config.slots,
            config.memory_limit,
            fast_reset,
        )));
        let engine = new_engine(&settings)?;
        let running = Arc::new(AtomicUsize::new(0));
        let ticker = spawn_ticker(&engine, Arc::downgrade(&running))?;
        let compiler = Compiler::of_this_program();
        Ok(Arc::new(Self { engine, config, compiler, running, ticker, fast_reset }))
    }

    /// The compiled component of `wasm` and why its instances start cold, if they do: from the cache, else compiled
    /// and put there.
    ///
    /// # Errors
    /// What is wrong with the module.
    pub(crate) fn component(
        &self,
        manifest: &booster_core::Manifest,
        wasm: &[u8],
    ) -> Result<(Component, Option<String>), String> {
        let tuning = Tuning { fuel: self.config.fuel > 0 };
        let order = Order::new(manifest, self.config.memory_limit, tuning);
        let Some(cache) = &self.config.cache else {
            return self.load_compiled(self.compiler.compile(&order, wasm)?);
        };
        let name = order.cache_name(wasm)?;
        if let Some(found) = cache.get(&name).and_then(|file| self.load_cached(&file)) {
            return Ok(found);
        }
        // Without the lock two processes may do the same work; that harms nothing.
        let _lock = cache.lock();
        if let Some(found) = cache.get(&name).and_then(|file| self.load_cached(&file)) {
            return Ok(found);
        }
        let compiled = self.compiler.compile(&order, wasm)?;
        if let Err(error) = cache.put(&name, &compiled) {
            tracing::warn!(booster = manifest.reference(), %error, "a compiled module could not be kept");
        }
        // The mapped file is shared by all processes that run it, unlike what was just received.
        match cache.get(&name).and_then(|file| self.load_cached(&file)) {
            Some(found) => Ok(found),
            None => self.load_compiled(compiled),
        }
    }

    /// `None` when wasmtime does not take the file, which is then compiled anew.
    #[allow(unsafe_code, reason = "a compiled module is mapped as it is")]
    fn load_cached(&self, file: &CachedFile) -> Option<(Component, Option<String>)> {
        // SAFETY: the bytes are machine code that this process will run. The cache has verified the digest of this
        // very file, under a key that only this user can read, so they are what our own compiler wrote; the
        // directory is private to the user, and no file in it is written again after it got its name.
        let component = unsafe { Component::deserialize_file(&self.engine, file.path()) };
        match component {
            Ok(component) => Some((component, file.cold.clone())),
            Err(error) => {
                tracing::warn!(%error, "a cached module cannot be loaded; it is compiled anew");
                None
            }
        }
    }

    #[allow(unsafe_code, reason = "what the compiler made is loaded as it is")]
    fn load_compiled(&self, compiled: Compiled) -> Result<(Component, Option<String>), String> {
        // SAFETY: the bytes are what our own compiler has just made, in this process or in a child of it whose
        // standard output nobody else holds.
        let component = unsafe { Component::deserialize(&self.engine, &compiled.code) };
        Ok((component.map_err(|error| format!("{error:#}"))?, compiled.cold))
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
        self.config.memory_limit
    }

    /// Instructions of one attempt, when they are counted.
    pub(crate) fn fuel(&self) -> Option<u64> {
        (self.config.fuel > 0).then_some(self.config.fuel)
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

/// An engine that compiles for every [`Runtime`] with the same tuning, and has no pool.
pub(crate) fn compiling_engine(tuning: Tuning) -> Result<Engine, EngineError> {
    new_engine(&base_config(tuning))
}

/// An engine for making snapshots: the same code for guests, compiled quickly.
pub(crate) fn snapshot_engine() -> Result<Engine, EngineError> {
    let mut config = base_config(Tuning { fuel: false });
    config.cranelift_opt_level(OptLevel::None);
    new_engine(&config)
}

fn new_engine(config: &Config) -> Result<Engine, EngineError> {
    Engine::new(config).map_err(|error| EngineError::Setup { detail: format!("{error:#}") })
}

fn base_config(tuning: Tuning) -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    config.consume_fuel(tuning.fuel);
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
