//! Submits one job and then a few together, without waiting for them.
//!
//! `REDIS_URL=… cargo run --package booster-producer --example submit`
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;

use booster_core::{Config, Job, Priority};
use booster_producer::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // REDIS_URL and the other variables; see the README's table of settings.
    let config = Config::load(None, |name| std::env::var(name).ok())?;
    let client = Client::connect(config)?;

    let input =
        r#"{"code":"def a():\n    return 1\n","edit":"def a():\n    return 2\n","language":"python"}"#;
    let mut job = Job::new("apply", input)?;
    // A second job with this id adds nothing, so a submit that failed may be repeated.
    job.id = Some(format!("example-{}", std::process::id()));
    for _ in 0..2 {
        let submitted = client.submit(job.clone()).await?;
        println!("{}: {}", submitted.id, if submitted.accepted { "accepted" } else { "known already" });
    }

    let mut jobs = Vec::new();
    for _ in 0..10 {
        let mut job = Job::new("noop", "{}")?;
        job.priority = Priority::Low;
        jobs.push(job);
    }
    // Each goes to the queue of its priority; a queue's name instead of `None` sends all of them there.
    let submitted = client.submit_many(jobs, None, false).await?;
    println!("{} more, the first is {}", submitted.len(), submitted[0].id);

    // A wrong job is refused before anything is added.
    match client.submit(Job::new("no-such-booster", "{}")?).await {
        Err(error) => println!("{}: {error}", error.code()),
        Ok(_) => return Err("this fleet knows no-such-booster".into()),
    }
    Ok(())
}
