//! Settling: everything that ends an attempt goes through its queue's task, in order, in batches. While Redis is
//! away it waits there, within `redis.spoolBytes`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use booster_core::Event;
use booster_core::outcome::JobOutcome;
use tokio::sync::mpsc;

use super::claim::{Settled, WhenSettled};
use super::{Backoff, EntryKey, Shared, lock};
use crate::error::QueueError;
use crate::note::{JobRef, Note};
use crate::now_ms;
use crate::scripts::{MAX_BYTES, MAX_ITEMS};
use crate::spool::{self, Order, Orders};

/// How often a batch that Redis refuses for a reason that will not pass is tried.
const REFUSED_TRIES: u32 = 5;

/// How long the first of a batch may wait for others while short jobs run: one call for many costs Redis and this
/// process a fraction of many calls.
const LINGER: Duration = Duration::from_millis(2);
/// A batch so large does not wait.
const LARGE: usize = 32;

/// How often what dead processes have left is looked for.
const ADOPT_EVERY: Duration = Duration::from_secs(1);

/// What settling does with an entry.
pub(super) enum Op {
    /// Publishes the event and nothing else.
    Event,
    /// Stores the outcome.
    Outcome(Box<JobOutcome>),
    /// Puts the job into the delayed set.
    Retry { attempts: u32, crashes: u32, due: u64, reason: &'static str },
    /// Puts the job into the front stream as it was fetched.
    Return,
}

/// What an entry said of its job when it was fetched.
#[derive(Clone, Copy)]
pub(super) struct Given {
    /// Failed attempts.
    pub(super) attempts: u32,
    /// Crashes.
    pub(super) crashes: u32,
    /// Since when the job could have run, Unix milliseconds.
    pub(super) since: u64,
}

impl Op {
    /// The script's word for it.
    fn word(&self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Outcome(outcome) => outcome.outcome.as_str(),
            Self::Retry { .. } => "retry",
            Self::Return => "return",
        }
    }
}

/// One thing to settle.
pub(super) struct Settlement {
    pub(super) key: EntryKey,
    pub(super) id: String,
    pub(super) tenant: Option<Arc<str>>,
    pub(super) given: Given,
    pub(super) op: Op,
    pub(super) event: Option<Event>,
    pub(super) when_settled: Option<WhenSettled>,
}

impl Settlement {
    /// The attempt that it ends, in one of a queue's jobs.
    fn job<'a>(&'a self, queue: &'a str) -> JobRef<'a> {
        JobRef { queue, job: &self.id, tenant: self.tenant.as_deref(), attempt: self.given.attempts + 1 }
    }

    /// Tells who wants to know that it took effect, or that it did not.
    fn tell(&mut self, effective: bool) {
        if let Some(tell) = self.when_settled.take() {
            tell(Settled { op: self.op.word(), effective });
        }
    }

    fn ends_claim(&self) -> bool {
        !matches!(self.op, Op::Event)
    }

    /// What the script is told besides the op's word.
    fn text(&self) -> String {
        match &self.op {
            // A plain struct with string keys: serialising it cannot fail.
            Op::Outcome(outcome) => serde_json::to_string(outcome).unwrap_or_default(),
            Op::Retry { attempts, crashes, due, reason } => format!("{attempts} {crashes} {due} {reason}"),
            Op::Return => {
                let Given { attempts, crashes, since } = self.given;
                format!("{attempts} {crashes} {since}")
            }
            Op::Event => String::new(),
        }
    }

    /// As the script gets it.
    fn order(&self) -> Order {
        let (_, lane, entry) = &self.key;
        Order {
            head: format!("{} {}/{entry}", self.op.word(), lane.as_str()),
            id: self.id.clone(),
            text: self.text(),
            message: self.event.as_ref().map(|event| event.to_message(now_ms())).unwrap_or_default(),
            job: String::new(),
        }
    }
}

/// A settlement that waits, as the script will get it.
struct Waiting {
    item: Settlement,
    order: Order,
    /// It is in the spool.
    spooled: bool,
}

impl Waiting {
    fn new(item: Settlement) -> Self {
        Self { order: item.order(), item, spooled: false }
    }

    /// Gives up what the job came to: it runs again, as soon as Redis can be told so.
    fn give_back(&mut self) {
        (self.item.op, self.item.event) = (Op::Return, None);
        self.order = self.item.order();
    }
}

