//! Names of Redis keys and channels. No other code spells one.

use crate::UnixMillis;

/// Fleet-wide keys under one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys under `prefix`, such as `swarm:phase-5:`.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The prefix itself.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Pub/sub channel of lifecycle events.
    pub fn channel(&self) -> String {
        format!("{}booster", self.prefix)
    }

    /// State hash of a slot.
    pub fn booster(&self, booster_id: &str) -> String {
        format!("{}booster:{booster_id}", self.prefix)
    }

    /// Set of available instance ids.
    pub fn pool(&self) -> String {
        format!("{}pool", self.prefix)
    }

    /// Hash of one instance.
    pub fn instance(&self, instance_id: &str) -> String {
        format!("{}pool:{instance_id}", self.prefix)
    }

    /// Capped stream of all events, fed by the follower.
    pub fn events(&self) -> String {
        format!("{}events", self.prefix)
    }

    /// Election of the process that follows the queues' event streams.
    pub fn follower(&self) -> String {
        format!("{}follower", self.prefix)
    }

    /// Hash of how far each queue's events have been copied.
    pub fn cursors(&self) -> String {
        format!("{}follower:cursors", self.prefix)
    }

    /// Task record for readers of the older form.
    pub fn task(&self, task_id: &str) -> String {
        format!("{}tasks:{task_id}", self.prefix)
    }

    /// Profile hash of a worker process.
    pub fn agent(&self, worker_id: &str) -> String {
        format!("{}agent:{worker_id}", self.prefix)
    }

    /// Sorted set of living worker ids by the time until which their profile holds.
    pub fn agents(&self) -> String {
        format!("{}agents", self.prefix)
    }

    /// Hash of the boosters that workers have registered: `name@version` to manifest.
    pub fn boosters(&self) -> String {
        format!("{}boosters", self.prefix)
    }

    /// Set of the queues that workers serve or clients have named.
    pub fn queues(&self) -> String {
        format!("{}queues", self.prefix)
    }

    /// The keys of one queue.
    pub fn queue(&self, name: &str) -> QueueKeys {
        QueueKeys { name: name.to_owned(), base: format!("{}{{{name}}}:", self.prefix) }
    }
}

/// Keys of one queue. All carry the queue's name in braces, so that they share a hash slot of a Redis Cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueKeys {
    name: String,
    base: String,
}

/// Consumer group of the job streams.
pub const GROUP: &str = "workers";

impl QueueKeys {
    /// The queue's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Everything before a job's id in [`QueueKeys::job`].
    pub fn job_prefix(&self) -> String {
        format!("{}job:", self.base)
    }

    /// Stream to which producers add jobs.
    pub fn jobs(&self) -> String {
        format!("{}jobs", self.base)
    }

    /// Stream of jobs that were handed back, reclaimed or are due again; read before [`QueueKeys::jobs`].
    pub fn front(&self) -> String {
        format!("{}front", self.base)
    }

    /// Sorted set of job ids by the time at which they are due.
    pub fn delayed(&self) -> String {
        format!("{}delayed", self.base)
    }

    /// Record of one job (hash).
    pub fn job(&self, id: &str) -> String {
        format!("{}job:{id}", self.base)
    }

    /// Capped stream of this queue's events.
    pub fn events(&self) -> String {
        format!("{}events", self.base)
    }

    /// Hash of counters since the queue began.
    pub fn stats(&self) -> String {
        format!("{}stats", self.base)
    }

    /// Sorted set of dead jobs by the time of death.
    pub fn dead(&self) -> String {
        format!("{}dead", self.base)
    }

    /// Capped stream of jobs offered to regular agents.
    pub fn fallback(&self) -> String {
        format!("{}fallback", self.base)
    }

    /// Election of the worker that reclaims and promotes for this queue.
    pub fn keeper(&self) -> String {
        format!("{}keeper", self.base)
    }

    /// Hash of the queue's cron schedules: name to JSON.
    pub fn schedules(&self) -> String {
        format!("{}schedules", self.base)
    }

    /// Hash of the ticks that the queue's schedules last fired, and of when they were last looked at.
    pub fn ticks(&self) -> String {
        format!("{}ticks", self.base)
    }

    /// Channel on which workers are told to stop a job.
    pub fn control_channel(&self) -> String {
        format!("{}control", self.base)
    }

    /// Channel on which the outcome of a watched job is announced.
    pub fn done_channel(&self, id: &str) -> String {
        format!("{}done:{id}", self.base)
    }
}

/// The id of a job that was added without one: derived from queue and stream entry, so that every reader of
/// the entry derives the same.
pub fn derived_id(queue: &str, entry: &str) -> String {
    format!("{queue}-{entry}")
}

/// The time part of a Redis stream entry id, Unix milliseconds.
pub fn entry_millis(entry: &str) -> UnixMillis {
    entry.split('-').next().and_then(|ms| ms.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_documented_ones() {
        let keys = Keys::new("swarm:phase-5:");
        assert_eq!(keys.channel(), "swarm:phase-5:booster");
        assert_eq!(keys.booster("b1"), "swarm:phase-5:booster:b1");
        assert_eq!(keys.pool(), "swarm:phase-5:pool");
        assert_eq!(keys.instance("i1"), "swarm:phase-5:pool:i1");
        assert_eq!(keys.task("t1"), "swarm:phase-5:tasks:t1");
        assert_eq!(keys.events(), "swarm:phase-5:events");
        let queue = keys.queue("normal");
        assert_eq!(queue.jobs(), "swarm:phase-5:{normal}:jobs");
        assert_eq!(queue.front(), "swarm:phase-5:{normal}:front");
        assert_eq!(queue.delayed(), "swarm:phase-5:{normal}:delayed");
        assert_eq!(queue.job("j1"), "swarm:phase-5:{normal}:job:j1");
        assert_eq!(queue.events(), "swarm:phase-5:{normal}:events");
    }

    #[test]
    fn a_derived_id_is_a_valid_id() {
        let id = derived_id("normal", "1700000000000-3");
        assert_eq!(id, "normal-1700000000000-3");
        assert!(crate::job::is_valid_id(&id));
        assert_eq!(entry_millis("1700000000000-3"), 1_700_000_000_000);
    }
}
