//! Configuration: flags over environment over file over defaults.
//!
//! Every setting has one dotted key, such as `wasm.poolSize`. File, environment and flags all end in
//! [`Config::set`], so a value is parsed and checked in one place, whatever way it came.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::address::{self, Address};
use crate::job::DEFAULT_MAX_JOB_BYTES;

/// Environment variables and the settings they set. Of two spellings of one setting the later wins.
pub const ENVIRONMENT: [(&str, &str); 17] = [
    ("WASM_POOL_SIZE", "wasm.poolSize"),
    ("WASM_MEMORY_LIMIT", "wasm.memoryLimit"),
    ("WASM_TASK_TIMEOUT", "wasm.taskTimeout"),
    ("WASM_MAX_RETRIES", "wasm.maxRetries"),
    // The design document spells it this way; both are accepted.
    ("REDIS_BOoster_TTL", "redis.ttl"),
    ("REDIS_BOOSTER_TTL", "redis.ttl"),
    ("BOOSTER_HEALTH_CHECK_INTERVAL", "redis.healthCheckInterval"),
    ("REDIS_URL", "redis.url"),
    ("REDIS_TLS_CA", "redis.tlsCa"),
    ("REDIS_TLS_CERT", "redis.tlsCert"),
    ("REDIS_TLS_KEY", "redis.tlsKey"),
    ("REDIS_WAIT_REPLICAS", "redis.waitReplicas"),
    ("BOOSTER_MODULES", "wasm.modules"),
    ("BOOSTER_CACHE", "wasm.cacheDir"),
    ("BOOSTER_LOG", "log.level"),
    ("BOOSTER_LOG_FORMAT", "log.format"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "otel.endpoint"),
];

/// Every setting's key, its default and its meaning, for `--help`, the README and error messages.
pub const SETTINGS: &[(&str, &str, &str)] = &[
    ("wasm.poolSize", "10", "slots of a worker, each with one instance and one thread"),
    (
        "wasm.poolSizing",
        "fixed",
        "fixed (wasm.poolSize slots), adaptive or predictive (between wasm.poolMin and wasm.poolMax, as the load asks)",
    ),
    ("wasm.poolMin", "5", "fewest slots of a pool that is sized by its load"),
    ("wasm.poolMax", "10", "most slots of a pool that is sized by its load"),
    ("wasm.memoryLimit", "512MB", "memory of one instance"),
    ("wasm.taskTimeout", "30000", "deadline of one attempt in ms, where the job names none"),
    ("wasm.maxRetries", "3", "retries of a failed attempt, where the job names none"),
    (
        "wasm.modules",
        "",
        "directory with the boosters' modules; the ones shipped with the program when empty",
    ),
    (
        "wasm.cacheDir",
        "",
        "directory for compiled modules; booster-fleet/modules in the user's cache directory when empty, none with \"off\"",
    ),
    ("wasm.cacheMax", "1GB", "size of all compiled modules that are kept"),
    ("wasm.fuel", "0", "WebAssembly instructions of one attempt, 0 for as many as its deadline allows"),
    (
        "redis.url",
        "redis://127.0.0.1:6379",
        "redis://, rediss:// or unix:// address; redis+sentinel:// or redis+cluster:// with several hosts",
    ),
    (
        "redis.tlsCa",
        "",
        "PEM file with the authorities that servers' certificates come from; the system's when empty",
    ),
    ("redis.tlsCert", "", "PEM file with this client's certificate, where servers ask for one"),
    ("redis.tlsKey", "", "PEM file with the key of redis.tlsCert"),
    ("redis.waitReplicas", "0", "replicas that must have a submitted job before it counts as accepted"),
    ("redis.waitTimeout", "1000", "ms for which redis.waitReplicas is waited"),
    ("redis.keyPrefix", "swarm:phase-5:", "what every key begins with"),
    ("redis.ttl", "3600", "seconds for which finished jobs and state hashes are kept"),
    ("redis.healthCheckInterval", "30000", "ms between health checks and state refreshes"),
    ("redis.claimTtl", "5000", "ms after which the jobs of a silent worker run elsewhere"),
    ("redis.deadTtl", "604800", "seconds for which dead jobs are kept"),
    ("redis.deadMax", "10000", "dead jobs kept in each queue"),
    ("redis.maxJobBytes", "4MB", "size of one job's JSON text"),
    ("redis.maxWaiting", "2000000", "waiting jobs in each queue beyond which submits are refused"),
    ("redis.maxEvents", "10000", "events kept in each event stream"),
    ("redis.compressAbove", "64KB", "size of a job's JSON text above which it is stored compressed"),
    ("redis.submitTimeout", "5000", "ms for which a submit is tried again while Redis does not answer"),
    ("redis.spoolBytes", "256MB", "outcomes that a process keeps while Redis is away"),
    (
        "redis.spoolDir",
        "",
        "directory in which outcomes are kept while Redis is away; in memory only when empty",
    ),
    (
        "redis.intake",
        "",
        "apalis-redis queues whose tasks are taken over, as APALIS_QUEUE=QUEUE separated by commas",
    ),
    ("booster.fallbackEnabled", "true", "offer refused and dead jobs to regular agents"),
    ("booster.performanceTracking", "true", "write performance metrics and task history into state hashes"),
    ("booster.autoRecovery", "true", "give a slot a new instance after a failure"),
    (
        "booster.breakerFailures",
        "10",
        "jobs of a booster that fail in a row before it is left alone, 0 for never",
    ),
    ("booster.breakerPause", "1000", "ms for which it is left alone at first; doubled up to 32 times"),
    ("booster.breakerAction", "delay", "what becomes of its jobs meanwhile: delay or fallback"),
    ("booster.degrade", "none", "what a producer does with jobs while Redis is away: none, local or agent"),
    ("booster.agentCommand", "", "program that does jobs as a regular agent, with its arguments"),
    ("booster.compatTasks", "false", "also write a task record in the older form for each finished job"),
    (
        "modules.trustedKeys",
        "",
        "PEM file with Ed25519 public keys; when set, only modules signed with one of them are taken from Redis",
    ),
    (
        "modules.prefer",
        "",
        "boosters that are preferred for a capability, as CAPABILITY=BOOSTER separated by commas",
    ),
    ("modules.maxBytes", "1GB", "size of all modules in Redis, compressed, beyond which pushes are refused"),
    (
        "modules.canaryFailures",
        "10",
        "percentage points by which a canary's share of failed attempts may exceed the active version's",
    ),
    ("modules.canaryJobs", "20", "attempts of a canary before that is looked at"),
    (
        "booster.keepInput",
        "false",
        "keep the input of done jobs as long as their outcome, so that they can be replayed",
    ),
    (
        "booster.fallbackClaimTtl",
        "300000",
        "ms for which an offered job is a regular agent's that has taken it and does not renew",
    ),
    ("booster.fallbackUrl", "", "address of an OpenAI-compatible endpoint for `booster fallback run`"),
    ("booster.fallbackModel", "", "the model that it is asked for"),
    ("booster.fallbackTimeout", "60000", "ms for which one answer of it is waited"),
    ("booster.fallbackRetries", "2", "how often it is asked again for one job"),
    ("booster.fallbackConcurrency", "2", "jobs for which it is asked at the same time"),
    ("booster.cacheTtl", "3600", "seconds for which outcomes are kept for later jobs that ask for it"),
    ("booster.cacheMax", "64MB", "size of all outcomes that are kept so, 0 for none"),
    (
        "log.level",
        "",
        "which lines are logged: a level, or levels of parts; the program's own choice when empty",
    ),
    ("log.format", "text", "form of log lines: text or json"),
    ("otel.endpoint", "", "OTLP collector to which spans are sent by HTTP; none are made when empty"),
    (
        "gateway.keysFile",
        "",
        "file with the API keys of the HTTP gateway; without one it listens on loopback only",
    ),
    ("gateway.allowAnonymous", "false", "let the gateway listen beyond loopback without API keys"),
    (
        "gateway.maxDrain",
        "3600",
        "seconds of work in a queue beyond which the gateway takes no more jobs for it, 0 for never",
    ),
    ("gateway.corsOrigins", "", "origins whose pages may call the gateway, separated by commas"),
    ("gateway.tlsCert", "", "PEM file with the gateway's certificate and its chain; plain HTTP when empty"),
    ("gateway.tlsKey", "", "PEM file with the key of gateway.tlsCert"),
];

