//! The example edits: hand-written sources, edits and expected results in eight languages, and cases of the other
//! boosters.
//!
//! The demo runs them through a fleet, the tests through the engine natively and in its sandbox; all check
//! every outcome byte for byte. Expected files are written by hand, never by running the engine.

use std::path::{Path, PathBuf};

use booster_core::outcome::JobOutcome;
use booster_core::{Job, JobError, OutcomeKind};
use serde::Deserialize;

/// Languages with example edits, by folder name.
pub const LANGUAGES: [&str; 8] = ["c", "cpp", "go", "java", "javascript", "python", "rust", "typescript"];

/// What a case must come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The output's field `output`: the whole file after the edit.
    Done(String),
    /// Functions with their measures, all of which the output's `functions` must have.
    Measured(Vec<Measures>),
    /// The refusal's reason.
    Refused(String),
    /// The error's code of the job's death.
    Dead(String),
}

/// What must be measured of a function: its name, cyclomatic and cognitive complexity, nesting and loop depth.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Measures(String, u64, u64, u64, u64);

/// One example job.
#[derive(Debug, Clone)]
pub struct Case {
    /// The language's folder of an edit, the booster's name for other boosters, or `faults`.
    pub group: String,
    /// The case's name, unique in its group.
    pub name: String,
    /// The booster that is asked.
    pub booster: String,
    /// The job's input, JSON text.
    pub input: String,
    /// Deadline of an attempt, milliseconds.
    pub timeout_ms: Option<u64>,
    /// Retries of a failed attempt.
    pub max_retries: Option<u32>,
    /// What it must come to.
    pub expected: Expected,
}

/// Why the examples cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {detail}")]
pub struct ExampleError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub detail: String,
}

impl ExampleError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        "example_file"
    }

    /// Never: the file itself is wrong.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

impl Case {
    /// The case as a job with the id `{group}-{name}{suffix}`.
    ///
    /// # Errors
    /// When the case's input is not JSON.
    pub fn job(&self, suffix: &str) -> Result<Job, JobError> {
        let mut job = Job::new(&self.booster, &self.input)?;
        job.id = Some(format!("{}-{}{suffix}", self.group, self.name));
        job.timeout_ms = self.timeout_ms;
        job.max_retries = self.max_retries;
        Ok(job)
    }

    /// Compares an outcome with what the case must come to; says what differs.
    pub fn check(&self, outcome: &JobOutcome) -> Result<(), String> {
        match (&self.expected, outcome.outcome) {
            (Expected::Done(file), OutcomeKind::Done) => {
                let output = outcome.output.as_ref().map(|raw| raw.get()).unwrap_or_default();
                self.check_output(output, file)
            }
            (Expected::Measured(functions), OutcomeKind::Done) => {
                check_measures(outcome.output.as_ref().map(|raw| raw.get()).unwrap_or_default(), functions)
            }
            (Expected::Refused(reason), OutcomeKind::Refused) => {
                let refusal = outcome.refusal.as_ref().map(|raw| raw.get()).unwrap_or_default();
                same("reason", &field(refusal, "reason"), reason)
            }
            (Expected::Dead(code), OutcomeKind::Dead) => {
                let found = outcome.error.as_ref().map(|error| error.code.clone()).unwrap_or_default();
                same("error", &found, code)
            }
            (_, kind) => {
                let detail = match (&outcome.refusal, &outcome.error) {
                    (Some(refusal), _) => refusal.get().to_owned(),
                    (_, Some(error)) => error.message.clone(),
                    _ => String::new(),
                };
                Err(format!("ended as {} instead of {} {detail}", kind.as_str(), self.word()))
            }
        }
    }

    fn check_output(&self, output: &str, file: &str) -> Result<(), String> {
        let found = field(output, "output");
        if found == *file {
            return Ok(());
        }
        let place = found.lines().zip(file.lines()).position(|(a, b)| a != b).unwrap_or(0);
        let line = |text: &str| text.lines().nth(place).unwrap_or("(no such line)").to_owned();
        Err(format!("differs at line {}: `{}` instead of `{}`", place + 1, line(&found), line(file)))
    }

