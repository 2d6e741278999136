//! Outcomes that Redis could not be told yet: how many there may be, and where they are kept on disk.
//!
//! With `redis.spoolDir` every process has a file of its own there, one outcome a line, and holds a lock on it.
//! A file without a lock was left by a process that has died: a worker that finds it tells Redis what is in it, in
//! the name of the dead process, as if its call had only been late.

use std::borrow::Cow;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use booster_core::{Config, Keys};
use redis::ScriptInvocation;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Split};
use tokio::sync::Mutex;

use crate::error::QueueError;
use crate::link::Link;
use crate::note::{JobRef, Note};
use crate::scripts::{Caller, MAX_BYTES, MAX_ITEMS, REPORT, SETTLE};

/// What the files' names end with.
const ENDING: &str = "spool";

/// One item of the settle script or of the report script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Op and place of the entry; of a report the word `report`, the outcome's word and the booster asked for.
    pub(crate) head: String,
    /// The job.
    pub(crate) id: String,
    /// The outcome, or what else the op needs.
    pub(crate) text: String,
    /// The event that tells of it; may be empty.
    pub(crate) message: String,
    /// The job's text, where Redis does not have it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) job: String,
}

impl Order {
    fn is_report(&self) -> bool {
        self.head.starts_with("report ")
    }

    /// The tenant and the attempt, as the event tells of them; an order to hand back tells nothing.
    fn whose(&self) -> (Option<String>, u32) {
        let told: serde_json::Value = serde_json::from_str(&self.message).unwrap_or_default();
        let attempt = told["data"]["attempt"].as_u64().and_then(|attempt| u32::try_from(attempt).ok());
        (told["data"]["tenant"].as_str().map(ToOwned::to_owned), attempt.unwrap_or(0))
    }

    /// Bytes that Redis is sent.
    pub(crate) fn len(&self) -> usize {
        self.text.len() + self.job.len()
    }
}

/// One call of the settle script.
pub(crate) struct Orders<'a> {
    call: ScriptInvocation<'a>,
    told: String,
    orders: Vec<&'a Order>,
}

impl<'a> Orders<'a> {
    /// A call in the name of `worker`.
    pub(crate) fn new(caller: &Caller, config: &Config, worker: &str) -> Self {
        let call = caller.begin_ending(&SETTLE, config, worker);
        Self { call, told: String::new(), orders: Vec::new() }
    }

    /// Adds an event that is published whatever becomes of the orders.
    pub(crate) fn tell(&mut self, message: &str) {
        self.told.push_str(message);
        self.told.push('\n');
    }

    /// Adds an order.
    pub(crate) fn settle(&mut self, order: &'a Order) {
        self.orders.push(order);
    }

    /// The script's answer for each order.
    pub(crate) async fn send(mut self, link: &Link) -> Result<Vec<String>, QueueError> {
        self.call.arg(&self.told);
        for Order { head, id, text, message, .. } in self.orders {
            self.call.arg(head).arg(id).arg(text).arg(message);
        }
        link.script("settle", &self.call).await
    }
}

/// A line of a spool file.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    queue: Cow<'a, str>,
    worker: Cow<'a, str>,
    order: Cow<'a, Order>,
}

impl Line<'_> {
    /// Whether both may go into one call.
    fn goes_with(&self, other: &Self) -> bool {
        self.queue == other.queue
            && self.worker == other.worker
            && self.order.is_report() == other.order.is_report()
    }
}

/// What this process keeps.
pub(crate) struct Spool {
    /// Most bytes of outcomes.
    limit: usize,
    bytes: AtomicUsize,
    outcomes: AtomicUsize,
    /// Where the file is made once it is needed.
    path: Option<PathBuf>,
    file: Mutex<Option<tokio::fs::File>>,
}

impl Spool {
    pub(crate) fn new(config: &Config, worker: &str) -> Self {
        let dir = Some(&config.redis.spool_dir).filter(|dir| !dir.is_empty());
        Self {
            limit: config.redis.spool_bytes,
            bytes: AtomicUsize::new(0),
            outcomes: AtomicUsize::new(0),
            path: dir.map(|dir| Path::new(dir).join(format!("{worker}.{ENDING}"))),
            file: Mutex::new(None),
        }
    }

    /// Whether an outcome of so many bytes may be kept.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.bytes.load(Ordering::Relaxed).saturating_add(bytes) <= self.limit
    }

    /// Counts one more.
    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.outcomes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one less. With the last one the file is emptied.
    pub(crate) async fn settled(&self, bytes: usize) -> io::Result<()> {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        if self.outcomes.fetch_sub(1, Ordering::Relaxed) > 1 {
            return Ok(());
        }
        let mut file = self.file.lock().await;
        match file.as_mut() {
            // Whoever writes has counted before, so what has come meanwhile is seen here.
            Some(file) if self.outcomes() == 0 => file.set_len(0).await,
            _ => Ok(()),
        }
    }

    /// How many are kept.
    pub(crate) fn outcomes(&self) -> usize {
        self.outcomes.load(Ordering::Relaxed)
    }

    /// Writes orders to disk, when they are to be kept there.
    pub(crate) async fn write<'a>(
        &self,
        queue: &str,
        worker: &str,
        orders: impl Iterator<Item = &'a Order>,
    ) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        // A line before it that was not written to its end must not take the first one with it.
        let mut text = vec![b'\n'];
        for order in orders {
            let line = Line { queue: queue.into(), worker: worker.into(), order: Cow::Borrowed(order) };
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        let mut file = self.file.lock().await;
        let file = match &mut *file {
            Some(file) => file,
            None => file.insert(tokio::fs::File::from_std(create(path)?)),
        };
        file.write_all(&text).await?;
        file.sync_data().await
    }
}

