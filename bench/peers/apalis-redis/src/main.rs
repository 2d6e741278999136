//! apalis-redis as a contender of the queue benchmark: one program that is either the worker or the submitter.
//!
//! `apalis-redis-peer worker URL SETTING` and `apalis-redis-peer submitter URL SETTING`. The protocol on standard
//! input and output is described in `bench/src/queue/process.rs`. `SETTING` is `stock` for the defaults, else
//! `BATCH:POLL_MS:SPAWN` for a tuned worker.
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};

/// The queue's name.
const QUEUE: &str = "bench";
/// Jobs of one push.
const BATCH: usize = 500;
/// `fetch_next.lua` unpacks all due jobs at once, which Lua allows for fewer than 8,000: with more the queue is
/// stuck for good. The submitter waits at half of it.
const MOST_WAITING: usize = 4000;
/// How long a job that is asked to hold runs.
const HOLD: Duration = Duration::from_secs(600);

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Debug, Serialize, Deserialize)]
struct Work {
    hold: bool,
    data: String,
}

/// What is changed against the defaults.
#[derive(Debug, Clone, Copy)]
struct Tuning {
    /// Jobs of one fetch.
    batch: usize,
    /// How often an idle worker looks for jobs.
    poll: Duration,
    /// Whether each job becomes a task of the runtime.
    spawn: bool,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, url, setting] = &arguments[..] else {
        return Err("usage: apalis-redis-peer worker|submitter URL stock|BATCH:POLL_MS:SPAWN".into());
    };
    let tuning = tuning(setting)?;
    match role.as_str() {
        "worker" => worker(url, tuning).await,
        "submitter" => submitter(url, tuning).await,
        other => Err(format!("unknown role {other}; known are worker and submitter").into()),
    }
}

fn tuning(setting: &str) -> Result<Option<Tuning>, Failure> {
    if setting == "stock" {
        return Ok(None);
    }
    let parts: Vec<&str> = setting.split(':').collect();
    let [batch, poll, spawn] = parts[..] else {
        return Err(format!("setting {setting}; expected stock or BATCH:POLL_MS:SPAWN").into());
    };
    Ok(Some(Tuning {
        batch: batch.parse()?,
        poll: Duration::from_millis(poll.parse()?),
        spawn: spawn.parse()?,
    }))
}

/// The tuned configuration: a bigger batch, no lock for each job (which scans the whole waiting list with LREM and
/// which its documentation calls unnecessary for jobs shorter than a heartbeat), and a worker that counts as dead
/// after five silent seconds instead of 300.
fn config(tuning: Option<Tuning>) -> Config {
    let config = Config::default().queue(QUEUE);
    match tuning {
        None => config,
        Some(tuning) => config
            .batch_size(tuning.batch)
            .lock_tasks(false)
            .heartbeat_interval(Duration::from_secs(1))
            .missed_heartbeats(5),
    }
}

/// Wakes an idle worker at an interval. The library's own strategy leaves its new timer unpolled when the old one has
/// run out; when the fetch finds nothing just then, nothing wakes the worker before its next heartbeat.
///
/// Its listener for announced jobs does not help: a push puts every job into the scheduled set, which announces none.
struct Interval {
    period: Duration,
    timer: Pin<Box<tokio::time::Sleep>>,
}

impl Interval {
    fn new(period: Duration) -> Self {
        Self { period, timer: Box::pin(tokio::time::sleep(period)) }
    }
}

impl PollStrategy for Interval {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        if self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.timer.set(tokio::time::sleep(self.period));
        // A fresh timer is pending; asking it registers the waker.
        let _ = self.timer.as_mut().poll(cx);
        Poll::Ready(Some(()))
    }
}

async fn run_job(work: Work) -> Result<serde_json::Value, BoxDynError> {
    if work.hold {
        say("running");
        tokio::time::sleep(HOLD).await;
    }
    Ok(serde_json::json!({}))
}

async fn worker(url: &str, tuning: Option<Tuning>) -> Result<(), Failure> {
    let conn = apalis_redis::connect(url).await?;
    let storage = RedisStorage::<Work>::new(conn).with_config(config(tuning));
    let name = format!("bench-{}", std::process::id());
    say("ready");
    match tuning {
        None => WorkerBuilder::new(name).backend(storage).build(run_job).run().await?,
        Some(Tuning { poll, spawn: false, .. }) => {
            let backend = storage.poll_with_strategy(Interval::new(poll));
            WorkerBuilder::new(name).backend(backend).build(run_job).run().await?;
        }
        Some(Tuning { poll, .. }) => {
            let backend = storage.poll_with_strategy(Interval::new(poll));
            WorkerBuilder::new(name).backend(backend).parallelize(tokio::spawn).build(run_job).run().await?;
        }
    }
    Ok(())
}

