//! The contenders: how each is started and how its finished jobs are counted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use booster_core::Keys;
use booster_producer::local::LocalWorker;
use booster_producer::{Client, ClientError};

use super::ours::{QUEUE, config};
use super::process::Process;

/// How long a worker of this fleet may take to hand back what it holds.
const DRAIN: Duration = Duration::from_secs(10);

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// This fleet: client, Redis, and a worker that runs the booster `noop` in a fresh sandbox for each job.
    Ours,
    /// BullMQ with its defaults, but for the concurrency.
    Bullmq,
    /// apalis-redis with its defaults.
    Stock,
    /// apalis-redis as quick as its settings make it.
    Tuned,
    /// The bare Redis commands.
    Raw,
}

impl Kind {
    /// All contenders, in the order of the table.
    pub const ALL: [Self; 5] = [Self::Ours, Self::Bullmq, Self::Stock, Self::Tuned, Self::Raw];

    /// Its name in the table and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Bullmq => "bullmq",
            Self::Stock => "apalis",
            Self::Tuned => "apalis-tuned",
            Self::Raw => "raw",
        }
    }

    /// The contender of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Jobs of one measurement of throughput: as many as it settles within a few seconds. apalis-redis gets
    /// fewer with its defaults because they must all wait before its worker starts.
    pub fn jobs(self) -> usize {
        match self {
            Self::Ours => 100_000,
            Self::Bullmq => 60_000,
            Self::Stock => MOST_WAITING,
            Self::Tuned | Self::Raw => 200_000,
        }
    }

    /// Jobs that wait without a worker when their memory is measured.
    pub fn waiting(self) -> usize {
        match self {
            Self::Stock | Self::Tuned => MOST_WAITING,
            Self::Ours | Self::Bullmq | Self::Raw => 50_000,
        }
    }

    /// Whether an idle worker of it looks for jobs so rarely that jobs are submitted before it starts, and that
    /// the time of single jobs is measured beside other things.
    pub fn is_slow_to_notice(self) -> bool {
        self == Self::Stock
    }

    /// The settings that are tried before the measurement; the quickest is used.
    pub fn settings(self, slots: usize) -> Vec<String> {
        let listed = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        match self {
            Self::Ours => vec![slots.to_string()],
            Self::Bullmq => listed(&["1", "10", "25", "50", "100", "200"]),
            Self::Stock => listed(&["stock"]),
            Self::Tuned => {
                listed(&["100:5:false", "250:5:false", "500:5:false", "1000:5:false", "500:5:true"])
            }
            Self::Raw => listed(&["-"]),
        }
    }

    /// What its setting means.
    pub fn setting_means(self) -> &'static str {
        match self {
            Self::Ours => "slots",
            Self::Bullmq => "concurrency",
            Self::Stock | Self::Raw => "",
            Self::Tuned => {
                "jobs of a fetch : milliseconds between looks : a task of the runtime for each job"
            }
        }
    }

    /// Queues that one of its workers serves as it is measured.
    pub fn queues(self) -> f64 {
        if self == Self::Ours { 3.0 } else { 1.0 }
    }

    /// The command that counts its finished jobs, and what it says beyond them.
    pub fn finished(self) -> Vec<String> {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        match self {
            Self::Ours => {
                let prefix = config("", 1).redis.key_prefix;
                vec!["HGET".into(), Keys::new(prefix).queue(QUEUE).stats(), "done".into()]
            }
            Self::Bullmq => words("ZCARD bull:bench:completed"),
            Self::Stock | Self::Tuned => words("SCARD bench:done"),
            // Each result is a key; beside them there is only the stream, which is there before.
            Self::Raw => words("DBSIZE"),
        }
    }
}

/// Jobs that may wait in apalis-redis: it is stuck for good with 8,000 that are due, so its submitter stops at half.
const MOST_WAITING: usize = 4000;

/// A contender with the setting that is used.
#[derive(Debug, Clone)]
pub struct Contender {
    /// Who it is.
    pub kind: Kind,
    /// Its setting, one of [`Kind::settings`].
    pub setting: String,
}

impl Contender {
    /// Starts a worker process for the Redis at `url` and waits until it takes jobs. Logs go to `dir`.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when its program is missing or does not become ready.
    pub async fn worker(&self, url: &str, dir: &Path) -> Result<Worker, ClientError> {
        if self.kind != Kind::Ours {
            return Ok(Worker::Peer(self.process("worker", url).await?));
        }
        let config = config(url, self.setting.parse().unwrap_or(1));
        let client = Client::connect(config.clone())?;
        let mut worker = LocalWorker::start(&config, &dir.join("worker.log"), &[])?;
        worker.ready(&client).await?;
        Ok(Worker::Ours(worker))
    }

    /// Starts a submitter process.
    ///
    /// # Errors
    /// As [`Contender::worker`].
    pub async fn submitter(&self, url: &str) -> Result<Process, ClientError> {
        self.process("submitter", url).await
    }

    async fn process(&self, role: &str, url: &str) -> Result<Process, ClientError> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let this = std::env::current_exe().map_err(|error| ClientError::machine("this program", error))?;
        match self.kind {
            Kind::Bullmq => {
                let script = root.join("peers/bullmq/peer.mjs").display().to_string();
                Process::start(Path::new("node"), &[&script, role, url, &self.setting]).await
            }
            Kind::Stock | Kind::Tuned => {
                Process::start(&apalis_program(&this), &[role, url, &self.setting]).await
            }
            Kind::Ours | Kind::Raw => Process::start(&this, &["peer", self.kind.name(), role, url]).await,
        }
    }
}

/// Where `make bench-queue` builds the contender: `target/peers/release`, while this program is in `target/release`.
fn apalis_program(this: &Path) -> PathBuf {
    let target = this.ancestors().nth(2).unwrap_or(this);
    target.join("peers/release/apalis-redis-peer")
}

/// A worker process.
#[derive(Debug)]
pub enum Worker {
    /// `booster-worker`.
    Ours(LocalWorker),
    /// Another contender's.
    Peer(Process),
}

impl Worker {
    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Ours(worker) => worker.pid(),
            Self::Peer(process) => process.pid(),
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        match self {
            Self::Ours(worker) => worker.is_running(),
            Self::Peer(process) => process.is_running(),
        }
    }

    /// Kills it without warning.
    pub async fn kill(&mut self) {
        match self {
            Self::Ours(worker) => worker.kill().await,
            Self::Peer(process) => process.kill().await,
        }
    }

    /// Ends it, in order where it knows how.
    pub async fn stop(self) {
        match self {
            Self::Ours(worker) => drop(worker.stop(DRAIN).await),
            Self::Peer(mut process) => process.kill().await,
        }
    }
}
