//! The follower: one elected process that copies the queues' events into the fleet's stream, writes task
//! records in the older form, counts enqueued jobs and clears away what dead workers left.
//!
//! Queue scripts may only write keys of their own queue, so the fleet-wide stream is written here. Every copied
//! event carries where it came from; a new follower finds in the stream itself how far the last one came, so
//! that each event is copied once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use booster_core::{Config, Keys};
use booster_queue::{Link, Queue, now_ms};
use redis::{Pipeline, Value};

use crate::error::StateError;
use crate::metrics::Metrics;
use crate::names::Series;

/// How long an election holds.
const TERM_MS: u64 = 3000;
/// How often the elected follower looks.
const PERIOD: Duration = Duration::from_millis(250);
/// How often the others stand for election.
const CANDIDACY: Duration = Duration::from_secs(2);
/// Events copied in one go.
const BATCH: usize = 500;
/// How often dead workers' leftovers are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

type Fields = HashMap<String, Value>;

/// Follows the queues of `config`'s fleet until `stop` resolves.
pub async fn run(
    link: Link,
    config: Config,
    queues: Vec<String>,
    worker: String,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()>,
) {
    let keys = Keys::new(config.redis.key_prefix.clone());
    let mut follower = Follower { link, keys, config, queues, worker, metrics, cursors: None, swept: None };
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

struct Follower {
    link: Link,
    keys: Keys,
    config: Config,
    queues: Vec<String>,
    worker: String,
    metrics: Arc<Metrics>,
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
        let mut cursors = match self.cursors.take() {
            Some(cursors) => cursors,
            None => self.find_cursors().await?,
        };
        let mut busy = false;
        for queue in self.queues.clone() {
            busy |= self.copy(&queue, &mut cursors).await?;
        }
        self.cursors = Some(cursors);
        if self.swept.is_none_or(|swept| swept.elapsed() >= SWEEP_EVERY) {
            self.sweep().await?;
            self.swept = Some(Instant::now());
        }
        Ok(if busy { Duration::ZERO } else { PERIOD })
    }

    /// How far the last follower came, from the marks in the fleet's own stream.
    async fn find_cursors(&self) -> Result<HashMap<String, String>, StateError> {
        let mut cursors = HashMap::new();
        let mut end = "+".to_owned();
        // The stream is capped, so this ends; usually the first page has all queues.
        while cursors.len() < self.queues.len() {
            let mut command = redis::cmd("XREVRANGE");
            command.arg(self.keys.events()).arg(&end).arg("-").arg("COUNT").arg(BATCH);
            let page: Vec<(String, Fields)> = self.link.query("events", &command).await?;
            let Some((last, _)) = page.last() else { break };
            end = format!("({last}");
            for (_, fields) in &page {
                if let (Some(queue), Some(source)) = (text(fields, "queue"), text(fields, "source")) {
                    cursors.entry(queue).or_insert(source);
                }
            }
        }
        Ok(cursors)
    }

    /// Copies the next events of one queue; says whether there may be more.
    async fn copy(&self, queue: &str, cursors: &mut HashMap<String, String>) -> Result<bool, StateError> {
        let start = cursors.get(queue).map_or_else(|| "-".to_owned(), |cursor| format!("({cursor}"));
        let mut command = redis::cmd("XRANGE");
        command.arg(self.keys.queue(queue).events()).arg(start).arg("+").arg("COUNT").arg(BATCH);
        let page: Vec<(String, Fields)> = self.link.query("events", &command).await?;
        let Some((last, _)) = page.last() else { return Ok(false) };
        let mut pipeline = Pipeline::new();
        for (entry, fields) in &page {
            let message = text(fields, "event").unwrap_or_default();
            pipeline
                .cmd("XADD")
                .arg(self.keys.events())
                .arg("MAXLEN")
                .arg("~")
                .arg(self.config.redis.max_events);
            pipeline
                .arg("*")
                .arg("event")
                .arg(message)
                .arg("queue")
                .arg(queue)
                .arg("source")
                .arg(entry)
                .ignore();
        }
        let () = self.link.pipeline("events", &pipeline).await?;
        cursors.insert(queue.to_owned(), last.clone());
        for (_, fields) in &page {
            self.look_at(queue, fields).await?;
        }
        Ok(page.len() == BATCH)
    }

    /// Counts an enqueued job; writes the task record of a finished one.
    async fn look_at(&self, queue: &str, fields: &Fields) -> Result<(), StateError> {
        let message: serde_json::Value =
            text(fields, "event").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let data = &message["data"];
        match message["type"].as_str() {
            Some("booster.requested") => {
                let booster = self.metrics.booster_label(data["booster"].as_str().unwrap_or_default());
                self.metrics.count(Series::JobsEnqueued, &[queue, &booster]);
            }
            Some("booster.task.completed") if self.config.booster.compat_tasks => {
                self.write_task(queue, data).await?;
            }
            Some("booster.error") if self.config.booster.compat_tasks && data["dead"] == true => {
                self.write_task(queue, data).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The record in the form that readers of the older system expect.
    async fn write_task(&self, queue: &str, data: &serde_json::Value) -> Result<(), StateError> {
        let Some(id) = data["jobId"].as_str() else { return Ok(()) };
        let Some(record) = Queue::new(self.link.clone(), &self.config, queue).record(id).await? else {
            return Ok(());
        };
        let Some(outcome) = record.outcome else { return Ok(()) };
        let job: serde_json::Value =
            record.job.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let result = outcome.output.or(outcome.refusal);
        let task = serde_json::json!({
            "taskId": id,
            "agentId": job["agentId"],
            "taskType": outcome.booster.split('@').next(),
            "description": job["meta"]["description"],
            "input": job["input"],
            "options": job["meta"]["options"],
            "result": result,
            "executionTime": outcome.latency_ms,
            "usedFallback": outcome.used_fallback,
            "timestamp": outcome.finished_at,
        });
        let mut command = redis::cmd("SET");
        command.arg(self.keys.task(id)).arg(task.to_string()).arg("EX").arg(self.config.redis.ttl_s);
        Ok(self.link.query("task", &command).await?)
    }

    /// Removes what workers left that died without clearing up: a coordinator must not see their slots.
    async fn sweep(&self) -> Result<(), StateError> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.keys.agents()).arg("-inf").arg(now_ms()).arg("BYSCORE").arg("LIMIT").arg(0).arg(100);
        let dead: Vec<String> = self.link.query("sweep", &command).await?;
        for worker in dead {
            self.clear_worker(&worker).await?;
        }
        Ok(())
    }

    async fn clear_worker(&self, worker: &str) -> Result<(), StateError> {
        for number in 1.. {
            let slot = self.keys.booster(&format!("{worker}-s{number}"));
            let mut command = redis::cmd("HGET");
            command.arg(&slot).arg("instanceId");
            let Some(instance) = self.link.query::<Option<String>>("sweep", &command).await? else { break };
            let mut pipeline = Pipeline::new();
            pipeline.cmd("SREM").arg(self.keys.pool()).arg(&instance).ignore();
            pipeline.cmd("DEL").arg(self.keys.instance(&instance)).ignore();
            pipeline.cmd("DEL").arg(&slot).ignore();
            let () = self.link.pipeline("sweep", &pipeline).await?;
        }
        let mut command = redis::cmd("ZREM");
        command.arg(self.keys.agents()).arg(worker);
        Ok(self.link.query("sweep", &command).await?)
    }
}

fn text(fields: &Fields, name: &str) -> Option<String> {
    redis::from_redis_value(fields.get(name)?.clone()).ok()
}
