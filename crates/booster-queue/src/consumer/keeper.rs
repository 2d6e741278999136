//! The keeper of a queue: one elected worker that moves due jobs, reclaims what silent workers held, forgets
//! consumers that are gone, fires cron schedules and counts the queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use booster_core::keys::{GROUP, derived_id};
use booster_core::{Config, OutcomeKind};
use redis::Value;

use super::schedule::Schedules;
use super::settle::damaged;
use super::{Shared, lock};
use crate::entry::{Lane, entries};
use crate::error::QueueError;
use crate::note::{JobRef, Note};
use crate::now_ms;
use crate::office::Office;
use crate::queue::Queue;
use crate::scripts::{MAX_BYTES, MAX_ITEMS, PROMOTE, RECLAIM, RETIRE};
use crate::tenants::{RateLimit, rate_limits};

/// How long an election holds, at most; a dead keeper is replaced after it.
const TERM: Duration = Duration::from_secs(2);
/// Rounds are at least so far apart.
const BREATH: Duration = Duration::from_millis(10);
/// How often the elected keeper looks for due jobs.
const TICK: Duration = Duration::from_millis(200);
/// How often the queue is counted.
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// How often old events are removed.
const TRIM_EVERY: Duration = Duration::from_secs(5);
/// Most entries reclaimed in one pass.
const RECLAIM_MOST: usize = 100;

/// Keeps one queue until the consumer stops.
pub(super) async fn run(shared: Arc<Shared>, index: usize) {
    let line = &shared.lines[index];
    let queue = Queue::new(shared.link.clone(), &shared.config.config, line.keys.name());
    let mut keeper = Keeper::new(&shared, index, queue);
    while !shared.is_stopping() {
        let pause = keeper.round().await;
        let wait = lock(&line.next_due)
            .map_or(pause, |due| pause.min(due.saturating_duration_since(Instant::now())));
        tokio::select! {
            () = shared.pause(wait.max(BREATH)) => {}
            () = line.keeper_wake.notified() => {}
        }
    }
    if keeper.elected {
        keeper.office.resign().await;
    }
    keeper.leave();
}

struct Keeper<'a> {
    shared: &'a Shared,
    index: usize,
    queue: Queue,
    office: Office,
    term: Duration,
    elected: bool,
    /// No reclaiming before this time: after Redis was away, living workers renew first.
    calm_until: Instant,
    /// When a round last went well.
    last_well: Instant,
    counted: Option<Instant>,
    reclaimed: Option<Instant>,
    retired: Option<Instant>,
    trimmed: Option<Instant>,
    /// Tenants' rate limits, as last read.
    limits: HashMap<String, RateLimit>,
    /// At which tenant the next round of giving turns begins.
    serve_from: usize,
    schedules: Schedules,
}

impl<'a> Keeper<'a> {
    fn new(shared: &'a Shared, index: usize, queue: Queue) -> Self {
        let now = Instant::now();
        let term = TERM.min(shared.claim_ttl() / 2);
        let key = shared.lines[index].keys.keeper();
        Self {
            shared,
            index,
            queue,
            office: Office::new(shared.link.clone(), key, &shared.worker, term),
            term,
            elected: false,
            calm_until: now,
            last_well: now,
            counted: None,
            reclaimed: None,
            retired: None,
            trimmed: None,
            limits: HashMap::new(),
            serve_from: 0,
            schedules: Schedules::default(),
        }
    }

    /// One round; returns how long to pause.
    async fn round(&mut self) -> Duration {
        match self.try_round().await {
            Ok(pause) => {
                self.last_well = Instant::now();
                pause
            }
            Err(error) => {
                self.shared.mend(self.index, &error).await;
                // Whoever is elected while this one is cut off speaks for the queue.
                self.leave();
                TICK
            }
        }
    }

    async fn try_round(&mut self) -> Result<Duration, QueueError> {
        // Whoever stored a retry wakes for it, elected or not: moving due jobs is safe for everyone.
        let claim = self.shared.claim_ttl();
        let due = lock(&self.line().next_due).take_if(|due| *due <= Instant::now());
        if due.is_some() {
            self.promote().await?;
        }
        let elected = self.office.hold().await?;
        let candidacy = self.term * 3 / 4;
        if self.last_well.elapsed() > candidacy + claim / 3 {
            // Redis was away, or this process was: whoever lives renews before anything is taken from it.
            self.calm_until = Instant::now() + claim;
        }
        if !elected {
            self.leave();
            return Ok(candidacy);
        }
        if !std::mem::replace(&mut self.elected, true) {
            self.calm_after_restart().await?;
        }
        if self.promote().await? > 0 {
            self.serve_from =
                self.queue.serve_parked(&self.shared.keys, &self.limits, self.serve_from).await?;
        }
        if Instant::now() >= self.calm_until && elapsed(&mut self.reclaimed, claim / 10) {
            for lane in Lane::ALL {
                self.reclaim(lane).await?;
            }
        }
        if elapsed(&mut self.retired, claim * 5) {
            for lane in Lane::ALL {
                self.retire(lane).await?;
            }
        }
        if elapsed(&mut self.counted, COUNT_EVERY) {
            let depth = self.queue.depth().await?;
            self.shared.note(&Note::Depth { queue: self.queue.name(), depth: Some(depth) });
            self.tell_news().await?;
            self.limits = rate_limits(&self.shared.link, &self.shared.keys).await?;
            self.queue.learn_limits(&self.limits).await?;
        }
        if elapsed(&mut self.trimmed, TRIM_EVERY) {
            self.trim_events().await?;
        }
        self.schedules.round(&self.queue).await;
        Ok(TICK)
    }

