//! Starting jobs: fair choice between queues, the start script, and the hand-over to apalis.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use booster_core::event::Requested;
use booster_core::keys::GROUP;
use booster_core::{Event, Job, JobError};
use tokio::sync::mpsc;

use super::claim::Claim;
use super::{Admit, Backoff, Shared, lock};
use crate::entry::{Entry, id_in_text};
use crate::error::QueueError;
use crate::note::Note;
use crate::now_ms;
use crate::scripts::START;

/// Most jobs of one start script.
const MOST: usize = 128;
/// After so many crashes a job is dead: it takes the fleet down.
const QUARANTINE_AFTER: u32 = 2;

/// When a job that this worker cannot run is offered again.
const ELSEWHERE_MS: u64 = 500;

/// A fetched entry with its id and, when it is well-formed, its job.
struct Candidate {
    entry: Entry,
    id: String,
    job: Result<Job, JobError>,
}

/// Starts jobs until the consumer stops, then hands back what has not been started.
pub(super) async fn run(shared: Arc<Shared>, tasks: mpsc::Sender<Task<Job>>) {
    let mut credits = vec![0_i64; shared.lines.len()];
    while !shared.is_stopping() {
        let woken = shared.dispatch.notified();
        let picked = pick(&shared, &mut credits);
        let Some((index, entries)) = picked else {
            woken.await;
            continue;
        };
        shared.room.notify_waiters();
        start(&shared, index, entries, &tasks).await;
    }
    hand_back_buffered(&shared);
}

/// Takes the next jobs of one queue, at most as many as may start now.
///
/// Queues take turns by smooth weighted round-robin (the algorithm of nginx' upstream module): each queue that
/// has jobs earns its weight, the richest goes first and pays the sum. Picks of the same queue in a row form a
/// batch.
fn pick(shared: &Shared, credits: &mut [i64]) -> Option<(usize, Vec<Entry>)> {
    let mut batch: Vec<Entry> = Vec::new();
    let mut queue = None;
    while batch.len() < MOST && batch.len() < shared.capacity() {
        let Some(index) = richest(shared, credits) else { break };
        if queue.is_some_and(|queue| queue != index) {
            break;
        }
        let mut buffer = lock(&shared.lines[index].buffer);
        let crashed = buffer.front().is_some_and(|entry| entry.crashes > 0);
        if crashed {
            // A job that took a process with it runs with no other job beside it.
            let idle = shared.in_flight.load(Ordering::SeqCst) == 0;
            if !batch.is_empty() || !idle {
                break;
            }
            shared.alone.store(true, Ordering::SeqCst);
        }
        let Some(entry) = buffer.pop_front() else { break };
        pay(shared, credits, index);
        queue = Some(index);
        batch.push(entry);
        if crashed {
            break;
        }
    }
    let index = queue?;
    shared.in_flight.fetch_add(batch.len(), Ordering::SeqCst);
    Some((index, batch))
}

fn has_jobs(shared: &Shared, index: usize) -> bool {
    !lock(&shared.lines[index].buffer).is_empty()
}

fn richest(shared: &Shared, credits: &[i64]) -> Option<usize> {
    (0..credits.len())
        .filter(|index| has_jobs(shared, *index))
        .max_by_key(|index| (credits[*index] + shared.lines[*index].weight, std::cmp::Reverse(*index)))
}

/// Settles one turn: every queue with jobs (the chosen one counts even if this was its last) earns its weight.
fn pay(shared: &Shared, credits: &mut [i64], chosen: usize) {
    let mut total = 0;
    for (index, credit) in credits.iter_mut().enumerate() {
        if index == chosen || shared.lines[index].buffer.try_lock().is_ok_and(|buffer| !buffer.is_empty()) {
            *credit += shared.lines[index].weight;
            total += shared.lines[index].weight;
        }
    }
    credits[chosen] -= total;
}

/// Runs the start script for a batch, again and again until Redis answers, and acts on each answer.
async fn start(shared: &Arc<Shared>, index: usize, entries: Vec<Entry>, tasks: &mpsc::Sender<Task<Job>>) {
    let queue = shared.lines[index].keys.name();
    let limit = shared.config.config.redis.max_job_bytes;
    let candidates: Vec<Candidate> = entries.into_iter().map(|entry| read(queue, entry, limit)).collect();
    let mut backoff = Backoff::new();
    let answers = loop {
        match mark_started(shared, index, &candidates).await {
            Ok(answers) => break answers,
            Err(_) if shared.is_stopping() => break vec!["return".to_owned(); candidates.len()],
            Err(_) => shared.pause(backoff.next()).await,
        }
    };
    for (candidate, answer) in candidates.into_iter().zip(answers) {
        act(shared, index, candidate, &answer, tasks).await;
    }
}

