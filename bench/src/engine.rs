//! The edit engine, in this process or in its sandbox, as the accuracy and speed programs run it.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use booster_core::{Attempt, Config, Target};
use booster_engine::{Booster, Registry, Runtime, RuntimeConfig, Sandbox, Silent, Task, default_modules_dir};
use clap::ValueEnum;
use rustix::time::{ClockId, clock_gettime};

/// Time for one edit in the sandbox.
const LIMIT: Duration = Duration::from_secs(60);
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
    /// In its sandbox, afresh for each edit.
    Wasm(Box<RefCell<Sandbox>>, Arc<Booster>),
}

impl Engine {
    /// Starts the engine; the sandbox needs the module that `make guests` builds.
    pub fn new(kind: Kind) -> Result<Self, String> {
        if kind == Kind::Native {
            return Ok(Self::Native);
        }
        let failed = |error: booster_engine::EngineError| error.to_string();
        let sandbox = Runtime::new(RuntimeConfig::configured(&Config::default(), 1)).map_err(failed)?;
        let registry = Registry::load_dir(&sandbox, &default_modules_dir()).map_err(failed)?;
        let booster =
            registry.resolve(&Target::Booster("apply".into())).cloned().ok_or("no booster `apply`")?;
        let sandbox = Sandbox::new(sandbox, Arc::new(Silent));
        Ok(Self::Wasm(Box::new(RefCell::new(sandbox)), booster))
    }

    /// The new file, or the refusal as JSON.
    pub fn apply(&self, input: &str) -> Result<Result<String, String>, String> {
        let answer = match self {
            Self::Native => booster_apply::apply_json(input),
            Self::Wasm(sandbox, booster) => {
                let task = Task { input, timeout: LIMIT, max_output: MAX_OUTPUT, stop: None };
                match sandbox.borrow_mut().run(booster, &task).attempt {
                    Attempt::Done(output) => Ok(output.get().to_owned()),
                    Attempt::Refused(refusal) => Err(refusal.get().to_owned()),
                    other => return Err(format!("the sandbox failed: {other:?}")),
                }
            }
        };
        let output = match answer {
            Ok(output) => output,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let answer: serde_json::Value = serde_json::from_str(&output).map_err(|error| error.to_string())?;
        answer["output"]
            .as_str()
            .map(|file| Ok(file.to_owned()))
            .ok_or_else(|| format!("no output: {output}"))
    }
}
