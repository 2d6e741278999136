//! A circuit breaker for each module: one that fails again and again is left alone for a while, so that it does
//! not use up the slots and its jobs' attempts.
//!
//! Closed, it counts the different jobs that failed one after the other; one that does not fail empties the list.
//! With enough of them it opens for a pause. After the pause it is half open: as many jobs may try. The first that
//! does not fail closes it; when all have failed it opens again for twice as long.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A pause grows up to so many times its first length.
const MOST_DOUBLINGS: u32 = 5;

/// When a module's breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Different jobs that have to fail one after the other; 0 for never.
    pub failures: usize,
    /// The first pause; it doubles with each trial that fails, up to 32 times this.
    pub pause: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 10, pause: Duration::from_secs(1) }
    }
}

/// What a breaker has come to, when that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Opened,
    Closed,
}

/// How an attempt went, as far as its module is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Went {
    Well,
    Badly,
    /// It was stopped or handed back, which says nothing.
    Nowhere,
}

#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The different jobs that failed since the last that did not.
    failed: BTreeSet<String>,
    /// Set while it is not closed.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    /// When jobs may try, or try anew if those that do should never end.
    until: Instant,
    doublings: u32,
    /// Jobs that were let in to try since the last pause.
    trying: usize,
    /// How many of them have failed.
    failed: usize,
}

impl Open {
    fn pause(&self, config: &BreakerConfig) -> Duration {
        config.pause * (1 << self.doublings)
    }

    fn lets_in(&self, config: &BreakerConfig) -> bool {
        Instant::now() >= self.until || (1..config.failures).contains(&self.trying)
    }
}

impl Breaker {
    /// Whether a job of this module may start. Changes nothing.
    pub(crate) fn allows(&self, config: &BreakerConfig) -> bool {
        self.lock().open.as_ref().is_none_or(|open| open.lets_in(config))
    }

    /// Whether a job of this module may start now; after a pause it is one of those that try.
    pub(crate) fn enter(&self, config: &BreakerConfig) -> bool {
        match &mut self.lock().open {
            None => true,
            Some(open) if open.lets_in(config) => {
                if Instant::now() >= open.until {
                    (open.trying, open.failed) = (0, 0);
                    open.until = Instant::now() + open.pause(config);
                }
                open.trying += 1;
                true
            }
            Some(_) => false,
        }
    }

    /// Notes how a job that entered went.
    pub(crate) fn leave(&self, config: &BreakerConfig, job: &str, went: Went) -> Option<Change> {
        let mut state = self.lock();
        match went {
            Went::Nowhere => {
                if let Some(open) = state.open.as_mut().filter(|open| open.trying > 0) {
                    open.trying -= 1;
                    if open.trying == 0 {
                        open.until = Instant::now();
                    }
                }
                None
            }
            Went::Well => {
                state.failed.clear();
                // Jobs that entered before it opened say nothing of the trial.
                let closes = state.open.as_ref().is_some_and(|open| open.trying > 0);
                if closes {
                    state.open = None;
                }
                closes.then_some(Change::Closed)
            }
            Went::Badly => state.failed(config, job),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn failed(&mut self, config: &BreakerConfig, job: &str) -> Option<Change> {
        if let Some(open) = &mut self.open {
            if open.trying > 0 {
                open.failed += 1;
            }
            if open.failed >= config.failures {
                open.doublings = (open.doublings + 1).min(MOST_DOUBLINGS);
                open.until = Instant::now() + open.pause(config);
                (open.trying, open.failed) = (0, 0);
            }
            return None;
        }
        if config.failures == 0 {
            return None;
        }
        self.failed.insert(job.to_owned());
        if self.failed.len() < config.failures {
            return None;
        }
        self.failed.clear();
        self.open = Some(Open { until: Instant::now() + config.pause, doublings: 0, trying: 0, failed: 0 });
        Some(Change::Opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: BreakerConfig = BreakerConfig { failures: 3, pause: Duration::from_millis(30) };

    fn fail(breaker: &Breaker, jobs: &[&str]) -> Option<Change> {
        jobs.iter().map(|job| breaker.leave(&CONFIG, job, Went::Badly)).last().flatten()
    }

    #[test]
    fn only_different_jobs_that_fail_in_a_row_open_it() {
        let breaker = Breaker::default();
        assert_eq!(fail(&breaker, &["a", "a", "a", "a", "b"]), None);
        breaker.leave(&CONFIG, "c", Went::Well);
        assert_eq!(fail(&breaker, &["a", "b"]), None);
        breaker.leave(&CONFIG, "d", Went::Nowhere);
        assert!(breaker.enter(&CONFIG));
        assert_eq!(fail(&breaker, &["c"]), Some(Change::Opened));
        assert!(!breaker.allows(&CONFIG) && !breaker.enter(&CONFIG));
    }

    #[test]
    fn after_a_pause_a_few_jobs_try_and_decide() {
        let breaker = Breaker::default();
        let enters = |count: usize| (0..count).filter(|_| breaker.enter(&CONFIG)).count();
        fail(&breaker, &["a", "b", "c"]);
        // A job that had entered before does not close it.
        assert_eq!(breaker.leave(&CONFIG, "z", Went::Well), None);
        assert!(!breaker.allows(&CONFIG));
        std::thread::sleep(CONFIG.pause);
        assert!(breaker.allows(&CONFIG));
        assert_eq!(enters(5), 3, "as many as opened it");
        assert!(!breaker.allows(&CONFIG));
        // One that was stopped before it could tell makes room for another.
        breaker.leave(&CONFIG, "a", Went::Nowhere);
        assert_eq!(enters(5), 1);
        // All fail: the second pause is twice as long.
        fail(&breaker, &["a", "b", "c"]);
        std::thread::sleep(CONFIG.pause);
        assert!(!breaker.allows(&CONFIG));
        std::thread::sleep(CONFIG.pause);
        assert_eq!(enters(2), 2);
        fail(&breaker, &["a"]);
        assert_eq!(breaker.leave(&CONFIG, "b", Went::Well), Some(Change::Closed));
        assert_eq!(enters(9), 9);
    }

    #[test]
    fn trials_that_never_end_do_not_keep_it_open_for_ever() {
        let breaker = Breaker::default();
        fail(&breaker, &["a", "b", "c"]);
        std::thread::sleep(CONFIG.pause);
        assert_eq!((0..5).filter(|_| breaker.enter(&CONFIG)).count(), 3);
        std::thread::sleep(CONFIG.pause);
        assert!(breaker.enter(&CONFIG));
    }

    #[test]
    fn zero_failures_never_open_it() {
        let config = BreakerConfig { failures: 0, ..CONFIG };
        let breaker = Breaker::default();
        for n in 0..1000 {
            assert_eq!(breaker.leave(&config, &n.to_string(), Went::Badly), None);
        }
        assert!(breaker.enter(&config));
    }
}