/// Settles what comes from one queue until the consumer is closed.
pub(super) async fn run(shared: Arc<Shared>, index: usize, mut inbox: mpsc::UnboundedReceiver<Settlement>) {
    let mut settler =
        Settler { shared: &shared, index, waiting: VecDeque::new(), backoff: Backoff::new(), refused: 0 };
    while settler.take(&mut inbox).await {
        settler.settle_some(&mut inbox).await;
    }
}

/// Tells Redis what dead processes of this machine have kept, until the consumer is closed.
pub(super) async fn adopt(shared: Arc<Shared>) {
    while !shared.is_closed() {
        spool::adopt(&shared.link, &shared.config.config).await;
        shared.pause(ADOPT_EVERY).await;
    }
}

struct Settler<'a> {
    shared: &'a Shared,
    index: usize,
    /// In the order in which they came. Bounded by what the worker holds and by `redis.spoolBytes`.
    waiting: VecDeque<Waiting>,
    backoff: Backoff,
    /// How often Redis has refused the present batch for good.
    refused: u32,
}

impl Settler<'_> {
    /// Waits until there is something to settle; false when nothing will come any more.
    async fn take(&mut self, inbox: &mut mpsc::UnboundedReceiver<Settlement>) -> bool {
        let mut arrived = Vec::new();
        while self.waiting.is_empty() {
            let stopped = self.shared.stop.notified();
            if self.shared.is_closed() && inbox.is_empty() {
                return false;
            }
            tokio::select! {
                received = inbox.recv_many(&mut arrived, MAX_ITEMS) => if received == 0 { return false },
                () = stopped => {}
            }
            self.accept(arrived.drain(..));
        }
        self.linger(inbox).await;
        true
    }

    /// Lets a batch grow while more is to be expected in a moment.
    async fn linger(&mut self, inbox: &mut mpsc::UnboundedReceiver<Settlement>) {
        let until = tokio::time::Instant::now() + LINGER;
        let mut arrived = Vec::new();
        loop {
            let calm = self.shared.calm.notified();
            if !self.shared.expects_more() || self.waiting.len() >= LARGE {
                break;
            }
            tokio::select! {
                received = inbox.recv_many(&mut arrived, MAX_ITEMS) => {
                    if received == 0 {
                        break;
                    }
                    self.accept(arrived.drain(..));
                }
                () = calm => {}
                () = tokio::time::sleep_until(until) => break,
            }
        }
        // The end of the last job has come before the calm.
        while let Ok(item) = inbox.try_recv() {
            self.waiting.push_back(Waiting::new(item));
        }
    }

    fn accept(&mut self, items: impl Iterator<Item = Settlement>) {
        self.waiting.extend(items.map(Waiting::new));
    }

    /// One call of the script for the oldest that wait. What Redis does not answer stays where it is: the script
    /// recognises what an earlier call did.
    async fn settle_some(&mut self, inbox: &mut mpsc::UnboundedReceiver<Settlement>) {
        let count = self.fitting();
        match self.call(count).await {
            Ok(answers) => {
                self.shared.answered();
                self.backoff.reset();
                self.refused = 0;
                for answer in answers {
                    let Some(waiting) = self.waiting.pop_front() else { break };
                    self.conclude(waiting, &answer).await;
                }
            }
            Err(error) if error.is_retryable() => self.wait_for_redis(inbox).await,
            Err(error) => {
                self.shared.mend(self.index, &error).await;
                self.refused += 1;
                if self.refused == REFUSED_TRIES {
                    self.give_up(count).await;
                }
                tokio::time::sleep(self.backoff.next()).await;
            }
        }
    }

    /// How many of those that wait fit into one call: at least one.
    fn fitting(&self) -> usize {
        let mut bytes = 0;
        let fits = |waiting: &&Waiting| {
            bytes += waiting.order.len();
            bytes <= MAX_BYTES
        };
        self.waiting.iter().take(MAX_ITEMS).take_while(fits).count().max(1)
    }

    async fn call(&self, count: usize) -> Result<Vec<String>, QueueError> {
        let line = &self.shared.lines[self.index];
        let mut call = Orders::new(&line.caller, &self.shared.config.config, &self.shared.worker);
        let batch = || self.waiting.iter().take(count);
        for waiting in batch() {
            if waiting.item.ends_claim() {
                call.settle(&waiting.order)
            } else {
                call.tell(&waiting.order.message)
            }
        }
        // Events have no answer of their own: they are published with the call.
        let mut answers = call.send(&self.shared.link).await?.into_iter();
        let of = |waiting: &Waiting| {
            if waiting.item.ends_claim() { answers.next() } else { Some("ok".to_owned()) }
        };
        Ok(batch().map_while(of).collect())
    }

    /// Redis does not answer: keeps what waits and what comes meanwhile, until it is time to try again.
    async fn wait_for_redis(&mut self, inbox: &mut mpsc::UnboundedReceiver<Settlement>) {
        let until = Instant::now() + self.backoff.next();
        loop {
            self.keep().await;
            let mut arrived = Vec::new();
            let left = until.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, inbox.recv_many(&mut arrived, MAX_ITEMS)).await {
                Ok(received) if received > 0 => self.accept(arrived.into_iter()),
                // Nobody can send any more: the rest of the time is waited for all the same.
                Ok(_) => return tokio::time::sleep(left).await,
                Err(_) => return,
            }
        }
    }

    /// Puts what is not yet in the spool there.
    async fn keep(&mut self) {
        let (shared, spool) = (self.shared, &self.shared.spool);
        let queue = shared.lines[self.index].keys.name();
        let mut fresh = Vec::new();
        for waiting in self.waiting.iter_mut().filter(|waiting| !waiting.spooled && waiting.item.ends_claim())
        {
            waiting.spooled = true;
            if !spool.has_room(waiting.order.len()) {
                waiting.give_back();
                shared.note(&Note::SpoolFull(waiting.item.job(queue)));
            }
            spool.add(waiting.order.len());
            fresh.push(&waiting.order);
        }
        if fresh.is_empty() {
            return;
        }
        shared.note(&Note::Spooled { outcomes: spool.outcomes() });
        if let Err(error) = spool.write(queue, &shared.worker, fresh.into_iter()).await {
            shared.note(&Note::SpoolFault { detail: &error.to_string() });
        }
    }

    /// Redis refuses the batch again and again: the claims lapse and the jobs run again elsewhere, late, but not
    /// lost.
    async fn give_up(&mut self, count: usize) {
        self.refused = 0;
        for _ in 0..count {
            let Some(waiting) = self.waiting.pop_front() else { break };
            self.release(&waiting).await;
        }
    }

    /// Acts on the script's answer for one item.
    async fn conclude(&self, mut waiting: Waiting, answer: &str) {
        let item = &mut waiting.item;
        let line = &self.shared.lines[self.index];
        let effective = answer != "lost" && !answer.starts_with("error");
        item.tell(effective);
        match answer {
            "lost" => self.shared.note(&Note::LostClaim(item.job(line.keys.name()))),
            // Its record is damaged: the claim lapses, and the job is looked at again later.
            error if !effective => damaged(self.shared, "settle", error),
            // `again`: an earlier try of this call took effect, but its answer was lost.
            _ => {
                if let Some(event) = &item.event {
                    self.shared.note(&Note::Event(event));
                }
                if let Op::Retry { due, .. } = item.op {
                    line.wake_keeper_at(due);
                }
            }
        }
        self.release(&waiting).await;
    }

    async fn release(&self, waiting: &Waiting) {
        if waiting.spooled {
            let spool = &self.shared.spool;
            if let Err(error) = spool.settled(waiting.order.len()).await {
                self.shared.note(&Note::SpoolFault { detail: &error.to_string() });
            }
            self.shared.note(&Note::Spooled { outcomes: spool.outcomes() });
        }
        if waiting.item.ends_claim() {
            self.shared.release(&waiting.item.key);
        }
    }
}

/// Tells of one item that a script could not deal with.
pub(super) fn damaged(shared: &Shared, command: &'static str, detail: &str) {
    shared.link.fault(QueueError::Refused { command, detail: detail.to_owned(), passing: false });
}

impl super::Line {
    /// Lets the keeper look at the delayed jobs at a time (Unix milliseconds), if it would not look earlier.
    fn wake_keeper_at(&self, due: u64) {
        let at = Instant::now() + Duration::from_millis(due.saturating_sub(now_ms()));
        let mut next = lock(&self.next_due);
        if next.is_none_or(|earlier| at < earlier) {
            *next = Some(at);
            self.keeper_wake.notify_one();
        }
    }
}