async fn submitter(url: &str, tuning: Option<Tuning>) -> Result<(), Failure> {
    let conn = apalis_redis::connect(url).await?;
    let mut storage = RedisStorage::<Work>::new(conn).with_config(config(tuning));
    let client = redis::Client::open(url)?;
    say("ready");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["fill", count, bytes] => {
                let own = fill(&mut storage, count.parse()?, bytes.parse()?).await?;
                say(&format!("filled {own}"));
            }
            ["singles", count, bytes, seconds] => {
                let limit = Duration::from_secs(seconds.parse()?);
                let (count, bytes) = (count.parse()?, bytes.parse()?);
                let times = match tuning {
                    None => singles(&mut storage, count, bytes, limit).await?,
                    Some(_) => announced_singles(&mut storage, &client, count, bytes, limit).await?,
                };
                say(&format!("singles {}", serde_json::to_string(&times)?));
            }
            ["hold"] => {
                storage.push(Work { hold: true, data: String::new() }).await?;
                say("held");
            }
            _ => return Err(format!("unknown request {line}").into()),
        }
    }
    Ok(())
}

fn work(bytes: usize) -> Work {
    Work { hold: false, data: "x".repeat(bytes) }
}

/// Pushes jobs as fast as they may be; returns how many commands were spent on looking how many wait.
async fn fill(storage: &mut RedisStorage<Work>, count: usize, bytes: usize) -> Result<u64, Failure> {
    let config = storage.get_config().clone();
    let mut conn = storage.get_connection().clone();
    let (mut sent, mut own) = (0, 0);
    while sent < count {
        own += 2;
        let waiting: (usize, usize) = redis::pipe()
            .cmd("LLEN")
            .arg(config.active_jobs_list())
            .cmd("ZCARD")
            .arg(config.scheduled_jobs_set())
            .query_async(&mut conn)
            .await?;
        if waiting.0 + waiting.1 + BATCH > MOST_WAITING {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        }
        let batch = BATCH.min(count - sent);
        storage.push_bulk((0..batch).map(|_| work(bytes)).collect()).await?;
        sent += batch;
    }
    Ok(own)
}

/// One job at a time, waited for as the library offers it. Milliseconds each.
async fn singles(
    storage: &mut RedisStorage<Work>,
    count: usize,
    bytes: usize,
    limit: Duration,
) -> Result<Vec<f64>, Failure> {
    let mut times = Vec::with_capacity(count);
    let end = Instant::now() + limit;
    while times.len() < count && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let begin = Instant::now();
        let id = push_one(storage, bytes).await?;
        let mut results = WaitForCompletion::<serde_json::Value>::wait_for(storage, [id]);
        match tokio::time::timeout_at(end.into(), results.next()).await {
            Ok(result) => result.ok_or("the results ended")??,
            Err(_) => break,
        };
        times.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(times)
}

/// The same, but it listens to the channel on which finished jobs are announced instead of looking every 100 ms.
async fn announced_singles(
    storage: &mut RedisStorage<Work>,
    client: &redis::Client,
    count: usize,
    bytes: usize,
    limit: Duration,
) -> Result<Vec<f64>, Failure> {
    let mut subscriber = client.get_async_pubsub().await?;
    subscriber.subscribe(format!("tasks:{}", storage.get_config().done_jobs_set())).await?;
    let mut messages = subscriber.on_message();
    let mut times = Vec::with_capacity(count);
    let end = Instant::now() + limit;
    while times.len() < count && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let begin = Instant::now();
        let id = push_one(storage, bytes).await?;
        loop {
            let Ok(message) = tokio::time::timeout_at(end.into(), messages.next()).await else {
                return Ok(times);
            };
            let done: String = message.ok_or("the subscription ended")?.get_payload()?;
            if done == id.to_string() {
                break;
            }
        }
        let found = WaitForCompletion::<serde_json::Value>::check_status(storage, [id]).await?;
        if found.is_empty() {
            return Err("a job was announced without a result".into());
        }
        times.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(times)
}

async fn push_one(storage: &mut RedisStorage<Work>, bytes: usize) -> Result<TaskId, Failure> {
    let id = TaskId::from_string(ulid::Ulid::generate().to_string());
    storage.push_task(TaskBuilder::new(work(bytes)).task_id(id.clone()).build()).await?;
    Ok(id)
}

fn say(line: &str) {
    println!("{line}");
}
