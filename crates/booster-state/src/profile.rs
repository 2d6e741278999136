//! Agent profiles: what each living worker is and which boosters it has.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use booster_core::{Catalogue, Config, Keys, Manifest, Priority, UnixMillis};
use booster_queue::{Link, now_ms};
use redis::Pipeline;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::error::StateError;

/// How often a worker says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often the whole profile is written, changed or not.
const REWRITE: Duration = Duration::from_secs(60);
/// How long a silent worker's profile holds.
const LIFE: Duration = Duration::from_secs(20);
/// Queues with a name of their own, at most.
pub const MAX_QUEUES: usize = 256;
/// Living workers read from Redis, at most.
const MAX_WORKERS: usize = 10_000;
/// Boosters read from Redis, at most.
const MAX_BOOSTERS: usize = 4096;
/// Profiles read with one call.
const PROFILES: usize = 100;

/// Which boosters a worker has at the moment.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// What it can run.
    pub manifests: Vec<Manifest>,
    /// Its modules by `name@version`, those that it could not load included.
    pub modules: BTreeMap<String, WorkerModule>,
}

/// A module as one worker has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerModule {
    /// How far it is.
    pub state: LoadState,
    /// Where it comes from.
    pub source: ModuleSource,
    /// SHA-256 of the module, in hexadecimal.
    pub digest: String,
    /// Bytes of the module.
    pub size: usize,
    /// Why it could not be loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why its instances start cold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold: Option<String>,
}

/// How far a worker is with a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LoadState {
    /// It is fetched and compiled.
    Loading,
    /// It can run.
    Loaded,
    /// It could not be loaded.
    Failed,
}

/// Where a worker's module comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ModuleSource {
    /// The directory of the worker's machine.
    Directory,
    /// Redis.
    Redis,
}

/// A worker's profile, kept alive in Redis.
#[derive(Debug)]
pub struct Profile {
    link: Link,
    keys: Keys,
    worker: String,
    fields: Vec<(&'static str, String)>,
    standing: watch::Receiver<Standing>,
    /// What was last written, as `(name@version, manifest)`.
    written: Vec<(String, String)>,
    /// When everything was last written; `None` when it has to be.
    written_at: Option<Instant>,
    queues: Vec<String>,
    ttl_s: u64,
}

impl Profile {
    /// The profile of `worker`, whose boosters are told by `standing`, serves `queues`, and shows its metrics on
    /// `listen`.
    pub fn new(
        link: Link,
        config: &Config,
        worker: &str,
        standing: watch::Receiver<Standing>,
        queues: &[String],
        version: &str,
        listen: &str,
    ) -> Self {
        let requirements = serde_json::json!({
            "wasmSupport": true,
            "memoryLimit": size_text(config.wasm.memory_limit),
            "timeout": config.wasm.task_timeout_ms,
        });
        let capabilities =
            ["code-generation", "code-optimization", "performance-analysis", "wasm-acceleration"];
        let fields = vec![
            ("type", "code-booster".to_owned()),
            ("capabilities", serde_json::json!(capabilities).to_string()),
            ("requirements", requirements.to_string()),
            ("host", host_name()),
            ("version", version.to_owned()),
            ("listen", listen.to_owned()),
            ("queues", serde_json::json!(queues).to_string()),
            ("startedAt", now_ms().to_string()),
        ];
        let keys = Keys::new(config.redis.key_prefix.clone());
        Self {
            link,
            keys,
            worker: worker.to_owned(),
            fields,
            standing,
            written: Vec::new(),
            written_at: None,
            queues: queues.to_vec(),
            ttl_s: config.redis.ttl_s,
        }
    }

