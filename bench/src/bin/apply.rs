//! How fast the edit engine is, beside one parse of the file by tree-sitter, which is the least it has to do.
//!
//! The files are generated TypeScript of 1 KB to 1 MB, each edited in four ways in its middle. Times are CPU time, the
//! median of as many runs as fit in a third of a second, at least five.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use booster_bench::edits::File;
use booster_bench::engine::{Engine, Kind, cpu_us};
use clap::Parser;

/// How long one figure is measured.
const TIME: Duration = Duration::from_millis(330);
/// The least number of runs behind a figure.
const LEAST_RUNS: usize = 5;

/// Measures the edit engine's CPU time.
#[derive(Debug, Parser)]
struct Options {
    /// Also run the engine in its sandbox
    #[arg(long)]
    wasm: bool,
    /// Sizes of the files, bytes
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000])]
    sizes: Vec<usize>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("apply: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let native = Engine::new(Kind::Native)?;
    let wasm = options.wasm.then(|| Engine::new(Kind::Wasm)).transpose()?;
    println!(
        "{:>9} {:<16} {:>10} {:>10} {:>8} {:>10} {:>8}",
        "bytes", "edit", "parse us", "native us", "/ parse", "wasm us", "/ native"
    );
    for &size in &options.sizes {
        let file = File::of(size);
        let parse = median(|| parse(&file.code))?;
        for (name, edit) in file.edits() {
            let input =
                serde_json::json!({ "code": file.code, "edit": edit, "language": "typescript" }).to_string();
            let once = |engine: &Engine| match engine.apply(&input)? {
                Ok(output) if output == file.expected => Ok(()),
                _ => Err(format!("the {name} of {size} bytes gave another file or a refusal")),
            };
            let by_native = median(|| once(&native))?;
            let by_wasm = wasm.as_ref().map(|wasm| median(|| once(wasm))).transpose()?;
            let share = |part: u64, whole: u64| format!("{:.2}", part as f64 / whole.max(1) as f64);
            println!(
                "{:>9} {name:<16} {parse:>10} {by_native:>10} {:>8} {:>10} {:>8}",
                file.code.len(),
                share(by_native, parse),
                by_wasm.map_or_else(|| "-".into(), |time| time.to_string()),
                by_wasm.map_or_else(|| "-".into(), |time| share(time, by_native)),
            );
        }
    }
    Ok(())
}

/// The median CPU time of a run, microseconds.
fn median(mut run: impl FnMut() -> Result<(), String>) -> Result<u64, String> {
    run()?;
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < LEAST_RUNS || begin.elapsed() < TIME {
        let before = cpu_us();
        run()?;
        times.push(cpu_us() - before);
    }
    times.sort_unstable();
    times.get(times.len() / 2).copied().ok_or_else(|| "nothing was measured".into())
}

/// One parse of a file from nothing.
fn parse(code: &str) -> Result<(), String> {
    let mut parser = tree_sitter::Parser::new();
    let grammar = tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into();
    parser.set_language(&grammar).map_err(|error| error.to_string())?;
    parser.parse(code, None).map(|_| ()).ok_or_else(|| "the file was not parsed".into())
}
