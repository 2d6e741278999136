//! How many slots a pool should have, from what it has to do.
//!
//! Work is measured in slots: jobs that arrive in a second times the seconds that one takes are the slots that they
//! keep busy (Little's law). The sizer follows that figure with Holt's linear method (C. C. Holt, "Forecasting
//! seasonals and trends by exponentially weighted moving averages", 1957): a level and, when predicting, a trend that
//! it carries some ticks ahead. It asks for so many slots that the expected share of busy ones is [`UTILISATION`],
//! and for more while jobs wait. Growing takes effect at once, since a slot costs a thread and no memory until it
//! runs; shrinking waits until fewer have been enough for [`HOLD`], as a burst seldom comes alone.

use std::collections::VecDeque;
use std::time::Duration;

/// Share of the slots that are busy under the expected load. Above it waiting times grow steeply.
pub const UTILISATION: f64 = 0.7;
/// A pool shrinks to what has been enough for so long.
pub const HOLD: Duration = Duration::from_secs(2);
/// How often a sizer wants to be asked.
pub const TICK: Duration = Duration::from_millis(50);

/// Jobs that wait are to be done in this time, seconds.
const CATCH_UP: f64 = 0.1;
/// Weight of the latest tick in the level.
const LEVEL_WEIGHT: f64 = 0.4;
/// Weight of the latest tick in the trend.
const TREND_WEIGHT: f64 = 0.2;
/// How far ahead a prediction looks, ticks.
const AHEAD: f64 = 10.0;
/// Weight of the latest tick's jobs in the mean duration.
const DURATION_WEIGHT: f64 = 0.2;

/// Between which bounds a pool is sized, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizingConfig {
    /// Fewest slots, 1 or more.
    pub least: usize,
    /// Most slots.
    pub most: usize,
    /// Whether the trend of the load counts, or only its level.
    pub predictive: bool,
}

/// What happened in a pool since the last look.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// How long ago the last look was.
    pub elapsed: Duration,
    /// Jobs that ended since.
    pub ended: u64,
    /// Seconds that slots were busy with those.
    pub busy_s: f64,
    /// Jobs that run now.
    pub running: usize,
    /// Jobs of this process that wait for a slot now.
    pub waiting: usize,
    /// Most slots that the machine's processors and memory allow now.
    pub room: usize,
}

/// Follows one pool's load.
#[derive(Debug)]
pub struct Sizer {
    config: SizingConfig,
    level: f64,
    trend: f64,
    /// Mean duration of a job, seconds; 0 before the first has ended.
    duration: f64,
    /// Jobs that ran or waited at the last look.
    present: usize,
    /// What the last looks within [`HOLD`] asked for, the oldest first, with their age.
    asked: VecDeque<(Duration, usize)>,
}

impl Sizer {
    /// A sizer that has seen nothing.
    pub fn new(config: SizingConfig) -> Self {
        Self { config, level: 0.0, trend: 0.0, duration: 0.0, present: 0, asked: VecDeque::new() }
    }

    /// How many slots the pool should have from now on.
    pub fn next(&mut self, seen: &Seen) -> usize {
        self.follow(seen);
        let steady = (self.expected() / UTILISATION).ceil();
        let queued = (seen.waiting as f64 * self.duration / CATCH_UP).ceil();
        // The cast saturates; both are finite and not negative.
        let wanted = (steady + queued) as usize;
        let bounded = wanted.min(seen.room).clamp(self.config.least, self.config.most);
        self.hold(seen.elapsed, bounded).min(seen.room.max(self.config.least))
    }

    /// The load that is expected, in slots.
    fn expected(&self) -> f64 {
        let ahead = if self.config.predictive { AHEAD * self.trend } else { 0.0 };
        (self.level + ahead).max(0.0)
    }

