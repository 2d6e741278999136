//! The follower: one elected process that moves the queues' events into the fleet's stream, writes task
//! records in the older form and clears away what dead workers left.
//!
//! Queue scripts may only write keys of their own queue, so the fleet-wide stream is written here. All these
//! streams are capped: what a queue's own stream has already dropped is not moved either.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use booster_core::{Config, Job, Keys};
use booster_queue::{Link, Office, Queue, now_ms};
use redis::{Pipeline, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::StateError;
use crate::profile::queue_names;

/// How long an election holds.
const TERM: Duration = Duration::from_secs(3);
/// How often the elected follower looks.
const PERIOD: Duration = Duration::from_millis(250);
/// How often the others stand for election.
const CANDIDACY: Duration = Duration::from_secs(2);
/// Entries of a queue copied in one go; most have a few events.
const BATCH: usize = 64;
/// Entries of a queue that become one of the fleet.
const MERGED: usize = 4;
/// Slots of one worker, at most (the limit of `wasm.poolSize`).
const MAX_SLOTS: usize = 512;
/// How often dead workers' leftovers are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

type Fields = HashMap<String, Value>;

/// Follows all queues of `config`'s fleet until `stop` resolves.
pub async fn run(link: Link, config: Config, worker: String, stop: impl Future<Output = ()>) {
    let keys = Keys::new(config.redis.key_prefix.clone());
    let office = Office::new(link.clone(), keys.follower(), &worker, TERM);
    let mut follower = Follower { link, keys, config, queues: Vec::new(), office, kept: None, swept: None };
    tokio::pin!(stop);
    loop {
        // A fault is noted by the link; what the stream holds is counted anew then.
        let pause = follower.round().await.unwrap_or_else(|_| {
            follower.kept = None;
            PERIOD
        });
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// What the older form takes from a job's `meta`.
#[derive(Default, Deserialize)]
struct Meta<'a> {
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    options: Option<&'a RawValue>,
}

/// The task record in the older form. JSON of producers and boosters stays the text it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task<'a> {
    task_id: &'a str,
    agent_id: Option<&'a str>,
    task_type: &'a str,
    description: Option<&'a RawValue>,
    input: Option<&'a RawValue>,
    options: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    execution_time: f64,
    used_fallback: bool,
    timestamp: u64,
}

/// The entries of the fleet's stream with the number of their events, the oldest first. Bounded by the cap.
#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<(String, usize)>,
    events: usize,
}

impl Kept {
    fn push(&mut self, entry: String, events: usize) {
        self.entries.push_back((entry, events));
        self.events += events;
    }

    /// Forgets what lies beyond the cap; returns the oldest entry that stays, when something was forgotten.
    fn trim(&mut self, most: usize) -> Option<&str> {
        let before = self.entries.len();
        while self.events > most && self.entries.len() > 1 {
            let forgotten = self.entries.pop_front().map_or(0, |(_, events)| events);
            self.events -= forgotten;
        }
        let oldest = self.entries.front().map(|(entry, _)| entry.as_str());
        oldest.filter(|_| self.entries.len() < before)
    }
}

/// The smallest entry id behind `entry`.
fn after(entry: &str) -> String {
    match entry.split_once('-').and_then(|(millis, number)| Some((millis, number.parse::<u64>().ok()?))) {
        Some((millis, number)) => format!("{millis}-{}", number + 1),
        None => entry.to_owned(),
    }
}

struct Follower {
    link: Link,
    keys: Keys,
    config: Config,
    /// All queues of the fleet, as last read.
    queues: Vec<String>,
    office: Office,
    /// What the fleet's stream holds; `None` while not elected.
    kept: Option<Kept>,
    swept: Option<Instant>,
}

impl Follower {
    async fn round(&mut self) -> Result<Duration, StateError> {
        if !self.office.hold().await? {
            self.kept = None;
            return Ok(CANDIDACY);
        }
        let sweep = self.swept.is_none_or(|swept| swept.elapsed() >= SWEEP_EVERY);
        if sweep || self.queues.is_empty() {
            self.queues = queue_names(&self.link, &self.keys).await?;
        }
        if self.kept.is_none() {
            self.kept = Some(self.count_kept().await?);
        }
        let mut busy = false;
        for queue in self.queues.clone() {
            busy |= self.copy(&queue).await?;
        }
        if sweep {
            self.sweep().await?;
            self.swept = Some(Instant::now());
        }
        Ok(if busy { Duration::ZERO } else { PERIOD })
    }