/// The environment variable with the key for `booster.fallbackUrl`. It is no setting: it is never written down.
pub const FALLBACK_KEY_VARIABLE: &str = "BOOSTER_FALLBACK_KEY";

/// Why a configuration was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file is not a JSON object of sections.
    #[error("the configuration is not valid: {detail}")]
    NotJson {
        /// What is wrong with it.
        detail: String,
    },
    /// A key that no setting has.
    #[error("unknown setting `{key}` (value {found}); known settings: {known}")]
    Unknown {
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// The keys that would be right.
        known: String,
    },
    /// A value of the wrong type, unit or range.
    #[error("setting `{key}` (from {source_name}) is {found}; expected {expected}")]
    Invalid {
        /// The key.
        key: String,
        /// Where the value came from.
        source_name: String,
        /// The value.
        found: String,
        /// What would be right.
        expected: String,
    },
}

impl ConfigError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "config_not_json",
            Self::Unknown { .. } => "config_key_unknown",
            Self::Invalid { .. } => "config_value_invalid",
        }
    }

    /// Never: the configuration itself is wrong.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// Section `wasm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WasmConfig {
    /// Slots of a worker.
    pub pool_size: usize,
    /// Whether the pool has always so many.
    pub pool_sizing: PoolSizing,
    /// Fewest slots of a pool that is sized by its load.
    pub pool_min: usize,
    /// Most slots of a pool that is sized by its load.
    pub pool_max: usize,
    /// Memory of one instance, bytes.
    pub memory_limit: usize,
    /// Deadline of one attempt, milliseconds.
    pub task_timeout_ms: u64,
    /// Retries of a failed attempt.
    pub max_retries: u32,
    /// Directory of the boosters' modules; empty for the ones shipped with the program.
    pub modules: String,
    /// Directory of compiled modules; empty for the user's cache directory, `off` for none.
    pub cache_dir: String,
    /// Bytes of all compiled modules that are kept.
    pub cache_max: u64,
    /// WebAssembly instructions of one attempt; 0 for as many as its deadline allows.
    pub fuel: u64,
}

impl WasmConfig {
    /// Slots at the start, and the most that there will be.
    pub fn slots(&self) -> (usize, usize) {
        match self.pool_sizing {
            PoolSizing::Fixed => (self.pool_size, self.pool_size),
            PoolSizing::Adaptive | PoolSizing::Predictive => (self.pool_min, self.pool_max),
        }
    }
}

/// How the number of a worker's slots comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolSizing {
    /// It is configured.
    Fixed,
    /// It follows the load.
    Adaptive,
    /// It follows the load and its trend.
    Predictive,
}

impl PoolSizing {
    /// All, in the order in which they are documented.
    pub const ALL: [Self; 3] = [Self::Fixed, Self::Adaptive, Self::Predictive];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Adaptive => "adaptive",
            Self::Predictive => "predictive",
        }
    }
}

