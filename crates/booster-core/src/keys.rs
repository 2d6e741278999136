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

    /// Hash of the modules that are kept in Redis: name to record.
    pub fn modules(&self) -> String {
        format!("{}modules", self.prefix)
    }

    /// Compressed bytes of the module with this SHA-256 (string).
    pub fn module(&self, digest: &str) -> String {
        format!("{}module:{digest}", self.prefix)
    }

    /// Channel on which it is announced that [`Keys::modules`] has changed.
    pub fn modules_channel(&self) -> String {
        format!("{}modules:changed", self.prefix)
    }

    /// Set of the queues that workers serve or clients have named.
    pub fn queues(&self) -> String {
        format!("{}queues", self.prefix)
    }

    /// Hash of tenants' rate limits: tenant to `jobs-per-second burst`.
    pub fn limits(&self) -> String {
        format!("{}limits", self.prefix)
    }

    /// Token bucket of one tenant with a rate limit.
    pub fn rate(&self, tenant: &str) -> String {
        format!("{}rate:{tenant}", self.prefix)
    }

    /// What the keys of kept outcomes begin with. They share a hash slot of their own, and lie outside what producers may
    /// write to.
    pub fn cache_base(&self) -> String {
        format!("{}cache:{{outcomes}}:", self.prefix)
    }

    /// A kept outcome by its name (string).
    pub fn cache_entry(&self, name: &str) -> String {
        format!("{}entry:{name}", self.cache_base())
    }

    /// Sorted set of the kept outcomes' names and sizes, by the time at which they were kept.
    pub fn cache_index(&self) -> String {
        format!("{}index", self.cache_base())
    }

    /// Hash with how many bytes the kept outcomes have.
    pub fn cache_totals(&self) -> String {
        format!("{}totals", self.cache_base())
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

    /// What every key of the queue begins with.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The keys that every script of the queue is given, in the order in which `prelude.lua` names them.
    pub fn of_scripts(&self) -> [String; 13] {
        [
            self.jobs(),
            self.front(),
            self.turn(),
            self.delayed(),
            self.live(),
            self.events(),
            self.stats(),
            self.dead(),
            self.offers(),
            self.mode(),
            self.turns(),
            self.tenants(),
            self.limited(),
        ]
    }

    /// Stream to which producers add jobs.
    pub fn jobs(&self) -> String {
        format!("{}jobs", self.base)
    }

    /// Stream of jobs that were handed back, reclaimed or are due again; read before [`QueueKeys::jobs`].
    pub fn front(&self) -> String {
        format!("{}front", self.base)
    }

    /// Stream of tenants' jobs whose turn it is; read beside [`QueueKeys::jobs`].
    pub fn turn(&self) -> String {
        format!("{}turn", self.base)
    }

    /// Hash of the jobs that have not ended: id to state.
    pub fn live(&self) -> String {
        format!("{}live", self.base)
    }

    /// What is unusual about the queue: `paused` or `draining` (string; absent when it is open).
    pub fn mode(&self) -> String {
        format!("{}mode", self.base)
    }

    /// Hash of how many entries of the turn stream that nobody has started each tenant has.
    pub fn turns(&self) -> String {
        format!("{}turns", self.base)
    }

    /// Sorted set of the tenants with parked jobs, by their number.
    pub fn tenants(&self) -> String {
        format!("{}tenants", self.base)
    }

    /// Set of the tenants that have a rate limit, as this queue's scripts know it.
    pub fn limited(&self) -> String {
        format!("{}limited", self.base)
    }

    /// List of a tenant's parked jobs: ids, the oldest first.
    pub fn parked(&self, tenant: &str) -> String {
        format!("{}parked:{tenant}", self.base)
    }

    /// JSON text of a job that is delayed, parked, or ended in another way than done (string).
    pub fn text(&self, id: &str) -> String {
        format!("{}text:{id}", self.base)
    }

    /// Sorted set of job ids by the time at which they are due.
    pub fn delayed(&self) -> String {
        format!("{}delayed", self.base)
    }

    /// Outcome of a job that has ended (string).
    pub fn job(&self, id: &str) -> String {
        format!("{}job:{id}", self.base)
    }

    /// Capped stream of this queue's events, until the follower has moved them.
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

    /// Sorted set of the jobs that are offered to regular agents, by the time from which they may be taken.
    pub fn offers(&self) -> String {
        format!("{}offers", self.base)
    }

    /// Who has taken an offered job, and how often it was taken (string).
    pub fn claim(&self, id: &str) -> String {
        format!("{}claim:{id}", self.base)
    }

    /// Channel on which it is said that there is something to take.
    pub fn offered_channel(&self) -> String {
        format!("{}offered", self.base)
    }

    /// Election of the worker that reclaims and promotes for this queue.
    pub fn keeper(&self) -> String {
        format!("{}keeper", self.base)
    }

    /// Mark that a submit leaves whose replicas are waited for (string).
    pub fn confirmed(&self) -> String {
        format!("{}confirmed", self.base)
    }

    /// Sorted set of the tasks that were moved here from an apalis queue and whose end has not been told there.
    pub fn intake(&self, namespace: &str) -> String {
        format!("{}intake:{namespace}", self.base)
    }

    /// Election of the worker that moves an apalis queue's tasks here.
    pub fn intake_office(&self, namespace: &str) -> String {
        format!("{}intake-office:{namespace}", self.base)
    }

    /// Hash of the queue's cron schedules: name to JSON.
    pub fn schedules(&self) -> String {
        format!("{}schedules", self.base)
    }

    /// Hash of the ticks that the queue's schedules last fired, and of when they were last looked at.
    pub fn ticks(&self) -> String {
        format!("{}ticks", self.base)
    }

    /// Channel on which workers are told to stop a job, that the queue's mode has changed, or that one is idle.
    pub fn control_channel(&self) -> String {
        format!("{}control", self.base)
    }

    /// Channel on which the outcome of a watched job is announced.
    pub fn done_channel(&self, id: &str) -> String {
        format!("{}done:{id}", self.base)
    }
}

