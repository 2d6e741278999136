//! This fleet's submitter. Its worker is `booster-worker` itself.

use std::time::{Duration, Instant};

use booster_core::{Config, Job};
use booster_producer::{Client, ClientError};

use super::{BATCH, process::Submitter};

/// The queue that is measured.
pub const QUEUE: &str = "normal";

/// The fleet's client as a submitter.
#[derive(Debug)]
pub struct Ours {
    client: Client,
}

impl Ours {
    /// Connects to the Redis at `url`.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn connect(url: &str) -> Result<Self, ClientError> {
        Ok(Self { client: Client::connect(config(url, 1))? })
    }
}

/// The configuration of client and workers: the defaults, but for the address and the number of slots.
pub fn config(url: &str, slots: usize) -> Config {
    let mut config = Config::default();
    config.redis.url = url.to_owned();
    config.wasm.pool_size = slots;
    config
}

fn noop(bytes: usize) -> Result<Job, ClientError> {
    Ok(Job::new("noop", &format!("{{\"data\":\"{}\"}}", "x".repeat(bytes)))?)
}

impl Submitter for Ours {
    async fn fill(&mut self, count: usize, bytes: usize) -> Result<u64, ClientError> {
        let job = noop(bytes)?;
        let queue = self.client.queue(QUEUE);
        let mut sent = 0;
        while sent < count {
            let batch = BATCH.min(count - sent);
            queue.submit(vec![job.clone(); batch], false).await?;
            sent += batch;
        }
        Ok(0)
    }

    async fn single(&mut self, bytes: usize, limit: Duration) -> Result<Option<Duration>, ClientError> {
        let job = noop(bytes)?;
        let begin = Instant::now();
        let submitted = self.client.submit_many(vec![job], None, true).await?;
        let ids = submitted.into_iter().map(|answer| answer.id).collect();
        let missing = self.client.wait_each(ids, limit, |_| {}).await?;
        Ok(missing.is_empty().then(|| begin.elapsed()))
    }

    async fn hold(&mut self) -> Result<String, ClientError> {
        // It runs until its deadline, which is half a minute by default.
        let job = Job::new("faulty", r#"{"do":"loop"}"#)?;
        Ok(self.client.submit(job).await?.id)
    }
}