fn read(queue: &str, entry: Entry, limit: usize) -> Candidate {
    let job = match &entry.job {
        Some(text) => Job::from_json_limited(text, limit),
        None => Err(JobError::Missing { field: "job", expected: "a stream field `job` with one JSON job" }),
    };
    let in_text = match (&job, &entry.job) {
        (Ok(job), _) => job.id.clone(),
        (Err(_), Some(text)) => id_in_text(text),
        (Err(_), None) => None,
    };
    Candidate { id: entry.job_id(queue, in_text.as_deref()), entry, job }
}

async fn mark_started(shared: &Shared, index: usize, batch: &[Candidate]) -> Result<Vec<String>, QueueError> {
    let keys = &shared.lines[index].keys;
    let now = now_ms();
    let mut call = START.prepare_invoke();
    for key in [keys.jobs(), keys.front(), keys.delayed(), keys.events(), keys.stats()] {
        call.key(key);
    }
    let max_events = shared.config.config.redis.max_events;
    call.arg(GROUP).arg(&shared.worker).arg(shared.keys.channel()).arg(max_events).arg(now);
    for candidate in batch {
        let due = candidate.job.as_ref().ok().and_then(|job| job.run_at).unwrap_or(0);
        call.key(keys.job(&candidate.id));
        call.arg(candidate.entry.lane.as_str()).arg(&candidate.entry.entry).arg(&candidate.id).arg(due);
        call.arg(requested(keys.name(), candidate).to_message(now));
        call.arg(candidate.job.as_ref().map_or("other", |job| job.target.name()));
    }
    shared.link.script("start", &call).await
}

fn requested(queue: &str, candidate: &Candidate) -> Event {
    let job = candidate.job.as_ref().ok();
    Event::Requested(Requested {
        job_id: candidate.id.clone(),
        queue: queue.to_owned(),
        booster: job.map(|job| job.target.to_string()).unwrap_or_default(),
        agent_id: job.and_then(|job| job.agent_id.clone()),
    })
}

/// Does what the start script said about one entry.
async fn act(
    shared: &Arc<Shared>,
    index: usize,
    candidate: Candidate,
    answer: &str,
    tasks: &mpsc::Sender<Task<Job>>,
) {
    let key = (index, candidate.entry.lane, candidate.entry.entry.clone());
    let queue = shared.lines[index].keys.name();
    let Some(lost) = lock(&shared.held).get(&key).map(|hold| Arc::clone(&hold.lost)) else {
        shared.finished();
        return;
    };
    if !matches!(answer, "run" | "return") {
        if answer == "duplicate" {
            shared.note(&Note::Deduplicated { queue });
        }
        shared.release(&key);
        shared.finished();
        return;
    }
    let Candidate { entry, id, job } = candidate;
    let (crashes, since) = (entry.crashes, entry.since);
    let claim = Claim::new(Arc::clone(shared), index, entry, id.clone(), job.as_ref().ok(), lost);
    if answer == "return" {
        // Dropping the claim hands the job back.
        return;
    }
    match job {
        Err(error) => claim.invalid(error.code(), error.to_string()),
        Ok(_) if crashes >= QUARANTINE_AFTER => claim.invalid(
            "quarantined",
            format!("{crashes} worker processes died while they ran this job; it will not run again"),
        ),
        Ok(job) => match shared.admission.admit(&job, since) {
            Admit::Never(error) => claim.invalid(error.code(), error.to_string()),
            // Handing it back at once would bring it straight here again.
            Admit::Elsewhere => claim.postpone(ELSEWHERE_MS),
            Admit::Run => {
                let task = TaskBuilder::new(job).task_id(TaskId::from_string(id)).data(claim).build();
                // A closed channel drops the claim, which hands the job back.
                let _ = tasks.send(task).await;
            }
        },
    }
}

fn hand_back_buffered(shared: &Arc<Shared>) {
    for (index, line) in shared.lines.iter().enumerate() {
        let entries: Vec<Entry> = lock(&line.buffer).drain(..).collect();
        for entry in entries {
            let key = (index, entry.lane, entry.entry.clone());
            let Some(lost) = lock(&shared.held).get(&key).map(|hold| Arc::clone(&hold.lost)) else {
                continue;
            };
            let id = entry.job_id(line.keys.name(), entry.job.as_deref().and_then(id_in_text).as_deref());
            shared.in_flight.fetch_add(1, Ordering::SeqCst);
            drop(Claim::new(Arc::clone(shared), index, entry, id, None, lost));
        }
    }
}

impl Shared {
    /// One started job less: another may start.
    pub(super) fn finished(&self) {
        if self.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.alone.store(false, Ordering::SeqCst);
        }
        self.dispatch.notify_one();
    }
}
