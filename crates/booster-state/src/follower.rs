//! The follower: one elected process that copies the queues' events into the fleet's stream, writes task
//! records in the older form and clears away what dead workers left.
//!
//! Queue scripts may only write keys of their own queue, so the fleet-wide stream is written here. How far each
//! queue has been copied is kept in Redis, written together with the copies. All these streams are capped: what
//! a queue's own stream has already dropped is not copied either.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use booster_core::{Config, Job, Keys};
use booster_queue::{Link, Queue, now_ms};
use redis::{Pipeline, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::StateError;
use crate::profile::queue_names;

/// How long an election holds.
const TERM_MS: u64 = 3000;
/// How often the elected follower looks.
const PERIOD: Duration = Duration::from_millis(250);
/// How often the others stand for election.
const CANDIDACY: Duration = Duration::from_secs(2);
/// Entries of a queue copied in one go; most have a few events.
const BATCH: usize = 50;
/// Slots of one worker, at most (the limit of `wasm.poolSize`).
const MAX_SLOTS: usize = 512;
/// How often dead workers' leftovers are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

type Fields = HashMap<String, Value>;

/// Follows all queues of `config`'s fleet until `stop` resolves.
pub async fn run(link: Link, config: Config, worker: String, stop: impl Future<Output = ()>) {
    let keys = Keys::new(config.redis.key_prefix.clone());
    let mut follower =
        Follower { link, keys, config, queues: Vec::new(), worker, cursors: None, swept: None };
    tokio::pin!(stop);
    loop {
        // A fault is noted by the link; the place in the streams is looked up anew then.
        let pause = follower.round().await.unwrap_or_else(|_| {
            follower.cursors = None;
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

struct Follower {
    link: Link,
    keys: Keys,
    config: Config,
    /// All queues of the fleet, as last read.
    queues: Vec<String>,
    worker: String,
    /// The last copied entry of each queue; `None` while not elected.
    cursors: Option<HashMap<String, String>>,
    swept: Option<Instant>,
}

impl Follower {
    async fn round(&mut self) -> Result<Duration, StateError> {
        if !self.link.elect(&self.keys.follower(), &self.worker, TERM_MS).await? {
            self.cursors = None;
            return Ok(CANDIDACY);
        }
        let sweep = self.swept.is_none_or(|swept| swept.elapsed() >= SWEEP_EVERY);
        if sweep || self.queues.is_empty() {
            self.queues = queue_names(&self.link, &self.keys).await?;
        }
        let mut cursors = match self.cursors.take() {
            Some(cursors) => cursors,
            None => self.find_cursors().await?,
        };
        let mut busy = false;
        for queue in self.queues.clone() {
            busy |= self.copy(&queue, &mut cursors).await?;
        }
        self.cursors = Some(cursors);
        if sweep {
            self.sweep().await?;
            self.swept = Some(Instant::now());
        }
        Ok(if busy { Duration::ZERO } else { PERIOD })
    }

    /// How far the last follower came.
    async fn find_cursors(&self) -> Result<HashMap<String, String>, StateError> {
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys.cursors());
        Ok(self.link.query("events", &command).await?)
    }

    /// Copies the next events of one queue; says whether there may be more.
    async fn copy(&self, queue: &str, cursors: &mut HashMap<String, String>) -> Result<bool, StateError> {
        let start = cursors.get(queue).map_or_else(|| "-".to_owned(), |cursor| format!("({cursor}"));
        let mut command = redis::cmd("XRANGE");
        command.arg(self.keys.queue(queue).events()).arg(start).arg("+").arg("COUNT").arg(BATCH);
        let page: Vec<(String, Fields)> = self.link.query("events", &command).await?;
        let Some((last, _)) = page.last() else { return Ok(false) };
        let mut pipeline = Pipeline::new();
        let max_events = self.config.redis.max_events;
        for (entry, fields) in &page {
            // An entry of a queue holds the events of one step, one a line.
            for message in text(fields, "events").unwrap_or_default().lines() {
                pipeline.cmd("XADD").arg(self.keys.events()).arg("MAXLEN").arg("~").arg(max_events).arg("*");
                pipeline.arg("event").arg(message).arg("queue").arg(queue).arg("source").arg(entry).ignore();
            }
        }
        pipeline.cmd("HSET").arg(self.keys.cursors()).arg(queue).arg(last).ignore();
        let () = self.link.pipeline("events", &pipeline).await?;
        cursors.insert(queue.to_owned(), last.clone());
        if self.config.booster.compat_tasks {
            for (_, fields) in &page {
                for message in text(fields, "events").unwrap_or_default().lines() {
                    self.look_at(queue, message).await?;
                }
            }
        }
        Ok(page.len() == BATCH)
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
