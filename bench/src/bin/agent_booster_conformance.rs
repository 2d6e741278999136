//! `agent-booster-conformance`: the booster `agent-booster` and the npm package under Node on the same inputs.
//!
//! The inputs are the example edits in eight languages, once with the right language and once as the package's own
//! JavaScript passes it (`"compat": "dist"`). It ends with `N of N identical`, and with status 1 when one differs.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use booster_core::Attempt;
use booster_engine::{Booster, Runtime, RuntimeConfig, Sandbox, Silent, Task, default_modules_dir};
use booster_examples::{default_dir, edits};
use serde_json::{Value, json};

/// Memory of an instance, bytes.
const MEMORY: usize = 512 << 20;
/// Largest answer, bytes.
const MAX_OUTPUT: usize = 64 << 20;
/// Time for one input.
const LIMIT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("agent-booster-conformance: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One input with its group in the table.
struct Case {
    group: String,
    name: String,
    input: Value,
}

fn run() -> Result<bool, String> {
    let cases = cases()?;
    let node = under_node(&cases)?;
    let ours = in_the_sandbox(&cases)?;
    let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut identical = 0;
    for ((case, node), ours) in cases.iter().zip(&node).zip(&ours) {
        let same = node == ours;
        identical += usize::from(same);
        let group = groups.entry(&case.group).or_default();
        group.0 += usize::from(same);
        group.1 += 1;
        if !same {
            println!("{}: Node {node}\n  sandbox {ours}", case.name);
        }
    }
    for (group, (same, all)) in groups {
        println!("{group:<24} {same:>4} of {all}");
    }
    println!("{identical} of {} identical", cases.len());
    Ok(identical == cases.len() && cases.len() >= 100)
}

/// The example edits, each in both ways of passing the language.
fn cases() -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for case in edits(&default_dir()).map_err(|error| error.to_string())? {
        let input: Value = serde_json::from_str(&case.input).map_err(|error| error.to_string())?;
        for compat in [None, Some("dist")] {
            let input = json!({
                "code": input["code"],
                "edit": input["edit"],
                "language": case.group,
                "compat": compat,
            });
            let way = compat.unwrap_or("right");
            let (group, name) =
                (format!("{} ({way})", case.group), format!("{}/{} ({way})", case.group, case.name));
            cases.push(Case { group, name, input });
        }
    }
    Ok(cases)
}

/// What the package answers, one JSON value for each case.
fn under_node(cases: &[Case]) -> Result<Vec<Value>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let package = root.join("guests/target/npm/agent-booster-0.2.2/package");
    let script: PathBuf = root.join("bench/src/bin/agent_booster_conformance.mjs");
    let failed = |error: std::io::Error| format!("node: {error}");
    let mut child = Command::new("node")
        .arg(script)
        .arg(package)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let lines: String = cases.iter().map(|case| format!("{}\n", case.input)).collect();
    let mut stdin = child.stdin.take().ok_or("node has no standard input")?;
    // The script reads all before it answers, so this cannot block on its answers.
    stdin.write_all(lines.as_bytes()).map_err(failed)?;
    drop(stdin);
    let output = child.wait_with_output().map_err(failed)?;
    if !output.status.success() {
        return Err(format!("node ended with {}", output.status));
    }
    let text = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    let answers: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    let answers = answers.map_err(|error| error.to_string())?;
    if answers.len() == cases.len() { Ok(answers) } else { Err("node did not answer every input".into()) }
}

/// What the booster answers, in the same form.
fn in_the_sandbox(cases: &[Case]) -> Result<Vec<Value>, String> {
    let failed = |error: booster_engine::EngineError| error.to_string();
    let engine = Runtime::new(RuntimeConfig::new(1, MEMORY)).map_err(failed)?;
    let module = default_modules_dir().join("agent-booster.wasm");
    let unreadable =
        |error: std::io::Error| format!("{}: {error}; see `make agent-booster`", module.display());
    let wasm = std::fs::read(&module).map_err(unreadable)?;
    let manifest = std::fs::read_to_string(module.with_extension("json")).map_err(unreadable)?;
    let manifest = serde_json::from_str(&manifest).map_err(|error| error.to_string())?;
    let booster = Arc::new(Booster::load(&engine, manifest, &wasm).map_err(failed)?);
    if let Some(reason) = booster.cold_reason() {
        println!("agent-booster starts cold: {reason}");
    }
    let mut sandbox = Sandbox::new(engine, Arc::new(Silent));
    let mut answers = Vec::new();
    for case in cases {
        let input = case.input.to_string();
        let task = Task { input: &input, timeout: LIMIT, max_output: MAX_OUTPUT, stop: None };
        let run = sandbox.run(&booster, &task);
        answers.push(match run.attempt {
            Attempt::Done(answer) | Attempt::Refused(answer) => without_reason(answer.get())?,
            Attempt::Failed { .. } => json!({ "trap": true }),
            other => return Err(format!("{}: {other:?}", case.name)),
        });
    }
    Ok(answers)
}

/// An answer without what the fleet adds to a refusal.
fn without_reason(json: &str) -> Result<Value, String> {
    let mut answer: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if let Some(fields) = answer.as_object_mut() {
        fields.remove("reason");
        fields.remove("message");
    }
    Ok(answer)
}
