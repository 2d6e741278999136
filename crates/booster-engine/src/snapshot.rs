//! Warm snapshots: a component's start-up and its warm-up inputs run once, and the memory they leave behind
//! becomes the start image of every instance.
//!
//! wasmtime-wizer instruments the component so that its state can be read out; we make the warm-up calls
//! ourselves, since the exported function takes an argument.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{Component, Instance, Lift, Linker, WasmList};
use wasmtime::{Engine, Store};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::module::EXPORT;

/// How long all warm-up calls of a module may take together.
const WARM_UP_LIMIT: Duration = Duration::from_secs(30);

/// A component with the memory that the warm-up left behind.
///
/// # Errors
/// What the instrumentation cannot express (nested components, changed tables…), or what went wrong in the
/// warm-up. The caller then uses the component as it is.
pub(crate) fn warm(
    engine: &Engine,
    wasm: &[u8],
    inputs: &[String],
    memory_limit: usize,
) -> wasmtime::Result<Vec<u8>> {
    let wizer = Wizer::new();
    let (context, instrumented) = wizer.instrument_component(wasm)?;
    let component = Component::new(engine, &instrumented)?;
    let mut store = warm_up_store(engine, memory_limit);
    let instance = Linker::new(engine).instantiate(&mut store, &component)?;
    let apply = instance.get_typed_func::<(&str,), (Result<String, String>,)>(&mut store, EXPORT)?;
    for input in inputs {
        // A refusal warms up just as well; only a trap is an error.
        let _ = apply.call(&mut store, (input,))?;
    }
    // Reading the state out is our own doing and must not be stopped half-way.
    store.epoch_deadline_callback(|_| Ok(wasmtime::UpdateDeadline::Continue(1)));
    // All of the memory is copied.
    store.set_hostcall_fuel(usize::MAX);
    let mut state = State { store: &mut store, instance };
    futures_util::future::FutureExt::now_or_never(wizer.snapshot_component(&context, &mut state))
        .ok_or_else(|| wasmtime::Error::msg("the snapshot did not finish at once"))?
}

fn warm_up_store(engine: &Engine, memory_limit: usize) -> Store<wasmtime::StoreLimits> {
    let limits = wasmtime::StoreLimitsBuilder::new().memory_size(memory_limit).build();
    let mut store = Store::new(engine, limits);
    store.limiter(|limits| limits);
    let deadline = Instant::now() + WARM_UP_LIMIT;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        if Instant::now() < deadline {
            Ok(wasmtime::UpdateDeadline::Continue(1))
        } else {
            Err(wasmtime::Error::msg("the warm-up took longer than 30 s"))
        }
    });
    store
}

/// Lets wizer read the instance's state. Every call answers at once.
struct State<'a> {
    store: &'a mut Store<wasmtime::StoreLimits>,
    instance: Instance,
}

impl State<'_> {
    fn call<R: Lift + 'static>(&mut self, instance: &str, function: &str) -> R {
        // The names are exports that the instrumentation itself added a moment ago.
        let missing = "the instrumented component has its accessors";
        let (_, outer) = self.instance.get_export(&mut *self.store, None, instance).expect(missing);
        let (_, inner) = self.instance.get_export(&mut *self.store, Some(&outer), function).expect(missing);
        let function = self.instance.get_typed_func::<(), (R,)>(&mut *self.store, inner).expect(missing);
        function.call(&mut *self.store, ()).expect("an accessor does not trap").0
    }
}

impl ComponentInstanceState for State<'_> {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        let list: WasmList<u8> = self.call(instance, func);
        contents(list.as_le_slice(&*self.store));
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.call(instance, func)
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.call(instance, func)
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.call::<f32>(instance, func).to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.call::<f64>(instance, func).to_bits()
    }
}

/// Advances `engine`'s epoch until dropped, so that a warm-up that never ends is stopped.
pub(crate) struct Watchdog(Arc<std::sync::atomic::AtomicBool>);

impl Watchdog {
    pub(crate) fn start(engine: &Engine) -> Self {
        let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (engine, flag) = (engine.clone(), Arc::clone(&done));
        std::thread::spawn(move || {
            while !flag.load(std::sync::atomic::Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
                engine.increment_epoch();
            }
        });
        Self(done)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
