//! The tool that breaks fleets: it is satisfied by balanced books, and by nothing else.

use std::time::Duration;

use booster_tests::{Output, run, run_within};
use serde_json::Value;

/// A small round of its first scenario takes some seconds on an idle machine.
const ROUND_LIMIT: Duration = Duration::from_secs(240);

/// Plays a small round; its output and its results.
async fn round(plant: Option<&str>) -> (Output, Value) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("results.json");
    let mut arguments = vec!["--only", "1", "--jobs", "300", "--json", file.to_str().unwrap()];
    arguments.extend(plant.map(|plant| ["--plant", plant]).into_iter().flatten());
    let output = run_within(ROUND_LIMIT, "chaos", &arguments, "").await;
    let results = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let results: Value = serde_json::from_str(&results).unwrap();
    assert!(output.stdout.starts_with(&format!("chaos: seed {}\n", results["seed"])), "{}", output.stdout);
    let scenario = results["scenarios"][0].clone();
    (output, scenario)
}

/// The last line of standard output without the number of jobs that ran twice, which is left to chance.
fn last_line(output: &Output) -> String {
    let line = output.stdout.lines().last().unwrap_or_default();
    let words: Vec<&str> = line.split(", ").filter(|words| !words.ends_with("run twice")).collect();
    words.join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn balanced_books_after_kills_end_with_status_0() {
    let (output, scenario) = round(None).await;
    assert_eq!(output.status, 0, "{output:?}");
    assert_eq!(last_line(&output), "chaos: 300 accepted, 300 settled, 0 lost, 0 stored twice");
    assert_eq!((&scenario["accepted"], &scenario["faults"]), (&300.into(), &Value::Array(vec![])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_job_is_found() {
    let (output, scenario) = round(Some("loss")).await;
    assert_eq!(output.status, 1, "{output:?}");
    assert!(last_line(&output).starts_with("chaos: 301 accepted, 300 settled, 1 lost, 0 stored twice"));
    assert_eq!((&scenario["lost"], &scenario["storedTwice"]), (&1.into(), &0.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_stored_twice_is_found() {
    let (output, scenario) = round(Some("duplicate")).await;
    assert_eq!(output.status, 1, "{output:?}");
    assert!(last_line(&output).starts_with("chaos: 301 accepted, 300 settled, 0 lost, 1 stored twice"));
    assert_eq!((&scenario["lost"], &scenario["storedTwice"]), (&0.into(), &1.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_that_is_not_there_is_named() {
    let output = run("chaos", &["--only", "1,12"], "").await;
    assert_eq!((output.status, output.stdout.as_str()), (2, ""));
    assert!(output.stderr.contains("12") && output.stderr.contains("1 to 11"), "{}", output.stderr);
}
