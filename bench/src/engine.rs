//! The edit engine, in this process or in its sandbox, as the accuracy and speed programs run it.

use std::sync::Arc;
use std::time::Duration;

use booster_core::{Attempt, Target};
use booster_engine::{Booster, Pool, PoolConfig, Registry, Request, Runtime, Silent, default_modules_dir};
use clap::ValueEnum;
use rustix::time::{ClockId, clock_gettime};

/// Memory of the sandbox.
const MEMORY: usize = 512 << 20;
/// Largest answer of the sandbox.
const MAX_OUTPUT: usize = 64 << 20;

/// Where the engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// In this process.
    Native,
    /// In the sandbox, as the fleet runs it.
    Wasm,
}

/// CPU time of this process so far, microseconds.
pub fn cpu_us() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1000
}

/// The engine, natively or in its sandbox.
pub enum Engine {
    /// In this process.
    Native,
    /// In its sandbox: a pool of one slot and what runs its jobs.
    Wasm(Box<Sandbox>),
}

/// A pool of one slot with the booster `apply`.
pub struct Sandbox {
    pool: Pool,
    booster: Arc<Booster>,
    runtime: tokio::runtime::Runtime,
}

impl Engine {
    /// Starts the engine; the sandbox needs the module that `make guests` builds.
    pub fn new(kind: Kind) -> Result<Self, String> {
        if kind == Kind::Native {
            return Ok(Self::Native);
        }
        let failed = |error: booster_engine::EngineError| error.to_string();
        let sandbox = Runtime::new(1, MEMORY).map_err(failed)?;
        let registry = Registry::load_dir(&sandbox, &default_modules_dir()).map_err(failed)?;
        let booster =
            registry.resolve(&Target::Booster("apply".into())).cloned().ok_or("no booster `apply`")?;
        let config = PoolConfig {
            worker: "accuracy".into(),
            slots: 1,
            memory_limit: MEMORY,
            max_output: MAX_OUTPUT,
            auto_recovery: true,
        };
        let pool = Pool::start(sandbox, config, Arc::new(Silent)).map_err(failed)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
        Ok(Self::Wasm(Box::new(Sandbox { pool, booster, runtime })))
    }

    /// The new file, or `None` for a refusal.
    pub fn apply(&self, input: &str) -> Result<Option<String>, String> {
        let output = match self {
            Self::Native => booster_apply::apply_json(input).ok(),
            Self::Wasm(sandbox) => {
                let Sandbox { pool, booster, runtime } = sandbox.as_ref();
                let request = Request {
                    id: "case".into(),
                    booster: Arc::clone(booster),
                    input: input.to_owned(),
                    timeout: Duration::from_secs(60),
                    stop: None,
                    allocated: Box::new(|_, _| {}),
                };
                match runtime.block_on(pool.run(request)).map_err(|error| error.to_string())?.attempt {
                    Attempt::Done(output) => Some(output.get().to_owned()),
                    Attempt::Refused(_) => None,
                    other => return Err(format!("the sandbox failed: {other:?}")),
                }
            }
        };
        let Some(output) = output else { return Ok(None) };
        let answer: serde_json::Value = serde_json::from_str(&output).map_err(|error| error.to_string())?;
        Ok(answer["output"].as_str().map(ToOwned::to_owned))
    }
}
