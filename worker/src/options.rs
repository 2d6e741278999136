//! The worker's command line.

use std::path::PathBuf;

use booster_core::Config;
use booster_core::config::LogFormat;
use clap::Parser;
use serde_json::Value;

use crate::error::WorkerError;

/// Most queues that one worker serves: each holds a blocking connection.
const MAX_QUEUES: usize = 16;

/// Takes booster jobs from Redis and runs them in a pool of sandboxes.
#[derive(Debug, Clone, Parser)]
#[command(name = "booster-worker", version)]
pub struct Options {
    /// Configuration file (JSON: sections wasm, redis, booster, modules, log, otel)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Redis address: redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// [environment: REDIS_URL]
    #[arg(long, value_name = "URL")]
    pub redis_url: Option<String>,
    /// Queues to serve, separated by commas
    #[arg(long, value_name = "NAMES", default_value = "high,normal,low")]
    pub queues: String,
    /// Slots of the pool [environment: WASM_POOL_SIZE]
    #[arg(long, value_name = "N")]
    pub pool_size: Option<String>,
    /// Directory with the boosters' modules [environment: BOOSTER_MODULES]
    #[arg(long, value_name = "DIR")]
    pub modules: Option<String>,
    /// Address for /metrics, /healthz and /readyz
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9464")]
    pub listen: String,
    /// How long running jobs may finish after SIGTERM, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub drain: u64,
    /// File to which a line is added for each attempt that enters a sandbox (an audit trail)
    #[arg(long, value_name = "FILE")]
    pub run_log: Option<PathBuf>,
    /// What to log: off, error, warn, info, debug or trace, or levels of parts [environment: BOOSTER_LOG]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Log lines as JSON [environment: BOOSTER_LOG_FORMAT=json]
    #[arg(long)]
    pub log_json: bool,
}

impl Options {
    /// The configuration from flags over environment over file over defaults.
    ///
    /// # Errors
    /// A [`WorkerError`] that names what is wrong.
    pub fn configuration(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Config, WorkerError> {
        let file = match &self.config {
            None => None,
            Some(path) => Some(std::fs::read_to_string(path).map_err(|error| WorkerError::ConfigFile {
                path: path.display().to_string(),
                detail: error.to_string(),
            })?),
        };
        let mut config = Config::load(file.as_deref(), environment)?;
        let flags = [
            ("--redis-url", "redis.url", &self.redis_url),
            ("--pool-size", "wasm.poolSize", &self.pool_size),
            ("--modules", "wasm.modules", &self.modules),
            ("--log-level", "log.level", &self.log_level),
            ("--log-json", "log.format", &self.log_json.then(|| LogFormat::Json.as_str().to_owned())),
        ];
        for (flag, key, value) in flags {
            if let Some(value) = value {
                config.set(key, &Value::String(value.clone()), flag)?;
            }
        }
        Ok(config)
    }

    /// The queues to serve.
    ///
    /// # Errors
    /// [`WorkerError::Flag`] when a name is empty, too long, repeated, or has characters that a key cannot have.
    pub fn queue_names(&self) -> Result<Vec<String>, WorkerError> {
        let names: Vec<String> = self.queues.split(',').map(|name| name.trim().to_owned()).collect();
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        let valid = |name: &String| booster_core::job::is_valid_id(name) && name.len() <= 64;
        if names.iter().all(valid) && unique.len() == names.len() && names.len() <= MAX_QUEUES {
            return Ok(names);
        }
        Err(WorkerError::Flag {
            flag: "--queues",
            value: self.queues.clone(),
            expected: "1 to 16 different names of A-Z a-z 0-9 . _ : -, separated by commas",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Options {
        Options::parse_from(std::iter::once("booster-worker").chain(arguments.iter().copied()))
    }

    #[test]
    fn a_flag_wins_over_the_environment() {
        let environment = |name: &str| (name == "WASM_POOL_SIZE").then(|| "7".to_owned());
        let config = parse(&["--pool-size", "3"]).configuration(environment).unwrap();
        assert_eq!(config.wasm.pool_size, 3);
        assert_eq!(parse(&[]).configuration(environment).unwrap().wasm.pool_size, 7);
    }

    #[test]
    fn wrong_flags_are_named() {
        let error = parse(&["--pool-size", "many"]).configuration(|_| None).unwrap_err();
        assert!(error.to_string().contains("--pool-size") && error.to_string().contains("many"), "{error}");
        for queues in ["", "a,,b", "a,a", "a b", "{x}"] {
            let error = parse(&["--queues", queues]).queue_names().unwrap_err();
            assert_eq!((error.code(), error.exit_status()), ("flag_invalid", 2));
        }
        assert_eq!(parse(&[]).queue_names().unwrap(), ["high", "normal", "low"]);
    }
}