/// Keys of one queue of apalis-redis 1.0, named by the `queue` of its `Config`. Task ids are whatever bytes
/// somebody wrote, so keys that carry one are bytes too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApalisKeys {
    namespace: String,
}

impl ApalisKeys {
    /// The keys of the apalis queue `namespace`.
    pub fn new(namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into() }
    }

    /// Sorted set of task ids by the time at which they are due, Unix seconds. Every push adds here.
    pub fn scheduled(&self) -> String {
        format!("{}:scheduled", self.namespace)
    }

    /// List of tasks that an apalis worker has found due and none has taken.
    pub fn active(&self) -> String {
        format!("{}:active", self.namespace)
    }

    /// Hash of the tasks' encoded arguments.
    pub fn data(&self) -> String {
        format!("{}:data", self.namespace)
    }

    /// Hash of one task's status and result.
    pub fn meta(&self, task: &[u8]) -> Vec<u8> {
        [format!("{}:meta:", self.namespace).as_bytes(), task].concat()
    }

    /// Channel on which apalis announces tasks that ended well.
    pub fn done_channel(&self) -> String {
        format!("tasks:{}:done", self.namespace)
    }

    /// Channel on which apalis announces tasks that failed for good.
    pub fn dead_channel(&self) -> String {
        format!("tasks:{}:dead", self.namespace)
    }
}

/// What decides a key's slot on a Redis Cluster: the text in its first braces, or the whole key where that is
/// missing or empty.
pub fn hash_tag(key: &[u8]) -> &[u8] {
    let inside = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        rest.iter().position(|byte| *byte == b'}').map(|close| &rest[..close])
    });
    inside.filter(|tag| !tag.is_empty()).unwrap_or(key)
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
        assert_eq!(keys.modules(), "swarm:phase-5:modules");
        assert_eq!(keys.module("ab12"), "swarm:phase-5:module:ab12");
        assert_eq!(keys.modules_channel(), "swarm:phase-5:modules:changed");
        let queue = keys.queue("normal");
        assert_eq!(queue.jobs(), "swarm:phase-5:{normal}:jobs");
        assert_eq!(queue.front(), "swarm:phase-5:{normal}:front");
        assert_eq!(queue.delayed(), "swarm:phase-5:{normal}:delayed");
        assert_eq!(queue.job("j1"), "swarm:phase-5:{normal}:job:j1");
        assert_eq!(queue.live(), "swarm:phase-5:{normal}:live");
        assert!(queue.of_scripts().iter().all(|key| key.starts_with(queue.base())));
        assert_eq!(queue.events(), "swarm:phase-5:{normal}:events");
    }

    #[test]
    fn the_keys_of_apalis_are_those_of_its_configuration() {
        let keys = ApalisKeys::new("edits");
        assert_eq!((keys.scheduled(), keys.active()), ("edits:scheduled".into(), "edits:active".into()));
        assert_eq!((keys.data(), keys.meta(b"t1")), ("edits:data".into(), b"edits:meta:t1".to_vec()));
    }

    #[test]
    fn a_hash_tag_is_what_redis_takes_for_one() {
        // The examples of Redis' cluster specification.
        for (key, tag) in [
            ("{user1000}.following", "user1000"),
            ("foo{}{bar}", "foo{}{bar}"),
            ("foo{{bar}}zap", "{bar"),
            ("foo{bar}{zap}", "bar"),
            ("plain", "plain"),
            ("open{brace", "open{brace"),
        ] {
            assert_eq!(hash_tag(key.as_bytes()), tag.as_bytes(), "{key}");
        }
    }

    #[test]
    fn a_derived_id_is_a_valid_id() {
        let id = derived_id("normal", "1700000000000-3");
        assert_eq!(id, "normal-1700000000000-3");
        assert!(crate::job::is_valid_id(&id));
        assert_eq!(entry_millis("1700000000000-3"), 1_700_000_000_000);
    }
}