    /// The outcome that is expected, in one word.
    pub fn word(&self) -> &'static str {
        match self.expected {
            Expected::Done(_) | Expected::Measured(_) => "done",
            Expected::Refused(_) => "refused",
            Expected::Dead(_) => "dead",
        }
    }
}

/// Compares the measures of functions; says which differ.
fn check_measures(output: &str, expected: &[Measures]) -> Result<(), String> {
    let report: serde_json::Value = serde_json::from_str(output).unwrap_or_default();
    let functions = report["functions"].as_array().cloned().unwrap_or_default();
    for Measures(name, cyclomatic, cognitive, nesting, loops) in expected {
        let Some(found) = functions.iter().find(|function| function["name"] == name.as_str()) else {
            return Err(format!("no function `{name}` in the report"));
        };
        let measures = ["cyclomatic", "cognitive", "nesting", "loopDepth"];
        for (field, number) in measures.into_iter().zip([cyclomatic, cognitive, nesting, loops]) {
            same(&format!("{name}: {field}"), &found[field].to_string(), &number.to_string())?;
        }
    }
    Ok(())
}

fn same(what: &str, found: &str, expected: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} `{found}` instead of `{expected}`")) }
}

fn field(json: &str, name: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    value[name].as_str().unwrap_or_default().to_owned()
}

/// The folder of the examples in the source tree that this program was built in.
pub fn default_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("edits")
}

/// All edits of all languages.
///
/// # Errors
/// An [`ExampleError`] that names the first file that is missing or wrong.
pub fn edits(dir: &Path) -> Result<Vec<Case>, ExampleError> {
    let mut cases = Vec::new();
    for language in LANGUAGES {
        cases.extend(edits_of(dir, language)?);
    }
    Ok(cases)
}

/// The jobs that go wrong on purpose.
///
/// # Errors
/// As [`edits`].
pub fn faults(dir: &Path) -> Result<Vec<Case>, ExampleError> {
    let path = dir.join("faults.toml");
    let file: CaseFile<FaultEntry> = parse(&path)?;
    Ok(file
        .case
        .into_iter()
        .map(|entry| Case {
            group: "faults".into(),
            name: entry.name,
            booster: "faulty".into(),
            input: entry.input,
            timeout_ms: entry.timeout_ms,
            max_retries: entry.max_retries,
            expected: Expected::Dead(entry.error),
        })
        .collect())
}

/// Cases of the boosters that do not edit: `analyze`, `rewrite` and `scaffold`.
///
/// # Errors
/// As [`edits`].
pub fn boosters(dir: &Path) -> Result<Vec<Case>, ExampleError> {
    let path = dir.join("boosters.toml");
    let file: CaseFile<BoosterEntry> = parse(&path)?;
    file.case.into_iter().map(|entry| booster_case(&path, entry)).collect()
}

fn booster_case(path: &Path, entry: BoosterEntry) -> Result<Case, ExampleError> {
    let wrong = |detail: String| ExampleError {
        path: path.to_path_buf(),
        detail: format!("case {}: {detail}", entry.name),
    };
    let expected = match (entry.output, entry.measures, entry.reason) {
        (Some(output), None, None) => Expected::Done(output),
        (None, Some(measures), None) => Expected::Measured(measures),
        (None, None, Some(reason)) => Expected::Refused(reason),
        _ => return Err(wrong("expected one of output, measures and reason".into())),
    };
    let options = entry.options.as_deref().unwrap_or("{}");
    let mut input: serde_json::Value =
        serde_json::from_str(options).map_err(|error| wrong(format!("options: {error}")))?;
    input["code"] = entry.code.into();
    input["path"] = entry.path.into();
    Ok(Case {
        group: entry.booster.clone(),
        name: entry.name,
        booster: entry.booster,
        input: input.to_string(),
        timeout_ms: None,
        max_retries: None,
        expected,
    })
}

