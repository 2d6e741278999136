//! Has a job done while Redis is away. It needs no fleet: it speaks to an address where nobody is.
//!
//! `cargo run --package booster-producer --example degrade`
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;
use std::time::Duration;

use booster_core::config::Degrade;
use booster_core::{Config, Job};
use booster_producer::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut config = Config::default();
    config.redis.turn_to("redis://127.0.0.1:1".to_owned());
    config.redis.submit_timeout_ms = 300;
    // A regular agent: a program that gets the job on its standard input and answers with JSON. `cat` answers with the
    // job. `Client::connect_with_agent` takes one in Rust, and `Degrade::Local` runs boosters in this process, whose
    // `main` must then begin with `booster_engine::compile_child()`.
    config.booster.degrade = Degrade::Agent;
    config.booster.agent_command = "cat".to_owned();
    let client = Client::connect(config)?;

    let submitted = client.submit(Job::new("apply", r#"{"code":"a","edit":"b"}"#)?).await?;
    let outcome = client.wait(&submitted.id, Duration::from_secs(5)).await?.ok_or("no outcome")?;
    println!(
        "{} by {}, without the fleet: {}: {}",
        outcome.outcome.as_str(),
        outcome.booster,
        outcome.used_fallback,
        outcome.output.as_ref().map_or("", |json| json.get())
    );

    // The fleet's readers learn of it once Redis is back.
    let untold = client.report(Duration::from_millis(100)).await;
    println!("Redis has not been told of {untold} job");
    Ok(())
}