    fn follow(&mut self, seen: &Seen) {
        if seen.ended > 0 {
            let mean = seen.busy_s / seen.ended as f64;
            let weight = if self.duration == 0.0 { 1.0 } else { DURATION_WEIGHT };
            self.duration += weight * (mean - self.duration);
        }
        let present = seen.running + seen.waiting;
        // What arrived has ended since, or is here now and was not before.
        let arrived = (seen.ended as f64 + present as f64 - self.present as f64).max(0.0);
        self.present = present;
        let load = arrived * self.duration / seen.elapsed.as_secs_f64().max(1e-3);
        let before = self.level;
        self.level = LEVEL_WEIGHT * load + (1.0 - LEVEL_WEIGHT) * (self.level + self.trend).max(0.0);
        self.trend = TREND_WEIGHT * (self.level - before) + (1.0 - TREND_WEIGHT) * self.trend;
        if !self.config.predictive {
            self.trend = 0.0;
        }
    }

    /// The most that was asked for within [`HOLD`].
    fn hold(&mut self, elapsed: Duration, wanted: usize) -> usize {
        for (age, _) in &mut self.asked {
            *age += elapsed;
        }
        while self.asked.front().is_some_and(|(age, _)| *age > HOLD) {
            self.asked.pop_front();
        }
        // Only what is larger than everything after it can still be the largest.
        while self.asked.back().is_some_and(|(_, slots)| *slots <= wanted) {
            self.asked.pop_back();
        }
        self.asked.push_back((Duration::ZERO, wanted));
        self.asked.front().map_or(wanted, |(_, slots)| *slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: SizingConfig = SizingConfig { least: 2, most: 10, predictive: false };

    /// `rate` jobs of 10 ms a second, none of them waiting.
    fn steady(rate: f64) -> Seen {
        let jobs = rate * TICK.as_secs_f64();
        Seen {
            elapsed: TICK,
            ended: jobs as u64,
            busy_s: jobs * 0.01,
            running: 0,
            waiting: 0,
            room: usize::MAX,
        }
    }

    fn ticks(sizer: &mut Sizer, seen: &Seen, count: usize) -> usize {
        (0..count).map(|_| sizer.next(seen)).last().unwrap()
    }

    #[test]
    fn a_steady_load_gets_the_slots_that_it_keeps_busy_to_seven_tenths() {
        let mut sizer = Sizer::new(CONFIG);
        assert_eq!(ticks(&mut sizer, &steady(400.0), 50), 6, "4 busy slots of 6");
        assert_eq!(ticks(&mut sizer, &steady(10_000.0), 50), 10, "never more than the most");
        assert_eq!(ticks(&mut sizer, &steady(0.0), 100), 2, "never fewer than the least");
    }

    #[test]
    fn waiting_jobs_make_it_grow_at_once_and_it_shrinks_late() {
        let mut sizer = Sizer::new(CONFIG);
        ticks(&mut sizer, &steady(100.0), 50);
        let burst = Seen { waiting: 200, ..steady(100.0) };
        assert_eq!(sizer.next(&burst), 10);
        let calm_for = |sizer: &mut Sizer, time: Duration| {
            ticks(sizer, &steady(100.0), (time.as_secs_f64() / TICK.as_secs_f64()).round() as usize)
        };
        assert_eq!(calm_for(&mut sizer, HOLD), 10);
        assert_eq!(calm_for(&mut sizer, HOLD), 2);
    }

    #[test]
    fn a_prediction_runs_ahead_of_a_rising_load() {
        let rise = |predictive| {
            let mut sizer = Sizer::new(SizingConfig { predictive, ..CONFIG });
            (0..30).map(|n| sizer.next(&steady(f64::from(n) * 20.0))).last().unwrap()
        };
        assert!(rise(true) > rise(false), "{} {}", rise(true), rise(false));
    }

    #[test]
    fn what_the_machine_has_no_room_for_is_not_asked_for() {
        let mut sizer = Sizer::new(CONFIG);
        ticks(&mut sizer, &steady(10_000.0), 20);
        let seen = Seen { room: 4, ..steady(10_000.0) };
        assert_eq!(sizer.next(&seen), 4, "at once, whatever was asked for before");
        assert_eq!(sizer.next(&Seen { room: 0, ..steady(10_000.0) }), 2);
    }

    #[test]
    fn what_it_remembers_is_bounded() {
        let mut sizer = Sizer::new(CONFIG);
        for n in 0..10_000_u32 {
            sizer.next(&Seen { waiting: (n % 7) as usize, ..steady(f64::from(n % 900)) });
            assert!(sizer.asked.len() <= CONFIG.most);
        }
    }
}