/// Section `redis`.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisConfig {
    /// Address in one of the forms of [`address::FORM`]; may hold a password, so it is never printed.
    pub url: String,
    /// PEM file of the authorities that servers' certificates come from; empty for those of the system.
    pub tls_ca: String,
    /// PEM file of this client's certificate; empty for none.
    pub tls_cert: String,
    /// PEM file of the certificate's key.
    pub tls_key: String,
    /// Replicas that must have a submitted job before it counts as accepted.
    pub wait_replicas: u32,
    /// Milliseconds for which they are waited.
    pub wait_timeout_ms: u64,
    /// What every key begins with.
    pub key_prefix: String,
    /// Seconds for which finished jobs and state hashes are kept.
    pub ttl_s: u64,
    /// Milliseconds between health checks.
    pub health_check_interval_ms: u64,
    /// Milliseconds after which a silent worker's jobs run elsewhere.
    pub claim_ttl_ms: u64,
    /// Seconds for which dead jobs are kept.
    pub dead_ttl_s: u64,
    /// Dead jobs kept in each queue.
    pub dead_max: usize,
    /// Bytes of one job's JSON text.
    pub max_job_bytes: usize,
    /// Waiting jobs in each queue beyond which submits are refused.
    pub max_waiting: usize,
    /// Events kept in each event stream.
    pub max_events: usize,
    /// Bytes of a job's JSON text above which it is stored compressed.
    pub compress_above: usize,
    /// Milliseconds for which a submit is tried again while Redis does not answer.
    pub submit_timeout_ms: u64,
    /// Bytes of outcomes that a process keeps while Redis is away.
    pub spool_bytes: usize,
    /// Directory in which they are kept; empty for memory only.
    pub spool_dir: String,
    /// apalis-redis queues whose tasks are taken over, at most [`MAX_INTAKES`].
    pub intake: Vec<Intake>,
}

/// Most apalis-redis queues whose tasks are taken over: each has a mover of its own in every worker.
pub const MAX_INTAKES: usize = 16;

/// One apalis-redis queue whose tasks are taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// The queue's name in the producers' `apalis_redis::Config`.
    pub namespace: String,
    /// The queue of the fleet that gets its jobs.
    pub queue: String,
}

impl std::fmt::Display for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.namespace, self.queue)
    }
}

impl RedisConfig {
    /// Turns to the one server at `url`, which has neither certificates nor replicas.
    pub fn turn_to(&mut self, url: String) {
        let plain = Config::default().redis;
        self.url = url;
        (self.tls_ca, self.tls_cert, self.tls_key) = (plain.tls_ca, plain.tls_cert, plain.tls_key);
        self.wait_replicas = plain.wait_replicas;
    }

    /// Whether the address names a Redis Cluster.
    pub fn is_cluster(&self) -> bool {
        Address::parse(&self.url).is_some_and(|address| address.is_cluster())
    }
}

impl std::fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisConfig")
            .field("url", &"…")
            .field("key_prefix", &self.key_prefix)
            .field("ttl_s", &self.ttl_s)
            .field("claim_ttl_ms", &self.claim_ttl_ms)
            .finish_non_exhaustive()
    }
}

/// Section `booster`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoosterConfig {
    /// Offer refused and dead jobs to regular agents.
    pub fallback_enabled: bool,
    /// Write performance metrics and task history into state hashes.
    pub performance_tracking: bool,
    /// Give a slot a new instance after a failure.
    pub auto_recovery: bool,
    /// Jobs of a booster that fail in a row before it is left alone; 0 for never.
    pub breaker_failures: usize,
    /// Milliseconds for which it is left alone at first.
    pub breaker_pause_ms: u64,
    /// What becomes of its jobs meanwhile.
    pub breaker_action: BreakerAction,
    /// What a producer does with jobs while Redis is away.
    pub degrade: Degrade,
    /// The program that does jobs as a regular agent, with its arguments; empty when there is none.
    pub agent_command: String,
    /// Also write a task record in the older form for each finished job.
    pub compat_tasks: bool,
    /// Keep the input of done jobs as long as their outcome.
    pub keep_input: bool,
    /// Milliseconds for which an offered job belongs to the regular agent that has taken it.
    pub fallback_claim_ttl_ms: u64,
    /// Address of the endpoint that the built-in agent asks; empty when there is none. Without user and password.
    pub fallback_url: String,
    /// The model that it asks for.
    pub fallback_model: String,
    /// Milliseconds for which it waits for one answer.
    pub fallback_timeout_ms: u64,
    /// How often it asks again for one job.
    pub fallback_retries: u32,
    /// Jobs for which it asks at the same time.
    pub fallback_concurrency: usize,
    /// Seconds for which outcomes are kept for later jobs.
    pub cache_ttl_s: u64,
    /// Bytes of all outcomes that are kept so; 0 for none.
    pub cache_max: usize,
}

/// Section `modules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModulesConfig {
    /// PEM file with the Ed25519 public keys whose modules are taken from Redis; empty for all modules.
    pub trusted_keys: String,
    /// Which booster is preferred for a capability, at most [`MAX_PREFERENCES`].
    pub prefer: BTreeMap<String, String>,
    /// Bytes of all modules in Redis, compressed, beyond which pushes are refused.
    pub max_bytes: u64,
    /// Percentage points by which a canary's share of failed attempts may exceed the active version's.
    pub canary_failures: u64,
    /// Attempts of a canary before that is looked at.
    pub canary_jobs: u64,
}

/// Most capabilities with a preferred booster.
pub const MAX_PREFERENCES: usize = 64;

/// Section `gateway`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayConfig {
    /// File of the API keys; empty for none.
    pub keys_file: String,
    /// Listen beyond loopback without API keys.
    pub allow_anonymous: bool,
    /// Seconds of work in a queue beyond which no more jobs are taken for it; 0 for no bound.
    pub max_drain_s: u64,
    /// Origins whose pages may call the gateway, at most [`MAX_ORIGINS`].
    pub cors_origins: Vec<String>,
    /// PEM file of the certificate and its chain; empty for plain HTTP.
    pub tls_cert: String,
    /// PEM file of the certificate's key.
    pub tls_key: String,
}

