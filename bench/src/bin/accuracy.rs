//! How often the edit engine is right on a corpus of real edits, and how long it takes.
//!
//! Reads JSON lines `{original, edit, expected, language, path, expect_refusal?}`, one file of the corpus after
//! the other. A result is *exact* when it equals the expected file byte for byte (or is the refusal that is
//! expected), *white space* when it differs in nothing else, *refused* when the engine said no, and *damage*
//! when it reported success with another file, which is the worst there is.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use booster_core::{Attempt, Target};
use booster_engine::{Booster, Pool, PoolConfig, Registry, Request, Runtime, Silent, default_modules_dir};
use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Memory of the sandbox.
const MEMORY: usize = 512 << 20;
/// Largest answer of the sandbox.
const MAX_OUTPUT: usize = 64 << 20;

/// Measures the edit engine on a corpus.
#[derive(Debug, Parser)]
struct Options {
    /// Files of the corpus, JSON lines
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Run the engine in this process, or as the fleet does
    #[arg(long, value_enum, default_value_t = Kind::Native)]
    engine: Kind,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// A file of counts below which a file of the corpus must not fall; exit status 1 when one does
    #[arg(long, value_name = "FILE")]
    floor: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Native,
    Wasm,
}

#[derive(Deserialize)]
struct Case {
    original: String,
    edit: String,
    expected: String,
    language: Option<String>,
    path: Option<String>,
    #[serde(default)]
    expect_refusal: bool,
}

/// Counts of one file or one language in it.
#[derive(Debug, Clone, Default, Serialize)]
struct Counts {
    cases: usize,
    exact: usize,
    whitespace: usize,
    damage: usize,
    refused: usize,
}

#[derive(Serialize)]
struct Language {
    language: String,
    #[serde(rename = "counts")]
    counts: Counts,
}

#[derive(Serialize)]
struct File {
    file: String,
    cases: usize,
    exact: usize,
    whitespace: usize,
    damage: usize,
    refused: usize,
    p50_us: u64,
    p99_us: u64,
    languages: Vec<Language>,
}

/// The least that a file of the corpus must reach.
#[derive(Deserialize)]
struct Floor {
    exact: usize,
    damage: usize,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("accuracy: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<bool, String> {
    let engine = Engine::new(options.engine)?;
    let floors = read_floors(options.floor.as_deref())?;
    let mut files = Vec::new();
    for path in &options.files {
        files.push(measure(&engine, path)?);
    }
    if options.json {
        println!("{}", serde_json::json!({ "files": files }));
    } else {
        print_table(&files);
    }
    Ok(files.iter().all(|file| reaches(file, floors.get(&file.file))))
}

fn read_floors(path: Option<&Path>) -> Result<BTreeMap<String, Floor>, String> {
    let Some(path) = path else { return Ok(BTreeMap::new()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn reaches(file: &File, floor: Option<&Floor>) -> bool {
    let Some(floor) = floor else { return true };
    let fine = file.exact >= floor.exact && file.damage <= floor.damage;
    if !fine {
        eprintln!(
            "accuracy: {}: {} exact and {} damage; at least {} and at most {} are required",
            file.file, file.exact, file.damage, floor.exact, floor.damage
        );
    }
    fine
}

fn measure(engine: &Engine, path: &Path) -> Result<File, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut languages: BTreeMap<String, Counts> = BTreeMap::new();
    let mut total = Counts::default();
    let mut micros = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let case: Case = serde_json::from_str(line)
            .map_err(|error| format!("{} line {}: {error}", path.display(), number + 1))?;
        let input = serde_json::json!({
            "code": case.original, "edit": case.edit, "language": case.language, "path": case.path,
        });
        let begin = cpu_us();
        let answer = engine.apply(&input.to_string())?;
        micros.push(cpu_us() - begin);
        let language = case.language.clone().unwrap_or_else(|| "none".into());
        for counts in [&mut total, languages.entry(language).or_default()] {
            count(counts, &case, answer.as_deref());
        }
    }
    micros.sort_unstable();
    let at = |share: f64| {
        let place = (micros.len() as f64 * share).ceil() as usize;
        micros.get(place.clamp(1, micros.len().max(1)) - 1).copied().unwrap_or(0)
    };
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let languages = languages.into_iter().map(|(language, counts)| Language { language, counts }).collect();
    let Counts { cases, exact, whitespace, damage, refused } = total;
    Ok(File {
        file: name,
        cases,
        exact,
        whitespace,
        damage,
        refused,
        p50_us: at(0.5),
        p99_us: at(0.99),
        languages,
    })
}

/// Counts one answer: the new file, or `None` for a refusal.
fn count(counts: &mut Counts, case: &Case, answer: Option<&str>) {
    counts.cases += 1;
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    match answer {
        None if case.expect_refusal => counts.exact += 1,
        None => counts.refused += 1,
        Some(_) if case.expect_refusal => counts.damage += 1,
        Some(file) if file == case.expected => counts.exact += 1,
        Some(file) if bare(file) == bare(&case.expected) => counts.whitespace += 1,
        Some(_) => counts.damage += 1,
    }
}

fn print_table(files: &[File]) {
    println!(
        "{:<18} {:>6} {:>6} {:>11} {:>7} {:>8} {:>9} {:>9}",
        "file", "cases", "exact", "white space", "damage", "refused", "p50 us", "p99 us"
    );
    for file in files {
        println!(
            "{:<18} {:>6} {:>6} {:>11} {:>7} {:>8} {:>9} {:>9}",
            file.file,
            file.cases,
            file.exact,
            file.whitespace,
            file.damage,
            file.refused,
            file.p50_us,
            file.p99_us
        );
        for Language { language, counts } in &file.languages {
            println!(
                "  {language:<16} {:>6} {:>6} {:>11} {:>7} {:>8}",
                counts.cases, counts.exact, counts.whitespace, counts.damage, counts.refused
            );
        }
    }
}

/// CPU time of this process so far, microseconds.
fn cpu_us() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1000
}

/// The engine, natively or in its sandbox.
enum Engine {
    Native,
    Wasm { pool: Pool, booster: Arc<Booster>, runtime: tokio::runtime::Runtime },
}

impl Engine {
    fn new(kind: Kind) -> Result<Self, String> {
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
        Ok(Self::Wasm { pool, booster, runtime })
    }

    /// The new file, or `None` for a refusal.
    fn apply(&self, input: &str) -> Result<Option<String>, String> {
        let output = match self {
            Self::Native => booster_apply::apply_json(input).ok(),
            Self::Wasm { pool, booster, runtime } => {
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