#[derive(Deserialize)]
struct CaseFile<T> {
    case: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditEntry {
    name: String,
    source: String,
    outcome: String,
    reason: Option<String>,
    #[serde(rename = "note")]
    _note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BoosterEntry {
    name: String,
    booster: String,
    path: String,
    code: String,
    options: Option<String>,
    output: Option<String>,
    measures: Option<Vec<Measures>>,
    reason: Option<String>,
    #[serde(rename = "note")]
    _note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultEntry {
    name: String,
    input: String,
    timeout_ms: Option<u64>,
    max_retries: Option<u32>,
    error: String,
    #[serde(rename = "note")]
    _note: String,
}

fn edits_of(dir: &Path, language: &str) -> Result<Vec<Case>, ExampleError> {
    let dir = dir.join(language);
    let file: CaseFile<EditEntry> = parse(&dir.join("cases.toml"))?;
    file.case.into_iter().map(|entry| edit_case(&dir, language, entry)).collect()
}

fn edit_case(dir: &Path, language: &str, entry: EditEntry) -> Result<Case, ExampleError> {
    let extension = Path::new(&entry.source).extension().and_then(|ext| ext.to_str()).unwrap_or_default();
    let file = format!("{}.{extension}", entry.name);
    let code = read(&dir.join("src").join(&entry.source))?;
    let edit = read(&dir.join("edits").join(&file))?;
    let expected = match (entry.outcome.as_str(), entry.reason) {
        ("done", None) => Expected::Done(read(&dir.join("expected").join(&file))?),
        ("refused", Some(reason)) => Expected::Refused(reason),
        _ => {
            let detail = format!("case {}: expected outcome done, or refused with a reason", entry.name);
            return Err(ExampleError { path: dir.join("cases.toml"), detail });
        }
    };
    let named = if extension == "tsx" { "tsx" } else { language };
    let input = serde_json::json!({ "code": code, "edit": edit, "language": named, "path": entry.source });
    Ok(Case {
        group: language.to_owned(),
        name: entry.name,
        booster: "apply".into(),
        input: input.to_string(),
        timeout_ms: None,
        max_retries: None,
        expected,
    })
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ExampleError> {
    let text = read(path)?;
    toml::from_str(&text)
        .map_err(|error| ExampleError { path: path.to_path_buf(), detail: error.to_string() })
}

fn read(path: &Path) -> Result<String, ExampleError> {
    std::fs::read_to_string(path)
        .map_err(|error| ExampleError { path: path.to_path_buf(), detail: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn there_are_enough_examples_and_their_names_are_unique() {
        let cases = edits(&default_dir()).unwrap();
        for language in LANGUAGES {
            let of_language: Vec<&Case> = cases.iter().filter(|case| case.group == language).collect();
            let names: HashSet<&str> = of_language.iter().map(|case| case.name.as_str()).collect();
            let sources: HashSet<String> =
                of_language.iter().map(|case| field(&case.input, "path")).collect();
            let refused = of_language.iter().filter(|case| case.word() == "refused").count();
            assert!(
                names.len() >= 20 && names.len() == of_language.len(),
                "{language}: {} cases",
                names.len()
            );
            assert!(sources.len() >= 15, "{language}: {} source files", sources.len());
            assert!(refused >= 3, "{language}: {refused} refusals");
            for case in of_language {
                let size = field(&case.input, "code").len();
                assert!((300..=30_000).contains(&size), "{language}/{}: {size} bytes", case.name);
            }
        }
        assert!(faults(&default_dir()).unwrap().len() >= 4);
        let others = boosters(&default_dir()).unwrap();
        for booster in ["analyze", "rewrite", "scaffold"] {
            let of_booster: Vec<&Case> = others.iter().filter(|case| case.booster == booster).collect();
            let languages: HashSet<String> = of_booster
                .iter()
                .filter_map(|case| field(&case.input, "path").rsplit_once('.').map(|(_, end)| end.to_owned()))
                .collect();
            assert!(languages.len() >= 8, "{booster}: {languages:?}");
            assert!(of_booster.iter().any(|case| case.word() == "refused"), "{booster}: no refusal");
        }
    }
}
