//! How often the edit engine is right on a corpus of real edits, and how long it takes.
//!
//! Reads JSON lines `{original, edit, expected, language, path, expect_refusal?}`, one file of the corpus after
//! the other. A result is *exact* when it equals the expected file byte for byte (or is the refusal that is
//! expected), *white space* when it differs in nothing else, *refused* when the engine said no, and *damage*
//! when it reported success with another file, which is the worst there is.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use booster_bench::calibrate::{self, Observation};
use booster_bench::derive::{self, Derived};
use booster_bench::engine::{Engine, Kind, cpu_us};
use clap::Parser;
use serde::{Deserialize, Serialize};

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
    /// Write each case that was not exact to a file, as JSON lines `{id, verdict, refusal, output}`
    #[arg(long, value_name = "FILE")]
    failures: Option<PathBuf>,
    /// Instead, write each edit in other ways too and print what the engine's scores are worth
    #[arg(long, conflicts_with_all = ["engine", "json", "floor", "failures"])]
    calibrate: bool,
}

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    id: String,
    original: String,
    edit: String,
    expected: String,
    language: Option<String>,
    path: Option<String>,
    #[serde(default)]
    expect_refusal: bool,
    #[serde(default)]
    format: String,
    #[serde(default)]
    source_repo: String,
}

/// Counts of one file or one language in it.
#[derive(Debug, Clone, Default)]
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
    cases: usize,
    exact: usize,
    whitespace: usize,
    damage: usize,
    refused: usize,
}

impl Language {
    fn new(language: String, counts: &Counts) -> Self {
        let &Counts { cases, exact, whitespace, damage, refused } = counts;
        Self { language, cases, exact, whitespace, damage, refused }
    }
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
    if options.calibrate {
        return calibrate_on(&options.files).map(|()| true);
    }
    let engine = Engine::new(options.engine)?;
    let floors = read_floors(options.floor.as_deref())?;
    let mut failures = options.failures.as_deref().map(create).transpose()?;
    let mut files = Vec::new();
    for path in &options.files {
        files.push(measure(&engine, path, failures.as_mut())?);
    }
    if options.json {
        println!("{}", serde_json::json!({ "files": files }));
    } else {
        print_table(&files);
    }
    Ok(files.iter().all(|file| reaches(file, floors.get(&file.file))))
}

fn create(path: &Path) -> Result<std::fs::File, String> {
    std::fs::File::create(path).map_err(|error| format!("{}: {error}", path.display()))
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

fn read_cases(path: &Path) -> Result<Vec<Case>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let case = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| format!("{} line {}: {error}", path.display(), number + 1))
    };
    lines.map(case).collect()
}

fn measure(engine: &Engine, path: &Path, mut failures: Option<&mut std::fs::File>) -> Result<File, String> {
    let mut languages: BTreeMap<String, Counts> = BTreeMap::new();
    let mut total = Counts::default();
    let mut micros = Vec::new();
    for case in read_cases(path)? {
        let input = serde_json::json!({
            "code": case.original, "edit": case.edit, "language": case.language, "path": case.path,
        });
        let begin = cpu_us();
        let answer = engine.apply(&input.to_string())?;
        micros.push(cpu_us() - begin);
        let language = case.language.clone().unwrap_or_else(|| "none".into());
        let verdict = Verdict::of(&case.expected, case.expect_refusal, answer.as_deref().ok());
        for counts in [&mut total, languages.entry(language).or_default()] {
            counts.add(verdict);
        }
        if let Some(file) = failures.as_mut().filter(|_| verdict != Verdict::Exact) {
            let line = serde_json::json!({
                "id": case.id, "verdict": verdict, "refusal": answer.as_ref().err(), "output": answer.as_ref().ok(),
            });
            writeln!(file, "{line}").map_err(|error| error.to_string())?;
        }
    }
    micros.sort_unstable();
    let at = |share: f64| {
        let place = (micros.len() as f64 * share).ceil() as usize;
        micros.get(place.clamp(1, micros.len().max(1)) - 1).copied().unwrap_or(0)
    };
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let languages =
        languages.into_iter().map(|(language, counts)| Language::new(language, &counts)).collect();
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

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Exact,
    Whitespace,
    Damage,
    Refused,
}

impl Verdict {
    /// Judges an answer: the new file, or `None` for a refusal.
    fn of(expected: &str, refuse: bool, answer: Option<&str>) -> Self {
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        match answer {
            None if refuse => Self::Exact,
            None => Self::Refused,
            Some(_) if refuse => Self::Damage,
            Some(file) if file == expected => Self::Exact,
            Some(file) if bare(file) == bare(expected) => Self::Whitespace,
            Some(_) => Self::Damage,
        }
    }
}

