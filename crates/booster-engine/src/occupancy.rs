//! For how long slots have run jobs: the integral of the number of busy slots over time, so that a job counts while it
//! runs and not only at its end.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Counts the slots that run a job.
#[derive(Debug)]
pub(crate) struct Occupancy(Mutex<State>);

#[derive(Debug)]
struct State {
    running: u32,
    /// Up to when `busy` is right.
    at: Instant,
    busy: Duration,
}

impl Occupancy {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { running: 0, at: Instant::now(), busy: Duration::ZERO }))
    }

    /// One more slot runs a job, until the guard is dropped.
    pub(crate) fn begin(&self) -> Running<'_> {
        self.now().running += 1;
        Running(self)
    }

    /// Slots that run a job.
    pub(crate) fn running(&self) -> usize {
        self.lock().running as usize
    }

    /// The time that slots have spent on jobs, that of all slots added up.
    pub(crate) fn busy(&self) -> Duration {
        self.now().busy
    }

    fn now(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let now = Instant::now();
        let passed = now.duration_since(state.at) * state.running;
        state.busy += passed;
        state.at = now;
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot runs a job.
pub(crate) struct Running<'a>(&'a Occupancy);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.now().running -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_once_for_each_running_job_and_while_it_runs() {
        let occupancy = Occupancy::new();
        assert_eq!((occupancy.running(), occupancy.busy()), (0, Duration::ZERO));
        let pause = Duration::from_millis(20);
        let first = occupancy.begin();
        std::thread::sleep(pause);
        let alone = occupancy.busy();
        assert!(alone >= pause);
        let second = occupancy.begin();
        std::thread::sleep(pause);
        assert!(occupancy.busy() >= alone + 2 * pause);
        assert_eq!(occupancy.running(), 2);
        drop((first, second));
        let busy = occupancy.busy();
        std::thread::sleep(pause);
        assert_eq!((occupancy.running(), occupancy.busy()), (0, busy));
    }
}
