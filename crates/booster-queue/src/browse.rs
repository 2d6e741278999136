//! Looking through a queue: what it has, without the jobs' own texts, and the text of one.

use std::collections::HashMap;

use booster_core::UnixMillis;
use booster_core::outcome::JobOutcome;
use redis::{Pipeline, Value};

use crate::entry::{Entry, Lane};
use crate::error::QueueError;
use crate::line::Line;
use crate::payload::unpack;
use crate::queue::Queue;
use crate::scripts::MAX_ITEMS;

/// Lines read in one go.
const PAGE: usize = 1000;

/// A job that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Its id.
    pub id: String,
    /// `waiting`, `parked`, `delayed` or `running`.
    pub state: String,
    /// When it was accepted, Unix milliseconds.
    pub enqueued_at: UnixMillis,
    /// Failed attempts so far.
    pub attempts: u32,
}

impl Live {
    fn read(id: String, line: &str) -> Option<Self> {
        let line = Line::parse(line)?;
        let (state, enqueued_at, attempts) = (line.state.to_owned(), line.enqueued_at, line.attempts);
        Some(Self { id, state, enqueued_at, attempts })
    }
}

impl Queue {
    /// All jobs that have not ended, in no order; `None` when they are more than `most`.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn live(&self, most: usize) -> Result<Option<Vec<Live>>, QueueError> {
        let key = self.keys().live();
        let count: usize = self.link().query("live", redis::cmd("HLEN").arg(&key)).await?;
        if count > most {
            return Ok(None);
        }
        // A field may come twice while the hash is resized.
        let mut found: HashMap<String, Live> = HashMap::with_capacity(count);
        let mut cursor = 0_u64;
        loop {
            let mut command = redis::cmd("HSCAN");
            command.arg(&key).arg(cursor).arg("COUNT").arg(PAGE);
            let (next, page): (u64, Vec<(String, String)>) = self.link().query("live", &command).await?;
            let lines = page.into_iter().filter_map(|(id, line)| Live::read(id, &line));
            found.extend(lines.map(|live| (live.id.clone(), live)));
            if next == 0 || found.len() > most + PAGE {
                return Ok(Some(found.into_values().collect()));
            }
            cursor = next;
        }
    }

    /// Those of `ids` that have not ended.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn live_of(&self, ids: &[String]) -> Result<Vec<Live>, QueueError> {
        let mut found = Vec::new();
        for chunk in ids.chunks(PAGE) {
            let command = redis::cmd("HMGET").arg(self.keys().live()).arg(chunk).to_owned();
            let lines: Vec<Option<String>> = self.link().query("live", &command).await?;
            let known = chunk.iter().zip(lines).filter_map(|(id, line)| Live::read(id.clone(), &line?));
            found.extend(known);
        }
        Ok(found)
    }

    /// Ids of dead jobs with the time of their death, the latest first, at most `limit` of those that died no later
    /// than `until` (Unix milliseconds). Those of the same moment come in reverse order of their ids.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn deaths(
        &self,
        until: Option<UnixMillis>,
        limit: usize,
    ) -> Result<Vec<(String, UnixMillis)>, QueueError> {
        let until = until.map_or("+inf".to_owned(), |at| at.to_string());
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.keys().dead()).arg(until).arg("-inf").arg("BYSCORE").arg("REV");
        command.arg("LIMIT").arg(0).arg(limit).arg("WITHSCORES");
        let found: Vec<(String, f64)> = self.link().query("dead", &command).await?;
        Ok(found.into_iter().map(|(id, at)| (id, at.max(0.0) as UnixMillis)).collect())
    }

    /// The stored outcomes of jobs, in the order of `ids`; `None` for those that have none.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn outcomes(&self, ids: &[String]) -> Result<Vec<Option<JobOutcome>>, QueueError> {
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(MAX_ITEMS) {
            let mut pipeline = Pipeline::with_capacity(chunk.len());
            for id in chunk {
                pipeline.cmd("GET").arg(self.keys().job(id));
            }
            let texts: Vec<Option<String>> = self.link().pipeline("record", &pipeline).await?;
            found.extend(texts.into_iter().map(|text| serde_json::from_str(&text?).ok()));
        }
        Ok(found)
    }

    /// The JSON text of one job as far as it is kept: of one that has not ended from wherever it waits or runs, of a
    /// refused, dead or cancelled one from beside its outcome.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn text(&self, id: &str) -> Result<Option<String>, QueueError> {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("GET").arg(self.keys().text(id)).cmd("HGET").arg(self.keys().live()).arg(id);
        let (text, line): (Option<Vec<u8>>, Option<String>) =
            self.link().pipeline("record", &pipeline).await?;
        if let Some(stored) = text {
            return Ok(unpack(&stored, self.max_job_bytes()).ok().map(std::borrow::Cow::into_owned));
        }
        let line = line.as_deref().and_then(Line::parse);
        let Some((lane, entry)) = line.as_ref().and_then(|line| line.entry.split_once('/')) else {
            return Ok(None);
        };
        let Some(lane) = Lane::ALL.into_iter().find(|known| known.as_str() == lane) else { return Ok(None) };
        let mut command = redis::cmd("XRANGE");
        command.arg(lane.key(self.keys())).arg(entry).arg(entry);
        let entries: Vec<Value> = self.link().query("record", &command).await?;
        let entry = entries.first().and_then(|value| Entry::from_value(lane, value));
        Ok(entry.and_then(|entry| Some(entry.text(self.max_job_bytes()).ok()?.into_owned())))
    }
}
