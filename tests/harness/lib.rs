//! A fleet for one test: its own Redis on its own port in its own directory, real worker processes, and the
//! real command line. Everything ends with the test.

pub mod proxy;
pub mod servers;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use booster_core::outcome::JobOutcome;
use booster_core::{Config, Job};
use booster_producer::Client;
use booster_producer::local::{LocalRedis, LocalWorker};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// How long any single wait of a test may take.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Which boosters a test's workers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boosters {
    /// `noop` and `faulty`: workers start quickly.
    Small,
    /// All that ship with the fleet.
    All,
}

/// A private fleet.
pub struct Fleet {
    /// Its Redis.
    pub redis: LocalRedis,
    /// Its workers.
    pub workers: Vec<LocalWorker>,
    /// Its configuration, with the address of its Redis.
    pub config: Config,
    /// A client of it.
    pub client: Client,
    /// Its directory; removed with it.
    pub dir: TempDir,
}

impl Fleet {
    /// Starts a Redis and `workers` workers with `boosters`, after `change` has adjusted the configuration.
    pub async fn start(workers: usize, boosters: Boosters, change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let redis = LocalRedis::start(dir.path(), &["--enable-debug-command", "local"]).await.unwrap();
        let mut config = Config::default();
        config.redis.url = redis.url();
        config.wasm.pool_size = 2;
        let modules = match boosters {
            Boosters::Small => small_modules(dir.path()),
            Boosters::All => modules_dir(),
        };
        config.wasm.modules = modules.display().to_string();
        change(&mut config);
        let client = Client::connect(config.clone()).unwrap();
        let mut fleet = Self { redis, workers: Vec::new(), config, client, dir };
        for _ in 0..workers {
            fleet.spawn(&[]);
        }
        fleet.ready().await;
        fleet
    }

    /// Starts one more worker, without waiting for it.
    pub fn spawn(&mut self, arguments: &[&str]) {
        let log = self.dir.path().join(format!("worker-{}.log", self.workers.len() + 1));
        self.workers.push(LocalWorker::start(&self.config, &log, arguments).unwrap());
    }

    /// Waits until all workers take jobs.
    pub async fn ready(&mut self) {
        for (number, worker) in self.workers.iter_mut().enumerate() {
            if let Err(error) = worker.ready(&self.client).await {
                let log = std::fs::read_to_string(self.dir.path().join(format!("worker-{}.log", number + 1)));
                panic!("{error}\n{}", log.unwrap_or_default());
            }
        }
    }

    /// Submits a job given as JSON and returns its id.
    pub async fn submit(&self, job: &str) -> String {
        self.client.submit(Job::from_json(job).unwrap()).await.unwrap().id
    }

    /// Waits for one outcome.
    pub async fn outcome(&self, id: &str) -> JobOutcome {
        match self.client.wait(id, LIMIT).await.unwrap() {
            Some(outcome) => outcome,
            None => {
                panic!("job {id} has no outcome; its record is {:?}", self.client.status(id).await.unwrap())
            }
        }
    }

    /// Waits for the outcomes of all `ids`, each exactly once.
    pub async fn outcomes(&self, ids: Vec<String>) -> Vec<JobOutcome> {
        let mut outcomes = Vec::new();
        let missing = self.client.wait_each(ids, LIMIT, |outcome| outcomes.push(outcome)).await.unwrap();
        assert!(
            missing.is_empty(),
            "{} jobs without an outcome, such as {:?}",
            missing.len(),
            missing.first()
        );
        outcomes
    }

    /// All events that are kept, each once: those that a queue still has and those that were moved to the fleet's
    /// stream.
    pub async fn events(&self) -> Vec<serde_json::Value> {
        let keys = self.client.keys();
        let mut texts = Vec::new();
        // The queue first: what is moved in between is then seen twice, not missed.
        for key in [keys.queue("normal").events(), keys.events()] {
            let entries: Vec<(String, HashMap<String, String>)> =
                self.redis(&["XRANGE", &key, "-", "+"]).await;
            texts.splice(
                0..0,
                entries.iter().flat_map(|(_, fields)| fields["events"].lines().map(str::to_owned)),
            );
        }
        let mut seen = HashSet::new();
        texts.retain(|text| seen.insert(text.clone()));
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// Runs a Redis command.
    pub async fn redis<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        self.client.link().query("test", &command).await.unwrap()
    }

    /// Runs the real command line against this fleet.
    pub async fn booster(&self, arguments: &[&str], input: &str) -> Output {
        let mut all = vec!["--redis-url", self.config.redis.url.as_str()];
        all.extend(arguments);
        run("booster", &all, input).await
    }

    /// Ends the workers as SIGTERM does, and checks that each leaves in order.
    pub async fn stop(self) {
        for worker in self.workers {
            assert_eq!(worker.stop(LIMIT).await, Some(0), "a worker did not drain");
        }
        self.redis.stop().await;
    }
}

/// What a program did.
#[derive(Debug)]
pub struct Output {
    /// Its exit status.
    pub status: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Output {
    /// The lines of standard output as JSON.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs one of the workspace's programs with `input` on its standard input.
pub async fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    run_within(LIMIT, program, arguments, input).await
}

/// As [`run`], for a program that may take longer than [`LIMIT`].
pub async fn run_within(limit: Duration, program: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(program_path(program));
    command.args(arguments).kill_on_drop(true).env_remove("REDIS_URL");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let feed = tokio::spawn(async move {
        // A program that does not read its input closes the pipe: that is no error here.
        let _ = stdin.write_all(input.as_bytes()).await;
    });
    let output =
        tokio::time::timeout(limit, child.wait_with_output()).await.expect("the program hangs").unwrap();
    feed.abort();
    Output {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The path of one of the workspace's programs, built before the tests run.
pub fn program_path(name: &str) -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let path = exe.ancestors().nth(2).unwrap().join(name);
    assert!(path.is_file(), "{} is not built; run `make test`", path.display());
    path
}

/// The root of the source tree.
pub fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The modules that `make guests` built.
pub fn modules_dir() -> PathBuf {
    let dir = source_root().join("guests/out");
    assert!(dir.join("apply.wasm").is_file(), "the boosters are not built; run `make test`");
    dir
}

/// A directory with the two small boosters, made inside `dir`.
pub fn small_modules(dir: &Path) -> PathBuf {
    let small = dir.join("modules");
    std::fs::create_dir_all(&small).unwrap();
    for file in ["noop.wasm", "noop.json", "faulty.wasm", "faulty.json"] {
        std::fs::copy(modules_dir().join(file), small.join(file)).unwrap();
    }
    small
}

/// Asks again and again until `check` is satisfied.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, check: impl FnMut() -> F) -> T {
    within(LIMIT, what, check).await
}

/// As [`eventually`], within a given time.
pub async fn within<T, F: Future<Output = Option<T>>>(
    limit: Duration,
    what: &str,
    mut check: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = check().await {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