    fn line(&self) -> &'a super::Line {
        &self.shared.lines[self.index]
    }

    fn stream(&self, lane: Lane) -> String {
        lane.key(&self.line().keys)
    }

    fn config(&self) -> &Config {
        &self.shared.config.config
    }

    fn leave(&mut self) {
        if std::mem::replace(&mut self.elected, false) {
            self.shared.note(&Note::Depth { queue: self.queue.name(), depth: None });
        }
    }

    /// A server that has just started has workers which could not renew while it was away.
    async fn calm_after_restart(&mut self) -> Result<(), QueueError> {
        let mut command = redis::cmd("INFO");
        command.arg("server");
        let info: String = self.shared.link.query_at("info", &self.stream(Lane::Jobs), &command).await?;
        let uptime =
            info.lines().find_map(|line| line.strip_prefix("uptime_in_seconds:")?.trim().parse().ok());
        let up = Duration::from_secs(uptime.unwrap_or(0));
        if let Some(left) = self.shared.claim_ttl().checked_sub(up) {
            self.calm_until = self.calm_until.max(Instant::now() + left);
        }
        Ok(())
    }

    /// Moves due jobs; says how many tenants have parked jobs.
    async fn promote(&self) -> Result<u64, QueueError> {
        loop {
            let mut call = self.shared.begin(self.index, &PROMOTE);
            call.arg(MAX_ITEMS).arg(MAX_BYTES);
            let (moved, next, tenants): (u64, i64, u64) = self.shared.link.script("promote", &call).await?;
            // Only the elected keeper watches all delayed jobs; others know the retries they stored.
            if let (true, Ok(next)) = (self.elected, u64::try_from(next)) {
                let at = Instant::now() + Duration::from_millis(next.saturating_sub(now_ms()));
                let mut due = lock(&self.line().next_due);
                *due = Some(due.map_or(at, |earlier| earlier.min(at)));
            }
            if moved == 0 || u64::try_from(next).map_or(true, |next| next > now_ms()) {
                return Ok(tenants);
            }
        }
    }

    /// Tells of jobs that were accepted or ended without a worker and that nobody has told of yet. What has been told is kept
    /// beside the counters, so that the sum over all keepers there ever were is the truth.
    async fn tell_news(&self) -> Result<(), QueueError> {
        let stats = self.line().keys.stats();
        let mut command = redis::cmd("HGETALL");
        command.arg(&stats);
        let counters: HashMap<String, u64> = self.shared.link.query("counts", &command).await?;
        let mut told = redis::cmd("HSET");
        told.arg(&stats);
        let mut news = Vec::new();
        for (field, total) in &counters {
            let before = counters.get(&format!("told:{field}")).copied().unwrap_or(0);
            let concerns_us =
                ["enqueued:", "reported:", "fallback:"].iter().any(|begin| field.starts_with(begin));
            if concerns_us && *total > before {
                told.arg(format!("told:{field}")).arg(total);
                news.push((field, total - before));
            }
        }
        if news.is_empty() {
            return Ok(());
        }
        let _: i64 = self.shared.link.query("counts", &told).await?;
        let queue = self.queue.name();
        for (field, jobs) in news {
            if let Some(booster) = field.strip_prefix("enqueued:") {
                self.shared.note(&Note::Enqueued { queue, booster, jobs });
            } else if let Some(outcome) = field.strip_prefix("reported:").and_then(OutcomeKind::from_name) {
                self.shared.note(&Note::Reported { queue, outcome, jobs });
            } else if let Some(result) = field.strip_prefix("fallback:") {
                self.shared.note(&Note::Fallback { queue, result, jobs });
            }
        }
        Ok(())
    }

    /// Events are kept no longer than what they tell of.
    async fn trim_events(&self) -> Result<(), QueueError> {
        let oldest = now_ms().saturating_sub(self.config().redis.ttl_s * 1000);
        let mut command = redis::cmd("XTRIM");
        command.arg(self.line().keys.events()).arg("MINID").arg(oldest);
        self.shared.link.query::<u64>("trim", &command).await.map(drop)
    }

    /// Puts back what workers held that have not renewed for a claim time.
    async fn reclaim(&self, lane: Lane) -> Result<(), QueueError> {
        let stream = self.stream(lane);
        let idle = self.config().redis.claim_ttl_ms;
        loop {
            let mut command = redis::cmd("XPENDING");
            command.arg(&stream).arg(GROUP).arg("IDLE").arg(idle).arg("-").arg("+").arg(RECLAIM_MOST);
            let page: Vec<(String, String, u64, u64)> = self.shared.link.query("reclaim", &command).await?;
            let stale: Vec<(&str, &str)> = page
                .iter()
                .map(|(entry, consumer, _, _)| (entry.as_str(), consumer.as_str()))
                .filter(|(entry, consumer)| !self.is_held_here(lane, entry, consumer))
                .collect();
            if stale.is_empty() {
                return Ok(());
            }
            let moved = self.reclaim_page(lane, &stream, &stale, idle).await?;
            if page.len() < RECLAIM_MOST || moved == 0 {
                return Ok(());
            }
        }
    }

    /// What this worker holds itself it will renew; a stall has only delayed that.
    fn is_held_here(&self, lane: Lane, entry: &str, consumer: &str) -> bool {
        consumer == self.shared.worker
            && lock(&self.shared.held).contains_key(&(self.index, lane, entry.to_owned()))
    }

    async fn reclaim_page(
        &self,
        lane: Lane,
        stream: &str,
        stale: &[(&str, &str)],
        idle: u64,
    ) -> Result<usize, QueueError> {
        let keys = &self.line().keys;
        // The job's id is inside its text, which scripts never decode.
        let mut pipeline = redis::Pipeline::with_capacity(stale.len());
        for (entry, _) in stale {
            pipeline.cmd("XRANGE").arg(stream).arg(entry).arg(entry);
        }
        let found: Vec<Value> = self.shared.link.pipeline("reclaim", &pipeline).await?;
        let mut call = self.shared.begin(self.index, &RECLAIM);
        call.arg(idle);
        let mut reclaimed = Vec::with_capacity(stale.len());
        for ((entry, consumer), value) in stale.iter().zip(&found) {
            let read = entries(lane, value).pop();
            let id = match &read {
                Some(read) => read.job_id(keys.name(), self.shared.text_limit()),
                None => derived_id(keys.name(), entry),
            };
            call.arg(lane.as_str()).arg(entry).arg(consumer).arg(&id);
            reclaimed.push((id, read));
        }
        let answers: Vec<String> = self.shared.link.script("reclaim", &call).await?;
        let mut moved = 0;
        for (answer, (id, read)) in answers.iter().zip(&reclaimed) {
            let cause = match answer.as_str() {
                "crash" => "crash",
                "idle" => "idle",
                "gone" => continue,
                error => {
                    damaged(self.shared, "reclaim", error);
                    continue;
                }
            };
            moved += 1;
            let tenant = read.as_ref().and_then(|read| read.tenant_in_text(self.shared.text_limit()));
            let attempt = read.as_ref().map_or(0, |read| read.attempts) + 1;
            let job = JobRef { queue: keys.name(), job: id, tenant: tenant.as_deref(), attempt };
            self.shared.note(&Note::Recovered { job, cause });
        }
        Ok(moved)
    }

    /// Forgets consumers that have been silent for long and hold nothing.
    async fn retire(&self, lane: Lane) -> Result<(), QueueError> {
        let stream = self.stream(lane);
        let idle = self.config().redis.claim_ttl_ms * 5;
        let mut command = redis::cmd("XINFO");
        command.arg("CONSUMERS").arg(&stream).arg(GROUP);
        let consumers: Vec<HashMap<String, Value>> = self.shared.link.query("retire", &command).await?;
        for fields in consumers {
            let text =
                |name: &str| -> Option<String> { redis::from_redis_value(fields.get(name)?.clone()).ok() };
            let (Some(name), Some(silent)) = (text("name"), text("idle")) else { continue };
            if name == self.shared.worker || silent.parse::<u64>().is_ok_and(|silent| silent < idle) {
                continue;
            }
            let mut call = RETIRE.prepare_invoke();
            call.key(&stream).arg(GROUP).arg(&name).arg(idle);
            let _: i64 = self.shared.link.script("retire", &call).await?;
        }
        Ok(())
    }
}

/// Whether `period` has passed since `last`, which is set to now when it has.
pub(super) fn elapsed(last: &mut Option<Instant>, period: Duration) -> bool {
    let now = Instant::now();
    let due = last.is_none_or(|last| now.duration_since(last) >= period);
    if due {
        *last = Some(now);
    }
    due
}
