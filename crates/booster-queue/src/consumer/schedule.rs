//! The keeper's part in cron schedules: submits a job at every tick.
//!
//! A tick's job has an id that follows from schedule and tick, so whoever fires a tick again adds nothing. Ids
//! are not remembered for ever, so the last tick that was fired is kept as well, and none before it is fired.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use booster_core::{Schedule, ScheduleError, UnixMillis};

use super::keeper::elapsed;
use crate::error::QueueError;
use crate::note::Note;
use crate::now_ms;
use crate::queue::Queue;
use crate::schedules::Ticks;

/// How often the elected keeper looks whether the schedules have changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it reads them although they have not, so that a change by hand is seen.
const READ_EVERY: Duration = Duration::from_secs(10);
/// How long the office of keeper may take to pass on: all ticks of such a gap are fired. After a longer one the
/// fleet was down, and only the latest tick is.
const HANDOVER_MS: u64 = 10_000;
/// How long a full queue is left alone before a tick is tried again.
const FULL_PAUSE_MS: u64 = 1000;

/// The schedules of one queue, as its keeper knows them.
#[derive(Default)]
pub(super) struct Schedules {
    /// By name; at most as many as a queue may have.
    plans: BTreeMap<String, Plan>,
    /// Why schedules cannot be read, by name, so that each is told of once.
    damaged: HashMap<String, ScheduleError>,
    revision: Option<String>,
    looked: Option<Instant>,
    read: Option<Instant>,
}

/// One schedule and how far it has come.
struct Plan {
    text: String,
    schedule: Schedule,
    /// Ticks up to this one are not fired any more.
    done: UnixMillis,
    /// When to act next; `None` when there is no further tick.
    next: Option<UnixMillis>,
    /// The queue was full for the last tick: it is given up when the next one is due.
    crowded: bool,
    /// Its job was refused, and that has been told.
    refused: bool,
}

impl Schedules {
    /// Fires what is due. Asks Redis nothing unless a second has passed or a tick is due.
    pub(super) async fn round(&mut self, queue: &Queue) {
        let now = now_ms();
        let due = self.plans.values().any(|plan| plan.is_due(now));
        if !elapsed(&mut self.looked, LOOK_EVERY) && !due {
            return;
        }
        if self.look_and_fire(queue, now).await.is_err() {
            // The link has noted it. Without plans the next try is a second away.
            *self =
                Self { looked: self.looked, damaged: std::mem::take(&mut self.damaged), ..Self::default() };
        }
    }

    async fn look_and_fire(&mut self, queue: &Queue, now: UnixMillis) -> Result<(), QueueError> {
        let ticks = queue.ticks().await?;
        if ticks.schedules == 0 {
            *self = Self { looked: self.looked, ..Self::default() };
            return Ok(());
        }
        let read_again = elapsed(&mut self.read, READ_EVERY);
        if read_again || ticks.revision != self.revision {
            self.adopt(queue, queue.schedule_texts().await?);
            self.revision.clone_from(&ticks.revision);
        }
        let handover = ticks.looked.is_some_and(|looked| now.saturating_sub(looked) <= HANDOVER_MS);
        let mut all = true;
        for plan in self.plans.values_mut() {
            plan.catch_up(&ticks);
            if plan.is_due(now) {
                all &= plan.fire(queue, now, handover).await?;
            }
        }
        // Only now: whoever comes after a failure shall not take the failure's time for a handover.
        if all { queue.looked_at_ticks(now).await } else { Ok(()) }
    }

    /// Takes over the schedules as they are in Redis now. Those that have not changed go on as they were.
    fn adopt(&mut self, queue: &Queue, texts: BTreeMap<String, String>) {
        let mut before = std::mem::take(&mut self.plans);
        let mut told = std::mem::take(&mut self.damaged);
        for (name, text) in texts {
            if let Some(plan) = before.remove(&name).filter(|plan| plan.text == text) {
                self.plans.insert(name, plan);
                continue;
            }
            match Schedule::from_stored(&name, &text) {
                Ok(schedule) => {
                    self.plans.insert(name, Plan::new(text, schedule));
                }
                Err(error) => {
                    if told.remove(&name).as_ref() != Some(&error) {
                        skipped(queue, &name, &error);
                    }
                    self.damaged.insert(name, error);
                }
            }
        }
    }
}