impl Drop for Spool {
    /// An empty file is of no use to anybody.
    fn drop(&mut self) {
        if let (Some(path), Some(_), 0) = (&self.path, self.file.get_mut().take(), self.outcomes()) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Makes a process's file, locked and for nobody else to read. It gets its name only when it is locked, so that
/// nobody takes it for an abandoned one.
fn create(path: &Path) -> io::Result<File> {
    make_spool_dir(path.parent().unwrap_or(Path::new(".")))?;
    let unnamed = path.with_extension("new");
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&unnamed)?;
    file.lock()?;
    std::fs::rename(unnamed, path)?;
    Ok(file)
}

/// Makes the directory for spool files, for nobody else to look into.
///
/// # Errors
/// What the system says when it cannot be made or written to.
pub fn make_spool_dir(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    tempfile::tempfile_in(dir).map(drop)
}

/// Tells Redis what dead processes have left in the directory. What fails stays there for the next time.
pub(crate) async fn adopt(link: &Link, config: &Config) {
    let dir = PathBuf::from(&config.redis.spool_dir);
    let found = tokio::task::spawn_blocking(move || abandoned(&dir)).await;
    let files = match found {
        Ok(Ok(files)) => files,
        Ok(Err(error)) => return fault(link, &error),
        Err(_) => return,
    };
    for file in files {
        let name = file.path.display().to_string();
        match file.settle(link, config).await {
            Ok(settled) => link.observer().note(&Note::Adopted { file: &name, settled }),
            Err(error) => fault(link, &error),
        }
    }
}

fn fault(link: &Link, error: &dyn std::fmt::Display) {
    link.observer().note(&Note::SpoolFault { detail: &error.to_string() });
}

/// A file whose process has died, locked by this one.
struct Abandoned {
    path: PathBuf,
    file: File,
}

fn abandoned(dir: &Path) -> io::Result<Vec<Abandoned>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != ENDING) {
            continue;
        }
        let file = File::open(&path)?;
        match file.try_lock() {
            Ok(()) => found.push(Abandoned { path, file }),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(found)
}

impl Abandoned {
    /// Settles everything in the file and removes it; how much there was.
    async fn settle(self, link: &Link, config: &Config) -> Result<usize, QueueError> {
        let mut settled = 0;
        let mut lines = BufReader::new(tokio::fs::File::from_std(self.file)).split(b'\n');
        loop {
            let read = next_texts(&mut lines).await;
            let (texts, more) = read.map_err(|error| unreadable(&self.path, &error))?;
            // A line that was not written to its end tells of nothing: its job's claim lapses.
            let lines: Vec<Line<'_>> =
                texts.iter().filter_map(|text| serde_json::from_slice(text).ok()).collect();
            for run in lines.chunk_by(Line::goes_with) {
                settle_run(link, config, run).await?;
                settled += run.len();
            }
            if !more {
                break;
            }
        }
        let _ = std::fs::remove_file(&self.path);
        Ok(settled)
    }
}

/// The next lines of a file, as many as one script call takes; whether there may be more.
async fn next_texts(lines: &mut Split<BufReader<tokio::fs::File>>) -> io::Result<(Vec<Vec<u8>>, bool)> {
    let (mut texts, mut bytes) = (Vec::new(), 0);
    while texts.len() < MAX_ITEMS && bytes < MAX_BYTES {
        let Some(text) = lines.next_segment().await? else { return Ok((texts, false)) };
        bytes += text.len();
        texts.push(text);
    }
    Ok((texts, true))
}

fn unreadable(path: &Path, error: &io::Error) -> QueueError {
    QueueError::Spool { path: path.display().to_string(), detail: error.to_string() }
}

/// Tells Redis of lines that go into one call.
async fn settle_run(link: &Link, config: &Config, run: &[Line<'_>]) -> Result<(), QueueError> {
    let Some(Line { queue, worker, order }) = run.first() else { return Ok(()) };
    let keys = Keys::new(config.redis.key_prefix.clone()).queue(queue);
    let caller = Caller::new(config, &keys);
    let orders = run.iter().map(|line| &*line.order);
    if order.is_report() {
        return report(link, &caller, config, worker, orders).await;
    }
    let mut call = Orders::new(&caller, config, worker);
    orders.clone().for_each(|order| call.settle(order));
    for (answer, order) in call.send(link).await?.into_iter().zip(orders) {
        if answer == "lost" {
            let (tenant, attempt) = order.whose();
            let tenant = tenant.as_deref();
            link.observer().note(&Note::LostClaim(JobRef { queue, job: &order.id, tenant, attempt }));
        }
    }
    Ok(())
}

/// Tells Redis of jobs that no worker ran.
pub(crate) async fn report<'a>(
    link: &Link,
    caller: &Caller,
    config: &Config,
    who: &str,
    orders: impl Iterator<Item = &'a Order>,
) -> Result<(), QueueError> {
    let mut call = caller.begin_ending(&REPORT, config, who);
    for order in orders {
        let mut words = order.head.split(' ').skip(1);
        let (outcome, booster) = (words.next().unwrap_or_default(), words.next().unwrap_or("other"));
        call.arg(&order.id).arg(outcome).arg(&order.text).arg(&order.job).arg(booster).arg(&order.message);
    }
    link.script::<Vec<String>>("report", &call).await.map(drop)
}