impl Counts {
    fn add(&mut self, verdict: Verdict) {
        self.cases += 1;
        match verdict {
            Verdict::Exact => self.exact += 1,
            Verdict::Whitespace => self.whitespace += 1,
            Verdict::Damage => self.damage += 1,
            Verdict::Refused => self.refused += 1,
        }
    }
}

/// Applies every edit of the corpus and other ways of writing it, and prints how often each way goes right, what the
/// scores are worth, and whether that holds for repositories that were left out.
fn calibrate_on(paths: &[PathBuf]) -> Result<(), String> {
    let mut kinds: BTreeMap<&'static str, Counts> = BTreeMap::new();
    let mut observations = Vec::new();
    let mut pairs = HashSet::new();
    for path in paths {
        for case in read_cases(path)? {
            let new_pair = pairs.insert((case.original.clone(), case.expected.clone()));
            for derived in ways_of_writing(&case, new_pair) {
                let counts = kinds.entry(derived.kind).or_default();
                observations.extend(observe(&case, &derived, counts));
            }
        }
    }
    print_kinds(&kinds);
    print_model(&calibrate::fit(observations.iter()));
    print_reliability(&calibrate::table(&calibrate::cross_validated(&observations)));
    Ok(())
}

fn ways_of_writing(case: &Case, new_pair: bool) -> Vec<Derived> {
    let mut ways = vec![Derived { kind: "as it is", edit: case.edit.clone(), refuse: case.expect_refusal }];
    if new_pair && !case.expect_refusal {
        ways.extend(derive::from_files(&case.original, &case.expected));
    }
    if case.format == "snippet_full_def" {
        ways.extend(derive::from_definition(&case.original, &case.edit, &case.expected));
    }
    ways
}

/// Counts one edit; a success is an observation. A file that differs in white space only is right here.
fn observe(case: &Case, derived: &Derived, counts: &mut Counts) -> Option<Observation> {
    let applied = booster_apply::apply(&booster_apply::Request {
        code: &case.original,
        edit: &derived.edit,
        language: case.language.as_deref(),
        path: case.path.as_deref(),
        format: None,
        min_confidence: Some(0.0),
    });
    let answer = applied.as_ref().ok().map(|applied| applied.output.as_str());
    let verdict = Verdict::of(&case.expected, derived.refuse, answer);
    counts.add(verdict);
    let applied = applied.ok()?;
    Some(Observation {
        repository: case.source_repo.clone(),
        group: booster_apply::strategy_group(applied.strategy),
        score: applied.score,
        right: verdict != Verdict::Damage,
    })
}

fn print_kinds(kinds: &BTreeMap<&'static str, Counts>) {
    println!(
        "{:<30} {:>6} {:>6} {:>11} {:>7} {:>8}",
        "way of writing", "cases", "exact", "white space", "damage", "refused"
    );
    for (kind, Counts { cases, exact, whitespace, damage, refused }) in kinds {
        println!("{kind:<30} {cases:>6} {exact:>6} {whitespace:>11} {damage:>7} {refused:>8}");
    }
}

fn print_model(model: &calibrate::Model) {
    println!("\nconfidence from a score on, by group of strategies");
    for (group, steps) in model {
        let shown: Vec<String> =
            steps.iter().map(|(score, share)| format!("({score}, {share:.4})")).collect();
        println!("{group:<20} {}", shown.join(", "));
    }
}

fn print_reliability(rows: &[calibrate::Row]) {
    println!("\neach repository with the others' confidences");
    println!("{:>10} {:>8} {:>16} {:>12}", "confidence", "results", "mean confidence", "share right");
    for row in rows {
        let share = row.right as f64 / row.results as f64;
        println!("{:>10} {:>8} {:>16.4} {share:>12.4}", format!("≥ {}", row.from), row.results, row.mean);
    }
}

fn print_table(files: &[File]) {
    println!(
        "{:<26} {:>6} {:>6} {:>11} {:>7} {:>8} {:>9} {:>9}",
        "file", "cases", "exact", "white space", "damage", "refused", "p50 us", "p99 us"
    );
    for file in files {
        println!(
            "{:<26} {:>6} {:>6} {:>11} {:>7} {:>8} {:>9} {:>9}",
            file.file,
            file.cases,
            file.exact,
            file.whitespace,
            file.damage,
            file.refused,
            file.p50_us,
            file.p99_us
        );
        for row in &file.languages {
            println!(
                "  {:<24} {:>6} {:>6} {:>11} {:>7} {:>8}",
                row.language, row.cases, row.exact, row.whitespace, row.damage, row.refused
            );
        }
    }
}
