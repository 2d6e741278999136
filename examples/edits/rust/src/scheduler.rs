//! A cooperative scheduler for periodic and one-off jobs.
//!
//! Time is a plain counter of milliseconds that the caller moves forward,
//! so that everything here can be tested without sleeping.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::fmt;

pub type Millis = u64;

/// Number of a job; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job-{}", self.0)
    }
}

/// When a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Once, at the given time.
    At(Millis),
    /// Again and again, with `period` between two starts.
    Every { first: Millis, period: Millis },
    /// As soon as possible.
    Now,
}

impl Trigger {
    fn first_run(&self, now: Millis) -> Millis {
        match *self {
            Trigger::At(time) => time.max(now),
            Trigger::Every { first, .. } => first.max(now),
            Trigger::Now => now,
        }
    }

    fn next_run(&self, last: Millis) -> Option<Millis> {
        match *self {
            Trigger::Every { period, .. } => Some(last + period),
            Trigger::At(_) | Trigger::Now => None,
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::At(time) => write!(f, "at {time} ms"),
            Trigger::Every { first, period } => {
                write!(f, "every {period} ms from {first} ms")
            }
            Trigger::Now => f.write_str("now"),
        }
    }
}

/// What a job says after it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Fine,
    /// Run the job once more after a pause.
    Again {
        after: Millis,
    },
    /// Drop the job, even when it is periodic.
    Stop,
}

type Work = Box<dyn FnMut(Millis) -> Outcome>;

struct Job {
    name: String,
    trigger: Trigger,
    work: Work,
    runs: u32,
    failures: u32,
}

impl Job {
    fn new(name: &str, trigger: Trigger, work: Work) -> Self {
        Job {
            name: name.to_owned(),
            trigger,
            work,
            runs: 0,
            failures: 0,
        }
    }

    /// Jobs that fail too often in a row are dropped.
    fn is_hopeless(&self) -> bool {
        self.failures >= 5
    }
}

/// Line of the report, see [`Scheduler::report`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobInfo {
    pub id: JobId,
    pub name: String,
    pub runs: u32,
    pub next: Option<Millis>,
}

#[derive(Default)]
pub struct Scheduler {
    now: Millis,
    last_id: u64,
    jobs: BTreeMap<JobId, Job>,
    queue: BinaryHeap<Reverse<(Millis, JobId)>>,
    paused: HashSet<JobId>,
}

impl Scheduler {
    pub fn new() -> Self {
        Scheduler::default()
    }

    #[inline]
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Adds a job and returns its number.
    pub fn add<F>(&mut self, name: &str, trigger: Trigger, work: F) -> JobId
    where
        F: FnMut(Millis) -> Outcome + 'static,
    {
        self.last_id += 1;
        let id = JobId(self.last_id);
        let first = trigger.first_run(self.now);
        self.jobs
            .insert(id, Job::new(name, trigger, Box::new(work)));
        self.queue.push(Reverse((first, id)));
        id
    }

    /// Forgets a job. Returns false when there was none with this number.
    pub fn cancel(&mut self, id: JobId) -> bool {
        // The queue entry stays and is skipped when its time comes.
        self.paused.remove(&id);
        self.jobs.remove(&id).is_some()
    }

    pub fn pause(&mut self, id: JobId) -> bool {
        self.jobs.contains_key(&id) && self.paused.insert(id)
    }

    pub fn resume(&mut self, id: JobId) -> bool {
        if !self.paused.remove(&id) {
            return false;
        }
        self.queue.push(Reverse((self.now, id)));
        true
    }

    /// Moves the clock to `time` and runs everything that is due on the way.
    ///
    /// Returns the number of job runs.
    pub fn advance_to(&mut self, time: Millis) -> usize {
        let mut runs = 0;
        while let Some(&Reverse((due, id))) = self.queue.peek() {
            if due > time {
                break;
            }
            self.queue.pop();
            self.now = self.now.max(due);
            if self.paused.contains(&id) {
                continue;
            }
            if self.run_one(id) {
                runs += 1;
            }
        }
        self.now = self.now.max(time);
        runs
    }

    fn run_one(&mut self, id: JobId) -> bool {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(&id) else {
            return false;
        };
        job.runs += 1;
        let next = match (job.work)(now) {
            Outcome::Fine => {
                job.failures = 0;
                job.trigger.next_run(now)
            }
            Outcome::Again { after } => {
                job.failures += 1;
                Some(now + after)
            }
            Outcome::Stop => None,
        };
        let hopeless = job.is_hopeless();
        match next {
            Some(time) if !hopeless => self.queue.push(Reverse((time, id))),
            _ => {
                self.jobs.remove(&id);
            }
        }
        true
    }

    /// All jobs in the order of their numbers.
    pub fn report(&self) -> Vec<JobInfo> {
        let mut next: BTreeMap<JobId, Millis> = BTreeMap::new();
        for &Reverse((time, id)) in &self.queue {
            next.entry(id)
                .and_modify(|known| *known = time.min(*known))
                .or_insert(time);
        }
        self.jobs
            .iter()
            .map(|(&id, job)| JobInfo {
                id,
                name: job.name.clone(),
                runs: job.runs,
                next: next.get(&id).copied(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// A job that writes down when it ran.
    fn recorder(log: &Rc<RefCell<Vec<Millis>>>) -> impl FnMut(Millis) -> Outcome + 'static {
        let log = Rc::clone(log);
        move |now| {
            log.borrow_mut().push(now);
            Outcome::Fine
        }
    }

    #[test]
    fn runs_in_time_order() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut scheduler = Scheduler::new();
        scheduler.add("late", Trigger::At(20), recorder(&log));
        scheduler.add("early", Trigger::At(10), recorder(&log));
        assert_eq!(scheduler.advance_to(30), 2);
        assert_eq!(*log.borrow(), [10, 20]);
    }

    #[test]
    fn periodic_job_repeats() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut scheduler = Scheduler::new();
        let trigger = Trigger::Every {
            first: 5,
            period: 10,
        };
        scheduler.add("tick", trigger, recorder(&log));
        scheduler.advance_to(30);
        assert_eq!(*log.borrow(), [5, 15, 25]);
    }

    #[test]
    fn cancelled_job_does_not_run() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut scheduler = Scheduler::new();
        let id = scheduler.add("gone", Trigger::At(10), recorder(&log));
        assert!(scheduler.cancel(id));
        assert_eq!(scheduler.advance_to(100), 0);
        assert!(log.borrow().is_empty());
    }

    #[test]
    fn paused_job_waits() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut scheduler = Scheduler::new();
        let id = scheduler.add("idle", Trigger::At(10), recorder(&log));
        assert!(scheduler.pause(id));
        scheduler.advance_to(50);
        assert!(log.borrow().is_empty());
        assert!(scheduler.resume(id));
        scheduler.advance_to(60);
        assert_eq!(*log.borrow(), [50]);
    }
}