    /// Moves the next events of one queue; says whether there may be more. They leave the queue's stream only when
    /// they are in the fleet's, so an end in between copies them twice, with the same `source`.
    async fn copy(&mut self, queue: &str) -> Result<bool, StateError> {
        let stream = self.keys.queue(queue).events();
        let mut command = redis::cmd("XRANGE");
        command.arg(&stream).arg("-").arg("+").arg("COUNT").arg(BATCH);
        let page: Vec<(String, Fields)> = self.link.query("events", &command).await?;
        let Some((last, _)) = page.last() else { return Ok(false) };
        // An entry of a queue holds the events of one step, one a line; so does an entry of the fleet.
        let texts: Vec<String> =
            page.iter().map(|(_, fields)| text(fields, "events").unwrap_or_default()).collect();
        self.append(queue, &page, &texts).await?;
        let mut trim = redis::cmd("XTRIM");
        trim.arg(&stream).arg("MINID").arg(after(last));
        self.link.query::<u64>("events", &trim).await?;
        if self.config.booster.compat_tasks {
            for message in texts.iter().flat_map(|texts| texts.lines()) {
                self.look_at(queue, message).await?;
            }
        }
        Ok(page.len() == BATCH)
    }

    /// Adds a page of events to the fleet's stream and removes the oldest beyond the cap, which counts events.
    async fn append(
        &mut self,
        queue: &str,
        page: &[(String, Fields)],
        texts: &[String],
    ) -> Result<(), StateError> {
        let (mut add, mut counts) = (Pipeline::new(), Vec::new());
        for (entries, texts) in page.chunks(MERGED).zip(texts.chunks(MERGED)) {
            let events = texts.join("\n");
            counts.push(events.lines().count());
            add.cmd("XADD").arg(self.keys.events()).arg("*").arg("events").arg(events);
            add.arg("queue").arg(queue).arg("source").arg(&entries[0].0);
        }
        let added: Vec<String> = self.link.pipeline("events", &add).await?;
        let kept = self.kept.get_or_insert_default();
        for (entry, events) in added.into_iter().zip(counts) {
            kept.push(entry, events);
        }
        if let Some(oldest) = kept.trim(self.config.redis.max_events) {
            let mut trim = redis::cmd("XTRIM");
            trim.arg(self.keys.events()).arg("MINID").arg("~").arg(oldest);
            self.link.query::<u64>("events", &trim).await?;
        }
        Ok(())
    }

    /// Counts what an earlier follower has left in the fleet's stream.
    async fn count_kept(&self) -> Result<Kept, StateError> {
        let mut kept = Kept::default();
        let mut start = "-".to_owned();
        loop {
            let mut command = redis::cmd("XRANGE");
            command.arg(self.keys.events()).arg(&start).arg("+").arg("COUNT").arg(BATCH);
            let page: Vec<(String, Fields)> = self.link.query("events", &command).await?;
            let Some((last, _)) = page.last() else { return Ok(kept) };
            start = format!("({last}");
            for (entry, fields) in &page {
                kept.push(entry.clone(), text(fields, "events").map_or(1, |events| events.lines().count()));
            }
            kept.trim(self.config.redis.max_events);
        }
    }

    /// Writes the task record of a finished job.
    async fn look_at(&self, queue: &str, message: &str) -> Result<(), StateError> {
        let message: serde_json::Value = serde_json::from_str(message).unwrap_or_default();
        let data = &message["data"];
        let ended = match message["type"].as_str() {
            Some("booster.task.completed") => true,
            Some("booster.error") => data["dead"] == true,
            _ => false,
        };
        if ended { self.write_task(queue, data).await } else { Ok(()) }
    }