/// Most origins whose pages may call the gateway.
pub const MAX_ORIGINS: usize = 32;

/// What a producer does with jobs that it cannot submit because Redis stays away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Degrade {
    /// It fails.
    #[default]
    None,
    /// It runs them in sandboxes of its own process.
    Local,
    /// It hands them to the regular agent of `booster.agentCommand`.
    Agent,
}

impl Degrade {
    /// All, in the order in which they are documented.
    pub const ALL: [Self; 3] = [Self::None, Self::Local, Self::Agent];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Local => "local",
            Self::Agent => "agent",
        }
    }
}

/// What becomes of a booster's jobs while its circuit breaker is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerAction {
    /// They go back to the queue and are offered again later; that counts neither as an attempt nor as a crash.
    Delay,
    /// They are refused with the reason `breaker_open`, and so offered to regular agents.
    Fallback,
}

impl BreakerAction {
    /// All, in the order in which they are documented.
    pub const ALL: [Self; 2] = [Self::Delay, Self::Fallback];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Fallback => "fallback",
        }
    }
}

/// Section `log`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogConfig {
    /// Which lines are written, in the form of [`LOG_FILTER_FORM`]; empty for the program's own choice.
    pub level: String,
    /// How they are written.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// All, in the order in which they are documented.
    pub const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Section `otel`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OtelConfig {
    /// Base address of an OTLP collector; empty when no spans are wanted.
    pub endpoint: String,
}

/// What a log filter looks like.
pub const LOG_FILTER_FORM: &str = "a level (off, error, warn, info, debug, trace), then, if wanted, levels of parts \
    such as \"info,booster_queue=debug\"; at most 256 characters";

/// The words for log levels.
const LOG_LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Whether `text` has the form of [`LOG_FILTER_FORM`].
pub fn is_log_filter(text: &str) -> bool {
    let is_part = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':'))
    };
    let is_directive = |directive: &str| match directive.split_once('=') {
        None => LOG_LEVELS.contains(&directive),
        Some((part, level)) => is_part(part) && LOG_LEVELS.contains(&level),
    };
    text.len() <= 256 && text.split(',').all(is_directive)
}

/// The whole configuration, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Section `wasm`.
    pub wasm: WasmConfig,
    /// Section `redis`.
    pub redis: RedisConfig,
    /// Section `booster`.
    pub booster: BoosterConfig,
    /// Section `modules`.
    pub modules: ModulesConfig,
    /// Section `log`.
    pub log: LogConfig,
    /// Section `otel`.
    pub otel: OtelConfig,
    /// Section `gateway`.
    pub gateway: GatewayConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            wasm: WasmConfig {
                pool_size: 10,
                pool_sizing: PoolSizing::Fixed,
                pool_min: 5,
                pool_max: 10,
                memory_limit: 512 * MIB,
                task_timeout_ms: 30_000,
                max_retries: 3,
                modules: String::new(),
                cache_dir: String::new(),
                cache_max: 1024 * MIB as u64,
                fuel: 0,
            },
            redis: RedisConfig {
                url: "redis://127.0.0.1:6379".into(),
                tls_ca: String::new(),
                tls_cert: String::new(),
                tls_key: String::new(),
                wait_replicas: 0,
                wait_timeout_ms: 1000,
                key_prefix: "swarm:phase-5:".into(),
                ttl_s: 3600,
                health_check_interval_ms: 30_000,
                claim_ttl_ms: 5000,
                dead_ttl_s: 604_800,
                dead_max: 10_000,
                max_job_bytes: DEFAULT_MAX_JOB_BYTES,
                max_waiting: 2_000_000,
                max_events: 10_000,
                compress_above: 64 * 1024,
                submit_timeout_ms: 5000,
                spool_bytes: 256 * MIB,
                spool_dir: String::new(),
                intake: Vec::new(),
            },
            booster: BoosterConfig {
                fallback_enabled: true,
                performance_tracking: true,
                auto_recovery: true,
                breaker_failures: 10,
                breaker_pause_ms: 1000,
                breaker_action: BreakerAction::Delay,
                degrade: Degrade::None,
                agent_command: String::new(),
                compat_tasks: false,
                keep_input: false,
                fallback_claim_ttl_ms: 300_000,
                fallback_url: String::new(),
                fallback_model: String::new(),
                fallback_timeout_ms: 60_000,
                fallback_retries: 2,
                fallback_concurrency: 2,
                cache_ttl_s: 3600,
                cache_max: 64 * MIB,
            },
            modules: ModulesConfig {
                trusted_keys: String::new(),
                prefer: BTreeMap::new(),
                max_bytes: 1024 * MIB as u64,
                canary_failures: 10,
                canary_jobs: 20,
            },
            log: LogConfig::default(),
            otel: OtelConfig::default(),
            gateway: GatewayConfig {
                keys_file: String::new(),
                allow_anonymous: false,
                max_drain_s: 3600,
                cors_origins: Vec::new(),
                tls_cert: String::new(),
                tls_key: String::new(),
            },
        }
    }
}

const MIB: usize = 1024 * 1024;

impl Config {
    /// The configuration from a file's text and an environment, in that order of increasing weight.
    ///
    /// `environment` is asked for each name in [`ENVIRONMENT`]; passing a function keeps tests free of the
    /// process's real environment.
    ///
    /// # Errors
    /// A [`ConfigError`] that names the first wrong key.
    pub fn load(
        file: Option<&str>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        if let Some(text) = file {
            config.merge_file(text)?;
        }
        for (variable, key) in ENVIRONMENT {
            if let Some(value) = environment(variable) {
                config.set(key, &Value::String(value), variable)?;
            }
        }
        config.check()?;
        Ok(config)
    }

