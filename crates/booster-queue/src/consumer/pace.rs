//! How many jobs to fetch and to start ahead, from how long jobs take.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// What may be fetched ahead runs in this time.
pub(super) const FETCH_AHEAD: Duration = Duration::from_millis(50);
const FETCH_AHEAD_US: u64 = FETCH_AHEAD.as_micros() as u64;
/// What may be started ahead runs in this time. It hides the round trip of `start.lua`, which takes milliseconds on a
/// machine whose slots have all the cores, and lets one call start several; for
/// long jobs nothing is started ahead, so that a crash is blamed on no job that was not running.
const START_AHEAD_US: u64 = 20_000;
/// Most jobs fetched ahead, whatever their duration.
const MOST_FETCHED: usize = 1024;
/// Most jobs started ahead: if the process dies, each of them has to run alone afterwards.
const MOST_STARTED: usize = 64;
/// Assumed until the first jobs have been measured: too long to start any ahead.
const FIRST_GUESS_US: u64 = START_AHEAD_US * 5 / 4;

/// A moving mean of job durations, with the bounds that follow from it.
pub(super) struct Pace {
    slots: AtomicUsize,
    mean_us: AtomicU64,
}

impl Pace {
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: AtomicUsize::new(slots), mean_us: AtomicU64::new(FIRST_GUESS_US) }
    }

    /// How many jobs the pool runs at the same time now.
    pub(super) fn slots(&self) -> usize {
        self.slots.load(Ordering::Relaxed)
    }

    pub(super) fn set_slots(&self, slots: usize) {
        self.slots.store(slots.max(1), Ordering::Relaxed);
    }

    /// Takes one duration into the mean, with a weight of one eighth; a longer one counts in full at once, since
    /// jobs fetched for a fast pace are stuck behind slow ones.
    pub(super) fn record(&self, latency_ms: f64) {
        let micros = (latency_ms * 1000.0).clamp(1.0, 3.6e9) as u64;
        let mean = self.mean_us.load(Ordering::Relaxed);
        self.mean_us.store(((mean * 7 + micros) / 8).max(micros).max(1), Ordering::Relaxed);
    }

    fn runs_in(&self, micros: u64) -> usize {
        let each =
            usize::try_from(micros / self.mean_us.load(Ordering::Relaxed).max(1)).unwrap_or(MOST_FETCHED);
        each.saturating_mul(self.slots())
    }

    /// Most jobs fetched and not started.
    pub(super) fn buffer(&self) -> usize {
        let least = 2 * self.slots();
        self.runs_in(FETCH_AHEAD_US).clamp(least, MOST_FETCHED.max(least))
    }

    /// Whether the last of so many jobs waits longer for a slot than it takes to move it to another worker.
    pub(super) fn would_wait(&self, jobs: usize) -> bool {
        let mean_us = self.mean_us.load(Ordering::Relaxed);
        jobs as u64 * mean_us / self.slots() as u64 > FETCH_AHEAD_US
    }

    /// Most jobs started that wait for a slot.
    pub(super) fn starts_ahead(&self) -> usize {
        self.runs_in(START_AHEAD_US).min(MOST_STARTED)
    }

    /// Most jobs started and not ended.
    pub(super) fn in_flight(&self) -> usize {
        self.slots() + self.starts_ahead()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_jobs_are_not_started_ahead_and_short_ones_are() {
        let pace = Pace::new(10);
        assert_eq!(pace.starts_ahead(), 0, "nothing is known yet");
        for _ in 0..100 {
            pace.record(200.0);
        }
        assert_eq!((pace.in_flight(), pace.buffer()), (10, 20));
        for _ in 0..100 {
            pace.record(0.1);
        }
        assert_eq!((pace.in_flight(), pace.buffer()), (10 + MOST_STARTED, MOST_FETCHED));
        pace.record(200.0);
        assert_eq!((pace.in_flight(), pace.buffer()), (10, 20), "one slow job is believed at once");
    }
}
