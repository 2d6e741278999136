//! Elected offices: what one process at a time does for a whole queue or fleet. Nothing may depend on there being
//! only one; it saves work.

use std::time::{Duration, Instant};

use crate::error::QueueError;
use crate::link::Link;
use crate::scripts::{ELECT, RESIGN};

/// One candidate for an office.
#[derive(Debug)]
pub struct Office {
    link: Link,
    key: String,
    candidate: String,
    term: Duration,
    /// When the term was last begun anew; `None` while somebody else may have the office.
    held: Option<Instant>,
}

impl Office {
    /// A candidate for the office `key`, which ends by itself `term` after it was last kept.
    pub fn new(link: Link, key: String, candidate: &str, term: Duration) -> Self {
        Self { link, key, candidate: candidate.to_owned(), term, held: None }
    }

    /// Takes or keeps the office; says whether this candidate has it. Redis is asked when a quarter of the term is
    /// over, so it may be called as often as is convenient.
    ///
    /// # Errors
    /// As [`Link::query`]. The office is not held then.
    pub async fn hold(&mut self) -> Result<bool, QueueError> {
        let held = self.held.take();
        if held.is_some_and(|since| since.elapsed() < self.term / 4) {
            self.held = held;
            return Ok(true);
        }
        let asked = Instant::now();
        let elected = if held.is_some() { self.keep().await? } else { self.take().await? };
        self.held = elected.then_some(asked);
        Ok(elected)
    }

    /// One plain command is all that most candidates ever need: somebody else has it.
    async fn take(&self) -> Result<bool, QueueError> {
        let mut take = redis::cmd("SET");
        take.arg(&self.key).arg(&self.candidate).arg("NX").arg("GET").arg("PX").arg(self.millis());
        match self.link.query::<Option<String>>("elect", &take).await? {
            None => Ok(true),
            Some(other) if other != self.candidate => Ok(false),
            Some(_) => self.keep().await,
        }
    }

    async fn keep(&self) -> Result<bool, QueueError> {
        let mut call = ELECT.prepare_invoke();
        call.key(&self.key).arg(&self.candidate).arg(self.millis());
        self.link.script("elect", &call).await
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.term.as_millis()).unwrap_or(u64::MAX)
    }

    /// Gives the office up, if this candidate has it.
    pub async fn resign(&mut self) {
        self.held = None;
        let mut call = RESIGN.prepare_invoke();
        call.key(&self.key).arg(&self.candidate);
        // Without an answer the term ends by itself.
        let _ = self.link.script::<i64>("resign", &call).await;
    }
}
