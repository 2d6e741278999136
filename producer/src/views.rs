//! What is told of queues, slots and jobs, by the command line, over HTTP and to agents alike.

use std::collections::HashMap;

use booster_core::outcome::JobOutcome;
use booster_queue::{Mode, Queue, QueueError, Record};
use booster_state::{WorkerProfile, read_health, read_workers};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::client::Client;
use crate::error::ClientError;

/// What a queue holds now and has done since it began.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueueView {
    pub(crate) name: String,
    /// Jobs that no worker has started and that wait for nothing else.
    pub(crate) waiting: u64,
    /// Jobs that wait for their time.
    pub(crate) delayed: u64,
    /// Jobs that workers hold.
    pub(crate) running: u64,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) dead: u64,
    pub(crate) cancelled: u64,
    /// Jobs dropped because their id was known.
    pub(crate) deduplicated: u64,
    /// Dead jobs that are still kept.
    pub(crate) dead_kept: u64,
    /// Age of the oldest waiting job in milliseconds.
    pub(crate) oldest_age_ms: u64,
    #[schema(value_type = QueueMode)]
    pub(crate) mode: &'static str,
    pub(crate) paused: bool,
    pub(crate) draining: bool,
}

impl QueueView {
    /// Counts one queue.
    pub(crate) async fn of(queue: &Queue) -> Result<Self, QueueError> {
        let counts = queue.counts().await?;
        let mode = queue.mode().await?;
        let depth = counts.depth;
        Ok(Self {
            name: queue.name().to_owned(),
            waiting: depth.waiting,
            delayed: depth.delayed,
            running: depth.running,
            done: counts.done,
            refused: counts.refused,
            dead: counts.dead,
            cancelled: counts.cancelled,
            deduplicated: counts.deduplicated,
            dead_kept: depth.dead,
            oldest_age_ms: depth.oldest_age_ms,
            mode: mode.as_str(),
            paused: mode == Mode::Paused,
            draining: mode == Mode::Draining,
        })
    }

    /// Counts all queues.
    pub(crate) async fn all(client: &Client) -> Result<Vec<Self>, ClientError> {
        let mut views = Vec::new();
        for queue in client.queues().await? {
            views.push(Self::of(&queue).await?);
        }
        Ok(views)
    }
}

/// What is known of a job. JSON of boosters stays the text it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobStatus<'a> {
    id: &'a str,
    queue: &'a str,
    state: &'a str,
    attempts: u32,
    enqueued_at: u64,
    worker: &'a str,
    outcome: Option<&'a JobOutcome>,
}

impl<'a> JobStatus<'a> {
    /// The view of a job's record.
    pub(crate) fn new(id: &'a str, record: &'a Record) -> Self {
        Self {
            id,
            queue: &record.queue,
            state: &record.state,
            attempts: record.attempts,
            enqueued_at: record.enqueued_at,
            worker: &record.worker,
            outcome: record.outcome.as_ref(),
        }
    }
}

/// One slot of a living worker.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SlotView {
    /// The slot's id.
    pub(crate) booster_id: String,
    /// The instance in the slot.
    pub(crate) instance_id: String,
    /// What it does.
    #[schema(value_type = SlotStatus)]
    pub(crate) status: String,
    /// When the state last changed, Unix milliseconds.
    pub(crate) last_activity: u64,
    /// Most memory of the last job's instance in bytes.
    pub(crate) memory_usage: u64,
    /// Failed tasks.
    pub(crate) error_count: u64,
    /// Absent when the instance was replaced meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SlotHealth>)]
    pub(crate) health: Option<String>,
    /// The last tasks, at most 20; none without `booster.performanceTracking`.
    #[schema(value_type = Vec<Task>)]
    pub(crate) task_history: Box<RawValue>,
    /// Empty without `booster.performanceTracking`.
    #[schema(value_type = Performance)]
    pub(crate) performance_metrics: Box<RawValue>,
}

/// Whether jobs of a queue start, and whether it takes new ones.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "the words of `booster_queue::Mode`, for the OpenAPI document alone")]
enum QueueMode {
    Open,
    Paused,
    Draining,
}

/// What a slot does.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "as `QueueMode`")]
enum SlotStatus {
    Initializing,
    Ready,
    Busy,
    Error,
    Recovered,
}

/// By its share of errors and its memory.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "as `QueueMode`")]
enum SlotHealth {
    Healthy,
    Degraded,
    Unhealthy,
}

/// One task in a slot's history.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "the form of a JSON text that is passed on, for the OpenAPI document alone")]
struct Task {
    task_id: String,
    booster: String,
    /// `done`, `refused`, or the code of what went wrong.
    result: String,
    latency_ms: f64,
    /// When it ended, Unix milliseconds.
    at: u64,
}

/// What a slot has done.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "as `Task`")]
struct Performance {
    tasks: Option<u64>,
    errors: Option<u64>,
    busy_ms: Option<f64>,
    mean_latency_ms: Option<f64>,
}

impl SlotView {
    fn new(booster_id: String, mut fields: HashMap<String, String>, health: Option<String>) -> Self {
        let mut field = |name: &str| fields.remove(name).unwrap_or_default();
        let number = |text: String| text.parse().unwrap_or(0);
        Self {
            booster_id,
            instance_id: field("instanceId"),
            status: field("status"),
            last_activity: number(field("lastActivity")),
            memory_usage: number(field("memoryUsage")),
            error_count: number(field("errorCount")),
            health,
            task_history: json(field("taskHistory"), "[]"),
            performance_metrics: json(field("performanceMetrics"), "{}"),
        }
    }
}

/// A field's JSON, or what stands for nothing when somebody else has written it.
fn json(text: String, nothing: &'static str) -> Box<RawValue> {
    RawValue::from_string(text)
        .ok()
        .filter(|json| json.get().starts_with(&nothing[..1]))
        .or_else(|| RawValue::from_string(nothing.to_owned()).ok())
        .unwrap_or_default()
}

/// A living worker process.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkerView {
    pub(crate) id: String,
    /// The machine.
    pub(crate) host: String,
    pub(crate) version: String,
    /// When it started, Unix milliseconds.
    pub(crate) started_at: u64,
    /// Its boosters as `name@version`.
    pub(crate) boosters: Vec<String>,
    /// The queues that it serves.
    pub(crate) queues: Vec<String>,
}

impl From<WorkerProfile> for WorkerView {
    fn from(worker: WorkerProfile) -> Self {
        let WorkerProfile { id, host, version, started_at, boosters, queues } = worker;
        Self { id, host, version, started_at, boosters, queues }
    }
}

/// All living workers and their slots.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PoolView {
    pub(crate) workers: Vec<WorkerView>,
    pub(crate) slots: Vec<SlotView>,
}

impl PoolView {
    /// Reads them.
    pub(crate) async fn of(client: &Client) -> Result<Self, ClientError> {
        let workers = read_workers(client.link(), client.keys()).await?;
        let pool = client.pool().await?;
        let instance = |fields: &HashMap<String, String>| fields.get("instanceId").cloned();
        let instances: Vec<String> =
            pool.iter().map(|(_, fields)| instance(fields).unwrap_or_default()).collect();
        let health = read_health(client.link(), client.keys(), &instances).await?;
        let slots = pool.into_iter().zip(health);
        Ok(Self {
            workers: workers.into_iter().map(WorkerView::from).collect(),
            slots: slots.map(|((id, fields), health)| SlotView::new(id, fields, health)).collect(),
        })
    }
}
