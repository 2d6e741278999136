//! What the demo prints: everything is counted or read from the fleet that just ran.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use booster_core::OutcomeKind;
use booster_core::outcome::JobOutcome;
use booster_examples::Case;
use booster_producer::{Client, ClientError};

/// Prints outcomes by language; returns what differs from what was expected.
pub(crate) fn table(outcomes: &[JobOutcome], cases: &HashMap<String, &Case>) -> Vec<String> {
    let mut rows: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let mut deviations = Vec::new();
    for outcome in outcomes {
        let Some(case) = cases.get(&outcome.id) else {
            deviations.push(format!("{}: an outcome of a job that was not submitted", outcome.id));
            continue;
        };
        let row = rows.entry(&case.group).or_default();
        match outcome.outcome {
            OutcomeKind::Done => row[0] += 1,
            OutcomeKind::Refused => row[1] += 1,
            OutcomeKind::Dead | OutcomeKind::Cancelled => row[2] += 1,
        }
        match case.check(outcome) {
            Ok(()) => row[3] += 1,
            Err(difference) => deviations.push(format!("{}/{}: {difference}", case.group, case.name)),
        }
    }
    println!("{:<12} {:>6} {:>8} {:>6} {:>12}", "group", "done", "refused", "dead", "as expected");
    let mut total = [0; 4];
    for (group, row) in &rows {
        println!("{group:<12} {:>6} {:>8} {:>6} {:>12}", row[0], row[1], row[2], row[3]);
        for (sum, count) in total.iter_mut().zip(row) {
            *sum += count;
        }
    }
    println!("{:<12} {:>6} {:>8} {:>6} {:>12}\n", "all", total[0], total[1], total[2], total[3]);
    deviations
}

/// Prints the state hash of one slot.
pub(crate) async fn state_hash(client: &Client) -> Result<(), ClientError> {
    // The writer coalesces changes for a quarter of a second.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let slots = client.pool().await?;
    if let Some((id, fields)) = slots.into_iter().max_by_key(|(_, fields)| number(fields.get("lastActivity")))
    {
        println!("{}", client.keys().booster(&id));
        for (name, value) in fields.into_iter().collect::<BTreeMap<_, _>>() {
            let short: String = value.chars().take(90).collect();
            println!("  {name:<19} {short}{}", if short.len() < value.len() { "…" } else { "" });
        }
        println!();
    }
    Ok(())
}

fn number(text: Option<&String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Counts the events in the fleet's stream by type.
pub(crate) async fn events(client: &Client, jobs: usize) -> Result<(), ClientError> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    // The follower copies events a moment after they happen.
    for _ in 0..40 {
        counts = count_events(client).await?;
        if counts.get("booster.requested").copied().unwrap_or(0) >= jobs.min(9000) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("events in {}", client.keys().events());
    for (kind, count) in &counts {
        println!("  {kind:<24} {count:>6}");
    }
    println!();
    Ok(())
}

async fn count_events(client: &Client) -> Result<BTreeMap<String, usize>, ClientError> {
    let mut counts = BTreeMap::new();
    let mut command = redis::cmd("XRANGE");
    command.arg(client.keys().events()).arg("-").arg("+");
    let entries: Vec<(String, HashMap<String, String>)> = client.link().query("events", &command).await?;
    let texts =
        entries.iter().flat_map(|(_, fields)| fields.get("events").into_iter().flat_map(|t| t.lines()));
    for text in texts {
        let event: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        *counts.entry(event["type"].as_str().unwrap_or("?").to_owned()).or_insert(0) += 1;
    }
    Ok(counts)
}

/// Prints five series of one worker.
pub(crate) async fn metrics(worker: SocketAddr) -> Result<(), ClientError> {
    let url = format!("http://{worker}/metrics");
    let failed = |error: reqwest::Error| ClientError::machine("a worker's /metrics", error);
    let text = reqwest::get(&url).await.map_err(failed)?.text().await.map_err(failed)?;
    let wanted = [
        "booster_jobs_finished_total",
        "booster_instance_restarts_total",
        "booster_pool_slots ",
        "booster_job_duration_seconds_count",
        "booster_wasm_instantiate_seconds_sum",
    ];
    println!("{url}");
    for name in wanted {
        if let Some(line) = text.lines().find(|line| line.starts_with(name)) {
            println!("  {line}");
        }
    }
    println!();
    Ok(())
}

/// Prints how fast the edits were.
pub(crate) fn speed(outcomes: &[JobOutcome], cases: &HashMap<String, &Case>, elapsed: Duration) {
    let edits = |outcome: &&JobOutcome| cases.get(&outcome.id).is_some_and(|case| case.booster == "apply");
    let mut latencies: Vec<f64> = outcomes.iter().filter(edits).map(|outcome| outcome.latency_ms).collect();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = ((latencies.len() as f64 * share).ceil() as usize).clamp(1, latencies.len().max(1)) - 1;
        latencies.get(place).copied().unwrap_or(0.0)
    };
    println!(
        "{} edits in {:.2} s: {:.0} edits/s; in the sandbox p50 {:.2} ms, p99 {:.2} ms\n",
        latencies.len(),
        elapsed.as_secs_f64(),
        latencies.len() as f64 / elapsed.as_secs_f64().max(1e-9),
        at(0.5),
        at(0.99),
    );
}

/// Prints how an outcome differs from what was expected.
pub(crate) fn deviation(text: &str) {
    println!("deviation: {text}");
}

/// Prints the books: what was submitted is what ended, or it is lost.
pub(crate) fn closing(submitted: usize, outcomes: &[JobOutcome], lost: usize) {
    let count = |kind| outcomes.iter().filter(|outcome| outcome.outcome == kind).count();
    println!(
        "demo: {submitted} submitted, {} done, {} refused, {} dead, {lost} lost",
        count(OutcomeKind::Done),
        count(OutcomeKind::Refused),
        count(OutcomeKind::Dead),
    );
}