    /// What no setting shows by itself.
    fn check(&self) -> Result<(), ConfigError> {
        let wasm = &self.wasm;
        if wasm.pool_min <= wasm.pool_max {
            return Ok(());
        }
        Err(ConfigError::Invalid {
            key: "wasm.poolMin".into(),
            source_name: "the configuration".into(),
            found: wasm.pool_min.to_string(),
            expected: format!("at most wasm.poolMax, which is {}", wasm.pool_max),
        })
    }

    fn merge_file(&mut self, text: &str) -> Result<(), ConfigError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| ConfigError::NotJson { detail: error.to_string() })?;
        let Value::Object(sections) = value else {
            return Err(ConfigError::NotJson { detail: "expected an object of sections".into() });
        };
        for (section, settings) in &sections {
            let prefix = format!("{section}.");
            let is_section = SETTINGS.iter().any(|(key, _, _)| key.starts_with(&prefix));
            let Value::Object(settings) = settings else {
                return Err(unknown(section, settings));
            };
            if settings.is_empty() && !is_section {
                return Err(unknown(section, &Value::Object(settings.clone())));
            }
            for (name, value) in settings {
                self.set(&format!("{section}.{name}"), value, "the configuration file")?;
            }
        }
        Ok(())
    }

    /// Sets one setting by its dotted key. `source_name` says where the value came from, for the error.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] or [`ConfigError::Invalid`].
    pub fn set(&mut self, key: &str, value: &Value, source_name: &str) -> Result<(), ConfigError> {
        self.assign(key, value).map_err(|expected| match expected {
            Refusal::UnknownKey => unknown(key, value),
            Refusal::Expected(expected) => ConfigError::Invalid {
                key: key.to_owned(),
                source_name: source_name.to_owned(),
                // An address may hold a password.
                found: match key {
                    "redis.url" | "booster.fallbackUrl" | "otel.endpoint" => "not an address".into(),
                    _ => value.to_string(),
                },
                expected,
            },
        })
    }

    fn assign(&mut self, key: &str, value: &Value) -> Result<(), Refusal> {
        let (wasm, redis, booster) = (&mut self.wasm, &mut self.redis, &mut self.booster);
        let modules = &mut self.modules;
        let gateway = &mut self.gateway;
        match key {
            "wasm.poolSize" => wasm.pool_size = number(value, 1, 512)? as usize,
            "wasm.poolSizing" => wasm.pool_sizing = word(value, &PoolSizing::ALL, PoolSizing::as_str)?,
            "wasm.poolMin" => wasm.pool_min = number(value, 1, 512)? as usize,
            "wasm.poolMax" => wasm.pool_max = number(value, 1, 512)? as usize,
            "wasm.memoryLimit" => wasm.memory_limit = size(value, MIB, 4096 * MIB)?,
            "wasm.taskTimeout" => wasm.task_timeout_ms = number(value, 1, 3_600_000)?,
            "wasm.maxRetries" => wasm.max_retries = number(value, 0, 100)? as u32,
            "wasm.modules" => wasm.modules = text(value, "a directory", |_| true)?,
            "wasm.cacheDir" => wasm.cache_dir = text(value, "a directory, or \"off\"", |_| true)?,
            "wasm.cacheMax" => wasm.cache_max = size(value, 0, 1024 * 1024 * MIB)? as u64,
            "wasm.fuel" => wasm.fuel = number(value, 0, u64::MAX)?,
            "redis.url" => redis.url = text(value, address::FORM, |text| Address::parse(text).is_some())?,
            "redis.tlsCa" => redis.tls_ca = text(value, FILE_FORM, |_| true)?,
            "redis.tlsCert" => redis.tls_cert = text(value, FILE_FORM, |_| true)?,
            "redis.tlsKey" => redis.tls_key = text(value, FILE_FORM, |_| true)?,
            "redis.waitReplicas" => redis.wait_replicas = number(value, 0, 16)? as u32,
            "redis.waitTimeout" => redis.wait_timeout_ms = number(value, 1, 60_000)?,
            "redis.keyPrefix" => redis.key_prefix = text(value, PREFIX_FORM, is_prefix)?,
            "redis.ttl" => redis.ttl_s = number(value, 1, 31_536_000)?,
            "redis.healthCheckInterval" => redis.health_check_interval_ms = number(value, 100, 3_600_000)?,
            "redis.claimTtl" => redis.claim_ttl_ms = number(value, 500, 3_600_000)?,
            "redis.deadTtl" => redis.dead_ttl_s = number(value, 1, 31_536_000)?,
            "redis.deadMax" => redis.dead_max = number(value, 1, 1_000_000)? as usize,
            "redis.maxJobBytes" => redis.max_job_bytes = size(value, 1024, 256 * MIB)?,
            "redis.maxWaiting" => redis.max_waiting = number(value, 1, 100_000_000)? as usize,
            "redis.maxEvents" => redis.max_events = number(value, 100, 10_000_000)? as usize,
            "redis.compressAbove" => redis.compress_above = size(value, 256, 1024 * MIB)?,
            "redis.submitTimeout" => redis.submit_timeout_ms = number(value, 0, 3_600_000)?,
            "redis.spoolBytes" => redis.spool_bytes = size(value, 1024, 65_536 * MIB)?,
            "redis.spoolDir" => redis.spool_dir = text(value, "a directory", |_| true)?,
            "redis.intake" => redis.intake = intakes(value)?,
            "booster.fallbackEnabled" => booster.fallback_enabled = flag(value)?,
            "booster.performanceTracking" => booster.performance_tracking = flag(value)?,
            "booster.autoRecovery" => booster.auto_recovery = flag(value)?,
            "booster.breakerFailures" => booster.breaker_failures = number(value, 0, 10_000)? as usize,
            "booster.breakerPause" => booster.breaker_pause_ms = number(value, 10, 3_600_000)?,
            "booster.breakerAction" => {
                booster.breaker_action = word(value, &BreakerAction::ALL, BreakerAction::as_str)?
            }
            "booster.degrade" => booster.degrade = word(value, &Degrade::ALL, Degrade::as_str)?,
            "booster.agentCommand" => booster.agent_command = text(value, "a command line", |_| true)?,
            "booster.compatTasks" => booster.compat_tasks = flag(value)?,
            "modules.trustedKeys" => modules.trusted_keys = text(value, FILE_FORM, |_| true)?,
            "modules.prefer" => modules.prefer = preferences(value)?,
            "modules.maxBytes" => modules.max_bytes = size(value, MIB, 1024 * 1024 * MIB)? as u64,
            "modules.canaryFailures" => modules.canary_failures = number(value, 0, 100)?,
            "modules.canaryJobs" => modules.canary_jobs = number(value, 1, 1_000_000)?,
            "booster.keepInput" => booster.keep_input = flag(value)?,
            "booster.fallbackClaimTtl" => booster.fallback_claim_ttl_ms = number(value, 500, 86_400_000)?,
            "booster.fallbackUrl" => booster.fallback_url = text(value, ENDPOINT_FORM, is_endpoint)?,
            "booster.fallbackModel" => booster.fallback_model = text(value, "a model's name", |_| true)?,
            "booster.fallbackTimeout" => booster.fallback_timeout_ms = number(value, 1, 3_600_000)?,
            "booster.fallbackRetries" => booster.fallback_retries = number(value, 0, 20)? as u32,
            "booster.fallbackConcurrency" => booster.fallback_concurrency = number(value, 1, 64)? as usize,
            "booster.cacheTtl" => booster.cache_ttl_s = number(value, 1, 31_536_000)?,
            "booster.cacheMax" => booster.cache_max = size(value, 0, 65_536 * MIB)?,
            "log.level" => self.log.level = log_filter(value)?,
            "log.format" => self.log.format = word(value, &LogFormat::ALL, LogFormat::as_str)?,
            "otel.endpoint" => self.otel.endpoint = text(value, COLLECTOR_FORM, is_collector)?,
            "gateway.keysFile" => gateway.keys_file = text(value, "the path of a file", |_| true)?,
            "gateway.allowAnonymous" => gateway.allow_anonymous = flag(value)?,
            "gateway.maxDrain" => gateway.max_drain_s = number(value, 0, 31_536_000)?,
            "gateway.corsOrigins" => gateway.cors_origins = origins(value)?,
            "gateway.tlsCert" => gateway.tls_cert = text(value, FILE_FORM, |_| true)?,
            "gateway.tlsKey" => gateway.tls_key = text(value, FILE_FORM, |_| true)?,
            _ => return Err(Refusal::UnknownKey),
        }
        Ok(())
    }
}