    /// The record in the form that readers of the older system expect.
    async fn write_task(&self, queue: &str, data: &serde_json::Value) -> Result<(), StateError> {
        let Some(id) = data["jobId"].as_str() else { return Ok(()) };
        let Some(record) = Queue::new(self.link.clone(), &self.config, queue).record(id).await? else {
            return Ok(());
        };
        let Some(outcome) = record.outcome else { return Ok(()) };
        let job = record.job.and_then(|text| Job::from_json(&text).ok());
        let meta: Meta<'_> = job
            .as_ref()
            .and_then(|job| serde_json::from_str(job.meta.as_ref()?.get()).ok())
            .unwrap_or_default();
        let task = Task {
            task_id: id,
            agent_id: job.as_ref().and_then(|job| job.agent_id.as_deref()),
            task_type: outcome.booster.split('@').next().unwrap_or_default(),
            description: meta.description,
            input: job.as_ref().map(|job| &*job.input),
            options: meta.options,
            result: outcome.output.as_deref().or(outcome.refusal.as_deref()),
            execution_time: outcome.latency_ms,
            used_fallback: outcome.used_fallback,
            timestamp: outcome.finished_at,
        };
        // Plain fields and JSON that has been read before: serialising it cannot fail.
        let text = serde_json::to_string(&task).unwrap_or_default();
        let mut command = redis::cmd("SET");
        command.arg(self.keys.task(id)).arg(text).arg("EX").arg(self.config.redis.ttl_s);
        Ok(self.link.query("task", &command).await?)
    }

    /// Removes what workers left that died without clearing up, since a coordinator must not see their slots, and
    /// events that are older than what they tell of.
    async fn sweep(&self) -> Result<(), StateError> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.keys.agents()).arg("-inf").arg(now_ms()).arg("BYSCORE").arg("LIMIT").arg(0).arg(100);
        let dead: Vec<String> = self.link.query("sweep", &command).await?;
        for worker in dead {
            self.clear_worker(&worker).await?;
        }
        let oldest = now_ms().saturating_sub(self.config.redis.ttl_s * 1000);
        let mut command = redis::cmd("XTRIM");
        command.arg(self.keys.events()).arg("MINID").arg(oldest);
        Ok(self.link.query::<u64>("trim", &command).await.map(drop)?)
    }

    async fn clear_worker(&self, worker: &str) -> Result<(), StateError> {
        let mut pipeline = Pipeline::new();
        for instance in self.instances_of(worker).await? {
            pipeline.cmd("SREM").arg(self.keys.pool()).arg(&instance).ignore();
            pipeline.cmd("DEL").arg(self.keys.instance(&instance)).ignore();
        }
        for number in 1..=MAX_SLOTS {
            pipeline.cmd("DEL").arg(self.keys.booster(&format!("{worker}-s{number}"))).ignore();
        }
        pipeline.cmd("ZREM").arg(self.keys.agents()).arg(worker).ignore();
        Ok(self.link.pipeline("sweep", &pipeline).await?)
    }

    /// The instances of a worker that the pool set still has, and those that its slots still name.
    async fn instances_of(&self, worker: &str) -> Result<Vec<String>, StateError> {
        let mut found = Vec::new();
        let mut cursor = 0_u64;
        loop {
            let mut command = redis::cmd("SSCAN");
            command
                .arg(self.keys.pool())
                .arg(cursor)
                .arg("MATCH")
                .arg(format!("{worker}-s*"))
                .arg("COUNT")
                .arg(1000);
            let (next, page): (u64, Vec<String>) = self.link.query("sweep", &command).await?;
            found.extend(page);
            if next == 0 {
                break;
            }
            cursor = next;
        }
        for number in 1..=MAX_SLOTS {
            let mut command = redis::cmd("HGET");
            command.arg(self.keys.booster(&format!("{worker}-s{number}"))).arg("instanceId");
            match self.link.query::<Option<String>>("sweep", &command).await? {
                Some(instance) => found.push(instance),
                // Slots are numbered without gaps.
                None => break,
            }
        }
        Ok(found)
    }
}

fn text(fields: &Fields, name: &str) -> Option<String> {
    redis::from_redis_value(fields.get(name)?.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_counts_events_and_keeps_the_latest() {
        let mut kept = Kept::default();
        for n in 0..5 {
            kept.push(format!("{n}-0"), 10);
        }
        assert_eq!(kept.trim(50), None);
        assert_eq!(kept.trim(30), Some("2-0"));
        kept.push("9-0".into(), 1000);
        assert_eq!(kept.trim(30), Some("9-0"), "one entry stays, however large");
    }

    #[test]
    fn the_next_id_is_the_smallest_one_behind() {
        assert_eq!(after("1700-3"), "1700-4");
    }
}