    /// Keeps the profile alive, and up to date when the worker's boosters change, until `stop` resolves; then removes
    /// it.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            // A fault is noted by the link; the next heartbeat tries again.
            let _ = self.beat().await;
            let changed = async {
                // Without whoever changes them, boosters stay as they are.
                if self.standing.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(HEARTBEAT) => {}
                () = changed => self.written_at = None,
            }
        }
        let mut pipeline = Pipeline::new();
        pipeline.cmd("DEL").arg(self.keys.agent(&self.worker)).ignore();
        pipeline.cmd("ZREM").arg(self.keys.agents()).arg(&self.worker).ignore();
        let _ = self.link.pipeline::<()>("profile", &pipeline).await;
    }

    /// Says that the worker lives and what it can run; the rest only now and then, and when Redis has lost it.
    async fn beat(&mut self) -> Result<(), StateError> {
        if self.written_at.is_none_or(|at| at.elapsed() >= REWRITE) {
            return self.write().await;
        }
        let mut pipeline = Pipeline::new();
        self.add_signs_of_life(&mut pipeline);
        let (known,): (bool,) = self.link.pipeline("profile", &pipeline).await?;
        if known { Ok(()) } else { self.write().await }
    }

    /// The answers to all but the first of these commands are not looked at.
    fn add_signs_of_life(&self, pipeline: &mut Pipeline) {
        pipeline.cmd("PEXPIRE").arg(self.keys.agent(&self.worker)).arg(millis(LIFE));
        pipeline.cmd("ZADD").arg(self.keys.agents()).arg(now_ms() + millis(LIFE)).arg(&self.worker).ignore();
        if !self.written.is_empty() {
            // Another worker that has lost a booster removes it for all.
            pipeline.cmd("HSET").arg(self.keys.boosters()).arg(&self.written).ignore();
        }
    }

    /// Writes the whole profile.
    async fn write(&mut self) -> Result<(), StateError> {
        self.written_at = None;
        let Standing { manifests, modules } = self.standing.borrow_and_update().clone();
        let manifests: Vec<(String, String)> =
            manifests.iter().map(|manifest| (manifest.reference(), published(manifest))).collect();
        let references: Vec<String> = manifests.iter().map(|(reference, _)| reference.clone()).collect();
        let agent = self.keys.agent(&self.worker);
        let mut pipeline = Pipeline::new();
        pipeline.cmd("HSET").arg(&agent).arg(&self.fields);
        pipeline.arg("boosters").arg(serde_json::json!(references).to_string());
        pipeline.arg("modules").arg(serde_json::json!(modules).to_string()).ignore();
        pipeline.cmd("SADD").arg(self.keys.queues()).arg(&self.queues).ignore();
        // Another worker that still has one says so again within its next heartbeat.
        let gone: Vec<&String> = self
            .written
            .iter()
            .map(|(reference, _)| reference)
            .filter(|one| !references.contains(one))
            .collect();
        if !gone.is_empty() {
            pipeline.cmd("HDEL").arg(self.keys.boosters()).arg(&gone).ignore();
        }
        self.written = manifests;
        self.add_signs_of_life(&mut pipeline);
        pipeline.cmd("EXPIRE").arg(self.keys.boosters()).arg(self.ttl_s.max(3600)).ignore();
        let _: (bool,) = self.link.pipeline("profile", &pipeline).await?;
        self.written_at = Some(Instant::now());
        Ok(())
    }
}

/// A size as it stands in a configuration, such as `512MB`.
fn size_text(bytes: usize) -> String {
    match (bytes % (1 << 20), bytes % (1 << 10)) {
        (0, _) => format!("{}MB", bytes >> 20),
        (_, 0) => format!("{}KB", bytes >> 10),
        _ => bytes.to_string(),
    }
}

/// A manifest as others read it: without the warm-up inputs, which only its loader needs.
fn published(manifest: &Manifest) -> String {
    let manifest = Manifest { warm_up: Vec::new(), ..manifest.clone() };
    serde_json::to_string(&manifest).unwrap_or_default()
}

/// The boosters that the fleet's workers have registered. Empty when no worker ever has.
///
/// # Errors
/// A Redis error.
pub async fn fleet_catalogue(link: &Link, keys: &Keys) -> Result<Catalogue, StateError> {
    let mut catalogue = Catalogue::default();
    let (mut cursor, mut read) = (0_u64, 0);
    loop {
        let mut command = redis::cmd("HSCAN");
        command.arg(keys.boosters()).arg(cursor).arg("COUNT").arg(MAX_BOOSTERS);
        let (next, fields): (u64, Vec<(String, String)>) = link.query("boosters", &command).await?;
        read += fields.len();
        for (_, text) in fields {
            // A newer worker's manifest may have a form that this version does not know: it is skipped.
            if let Ok(manifest) = serde_json::from_str(&text) {
                catalogue.insert(manifest);
            }
        }
        if next == 0 || read >= MAX_BOOSTERS {
            return Ok(catalogue);
        }
        cursor = next;
    }
}