const FILE_FORM: &str = "the path of a PEM file";
const ENDPOINT_FORM: &str = "an http:// or https:// address without user, password and query, such as \
    \"https://api.example/v1\"";
const PREFIX_FORM: &str = "1 to 128 characters without braces and white space, such as \"swarm:phase-5:\"";

const INTAKE_FORM: &str = "at most 16 pairs APALIS_QUEUE=QUEUE separated by commas, such as \"edits=normal\"; \
    an apalis queue (1 to 128 characters without white space, `,` and `=`) is named once, a queue has 1 to 64 of \
    A-Z a-z 0-9 . _ : -";

const PREFER_FORM: &str = "at most 64 pairs CAPABILITY=BOOSTER separated by commas, such as \
    \"code-generation=scaffold\"; a capability is named once, a booster without a version";
const COLLECTOR_FORM: &str = "an address such as \"http://127.0.0.1:4318\", or https, without user and password \
    (headers go into OTEL_EXPORTER_OTLP_HEADERS)";
const ORIGINS_FORM: &str =
    "at most 32 origins separated by commas, such as \"https://console.example\", without path";

enum Refusal {
    UnknownKey,
    Expected(String),
}

fn unknown(key: &str, value: &Value) -> ConfigError {
    let known: Vec<&str> = SETTINGS.iter().map(|(key, _, _)| *key).collect();
    let text = value.to_string();
    // A mistyped key may hold what belongs into `redis.url`, with its password.
    let found = if text.contains("://") || text.contains('@') { "not shown".to_owned() } else { text };
    ConfigError::Unknown { key: key.to_owned(), found, known: known.join(", ") }
}

/// A whole number, as JSON number or as text (environment and flags are text).
fn number(value: &Value, min: u64, max: u64) -> Result<u64, Refusal> {
    let parsed = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    };
    parsed
        .filter(|n| (min..=max).contains(n))
        .ok_or_else(|| Refusal::Expected(format!("a whole number from {min} to {max}")))
}

/// One of a few words.
fn word<T: Copy>(value: &Value, all: &[T], as_str: impl Fn(T) -> &'static str) -> Result<T, Refusal> {
    let named = all.iter().copied().find(|one| value.as_str() == Some(as_str(*one)));
    named.ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|one| as_str(*one)).collect();
        Refusal::Expected(format!("one of {}", words.join(", ")))
    })
}

/// A size in bytes: a number, or text with `KB`, `MB`, `GB` (powers of 1024, also spelled `KiB`…) or no unit.
fn size(value: &Value, min: usize, max: usize) -> Result<usize, Refusal> {
    let parsed = match value {
        Value::String(text) => parse_size(text),
        other => other.as_u64().and_then(|n| usize::try_from(n).ok()),
    };
    parsed.filter(|n| (min..=max).contains(n)).ok_or_else(|| {
        Refusal::Expected(format!("a size such as \"512MB\", from {} to {}", show_size(min), show_size(max)))
    })
}

fn parse_size(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "kib" => 1024,
        "mb" | "mib" => MIB,
        "gb" | "gib" => 1024 * MIB,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(scale)
}

