//! Waits for one outcome, and for many as they come.
//!
//! `REDIS_URL=… cargo run --package booster-producer --example wait`
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use booster_core::outcome::OutcomeKind;
use booster_core::{Config, Job};
use booster_producer::Client;

/// How long to wait.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::connect(Config::load(None, |name| std::env::var(name).ok())?)?;

    let input =
        r#"{"code":"def a():\n    return 1\n","edit":"def a():\n    return 2\n","language":"python"}"#;
    let submitted = client.submit(Job::new("apply", input)?).await?;
    let outcome = client.wait(&submitted.id, LIMIT).await?.ok_or("no outcome in time")?;
    match outcome.outcome {
        OutcomeKind::Done => println!("done: {}", outcome.output.as_ref().map_or("", |json| json.get())),
        OutcomeKind::Refused => {
            println!("refused: {}", outcome.refusal.as_ref().map_or("", |json| json.get()))
        }
        OutcomeKind::Dead => println!("dead: {:?}", outcome.error),
        OutcomeKind::Cancelled => println!("cancelled"),
    }

    let jobs = (0..100).map(|_| Job::new("noop", "{}")).collect::<Result<Vec<_>, _>>()?;
    // With `watch` workers announce each outcome, which makes waiting quick.
    let submitted = client.submit_many(jobs, None, true).await?;
    let ids = submitted.into_iter().map(|one| one.id).collect();
    let mut ended = BTreeMap::new();
    let missing = client
        .wait_each(ids, LIMIT, |outcome| *ended.entry(outcome.outcome.as_str()).or_insert(0) += 1)
        .await?;
    println!("{ended:?}, {} without an outcome", missing.len());
    if missing.is_empty() { Ok(()) } else { Err("not all ended in time".into()) }
}