impl Plan {
    fn new(text: String, schedule: Schedule) -> Self {
        let done = schedule.added_at();
        let next = schedule.next_after(done);
        Self { text, schedule, done, next, crowded: false, refused: false }
    }

    fn is_due(&self, now: UnixMillis) -> bool {
        self.next.is_some_and(|next| next <= now)
    }

    /// Leaves out what other keepers have fired.
    fn catch_up(&mut self, ticks: &Ticks) {
        if let Some(last) = ticks.last(self.schedule.name()).filter(|last| *last > self.done) {
            self.done(last);
        }
    }

    fn done(&mut self, tick: UnixMillis) {
        self.done = tick;
        self.next = self.schedule.next_after(tick);
        self.crowded = false;
    }

    /// Submits the jobs of the ticks that are due; `false` when the queue is too full for it, or takes no more.
    async fn fire(&mut self, queue: &Queue, now: UnixMillis, handover: bool) -> Result<bool, QueueError> {
        for tick in due_ticks(&self.schedule, self.done, now, handover && !self.crowded) {
            match queue.submit(vec![self.schedule.job_at(tick)], false).await {
                // A job that replicas do not have yet is in the queue all the same: it must not come a second time.
                Ok(_) | Err(QueueError::Unconfirmed { .. }) => {
                    self.refused = false;
                    queue.fired(self.schedule.name(), tick).await?;
                }
                Err(QueueError::Full { .. } | QueueError::Draining { .. }) => {
                    self.crowded = true;
                    self.next = Some(now + FULL_PAUSE_MS);
                    return Ok(false);
                }
                Err(error) if error.is_retryable() => return Err(error),
                // The job is wrong for this queue, or a key of it is damaged: the tick is lost, the others are not.
                Err(error) => {
                    if !std::mem::replace(&mut self.refused, true) {
                        skipped(queue, self.schedule.name(), &error);
                    }
                }
            }
            self.done(tick);
        }
        Ok(true)
    }
}

/// The ticks after `done` and up to `now`: the latest, or all that a handover may have held up. A tick takes a
/// second at least, so that is a bounded number.
fn due_ticks(schedule: &Schedule, done: UnixMillis, now: UnixMillis, handover: bool) -> Vec<UnixMillis> {
    let Some(latest) = schedule.last_until(now).filter(|tick| *tick > done) else { return Vec::new() };
    let mut ticks = Vec::new();
    if handover {
        let mut after = done.max(now.saturating_sub(HANDOVER_MS));
        while let Some(tick) = schedule.next_after(after).filter(|tick| *tick < latest) {
            ticks.push(tick);
            after = tick;
        }
    }
    ticks.push(latest);
    ticks
}

fn skipped(queue: &Queue, schedule: &str, error: &dyn std::error::Error) {
    let detail = error.to_string();
    queue.link().observer().note(&Note::ScheduleSkipped { queue: queue.name(), schedule, detail: &detail });
}

#[cfg(test)]
mod tests {
    use super::*;
    use booster_core::Job;

    #[test]
    fn a_handover_loses_no_tick_and_a_fleet_that_was_down_fires_the_latest() {
        let schedule = Schedule::new("s", "* * * * * *", None, Job::new("noop", "{}").unwrap()).unwrap();
        assert_eq!(due_ticks(&schedule, 5_000, 8_200, true), [6_000, 7_000, 8_000]);
        assert_eq!(due_ticks(&schedule, 5_000, 8_200, false), [8_000]);
        // Bounded, also when somebody has set the clock, and a tick of long ago is not fired with the others.
        assert_eq!(due_ticks(&schedule, 5_000, 5_000_000, true).len(), 10);
        for handover in [true, false] {
            assert!(due_ticks(&schedule, 8_000, 8_900, handover).is_empty());
        }
        let daily = Schedule::new("s", "@daily", None, Job::new("noop", "{}").unwrap()).unwrap();
        let day = 86_400_000;
        assert_eq!(due_ticks(&daily, 5, 3 * day + 500, true), [3 * day]);
    }
}