fn show_size(bytes: usize) -> String {
    if bytes >= MIB { format!("{}MB", bytes / MIB) } else { format!("{}KB", bytes / 1024) }
}

fn flag(value: &Value) -> Result<bool, Refusal> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        _ => Err(Refusal::Expected("true or false".into())),
    }
}

fn log_filter(value: &Value) -> Result<String, Refusal> {
    text(value, LOG_FILTER_FORM, |text| text.is_empty() || is_log_filter(text))
}

/// Whether `text` is empty, or an http or https address with a host.
fn is_collector(text: &str) -> bool {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let is_plain = |host: &str| {
        !host.is_empty() && !host.starts_with('/') && !host.contains(['@', '?', '#']) && is_graphic(host)
    };
    text.is_empty() || host.is_some_and(is_plain)
}

fn is_graphic(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}

fn text(value: &Value, expected: &str, accept: impl Fn(&str) -> bool) -> Result<String, Refusal> {
    match value {
        Value::String(text) if accept(text) => Ok(text.clone()),
        _ => Err(Refusal::Expected(expected.to_owned())),
    }
}

/// Pairs of an apalis queue and a queue of the fleet, separated by commas; none when the text is empty.
fn intakes(value: &Value) -> Result<Vec<Intake>, Refusal> {
    let wrong = || Refusal::Expected(INTAKE_FORM.to_owned());
    let list = text(value, INTAKE_FORM, |_| true)?;
    if list.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut intakes: Vec<Intake> = Vec::new();
    for pair in list.split(',') {
        let intake = intake(pair.trim()).ok_or_else(wrong)?;
        let again = intakes.iter().any(|known| known.namespace == intake.namespace);
        if again || intakes.len() == MAX_INTAKES {
            return Err(wrong());
        }
        intakes.push(intake);
    }
    Ok(intakes)
}

fn intake(pair: &str) -> Option<Intake> {
    let (namespace, queue) = pair.split_once('=')?;
    let is_namespace = (1..=128).contains(&namespace.len()) && !namespace.contains(char::is_whitespace);
    let is_queue = queue.len() <= 64 && crate::job::is_valid_id(queue);
    (is_namespace && is_queue).then(|| Intake { namespace: namespace.to_owned(), queue: queue.to_owned() })
}

/// Pairs of a capability and a booster, separated by commas; none when the text is empty.
fn preferences(value: &Value) -> Result<BTreeMap<String, String>, Refusal> {
    let wrong = || Refusal::Expected(PREFER_FORM.to_owned());
    let list = text(value, PREFER_FORM, |_| true)?;
    let mut preferences = BTreeMap::new();
    for pair in list.split(',').map(str::trim).filter(|_| !list.trim().is_empty()) {
        let (capability, booster) = pair.split_once('=').ok_or_else(wrong)?;
        let is_name = |text: &str| (1..=128).contains(&text.len()) && !text.contains(char::is_whitespace);
        if !is_name(capability) || !is_name(booster) || booster.contains(['@', '=']) {
            return Err(wrong());
        }
        if preferences.insert(capability.to_owned(), booster.to_owned()).is_some() {
            return Err(wrong());
        }
    }
    if preferences.len() > MAX_PREFERENCES { Err(wrong()) } else { Ok(preferences) }
}

/// Whether a text is empty or an address to which paths can be added. The key is for the environment, so nothing secret
/// may be in it.
fn is_endpoint(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '@' | '?' | '#');
    text.is_empty()
        || host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(plain))
}

/// Origins separated by commas; none when the text is empty.
fn origins(value: &Value) -> Result<Vec<String>, Refusal> {
    let list = text(value, ORIGINS_FORM, |_| true)?;
    let origins: Vec<String> =
        list.split(',').map(str::trim).filter(|one| !one.is_empty()).map(ToOwned::to_owned).collect();
    if origins.len() > MAX_ORIGINS || !origins.iter().all(|origin| is_origin(origin)) {
        return Err(Refusal::Expected(ORIGINS_FORM.to_owned()));
    }
    Ok(origins)
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    // What a browser sends: no path, no user, lower case.
    let plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '-' | ':' | '[' | ']');
    host.is_some_and(|host| (1..=255).contains(&host.len()) && host.chars().all(plain))
}