/// The names of all queues: those of the three priorities, and those that workers serve or clients have named.
///
/// # Errors
/// A Redis error.
pub async fn queue_names(link: &Link, keys: &Keys) -> Result<Vec<String>, StateError> {
    let mut command = redis::cmd("SSCAN");
    command.arg(keys.queues()).arg(0).arg("COUNT").arg(MAX_QUEUES);
    let (_, known): (u64, Vec<String>) = link.query("queues", &command).await?;
    let mut names: Vec<String> = Priority::ALL.iter().map(|priority| priority.as_str().to_owned()).collect();
    let mut others: Vec<String> = known.into_iter().filter(|name| !names.contains(name)).collect();
    others.sort();
    names.extend(others.into_iter().take(MAX_QUEUES));
    Ok(names)
}

/// The ids of the workers that live.
///
/// # Errors
/// A Redis error.
pub async fn living_workers(link: &Link, keys: &Keys) -> Result<Vec<String>, StateError> {
    let mut command = redis::cmd("ZRANGE");
    command.arg(keys.agents()).arg(now_ms()).arg("+inf").arg("BYSCORE").arg("LIMIT").arg(0).arg(MAX_WORKERS);
    Ok(link.query("agents", &command).await?)
}

/// Asks for something of each worker's profile: a command and what stands behind the key.
async fn of_profiles<T: redis::FromRedisValue>(
    link: &Link,
    keys: &Keys,
    workers: &[String],
    words: &[&str],
) -> Result<Vec<T>, StateError> {
    let mut found = Vec::with_capacity(workers.len());
    for page in workers.chunks(PROFILES) {
        let mut pipeline = Pipeline::with_capacity(page.len());
        for worker in page {
            pipeline.cmd(words[0]).arg(keys.agent(worker)).arg(&words[1..]);
        }
        found.extend(link.pipeline::<Vec<T>>("agents", &pipeline).await?);
    }
    Ok(found)
}

/// Where a living worker serves its metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The worker's id.
    pub worker: String,
    /// `host:port`; the host is the worker's own name where it listens on every address.
    pub address: String,
    /// Until when its last heartbeat holds.
    pub holds_until: UnixMillis,
}

/// Where the living workers serve their metrics, by worker; 10,000 at most.
///
/// # Errors
/// A Redis error.
pub async fn endpoints(link: &Link, keys: &Keys) -> Result<Vec<Endpoint>, StateError> {
    let mut command = redis::cmd("ZRANGE");
    command.arg(keys.agents()).arg(now_ms()).arg("+inf").arg("BYSCORE");
    command.arg("LIMIT").arg(0).arg(MAX_WORKERS).arg("WITHSCORES");
    let living: Vec<(String, f64)> = link.query("agents", &command).await?;
    let workers: Vec<String> = living.iter().map(|(worker, _)| worker.clone()).collect();
    let fields: Vec<(Option<String>, Option<String>)> =
        of_profiles(link, keys, &workers, &["HMGET", "host", "listen"]).await?;
    let mut found = Vec::new();
    for ((worker, score), fields) in living.into_iter().zip(fields) {
        // A profile that has just lapsed is no living worker's.
        if let (Some(host), Some(listen)) = fields {
            let address = reachable(&host, &listen);
            found.push(Endpoint { worker, address, holds_until: score as UnixMillis });
        }
    }
    Ok(found)
}

/// The modules of every living worker, by the worker's id; `None` where a worker of an older version does not say.
///
/// # Errors
/// A Redis error.
pub async fn worker_modules(
    link: &Link,
    keys: &Keys,
) -> Result<Vec<(String, Option<BTreeMap<String, WorkerModule>>)>, StateError> {
    let workers = living_workers(link, keys).await?;
    let texts: Vec<Option<String>> = of_profiles(link, keys, &workers, &["HGET", "modules"]).await?;
    let read = |text: Option<String>| serde_json::from_str(&text?).ok();
    Ok(workers.into_iter().zip(texts.into_iter().map(read)).collect())
}

/// Slots asked for in one go.
const SLOTS_PAGE: usize = 16;

/// A living worker, as its profile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerProfile {
    /// Its id.
    pub id: String,
    /// The machine.
    pub host: String,
    /// Its version.
    pub version: String,
    /// When it started, Unix milliseconds.
    pub started_at: u64,
    /// Its boosters as `name@version`.
    pub boosters: Vec<String>,
    /// The queues that it serves.
    pub queues: Vec<String>,
}

