//! Settling: everything that ends an attempt goes through one task, in order, in batches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use booster_core::Event;
use booster_core::outcome::JobOutcome;
use tokio::sync::mpsc;

use super::{Backoff, EntryKey, Shared, lock};
use crate::error::QueueError;
use crate::note::Note;
use crate::now_ms;
use crate::scripts::{MAX_BYTES, MAX_ITEMS, SETTLE};

/// Jobs kept in the stream that offers them to regular agents.
const FALLBACK_MOST: usize = 10_000;
/// How often a batch that Redis refuses for a reason that will not pass is tried.
const REFUSED_TRIES: u32 = 5;

/// What settling does with an entry.
pub(super) enum Op {
    /// Publishes the event and nothing else.
    Event,
    /// Stores the outcome.
    Outcome(Box<JobOutcome>),
    /// Puts the job into the delayed set.
    Retry { attempts: u32, crashes: u32, due: u64, reason: &'static str },
    /// Puts the job into the front stream.
    Return { attempts: u32, crashes: u32, since: u64 },
}

impl Op {
    /// The script's word for it.
    fn word(&self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Outcome(outcome) => outcome.outcome.as_str(),
            Self::Retry { .. } => "retry",
            Self::Return { .. } => "return",
        }
    }
}

/// One thing to settle.
pub(super) struct Settlement {
    pub(super) index: usize,
    pub(super) key: EntryKey,
    pub(super) id: String,
    pub(super) op: Op,
    pub(super) event: Option<Event>,
}

impl Settlement {
    fn ends_claim(&self) -> bool {
        !matches!(self.op, Op::Event)
    }
}

/// Settles until the consumer is closed.
pub(super) async fn run(shared: Arc<Shared>, mut inbox: mpsc::UnboundedReceiver<Settlement>) {
    let mut batch = Vec::new();
    loop {
        let stopped = shared.stop.notified();
        if shared.is_closed() && inbox.is_empty() {
            return;
        }
        tokio::select! {
            received = inbox.recv_many(&mut batch, MAX_ITEMS) => if received == 0 { return },
            () = stopped => continue,
        }
        for index in 0..shared.lines.len() {
            let mut items: Vec<Settlement> = Vec::new();
            let mut rest = Vec::with_capacity(batch.len());
            for item in batch.drain(..) {
                if item.index == index { items.push(item) } else { rest.push(item) }
            }
            batch = rest;
            settle_all(&shared, index, &items).await;
        }
        batch.clear();
    }
}

async fn settle_all(shared: &Shared, index: usize, items: &[Settlement]) {
    let mut rest = items;
    while !rest.is_empty() {
        let texts: Vec<String> = rest.iter().map(text).collect();
        let count = fitting(&texts);
        let (now, later) = rest.split_at(count);
        settle_batch(shared, index, now, &texts[..count]).await;
        rest = later;
    }
}

/// How many of these fit into one script call: at least one.
fn fitting(texts: &[String]) -> usize {
    let mut bytes = 0;
    texts
        .iter()
        .take_while(|text| {
            bytes += text.len();
            bytes <= MAX_BYTES
        })
        .count()
        .max(1)
}

/// What the script is told of an item besides its op.
fn text(item: &Settlement) -> String {
    match &item.op {
        // A plain struct with string keys: serialising it cannot fail.
        Op::Outcome(outcome) => serde_json::to_string(outcome).unwrap_or_default(),
        Op::Retry { attempts, crashes, due, reason } => format!("{attempts} {crashes} {due} {reason}"),
        Op::Return { attempts, crashes, since } => format!("{attempts} {crashes} {since}"),
        Op::Event => String::new(),
    }
}

/// Settles one batch, again and again until Redis answers. The script recognises what an earlier try did.
async fn settle_batch(shared: &Shared, index: usize, items: &[Settlement], texts: &[String]) {
    let mut backoff = Backoff::new();
    let mut refused = 0;
    loop {
        match call(shared, index, items, texts).await {
            Ok(answers) => {
                shared.answered();
                for (item, answer) in items.iter().zip(&answers) {
                    conclude(shared, item, answer);
                }
                return;
            }
            Err(error) if !error.is_retryable() => {
                shared.mend(index, &error).await;
                refused += 1;
                if refused == REFUSED_TRIES {
                    // Their claims lapse and they run again elsewhere: late, but not lost.
                    items.iter().filter(|item| item.ends_claim()).for_each(|item| shared.release(&item.key));
                    return;
                }
                tokio::time::sleep(backoff.next()).await;
            }
            Err(_) => tokio::time::sleep(backoff.next()).await,
        }
    }
}

async fn call(
    shared: &Shared,
    index: usize,
    items: &[Settlement],
    texts: &[String],
) -> Result<Vec<String>, QueueError> {
    let config = &shared.config.config;
    let now = now_ms();
    let mut call = shared.begin(index, &SETTLE);
    let fallback = if config.booster.fallback_enabled { FALLBACK_MOST } else { 0 };
    call.arg(&shared.worker);
    call.arg(config.redis.ttl_s).arg(config.redis.dead_ttl_s).arg(config.redis.dead_max).arg(fallback);
    // The older form of task records has the job's input in it.
    call.arg(u8::from(config.booster.compat_tasks));
    let message =
        |item: &Settlement| item.event.as_ref().map(|event| event.to_message(now)).unwrap_or_default();
    let (ends, events): (Vec<_>, Vec<_>) = items.iter().zip(texts).partition(|(item, _)| item.ends_claim());
    call.arg(events.iter().map(|(item, _)| message(item)).collect::<Vec<_>>().join("\n"));
    for (item, text) in &ends {
        let (_, lane, entry) = &item.key;
        call.arg(format!("{} {}/{entry}", item.op.word(), lane.as_str())).arg(&item.id).arg(text);
        call.arg(message(item));
    }
    let answers: Vec<String> = shared.link.script("settle", &call).await?;
    // Events have no answer of their own: they are published with the call.
    let mut answers = answers.into_iter();
    let of = |item: &Settlement| if item.ends_claim() { answers.next() } else { Some("ok".to_owned()) };
    Ok(items.iter().map_while(of).collect())
}

/// Tells of one item that a script could not deal with.
pub(super) fn damaged(shared: &Shared, command: &'static str, detail: &str) {
    shared.link.fault(QueueError::Refused { command, detail: detail.to_owned(), passing: false });
}

/// Acts on the script's answer for one item.
fn conclude(shared: &Shared, item: &Settlement, answer: &str) {
    let line = &shared.lines[item.index];
    match answer {
        "lost" => shared.note(&Note::LostClaim { queue: line.keys.name() }),
        // Its record is damaged: the claim lapses, and the job is looked at again later.
        error if error.starts_with("error") => damaged(shared, "settle", error),
        // `again`: an earlier try of this call took effect, but its answer was lost.
        _ => {
            if let Some(event) = &item.event {
                shared.note(&Note::Event(event));
            }
            if let Op::Retry { due, .. } = item.op {
                let at = Instant::now() + Duration::from_millis(due.saturating_sub(now_ms()));
                let mut next = lock(&line.next_due);
                if next.is_none_or(|earlier| at < earlier) {
                    *next = Some(at);
                    line.keeper_wake.notify_one();
                }
            }
        }
    }
    if item.ends_claim() {
        shared.release(&item.key);
    }
}
