//! Follows a job's life in the fleet's events.
//!
//! `REDIS_URL=… cargo run --package booster-producer --example events`
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use booster_core::{Config, Job};
use booster_producer::{Client, EventsFrom};
use futures_util::StreamExt;
use tokio::time::timeout;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::connect(Config::load(None, |name| std::env::var(name).ok())?)?;
    let submitted = client.submit(Job::new("noop", "{}")?).await?;

    // All that is kept, then what comes. Who wants to go on later keeps an event's `entry` and begins `After` it.
    let mut events = pin!(client.events(EventsFrom::Kept));
    loop {
        let event =
            match timeout(Duration::from_secs(60), events.next()).await?.ok_or("the stream has no end")? {
                Ok(event) => event,
                // Redis is away; the stream goes on by itself.
                Err(error) => {
                    println!("{error}");
                    continue;
                }
            };
        if event.job_id().as_ref() == Some(&submitted.id) {
            println!("{} {} {}", event.entry, event.kind, event.data);
            if event.kind == "booster.task.completed" {
                return Ok(());
            }
        }
    }
}
