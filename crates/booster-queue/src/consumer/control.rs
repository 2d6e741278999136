//! What workers are told while they work: which of their jobs to stop, that a queue is paused or open again, that
//! another worker is idle, what to log, and which jobs a client without our scripts wants cancelled.
//!
//! A wish to cancel is kept in the job's line and announced on a channel. The announcement makes it quick; a look
//! at the lines every third of the claim time makes it certain. A pause is certain because the start script looks
//! at it, its end because paused workers look.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use booster_core::config::is_log_filter;
use booster_core::job::is_valid_id;
use futures_util::StreamExt;
use redis::aio::PubSub;

use super::{Backoff, Shared, dispatch};
use crate::error::QueueError;
use crate::line::Line as JobLine;
use crate::mode::{MODE_CHANGED, Mode};
use crate::note::Note;
use crate::queue::Queue;
use crate::scripts::MAX_ITEMS;

/// Listens until the consumer is closed.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut backoff = Backoff::new();
    while !shared.is_closed() {
        match subscribe(&shared).await {
            Ok(subscriber) => {
                backoff.reset();
                listen(&shared, subscriber).await;
            }
            Err(_) => shared.pause(backoff.next()).await,
        }
    }
}

async fn subscribe(shared: &Shared) -> Result<PubSub, QueueError> {
    let mut subscriber = shared.link.subscriber().await?;
    for line in &shared.lines {
        subscriber
            .subscribe(line.keys.control_channel())
            .await
            .map_err(|error| shared.link.fault(QueueError::from_redis("subscribe", &error)))?;
    }
    Ok(subscriber)
}

/// Listens until the subscription ends or the consumer is closed.
async fn listen(shared: &Arc<Shared>, mut subscriber: PubSub) {
    let mut messages = subscriber.on_message();
    let period = shared.claim_ttl() / 3;
    let mut next_look = Instant::now() + period;
    while !shared.is_closed() {
        // However much is said, the look comes.
        let left = next_look.saturating_duration_since(Instant::now());
        tokio::select! {
            biased;
            () = shared.pause(left) => {
                look(shared).await;
                next_look = Instant::now() + period;
            }
            message = messages.next() => match message {
                Some(message) => hear(shared, &message).await,
                None => return,
            },
        }
    }
}

/// What is said on a queue's control channel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told<'a> {
    /// Somebody wants this job cancelled.
    Cancel(&'a str),
    /// The queue's mode has changed.
    Mode,
    /// Somebody who has only Redis' own commands wants this job cancelled, wherever it is.
    Withdraw(&'a str),
    /// A worker has free slots and finds no jobs.
    Idle { worker: &'a str, slots: usize },
    /// This worker, or every one, is to log by another filter.
    Log { worker: Option<&'a str>, filter: &'a str },
}

/// Stands for every worker.
const ALL: &str = "*";

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cancel(id) => write!(f, "cancel {id}"),
            Self::Mode => f.write_str(MODE_CHANGED),
            Self::Withdraw(id) => write!(f, "withdraw {id}"),
            Self::Idle { worker, slots } => write!(f, "idle {worker} {slots}"),
            Self::Log { worker, filter } => write!(f, "log {} {filter}", worker.unwrap_or(ALL)),
        }
    }
}

impl<'a> Told<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut words = text.split(' ');
        let told = match (words.next()?, words.next(), words.next()) {
            ("cancel", Some(id), None) => Some(Self::Cancel(id)),
            (MODE_CHANGED, None, None) => Some(Self::Mode),
            ("withdraw", Some(id), None) if is_valid_id(id) => Some(Self::Withdraw(id)),
            ("idle", Some(worker), Some(slots)) => Some(Self::Idle { worker, slots: slots.parse().ok()? }),
            ("log", Some(worker), Some(filter)) if is_log_filter(filter) => {
                Some(Self::Log { worker: Some(worker).filter(|worker| *worker != ALL), filter })
            }
            _ => None,
        };
        told.filter(|_| words.next().is_none())
    }
}