fn is_prefix(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && !text.contains(|c: char| c == '{' || c == '}' || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESIGN_FILE: &str = r#"{"wasm":{"poolSize":10,"memoryLimit":"512MB","taskTimeout":30000,"maxRetries":3},
        "redis":{"keyPrefix":"swarm:phase-5:","ttl":3600,"healthCheckInterval":30000},
        "booster":{"fallbackEnabled":true,"performanceTracking":true,"autoRecovery":true}}"#;

    fn no_environment(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_designs_file_is_the_default() {
        assert_eq!(Config::load(Some(DESIGN_FILE), no_environment).unwrap(), Config::default());
    }

    #[test]
    fn environment_wins_over_file() {
        let environment = |name: &str| match name {
            "WASM_POOL_SIZE" => Some("4".to_owned()),
            "REDIS_BOoster_TTL" => Some("60".to_owned()),
            "WASM_MEMORY_LIMIT" => Some("64MiB".to_owned()),
            _ => None,
        };
        let config = Config::load(Some(DESIGN_FILE), environment).unwrap();
        assert_eq!((config.wasm.pool_size, config.redis.ttl_s, config.wasm.memory_limit), (4, 60, 64 * MIB));
    }

    #[test]
    fn every_listed_setting_can_be_set_to_its_default() {
        let mut config = Config::default();
        for (key, default, _) in SETTINGS {
            config.set(key, &Value::String((*default).into()), "test").unwrap();
        }
        assert_eq!(config, Config::default());
        for (_, key) in ENVIRONMENT {
            assert!(SETTINGS.iter().any(|(known, _, _)| *known == key), "{key}");
        }
    }

    #[test]
    fn wrong_values_are_named_with_what_would_be_right() {
        let cases = [
            (r#"{"wasm":{"poolSize":0}}"#, "wasm.poolSize", "1 to 512"),
            (r#"{"wasm":{"memoryLimit":"512XB"}}"#, "512XB", "512MB"),
            (r#"{"wasm":{"poolsize":3}}"#, "wasm.poolsize", "wasm.poolSize"),
            (r#"{"wasn":{"poolSize":3}}"#, "wasn.poolSize", "wasm.poolSize"),
            (r#"{"wasm":7}"#, "`wasm`", "wasm.poolSize"),
            (r#"{"redis":{"url":"http://x"}}"#, "redis.url", "redis://"),
            (r#"{"redis":{"keyPrefix":"a{b}"}}"#, "redis.keyPrefix", "braces"),
            (r#"{"booster":{"autoRecovery":"yes"}}"#, "yes", "true or false"),
            (r#"{"wasn":{}}"#, "`wasn`", "wasm.poolSize"),
            (r#"{"log":{"level":"loud"}}"#, "loud", "debug"),
            (r#"{"log":{"format":"xml"}}"#, "xml", "json"),
            (r#"{"otel":{"endpoint":"localhost:4318"}}"#, "otel.endpoint", "http://"),
            ("[1]", "object of sections", "object"),
        ];
        for (file, first, second) in cases {
            let message = Config::load(Some(file), no_environment).unwrap_err().to_string();
            assert!(message.contains(first) && message.contains(second), "{file}: {message}");
        }
        let environment = |name: &str| (name == "WASM_TASK_TIMEOUT").then(|| "30s".to_owned());
        let message = Config::load(None, environment).unwrap_err().to_string();
        assert!(message.contains("WASM_TASK_TIMEOUT") && message.contains("30s"), "{message}");
    }

    #[test]
    fn intakes_are_pairs_of_different_apalis_queues() {
        let mut config = Config::default();
        config.set("redis.intake", &Value::from("svc::Edit=normal, {low}=low"), "test").unwrap();
        let pairs: Vec<String> = config.redis.intake.iter().map(ToString::to_string).collect();
        assert_eq!(pairs, ["svc::Edit=normal", "{low}=low"]);
        let many: Vec<String> = (0..17).map(|n| format!("a{n}=normal")).collect();
        let many = many.join(",");
        for wrong in
            ["edits", "=normal", "edits=", "a=b=c", "a b=c", "a=b,", "a=b,a=c", "a={b}", many.as_str()]
        {
            let error = config.set("redis.intake", &Value::from(wrong), "test").unwrap_err();
            assert!(error.to_string().contains("APALIS_QUEUE=QUEUE"), "{wrong}: {error}");
        }
        assert!(config.set("redis.intake", &Value::from(7), "test").is_err());
    }

    #[test]
    fn preferences_name_a_booster_for_each_capability() {
        let mut config = Config::default();
        config.set("modules.prefer", &Value::from("a=x, b=y"), "test").unwrap();
        let pairs: Vec<_> = config.modules.prefer.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(pairs, [("a", "x"), ("b", "y")]);
        for wrong in ["a", "a=", "=x", "a=x,a=y", "a=x,", "a=x@1.0.0", "a b=x", "a=b=c"] {
            let error = config.set("modules.prefer", &Value::from(wrong), "test").unwrap_err();
            assert!(error.to_string().contains("CAPABILITY=BOOSTER"), "{wrong}: {error}");
        }
    }

    #[test]
    fn log_filters_and_collectors_are_checked() {
        for right in ["off", "debug", "info,apalis_core=warn", "warn,booster_queue::consumer=trace"] {
            assert!(is_log_filter(right), "{right}");
        }
        for wrong in ["", "loud", "info,", "info debug", "=info", "a b=info", "x=loud", &"info,".repeat(60)] {
            assert!(!is_log_filter(wrong), "{wrong}");
        }
        for right in ["", "http://127.0.0.1:4318", "https://otlp.example/prefix"] {
            assert!(is_collector(right), "{right}");
        }
        for wrong in ["127.0.0.1:4318", "grpc://x", "http://", "http:///x", "http://u:secret@h", "http://a b"]
        {
            assert!(!is_collector(wrong), "{wrong}");
            let error = Config::default().set("otel.endpoint", &Value::from(wrong), "test").unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn origins_are_what_browsers_send() {
        let mut config = Config::default();
        let two = "https://console.example, http://localhost:3000";
        config.set("gateway.corsOrigins", &Value::from(two), "test").unwrap();
        assert_eq!(config.gateway.cors_origins, ["https://console.example", "http://localhost:3000"]);
        for wrong in ["*", "console.example", "https://", "https://a/b", "https://A.example", "file://a"] {
            let error = config.set("gateway.corsOrigins", &Value::from(wrong), "test").unwrap_err();
            assert!(error.to_string().contains("without path"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_password_in_the_address_is_never_shown() {
        let mut config = Config::default();
        config.redis.url = "redis://:secret@h".into();
        assert!(!format!("{config:?}").contains("secret"));
        let error = config.set("redis.url", &Value::String("http://:secret@h".into()), "flag").unwrap_err();
        assert!(!error.to_string().contains("secret"));
        for address in ["https://me:secret@api.example/v1", "https://api.example/v1?key=secret"] {
            let error = config.set("booster.fallbackUrl", &Value::from(address), "flag").unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        config.set("booster.fallbackUrl", &Value::from("http://127.0.0.1:8000/v1"), "flag").unwrap();
        for file in [r#"{"redis":{"URL":"redis://:secret@h"}}"#, r#"{"redis":"redis://:secret@h"}"#] {
            let message = Config::load(Some(file), no_environment).unwrap_err().to_string();
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
