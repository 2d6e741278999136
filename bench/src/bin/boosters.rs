//! `boosters DIR`: runs every booster of a directory on the same inputs, compares what they answer, and prints size,
//! start-up and cost of a job.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use booster_core::{Attempt, Manifest};
use booster_engine::{Booster, EngineNote, EngineObserver, Runtime, RuntimeConfig, Sandbox, Task};

/// Jobs that are measured of each booster.
const JOBS: usize = 500;
/// Memory of an instance, bytes.
const MEMORY: usize = 512 << 20;
/// Largest answer, bytes.
const MAX_OUTPUT: usize = 1 << 20;
/// Time for one input.
const LIMIT: Duration = Duration::from_secs(30);
/// Inputs that all boosters get; the answers to the last three are refusals.
const INPUTS: [&str; 7] = [
    r#"{"text":"Two words\nand three more.\n"}"#,
    r#"{"text":"caf\u00e9 \ud83d\ude00\tok","more":[1,{"text":2}]}"#,
    r#"{"n":-1.5e3,"text":""}"#,
    r#"{ "text" : " a  b\r\n\r\nc" }"#,
    r#"{"text":7}"#,
    r#"{}"#,
    r#"["text"]"#,
];

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: boosters DIR");
        return ExitCode::from(2);
    };
    match run(&dir) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("boosters: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The seconds that the last instantiations took.
#[derive(Default)]
struct Instantiations(Mutex<Vec<f64>>);

impl EngineObserver for Instantiations {
    fn note(&self, note: &EngineNote<'_>) {
        if let EngineNote::Instantiated { seconds, .. } = note
            && let Ok(mut all) = self.0.lock()
        {
            all.push(*seconds);
        }
    }
}

fn run(dir: &Path) -> Result<bool, String> {
    let mut modules: Vec<PathBuf> = std::fs::read_dir(dir)
        .map_err(|error| format!("{}: {error}", dir.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .collect();
    modules.sort();
    println!(
        "{:<18} {:>9} {:>10} {:>6} {:>15} {:>15} {:>15}",
        "booster", "size KB", "load ms", "start", "instantiate µs", "job p50 µs", "job p99 µs"
    );
    let mut first: Option<Vec<String>> = None;
    let mut agree = true;
    for module in &modules {
        let answers = measure(module)?;
        let expected = first.get_or_insert_with(|| answers.clone());
        if *expected != answers {
            agree = false;
            println!("{}: answers {answers:?} instead of {expected:?}", module.display());
        }
    }
    let word = if agree { "the same" } else { "not the same" };
    println!("{} boosters, {} inputs each: the answers are {word}", modules.len(), INPUTS.len());
    Ok(agree && !modules.is_empty())
}

/// Measures one booster, prints its line, and returns its answers.
fn measure(path: &Path) -> Result<Vec<String>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let wasm = std::fs::read(path).map_err(|error| failed(&error))?;
    let manifest = std::fs::read_to_string(path.with_extension("json")).map_err(|error| failed(&error))?;
    let manifest: Manifest = serde_json::from_str(&manifest).map_err(|error| failed(&error))?;
    let name = manifest.name.clone();
    let engine = Runtime::new(RuntimeConfig::new(1, MEMORY)).map_err(|error| failed(&error))?;
    let start = Instant::now();
    let booster = Arc::new(Booster::load(&engine, manifest, &wasm).map_err(|error| failed(&error))?);
    let load = start.elapsed().as_secs_f64() * 1000.0;
    let warm = if booster.manifest().warm_up.is_empty() || booster.cold_reason().is_some() {
        "cold"
    } else {
        "warm"
    };
    let cold = booster.cold_reason().map(ToOwned::to_owned);

    let observer = Arc::new(Instantiations::default());
    let mut sandbox = Sandbox::new(engine, Arc::clone(&observer) as _);
    let mut job = |input: &str| {
        let ran = sandbox.run(&booster, &Task { input, timeout: LIMIT, max_output: MAX_OUTPUT, stop: None });
        sandbox.clear();
        ran
    };
    let mut answers = Vec::new();
    for input in INPUTS {
        answers.push(match job(input).attempt {
            Attempt::Done(output) => sorted("done", output.get()),
            Attempt::Refused(refusal) => sorted("refused", refusal.get()),
            other => format!("{other:?}"),
        });
    }
    if let Ok(mut all) = observer.0.lock() {
        all.clear();
    }
    let mut micros = Vec::with_capacity(JOBS);
    for _ in 0..JOBS {
        micros.push(job(INPUTS[0]).latency_ms * 1000.0);
    }
    let mut made: Vec<f64> = observer.0.lock().map(|all| all.clone()).unwrap_or_default();
    let made = quantile(&mut made, 0.5) * 1e6;
    let (p50, p99) = (quantile(&mut micros, 0.5), quantile(&mut micros, 0.99));
    let size = wasm.len() / 1000;
    println!("{name:<18} {size:>9} {load:>10.0} {warm:>6} {made:>15.1} {p50:>15.1} {p99:>15.1}");
    if let Some(reason) = cold {
        println!("  starts cold: {reason}");
    }
    Ok(answers)
}

/// An answer in a form that does not depend on blanks and the order of fields.
fn sorted(kind: &str, json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    format!("{kind} {value}")
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}