async fn hear(shared: &Arc<Shared>, message: &redis::Msg) {
    let channel = message.get_channel_name();
    let index = shared.lines.iter().position(|line| line.keys.control_channel() == channel);
    let text: String = message.get_payload().unwrap_or_default();
    match (index, Told::parse(&text)) {
        (_, Some(Told::Cancel(id))) => shared.cancel_running(id),
        // Without an answer the start script tells of a pause, and a later look of its end.
        (Some(index), Some(Told::Mode)) => drop(shared.look_at_mode(index).await),
        (Some(index), Some(Told::Withdraw(id))) => withdraw(shared, index, id).await,
        (Some(index), Some(Told::Idle { worker, slots })) if worker != shared.worker => {
            dispatch::yield_to_idle(shared, index, slots);
        }
        (_, Some(Told::Log { worker, filter })) if worker.is_none_or(|worker| worker == shared.worker) => {
            shared.note(&Note::LogLevel { filter });
        }
        _ => {}
    }
}

/// Cancels a job for somebody who cannot. Every worker hears of it, and the queue's keeper does it.
async fn withdraw(shared: &Shared, index: usize, id: &str) {
    let keys = &shared.lines[index].keys;
    let keeper = shared.link.query::<Option<String>>("control", &redis::Cmd::get(keys.keeper())).await;
    if keeper.is_ok_and(|keeper| keeper.as_ref() == Some(&shared.worker)) {
        // Without an answer the job has no outcome, and whoever wants one asks again.
        let _ = Queue::new(shared.link.clone(), &shared.config.config, keys.name()).cancel(id).await;
    }
}

/// Looks whether someone wants one of the running jobs cancelled, and whether a pause is over.
async fn look(shared: &Shared) {
    for (index, line) in shared.lines.iter().enumerate() {
        if line.paused.load(Ordering::SeqCst) {
            let _ = shared.look_at_mode(index).await;
        }
        for chunk in shared.running_ids(index).chunks(MAX_ITEMS) {
            let command = redis::cmd("HMGET").arg(line.keys.live()).arg(chunk).to_owned();
            // Without an answer the next look finds it.
            let found: Vec<Option<String>> = shared.link.query("control", &command).await.unwrap_or_default();
            let wanted = |text: &Option<String>| {
                text.as_deref().and_then(JobLine::parse).is_some_and(|line| line.cancel)
            };
            for (id, _) in chunk.iter().zip(&found).filter(|(_, text)| wanted(text)) {
                shared.cancel_running(id);
            }
        }
    }
}

impl Shared {
    /// Reads whether a queue is paused.
    pub(super) async fn look_at_mode(&self, index: usize) -> Result<(), QueueError> {
        let line = &self.lines[index];
        let word: Option<String> = self.link.query("mode", &redis::Cmd::get(line.keys.mode())).await?;
        let paused = Mode::from_stored(word.as_deref()) == Mode::Paused;
        line.paused.store(paused, Ordering::SeqCst);
        self.dispatch.notify_one();
        self.room.notify_waiters();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        let filter = "info,booster_queue=debug";
        for told in [
            Told::Cancel("a:b"),
            Told::Mode,
            Told::Withdraw("a:b"),
            Told::Idle { worker: "host-1", slots: 3 },
            Told::Log { worker: Some("host-1"), filter },
            Told::Log { worker: None, filter },
        ] {
            assert_eq!(Told::parse(&told.to_string()), Some(told));
        }
        for noise in [
            "",
            "idle",
            "idle w x",
            "idle w 1 2",
            "cancel",
            "cancel a b",
            "withdraw",
            "withdraw {x}",
            "log *",
            "log * loud",
            "?",
        ] {
            assert_eq!(Told::parse(noise), None, "{noise}");
        }
    }
}
