//! A fleet on this machine: a private Redis and worker processes, for `booster up`, the demo, tests and
//! benchmarks. Everything started here ends with its owner.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use booster_core::{Config, Keys};
use booster_queue::Link;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::error::ClientError;

/// How long a started process may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long Redis may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Resolves at the first SIGTERM, Ctrl-C, hang-up or SIGQUIT. The signals are caught from the call on, not only
/// from the first poll: what is started in between is ended in order.
///
/// # Errors
/// When the system refuses a signal handler.
pub fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, ClientError> {
    let mut caught = Vec::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup(), SignalKind::quit()] {
        caught.push(signal(kind).map_err(|error| ClientError::machine("a signal handler", error))?);
    }
    Ok(async move {
        let waits = caught.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(waits).await;
    })
}

/// A port of the loopback interface that was free a moment ago.
///
/// # Errors
/// When the system gives none.
pub fn free_port() -> Result<u16, ClientError> {
    let listener =
        TcpListener::bind(("127.0.0.1", 0)).map_err(|error| ClientError::machine("a free port", error))?;
    Ok(listener.local_addr().map_err(|error| ClientError::machine("a free port", error))?.port())
}

/// A Redis server of one's own, on a free port of the loopback interface, with an append-only file in `dir`.
#[derive(Debug)]
pub struct LocalRedis {
    dir: PathBuf,
    port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl LocalRedis {
    /// Starts a server that keeps its files in `dir` and waits until it answers. `arguments` are added to its
    /// command line.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when there is no `redis-server`, or it does not come up.
    pub async fn start(dir: &Path, arguments: &[&str]) -> Result<Self, ClientError> {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut redis = Self { dir: dir.to_path_buf(), port: free_port()?, arguments, child: None };
        redis.spawn().await?;
        Ok(redis)
    }

    /// The server's address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The server's process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Kills the server without warning.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill().await;
        }
    }

    /// Starts the server again after [`LocalRedis::kill`], on the same port with the same files.
    ///
    /// # Errors
    /// As [`LocalRedis::start`].
    pub async fn restart(&mut self) -> Result<(), ClientError> {
        self.kill().await;
        self.spawn().await
    }

    /// Ends the server and waits for it.
    pub async fn stop(mut self) {
        if let Some(child) = self.child.take() {
            end(child, STOP_LIMIT).await;
        }
    }

    async fn spawn(&mut self) -> Result<(), ClientError> {
        let mut command = bound_to_us(Path::new("redis-server"));
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string()]);
        command.args(["--save", "", "--appendonly", "yes", "--loglevel", "warning"]);
        command.arg("--dir").arg(&self.dir).args(["--logfile", "redis.log"]);
        command.args(&self.arguments);
        // A group of its own: Ctrl-C on the terminal is for the owner, who ends things in order.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .process_group(0);
        let child = command.spawn().map_err(|error| ClientError::machine("redis-server", error))?;
        self.child = Some(child);
        self.answers().await
    }

    async fn answers(&mut self) -> Result<(), ClientError> {
        let deadline = Instant::now() + START_LIMIT;
        let client =
            redis::Client::open(self.url()).map_err(|error| ClientError::machine("redis-server", error))?;
        loop {
            if let Some(child) = &mut self.child
                && let Ok(Some(status)) = child.try_wait()
            {
                let log = self.dir.join("redis.log");
                return Err(ClientError::machine(
                    "redis-server",
                    format!("ended with {status}; see {}", log.display()),
                ));
            }
            let config =
                redis::AsyncConnectionConfig::new().set_connection_timeout(Some(Duration::from_secs(1)));
            if let Ok(mut connection) = client.get_multiplexed_async_connection_with_config(&config).await
                && redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(ClientError::machine("redis-server", "does not answer"));
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A worker process.
#[derive(Debug)]
pub struct LocalWorker {
    child: Child,
    listen: SocketAddr,
}

impl LocalWorker {
    /// Starts `booster-worker`, found beside this program, for the fleet of `config`. Its log goes to `log`.
    /// `arguments` are added to its command line.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when the program is not there.
    pub fn start(config: &Config, log: &Path, arguments: &[&str]) -> Result<Self, ClientError> {
        Self::start_under(&[], config, log, arguments)
    }

    /// As [`LocalWorker::start`], by a program that becomes the worker, such as `nsenter` with its arguments.
    ///
    /// # Errors
    /// As [`LocalWorker::start`].
    pub fn start_under(
        launcher: &[&str],
        config: &Config,
        log: &Path,
        arguments: &[&str],
    ) -> Result<Self, ClientError> {
        let program = worker_program()?;
        let what = program.display().to_string();
        let log = std::fs::File::create(log)
            .map_err(|error| ClientError::machine(log.display().to_string(), error))?;
        let listen = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let settings = file_of(config);
        let mut command = match launcher.split_first() {
            None => bound_to_us(&program),
            Some((first, rest)) => {
                let mut command = bound_to_us(Path::new(first));
                command.args(rest).arg(&program);
                command
            }
        };
        command.arg("--listen").arg(listen.to_string()).args(arguments);
        command.arg("--config").arg("/dev/stdin");
        // The configuration is complete; this process's own environment must not change it.
        for (variable, _) in booster_core::config::ENVIRONMENT {
            command.env_remove(variable);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).process_group(0);
        let mut child = command.spawn().map_err(|error| ClientError::machine(what.clone(), error))?;
        let mut stdin = child.stdin.take().ok_or_else(|| ClientError::machine(what, "no standard input"))?;
        tokio::spawn(async move {
            // The configuration may hold a password, so it goes neither into a file nor onto a command line.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stdin, settings.as_bytes()).await;
        });
        Ok(Self { child, listen })
    }

    /// Where its metrics and health are served.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it without warning and waits until it is gone.
    pub async fn kill(&mut self) {
        let _ = self.child.kill().await;
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        send(&self.child, signal);
    }

    /// Lets it drain and waits for its end; its exit status, or `None` when it had to be killed.
    pub async fn stop(self, limit: Duration) -> Option<i32> {
        end(self.child, limit).await
    }

    /// Waits for its end without asking for it; its exit status, or `None` when it had to be killed.
    pub async fn wait(mut self, limit: Duration) -> Option<i32> {
        wait_or_kill(&mut self.child, limit).await
    }

    /// Waits until it has registered in Redis and takes jobs.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when it ends or does not register in time.
    pub async fn ready(&mut self, client: &Client) -> Result<(), ClientError> {
        let deadline = Instant::now() + START_LIMIT;
        let mark = self.listen.to_string();
        while !registered(client.link(), client.keys(), &mark).await? {
            if !self.is_running() {
                return Err(ClientError::machine("booster-worker", "ended before it was ready; see its log"));
            }
            if Instant::now() > deadline {
                return Err(ClientError::machine("booster-worker", "is not ready after 60 s; see its log"));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Whether a living worker's profile names this address.
async fn registered(link: &Link, keys: &Keys, listen: &str) -> Result<bool, ClientError> {
    for worker in booster_state::living_workers(link, keys).await? {
        let mut command = redis::cmd("HGET");
        command.arg(keys.agent(&worker)).arg("listen");
        let found: Option<String> = link.query("agents", &command).await?;
        if found.as_deref() == Some(listen) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A command whose process is told to end when this one dies, even by SIGKILL: util-linux' `setpriv` asks the
/// kernel for it and then becomes the program. Without `setpriv` the process only ends with its owner's drop.
pub fn bound_to_us(program: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if !setpriv.is_file() {
        return Command::new(program);
    }
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    command
}

fn worker_program() -> Result<PathBuf, ClientError> {
    let exe = std::env::current_exe().map_err(|error| ClientError::machine("this program", error))?;
    // Test programs lie one folder deeper than the programs they start.
    exe.ancestors()
        .skip(1)
        .take(2)
        .map(|dir| dir.join("booster-worker"))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            ClientError::machine("booster-worker", "not found beside this program; build it first")
        })
}

/// What a worker needs of the configuration, as a file's text.
fn file_of(config: &Config) -> String {
    let Config { wasm, redis, booster, modules, log, otel, gateway: _ } = config;
    let prefer: Vec<String> = modules.prefer.iter().map(|(able, name)| format!("{able}={name}")).collect();
    let intake: Vec<String> = redis.intake.iter().map(ToString::to_string).collect();
    serde_json::json!({
        "wasm": {
            "poolSize": wasm.pool_size, "poolSizing": wasm.pool_sizing.as_str(), "poolMin": wasm.pool_min,
            "poolMax": wasm.pool_max, "memoryLimit": wasm.memory_limit, "taskTimeout": wasm.task_timeout_ms,
            "maxRetries": wasm.max_retries, "modules": wasm.modules, "cacheDir": wasm.cache_dir,
            "cacheMax": wasm.cache_max, "fuel": wasm.fuel,
        },
        "redis": {
            "url": redis.url, "tlsCa": redis.tls_ca, "tlsCert": redis.tls_cert, "tlsKey": redis.tls_key,
            "waitReplicas": redis.wait_replicas, "waitTimeout": redis.wait_timeout_ms, "keyPrefix": redis.key_prefix, "ttl": redis.ttl_s,
            "healthCheckInterval": redis.health_check_interval_ms, "claimTtl": redis.claim_ttl_ms,
            "deadTtl": redis.dead_ttl_s, "deadMax": redis.dead_max, "maxJobBytes": redis.max_job_bytes,
            "maxWaiting": redis.max_waiting, "maxEvents": redis.max_events,
            "compressAbove": redis.compress_above,
            "spoolBytes": redis.spool_bytes,
            "spoolDir": redis.spool_dir,
            "intake": intake.join(","),
        },
        "booster": {
            "fallbackEnabled": booster.fallback_enabled, "performanceTracking": booster.performance_tracking,
            "autoRecovery": booster.auto_recovery, "compatTasks": booster.compat_tasks,
            "breakerFailures": booster.breaker_failures, "breakerPause": booster.breaker_pause_ms,
            "breakerAction": booster.breaker_action.as_str(),
            "keepInput": booster.keep_input, "cacheTtl": booster.cache_ttl_s, "cacheMax": booster.cache_max,
        },
        "modules": {
            "trustedKeys": modules.trusted_keys, "prefer": prefer.join(","), "maxBytes": modules.max_bytes,
            "canaryFailures": modules.canary_failures, "canaryJobs": modules.canary_jobs,
        },
        "log": { "level": log.level, "format": log.format.as_str() },
        "otel": { "endpoint": otel.endpoint },
    })
    .to_string()
}

fn send(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended by itself; then there is nobody to signal.
        let _ = kill_process(pid, signal);
    }
}

/// SIGTERM, then SIGKILL when `limit` is over.
async fn end(mut child: Child, limit: Duration) -> Option<i32> {
    send(&child, Signal::TERM);
    wait_or_kill(&mut child, limit).await
}

async fn wait_or_kill(child: &mut Child, limit: Duration) -> Option<i32> {
    match tokio::time::timeout(limit, child.wait()).await {
        Ok(status) => status.ok().and_then(|status| status.code()),
        Err(_) => {
            let _ = child.kill().await;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booster_core::config::Intake;

    #[test]
    fn a_configuration_survives_its_way_to_a_worker() {
        let mut config = Config::default();
        config.redis.url = "redis://:secret@127.0.0.1:1".into();
        config.redis.tls_ca = "/ca.pem".into();
        config.redis.wait_replicas = 2;
        config.redis.wait_timeout_ms = 50;
        config.wasm.pool_size = 3;
        config.wasm.modules = "/x".into();
        config.booster.compat_tasks = true;
        config.booster.keep_input = true;
        config.booster.cache_max = 7;
        config.log.level = "debug".into();
        config.log.format = booster_core::config::LogFormat::Json;
        config.otel.endpoint = "http://127.0.0.1:4318".into();
        let pair = |namespace: &str| Intake { namespace: namespace.into(), queue: "low".into() };
        config.redis.intake = vec![pair("svc::Edit"), pair("{low}")];
        config.modules.trusted_keys = "/keys.pem".into();
        config.modules.prefer = [("a".to_owned(), "b".to_owned()), ("c".to_owned(), "d".to_owned())].into();
        config.modules.canary_jobs = 7;
        assert_eq!(Config::load(Some(&file_of(&config)), |_| None).unwrap(), config);
    }
}
