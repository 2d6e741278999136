//! Waiting for outcomes: by announcement, with a slow look as a safety net.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use booster_core::outcome::JobOutcome;
use booster_queue::{Queue, QueueError, Watched};
use futures_util::{FutureExt, StreamExt};
use redis::aio::PubSub;
use tokio::time::{Instant, timeout_at};

use crate::client::Client;
use crate::error::ClientError;

/// How often everything that is still missing is looked up, announced or not.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How much later for each missing job: a long list must not keep Redis busy.
const LOOK_EACH: Duration = Duration::from_micros(200);
/// Channels of one SUBSCRIBE.
const SUBSCRIBE_MANY: usize = 500;
/// Announcements handled in one go.
const MANY: usize = 500;

/// Waits for a set of jobs.
pub(crate) struct Waiter<'a> {
    client: &'a Client,
    /// Looked up at the first round.
    queues: Vec<Queue>,
    missing: HashSet<String>,
    /// A job that is offered to regular agents has not ended yet.
    fallback: bool,
    /// The queue in which a job was found.
    home: HashMap<String, usize>,
}

impl<'a> Waiter<'a> {
    pub(crate) fn new(client: &'a Client, ids: Vec<String>, fallback: bool) -> Self {
        let missing = ids.into_iter().collect();
        Self { client, queues: Vec::new(), missing, fallback, home: HashMap::new() }
    }

    /// Looks in this queue alone.
    pub(crate) fn within(self, queue: Queue) -> Self {
        Self { queues: vec![queue], ..self }
    }

    /// Waits until all have ended or the time is over; returns what is missing then.
    pub(crate) async fn run(
        mut self,
        limit: Duration,
        mut each: impl FnMut(JobOutcome),
    ) -> Result<Vec<String>, ClientError> {
        let deadline = Instant::now() + limit;
        let mut subscriber = None;
        for outcome in self.client.degraded_outcomes(&self.missing) {
            self.missing.remove(&outcome.id);
            each(outcome);
        }
        while !self.missing.is_empty() {
            match self.round(&mut subscriber, deadline, &mut each).await {
                Ok(()) => {}
                Err(error) if error.is_retryable() && Instant::now() < deadline => {
                    subscriber = None;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(error) => return Err(error),
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        if std::mem::take(&mut self.fallback) && !self.missing.is_empty() {
            // No agent has done it in time, so the refusal or the death is what it came to.
            let ids: Vec<String> = self.missing.iter().cloned().collect();
            self.look(&ids, &mut each).await?;
        }
        Ok(self.missing.into_iter().collect())
    }

    /// Looks everything up, then listens for a while.
    async fn round(
        &mut self,
        subscriber: &mut Option<PubSub>,
        deadline: Instant,
        each: &mut impl FnMut(JobOutcome),
    ) -> Result<(), ClientError> {
        if self.queues.is_empty() {
            self.queues = self.client.queues().boxed().await?;
        }
        // Announcements are subscribed to before the look, so that none falls between the two.
        let listening = match subscriber {
            Some(listening) => listening,
            None => subscriber.insert(self.subscribe().boxed().await?),
        };
        let ids: Vec<String> = self.missing.iter().cloned().collect();
        self.look(&ids, each).await?;
        let until = deadline.min(Instant::now() + LOOK_EVERY + LOOK_EACH * self.missing.len() as u32);
        let mut messages = listening.on_message().ready_chunks(MANY);
        while !self.missing.is_empty() {
            match timeout_at(until, messages.next()).await {
                Err(_) => return Ok(()),
                Ok(None) => {
                    let detail = "the subscription ended".into();
                    return Err(QueueError::Unreachable { detail }.into());
                }
                Ok(Some(chunk)) => {
                    let ids: Vec<String> =
                        chunk.iter().filter_map(|m| announced(m.get_channel_name())).collect();
                    self.look(&ids, each).await?;
                }
            }
        }
        Ok(())
    }

    async fn subscribe(&self) -> Result<PubSub, QueueError> {
        let mut subscriber = self.client.link().subscriber().await?;
        let channels: Vec<String> = self
            .queues
            .iter()
            .flat_map(|queue| self.missing.iter().map(|id| queue.keys().done_channel(id)))
            .collect();
        for chunk in channels.chunks(SUBSCRIBE_MANY) {
            subscriber
                .subscribe(chunk)
                .await
                .map_err(|error| QueueError::Unreachable { detail: error.to_string() })?;
        }
        Ok(subscriber)
    }

    /// Reports those of `ids` that have ended. A job that no queue knows yet may still come by plain XADD.
    async fn look(&mut self, ids: &[String], each: &mut impl FnMut(JobOutcome)) -> Result<(), QueueError> {
        for (place, queue) in self.queues.iter().enumerate() {
            let here = |id: &&String| self.home.get(*id).is_none_or(|home| *home == place);
            let wanted: Vec<String> =
                ids.iter().filter(|id| self.missing.contains(*id)).filter(here).cloned().collect();
            let found = match self.fallback {
                true => queue.watch_fallback(&wanted).boxed().await?,
                false => queue.watch(&wanted).boxed().await?,
            };
            for (id, watched) in wanted.iter().zip(found) {
                match watched {
                    Watched::Ended(outcome) => {
                        self.missing.remove(id);
                        each(*outcome);
                    }
                    Watched::Pending => {
                        self.home.insert(id.clone(), place);
                    }
                    Watched::Unknown => {}
                }
            }
        }
        Ok(())
    }
}

/// The job's id at the end of a channel's name: everything after the `done:` that follows the queue's tag.
fn announced(channel: &str) -> Option<String> {
    channel.split_once("}:done:").map(|(_, id)| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_colons_is_found_whole() {
        let channel = booster_core::Keys::new("swarm:phase-5:").queue("normal").done_channel("a:done:b");
        assert_eq!(announced(&channel).as_deref(), Some("a:done:b"));
    }
}