/// The profiles of the workers that live.
///
/// # Errors
/// A Redis error.
pub async fn read_workers(link: &Link, keys: &Keys) -> Result<Vec<WorkerProfile>, StateError> {
    let workers = living_workers(link, keys).await?;
    let profiles: Vec<HashMap<String, String>> = of_profiles(link, keys, &workers, &["HGETALL"]).await?;
    let mut found = Vec::new();
    for (id, mut fields) in workers.into_iter().zip(profiles) {
        // It may have left between the two looks.
        if fields.is_empty() {
            continue;
        }
        let mut field = |name: &str| fields.remove(name).unwrap_or_default();
        found.push(WorkerProfile {
            host: field("host"),
            version: field("version"),
            started_at: field("startedAt").parse().unwrap_or(0),
            boosters: serde_json::from_str(&field("boosters")).unwrap_or_default(),
            queues: serde_json::from_str(&field("queues")).unwrap_or_default(),
            id,
        });
    }
    Ok(found)
}

/// An address that others can use of one that a worker listens on.
fn reachable(host: &str, listen: &str) -> String {
    match listen.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => format!("{host}:{}", address.port()),
        _ => listen.to_owned(),
    }
}

/// The state hashes of all slots of living workers, for people and tools: slot id to fields.
///
/// # Errors
/// A Redis error.
pub async fn read_pool(
    link: &Link,
    keys: &Keys,
) -> Result<Vec<(String, HashMap<String, String>)>, StateError> {
    of_slots(link, keys, &["HGETALL"], |fields: &HashMap<String, String>| !fields.is_empty()).await
}

/// How many slots living workers have, and how many of them run a job: `(slots, busy)`.
///
/// # Errors
/// A Redis error.
pub async fn pool_load(link: &Link, keys: &Keys) -> Result<(usize, usize), StateError> {
    let statuses = of_slots(link, keys, &["HGET", "status"], Option::<String>::is_some).await?;
    let busy = statuses.iter().filter(|(_, status)| status.as_deref() == Some("busy")).count();
    Ok((statuses.len(), busy))
}

/// Asks for something of each slot's hash: a command and what stands behind the key. Slots are numbered from 1
/// without gaps; the first that is missing ends a worker's list.
async fn of_slots<T: redis::FromRedisValue>(
    link: &Link,
    keys: &Keys,
    words: &[&str],
    is_there: impl Fn(&T) -> bool,
) -> Result<Vec<(String, T)>, StateError> {
    let mut found = Vec::new();
    for worker in living_workers(link, keys).await? {
        let mut first = 1;
        loop {
            let slots: Vec<String> =
                (first..first + SLOTS_PAGE).map(|number| format!("{worker}-s{number}")).collect();
            let mut pipeline = Pipeline::with_capacity(slots.len());
            for slot in &slots {
                pipeline.cmd(words[0]).arg(keys.booster(slot)).arg(&words[1..]);
            }
            let values: Vec<T> = link.pipeline("pool", &pipeline).await?;
            let before = found.len();
            found.extend(slots.into_iter().zip(values).take_while(|(_, value)| is_there(value)));
            if found.len() - before < SLOTS_PAGE {
                break;
            }
            first += SLOTS_PAGE;
        }
    }
    Ok(found)
}

/// What is said of the health of instances, in the order of their ids; `None` for those that are gone.
///
/// # Errors
/// A Redis error.
pub async fn read_health(
    link: &Link,
    keys: &Keys,
    instances: &[String],
) -> Result<Vec<Option<String>>, StateError> {
    let mut pipeline = Pipeline::with_capacity(instances.len());
    for instance in instances {
        pipeline.cmd("HGET").arg(keys.instance(instance)).arg("healthStatus");
    }
    Ok(link.pipeline("pool", &pipeline).await?)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".into(), |h| h.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_listens_everywhere_is_reached_by_its_name() {
        assert_eq!(reachable("w1", "0.0.0.0:9464"), "w1:9464");
        assert_eq!(reachable("w1", "[::]:9464"), "w1:9464");
        assert_eq!(reachable("w1", "10.0.0.7:9464"), "10.0.0.7:9464");
    }
}
