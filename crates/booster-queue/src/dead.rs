//! Dead letters: list, give a new life, forget.

use booster_core::event::Requested;
use booster_core::outcome::JobOutcome;
use booster_core::{Event, Job};

use crate::error::QueueError;
use crate::now_ms;
use crate::queue::Queue;
use crate::scripts::{DROP, MAX_ITEMS, REVIVE};

/// Jobs given a new life by one script call: each moves its text, so fewer than of other scripts.
const REVIVE_MANY: usize = 50;

impl Queue {
    /// The outcomes of dead jobs, the latest first, at most `limit`.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn dead(&self, limit: usize) -> Result<Vec<JobOutcome>, QueueError> {
        let ids = self.dead_ids(0, limit).await?;
        // A record that has lapsed is no longer in the list's bounds; it leaves with the next death.
        Ok(self.outcomes(&ids).await?.into_iter().flatten().collect())
    }

    async fn dead_ids(&self, skip: usize, limit: usize) -> Result<Vec<String>, QueueError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.keys().dead()).arg(skip).arg(skip + limit - 1).arg("REV");
        self.link().query("dead", &command).await
    }

    /// Lets dead jobs run again, with no attempts and no crashes counted. Returns the ids of those that wait
    /// now; the others are not dead in this queue.
    ///
    /// # Errors
    /// A Redis error; those before it wait already.
    pub async fn retry_dead(&self, ids: &[String]) -> Result<Vec<String>, QueueError> {
        let mut revived = Vec::new();
        for chunk in ids.chunks(REVIVE_MANY) {
            let now = now_ms();
            let mut events = Vec::with_capacity(chunk.len());
            for id in chunk {
                events.push(self.requested_again(id).await?);
            }
            let mut call = self.begin(&REVIVE);
            for (id, event) in chunk.iter().zip(&events) {
                call.arg(id).arg(event.to_message(now));
            }
            let answers: Vec<u8> = self.link().script("revive", &call).await?;
            revived.extend(
                chunk.iter().zip(answers).filter(|(_, answer)| *answer == 1).map(|(id, _)| id.clone()),
            );
        }
        Ok(revived)
    }

    async fn requested_again(&self, id: &str) -> Result<Event, QueueError> {
        let text = self.record(id).await?.and_then(|record| record.job);
        let job = text.and_then(|text| Job::from_json(&text).ok());
        Ok(Event::Requested(Requested::of(id, self.name(), job.as_ref())))
    }

    /// Lets all jobs run again that are dead now. Returns how many.
    ///
    /// # Errors
    /// As [`Queue::retry_dead`].
    pub async fn retry_all_dead(&self) -> Result<usize, QueueError> {
        let (mut revived, mut skip) = (0, 0);
        loop {
            let ids = self.dead_ids(skip, REVIVE_MANY).await?;
            if ids.is_empty() {
                return Ok(revived);
            }
            let again = self.retry_dead(&ids).await?.len();
            revived += again;
            // What could not be revived stays in the list.
            skip += ids.len() - again;
        }
    }

    /// Forgets dead jobs. Returns the ids of those that were dead.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn drop_dead(&self, ids: &[String]) -> Result<Vec<String>, QueueError> {
        let mut dropped = Vec::new();
        for chunk in ids.chunks(MAX_ITEMS) {
            let mut call = self.begin(&DROP);
            call.arg(chunk);
            let answers: Vec<u8> = self.link().script("drop", &call).await?;
            dropped.extend(
                chunk.iter().zip(answers).filter(|(_, answer)| *answer == 1).map(|(id, _)| id.clone()),
            );
        }
        Ok(dropped)
    }
}
