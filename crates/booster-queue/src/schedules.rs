//! Cron schedules as clients and operators see them: add, list, remove.

use std::collections::{BTreeMap, HashMap};

use booster_core::schedule::MAX_SCHEDULES;
use booster_core::{Schedule, ScheduleError, UnixMillis};

use crate::error::QueueError;
use crate::now_ms;
use crate::queue::Queue;
use crate::scripts::{FIRED, SCHEDULE, UNSCHEDULE};

/// Fields of the ticks' hash that belong to no schedule: a schedule's name has no slash.
const REVISION: &str = "/revision";
const LOOKED: &str = "/looked";

/// A schedule of a queue, with when it fires.
#[derive(Debug)]
pub struct Scheduled {
    /// Its name.
    pub name: String,
    /// The schedule, or why its text in Redis cannot be read; it never fires then.
    pub schedule: Result<Schedule, ScheduleError>,
    /// The tick that it fired last, Unix milliseconds.
    pub last_tick: Option<UnixMillis>,
    /// Its next tick, Unix milliseconds.
    pub next_tick: Option<UnixMillis>,
}

/// What is known of a queue's ticks, without the schedules themselves.
#[derive(Debug, Default)]
pub(crate) struct Ticks {
    /// How many schedules there are.
    pub(crate) schedules: usize,
    /// Another text after every change of the schedules.
    pub(crate) revision: Option<String>,
    /// When a keeper last looked and fired all that was due.
    pub(crate) looked: Option<UnixMillis>,
    fired: HashMap<String, UnixMillis>,
}

impl Ticks {
    /// The tick that a schedule fired last.
    pub(crate) fn last(&self, name: &str) -> Option<UnixMillis> {
        self.fired.get(name).copied()
    }
}

impl Queue {
    /// Adds a schedule, or replaces the one with its name. It begins now; where only the job is another, no tick
    /// is lost in between.
    ///
    /// # Errors
    /// [`QueueError::SchedulesFull`], [`QueueError::Schedule`] when it is too large, or a Redis error.
    pub async fn add_schedule(&self, schedule: &Schedule) -> Result<(), QueueError> {
        let name = schedule.name();
        let mut command = redis::cmd("HGET");
        command.arg(self.keys().schedules()).arg(name);
        let before: Option<Vec<u8>> = self.link().query("schedules", &command).await?;
        let before =
            before.and_then(|text| Schedule::from_stored(name, &String::from_utf8_lossy(&text)).ok());
        let since = before.filter(|before| before.ticks_like(schedule)).map(|before| before.added_at());
        let text = schedule.clone().added(since.unwrap_or_else(now_ms)).to_stored()?;
        let mut call = SCHEDULE.prepare_invoke();
        call.key(self.keys().schedules()).key(self.keys().ticks());
        call.arg(name).arg(text).arg(MAX_SCHEDULES).arg(new_revision());
        match self.link().script::<u8>("schedule", &call).await? {
            0 => Err(QueueError::SchedulesFull { queue: self.name().to_owned(), limit: MAX_SCHEDULES }),
            _ => Ok(()),
        }
    }

    /// Removes a schedule; `false` when there is none with this name. Jobs of its ticks so far stay.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn remove_schedule(&self, name: &str) -> Result<bool, QueueError> {
        let mut call = UNSCHEDULE.prepare_invoke();
        call.key(self.keys().schedules()).key(self.keys().ticks()).arg(name).arg(new_revision());
        Ok(self.link().script::<u8>("unschedule", &call).await? == 1)
    }

    /// Whether the queue has a schedule of this name.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn has_schedule(&self, name: &str) -> Result<bool, QueueError> {
        let mut command = redis::cmd("HEXISTS");
        command.arg(self.keys().schedules()).arg(name);
        self.link().query("schedules", &command).await
    }

    /// The queue's schedules by name.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn schedules(&self) -> Result<Vec<Scheduled>, QueueError> {
        let ticks = self.ticks().await?;
        if ticks.schedules == 0 {
            return Ok(Vec::new());
        }
        let now = now_ms();
        let texts = self.schedule_texts().await?;
        let scheduled = texts.into_iter().map(|(name, text)| {
            let schedule = Schedule::from_stored(&name, &text);
            let next_tick = schedule.as_ref().ok().and_then(|schedule| schedule.next_after(now));
            let last_tick = ticks.last(&name);
            let schedule = schedule.map(|schedule| schedule.in_queue(Some(self.name().to_owned())));
            Scheduled { name, schedule, last_tick, next_tick }
        });
        Ok(scheduled.collect())
    }

    /// The schedules as they are kept, at most as many as there may be. Texts that are no UTF-8 come changed: they
    /// were damaged by hand, and are refused later.
    pub(crate) async fn schedule_texts(&self) -> Result<BTreeMap<String, String>, QueueError> {
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys().schedules());
        let found: BTreeMap<Vec<u8>, Vec<u8>> = self.link().query("schedules", &command).await?;
        let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(found.into_iter().take(MAX_SCHEDULES).map(|(name, text)| (lossy(name), lossy(text))).collect())
    }

    /// What is known of the queue's ticks.
    pub(crate) async fn ticks(&self) -> Result<Ticks, QueueError> {
        let mut pipeline = redis::Pipeline::with_capacity(2);
        pipeline.cmd("HLEN").arg(self.keys().schedules()).cmd("HGETALL").arg(self.keys().ticks());
        let (schedules, mut fields): (usize, HashMap<String, String>) =
            self.link().pipeline("schedules", &pipeline).await?;
        let revision = fields.remove(REVISION);
        let looked = fields.remove(LOOKED).and_then(|text| text.parse().ok());
        let fired = fields.into_iter().filter_map(|(name, tick)| Some((name, tick.parse().ok()?))).collect();
        Ok(Ticks { schedules, revision, looked, fired })
    }

    /// Remembers that a schedule has fired a tick.
    pub(crate) async fn fired(&self, name: &str, tick: UnixMillis) -> Result<(), QueueError> {
        let mut call = FIRED.prepare_invoke();
        call.key(self.keys().schedules()).key(self.keys().ticks()).arg(name).arg(tick);
        self.link().script::<u8>("fired", &call).await.map(drop)
    }

    /// Remembers that everything due until `now` has been fired.
    pub(crate) async fn looked_at_ticks(&self, now: UnixMillis) -> Result<(), QueueError> {
        let mut command = redis::cmd("HSET");
        command.arg(self.keys().ticks()).arg(LOOKED).arg(now);
        self.link().query::<i64>("schedules", &command).await.map(drop)
    }
}

/// A text that was never a revision before, also not of a hash that has been deleted meanwhile.
pub fn new_revision() -> String {
    ulid::Ulid::generate().to_string()
}
