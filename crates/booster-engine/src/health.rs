//! How well a slot does.

use serde::Serialize;

use crate::slot::{SlotStatus, SlotView};

/// Fewer tasks than this say nothing of a slot.
const FEW: usize = 4;
/// So many tasks, nearly all of them failed, and the slot is given up.
const MANY: usize = 10;
/// Share of failed tasks above which a slot is degraded.
const DEGRADED_SHARE: f64 = 0.5;
/// Share of failed tasks from which a slot is unhealthy.
const UNHEALTHY_SHARE: f64 = 0.9;
/// Share of the memory limit from which a slot is degraded.
const MEMORY_SHARE: f64 = 0.9;

/// A slot's health, in the words of the state hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Nothing is wrong.
    Healthy,
    /// More than half of its last tasks failed (of at least 4), or the last one came close to the memory limit.
    Degraded,
    /// It failed its health check, nine of ten of its last tasks failed (of at least 10), or it is out of service.
    Unhealthy,
}

impl Health {
    /// All of them.
    pub const ALL: [Health; 3] = [Self::Healthy, Self::Degraded, Self::Unhealthy];

    /// The word in the state hash and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// The health that follows from a slot's last tasks and their memory.
pub(crate) fn assess(view: &SlotView, memory_limit: usize) -> Health {
    let tasks = view.history.len();
    let fine = |result: &str| matches!(result, "done" | "refused" | "invalid" | "stopped" | "deferred");
    let failed = view.history.iter().filter(|task| !fine(task.result)).count();
    let share = failed as f64 / tasks.max(1) as f64;
    let memory = view.memory_usage as f64 / memory_limit.max(1) as f64;
    if view.status == SlotStatus::Error || (tasks >= MANY && share >= UNHEALTHY_SHARE) {
        Health::Unhealthy
    } else if (tasks >= FEW && share > DEGRADED_SHARE) || memory >= MEMORY_SHARE {
        Health::Degraded
    } else {
        Health::Healthy
    }
}
