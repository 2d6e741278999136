//! Lifecycle events: one value for what happened, from which the log line, the metric and the message on the
//! bus are all made.

use serde::Serialize;

use crate::UnixMillis;
use crate::job::Job;
use crate::outcome::{ErrorDetail, FailureCause, OutcomeKind};

/// Something that happened in the fleet and that others may want to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A job was accepted, or a worker saw a plainly added one for the first time.
    Requested(Requested),
    /// A slot took a job.
    Allocated(Allocated),
    /// A job ended as `done`, `refused` or `cancelled`.
    TaskCompleted(Finished),
    /// An attempt failed, or a job died.
    Error(Failed),
    /// A slot has a new instance after a failure.
    Recovered(Recovered),
    /// The pool's size or membership changed.
    PoolUpdated(PoolUpdated),
    /// Another version of a module is there, or jobs get another one.
    ModuleUpdated(ModuleUpdated),
}

/// Data of `booster.requested`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requested {
    /// The job.
    pub job_id: String,
    /// Its queue.
    pub queue: String,
    /// The booster or capability asked for.
    pub booster: String,
    /// On whose behalf it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The agent that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
}

impl Requested {
    /// Of a job in a queue; without the job when it is not readable.
    pub fn of(id: &str, queue: &str, job: Option<&Job>) -> Self {
        Self {
            job_id: id.to_owned(),
            queue: queue.to_owned(),
            booster: job.map(|job| job.target.to_string()).unwrap_or_default(),
            tenant: job.and_then(|job| job.tenant.clone()),
            agent_id: job.and_then(|job| job.agent_id.clone()),
        }
    }
}

/// Data of `booster.allocated`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Allocated {
    /// The job.
    pub job_id: String,
    /// Its queue.
    pub queue: String,
    /// The slot.
    pub booster_id: String,
    /// The instance in the slot.
    pub instance_id: String,
    /// The worker process.
    pub worker_id: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Time the job waited for this attempt, deliberate delays excluded, milliseconds.
    pub wait_ms: u64,
    /// On whose behalf it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

/// Data of `booster.task.completed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// The job.
    pub job_id: String,
    /// Its queue.
    pub queue: String,
    /// The booster that ran.
    pub booster: String,
    /// How the job ended.
    pub outcome: OutcomeKind,
    /// The last attempt, from 1; 0 when there was none.
    pub attempt: u32,
    /// The worker process.
    pub worker_id: String,
    /// Time in the sandbox, milliseconds.
    pub latency_ms: f64,
    /// Whether something other than the fleet's boosters did it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub used_fallback: bool,
    /// Whether the outcome is that of an earlier job with the same booster and input.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// On whose behalf it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The agent that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
}

/// Data of `booster.error`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The job.
    pub job_id: String,
    /// Its queue.
    pub queue: String,
    /// The booster that ran, or was asked for.
    pub booster: String,
    /// Why the attempt failed; absent when the job was invalid and never ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<FailureCause>,
    /// What happened.
    pub error: ErrorDetail,
    /// Which attempt this was, from 1, also of a job that was too wrong to run.
    pub attempt: u32,
    /// Failed attempts so far, this one included.
    pub attempts: u32,
    /// Time of the attempt in the sandbox, milliseconds.
    pub latency_ms: f64,
    /// Whether the job ended with this failure.
    pub dead: bool,
    /// When it is tried again, Unix milliseconds; absent when it is dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<UnixMillis>,
    /// The worker process.
    pub worker_id: String,
    /// On whose behalf it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The agent that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
}

/// Data of `booster.recovered`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovered {
    /// The slot.
    pub booster_id: String,
    /// The instance that failed.
    pub old_instance_id: String,
    /// The instance that took its place.
    pub instance_id: String,
    /// The worker process.
    pub worker_id: String,
    /// Why the old instance was discarded.
    pub cause: FailureCause,
    /// Time from the failure to the slot being ready, milliseconds.
    pub recovery_ms: f64,
}

/// Data of `booster.pool.updated`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolUpdated {
    /// The worker process whose pool changed.
    pub worker_id: String,
    /// Slots in the pool now.
    pub slots: usize,
    /// What happened: `started`, `stopped` or `resized`.
    pub change: &'static str,
}

/// Data of `booster.module.updated`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleUpdated {
    /// The module's name.
    pub name: String,
    /// The version that was pushed, promoted, put on trial, taken back or removed.
    pub version: String,
    /// What happened: `pushed`, `promoted`, `canary`, `rolled_back` or `removed`.
    pub change: &'static str,
    /// A canary's share of the jobs, per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Why it was taken back, when a worker did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The worker that did it; absent when an operator did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
}

impl Event {
    /// The types: those of a job's life in their order, then those of the fleet.
    pub const TYPES: [&'static str; 7] = [
        "booster.requested",
        "booster.allocated",
        "booster.task.completed",
        "booster.error",
        "booster.recovered",
        "booster.pool.updated",
        "booster.module.updated",
    ];

    /// The event's type as it stands on the bus.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Requested(_) => Self::TYPES[0],
            Self::Allocated(_) => Self::TYPES[1],
            Self::TaskCompleted(_) => Self::TYPES[2],
            Self::Error(_) => Self::TYPES[3],
            Self::Recovered(_) => Self::TYPES[4],
            Self::PoolUpdated(_) => Self::TYPES[5],
            Self::ModuleUpdated(_) => Self::TYPES[6],
        }
    }

    /// The message for the bus: `{"type","timestamp","data"}`, one line of JSON.
    pub fn to_message(&self, timestamp: UnixMillis) -> String {
        #[derive(Serialize)]
        struct Message<'a, D> {
            r#type: &'a str,
            timestamp: UnixMillis,
            data: &'a D,
        }
        fn encode<D: Serialize>(kind: &str, timestamp: UnixMillis, data: &D) -> String {
            // Plain structs with string keys: serialising them cannot fail.
            serde_json::to_string(&Message { r#type: kind, timestamp, data }).unwrap_or_default()
        }
        match self {
            Self::Requested(data) => encode(self.kind(), timestamp, data),
            Self::Allocated(data) => encode(self.kind(), timestamp, data),
            Self::TaskCompleted(data) => encode(self.kind(), timestamp, data),
            Self::Error(data) => encode(self.kind(), timestamp, data),
            Self::Recovered(data) => encode(self.kind(), timestamp, data),
            Self::PoolUpdated(data) => encode(self.kind(), timestamp, data),
            Self::ModuleUpdated(data) => encode(self.kind(), timestamp, data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_type_timestamp_and_data() {
        let event = Event::Requested(Requested {
            job_id: "j".into(),
            queue: "normal".into(),
            booster: "apply".into(),
            tenant: None,
            agent_id: None,
        });
        assert_eq!(
            event.to_message(7),
            r#"{"type":"booster.requested","timestamp":7,"data":{"jobId":"j","queue":"normal","booster":"apply"}}"#
        );
    }
}
