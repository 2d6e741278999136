//! Starting jobs: fair choice between queues, the start script, and the hand-over to apalis.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use booster_core::event::Requested;
use booster_core::{Event, Job, JobError};
use tokio::sync::mpsc;

use super::claim::Claim;
use super::{Admit, Backoff, Shared, lock, pace};
use crate::entry::Entry;
use crate::error::QueueError;
use crate::note::{JobRef, Note};
use crate::now_ms;
use crate::scripts::START;

/// Most jobs of one start script.
const MOST: usize = 128;
/// After so many crashes a job is dead: it takes the fleet down.
const QUARANTINE_AFTER: u32 = 2;

/// How often a script that Redis refuses for a reason that will not pass is tried.
const REFUSED_TRIES: u32 = 3;

/// When a job that this worker cannot run is offered again: the longer it has been known, the later.
fn elsewhere_ms(age_ms: u64) -> u64 {
    (age_ms / 4).clamp(500, 30_000)
}

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
        trim(&shared);
        let picked = pick(&shared, &mut credits);
        if picked.iter().all(Vec::is_empty) {
            woken.await;
            continue;
        }
        shared.room.notify_waiters();
        let starts = picked.into_iter().enumerate().filter(|(_, entries)| !entries.is_empty());
        let starts = starts.map(|(index, entries)| start(&shared, index, entries, &tasks));
        futures_util::future::join_all(starts).await;
    }
    hand_back_buffered(&shared);
}

/// Takes the next jobs of each queue, together at most as many as may start now.
///
/// Queues take turns by smooth weighted round-robin (the algorithm of nginx' upstream module): each queue that
/// has jobs earns its weight, the richest goes first and pays the sum.
fn pick(shared: &Shared, credits: &mut [i64]) -> Vec<Vec<Entry>> {
    let mut picked: Vec<Vec<Entry>> = credits.iter().map(|_| Vec::new()).collect();
    let mut count = 0;
    let most = shared.capacity().min(MOST);
    // One call starts many: while enough jobs wait for a slot, it waits until some more may start.
    if most < shared.pace.starts_ahead() / 2 {
        return picked;
    }
    while count < most {
        let Some(index) = richest(shared, credits) else { break };
        let mut buffer = lock(&shared.lines[index].buffer);
        let crashed = buffer.front().is_some_and(|entry| entry.crashes > 0);
        // A job that took a process with it runs with no other job beside it.
        if crashed && shared.in_flight.load(Ordering::SeqCst) > 0 {
            break;
        }
        let Some(entry) = buffer.pop_front() else { break };
        // Before `alone` is set: the end of another job at this moment would clear that again.
        shared.in_flight.fetch_add(1, Ordering::SeqCst);
        pay(shared, credits, index);
        picked[index].push(entry);
        count += 1;
        if crashed {
            shared.alone.store(true, Ordering::SeqCst);
            break;
        }
    }
    picked
}

/// Hands back what was fetched for a faster pace than jobs have now, since other workers may be idle, and what
/// must not start because its queue is paused.
fn trim(shared: &Arc<Shared>) {
    for (index, line) in shared.lines.iter().enumerate() {
        let paused = line.paused.load(Ordering::SeqCst);
        let limit = if paused { 0 } else { 2 * shared.pace.buffer() };
        loop {
            let mut buffer = lock(&shared.lines[index].buffer);
            let excess = if buffer.len() > limit { buffer.pop_back() } else { None };
            drop(buffer);
            let Some(entry) = excess else { break };
            hand_back(shared, index, entry);
        }
    }
}

/// Whether a queue's next buffered job has waited for longer than it takes to move it to another worker.
fn has_waited(shared: &Shared, index: usize) -> bool {
    let next =
        lock(&shared.lines[index].buffer).front().map(|entry| (index, entry.lane, entry.entry.clone()));
    let held = lock(&shared.held);
    next.and_then(|key| held.get(&key)).is_some_and(|hold| hold.fetched.elapsed() > pace::FETCH_AHEAD)
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

/// Starts a batch: asks Redis until it answers, and acts on each answer.
async fn start(shared: &Arc<Shared>, index: usize, entries: Vec<Entry>, tasks: &mpsc::Sender<Task<Job>>) {
    let queue = shared.lines[index].keys.name();
    let limit = shared.text_limit();
    let candidates: Vec<Candidate> = entries.into_iter().map(|entry| read(queue, entry, limit)).collect();
    let new = start_batch(shared, index, candidates, false, tasks).await;
    if !new.is_empty() {
        start_batch(shared, index, new, true, tasks).await;
    }
}

/// Starts a batch and acts on the answers; returns those that nobody has looked at before, of which the script
/// wants to know more.
async fn start_batch(
    shared: &Arc<Shared>,
    index: usize,
    batch: Vec<Candidate>,
    in_full: bool,
    tasks: &mpsc::Sender<Task<Job>>,
) -> Vec<Candidate> {
    if let Some(answers) = ask(shared, index, &batch, in_full).await {
        return act_all(shared, index, batch, answers, tasks).await;
    }
    // Something in the batch is refused again and again: one at a time shows which.
    let mut new = Vec::new();
    for candidate in batch {
        let alone = vec![candidate];
        // Where there is no answer its claim lapses, and it is looked at again later.
        let answers = ask(shared, index, &alone, in_full).await.unwrap_or_else(|| vec!["error".to_owned()]);
        new.extend(act_all(shared, index, alone, answers, tasks).await);
    }
    new
}

/// Runs the start script until Redis answers; `None` when it keeps refusing.
async fn ask(shared: &Shared, index: usize, batch: &[Candidate], in_full: bool) -> Option<Vec<String>> {
    let mut backoff = Backoff::new();
    let mut refusals = 0;
    loop {
        match mark_started(shared, index, batch, in_full).await {
            Ok(answers) => {
                shared.answered();
                return Some(answers);
            }
            Err(_) if shared.is_stopping() => return Some(vec!["return".to_owned(); batch.len()]),
            Err(error) => {
                shared.mend(index, &error).await;
                refusals += u32::from(!error.is_retryable());
                if refusals == REFUSED_TRIES {
                    return None;
                }
                shared.pause(backoff.next()).await;
            }
        }
    }
}

async fn act_all(
    shared: &Arc<Shared>,
    index: usize,
    batch: Vec<Candidate>,
    answers: Vec<String>,
    tasks: &mpsc::Sender<Task<Job>>,
) -> Vec<Candidate> {
    let mut new = Vec::new();
    for (candidate, answer) in batch.into_iter().zip(answers) {
        match answer.as_str() {
            "new" => new.push(candidate),
            answer => act(shared, index, candidate, answer, tasks).await,
        }
    }
    new
}

fn read(queue: &str, entry: Entry, limit: usize) -> Candidate {
    let (job, id) = match entry.text(limit) {
        Ok(text) => {
            let job = Job::from_json_limited(&text, limit);
            let id = match &job {
                Ok(Job { id: Some(id), .. }) if entry.id.is_none() => id.clone(),
                _ => entry.id_by_text(queue, Some(&text)),
            };
            (job, id)
        }
        Err(error) => (Err(error), entry.id_by_text(queue, None)),
    };
    Candidate { entry, id, job }
}

async fn mark_started(
    shared: &Shared,
    index: usize,
    batch: &[Candidate],
    in_full: bool,
) -> Result<Vec<String>, QueueError> {
    let queue = shared.lines[index].keys.name();
    let mut call = shared.begin(index, &START);
    call.arg(&shared.worker);
    for candidate in batch {
        let entry = &candidate.entry;
        call.arg(format!("{}/{}", entry.lane.as_str(), entry.entry)).arg(&candidate.id);
        match &entry.tenant {
            Some(tenant) => call.arg(tenant),
            None if in_full => call.arg(about(queue, candidate)),
            None => call.arg(""),
        };
    }
    shared.link.script("start", &call).await
}

/// What the script has to know of a job that nobody has looked at before.
fn about(queue: &str, candidate: &Candidate) -> String {
    let job = candidate.job.as_ref();
    let due = job.ok().and_then(|job| job.run_at).unwrap_or(0);
    let booster = job.map_or("other", |job| job.target.name());
    format!("{due} {booster} {}", requested(queue, candidate).to_message(now_ms()))
}

fn requested(queue: &str, candidate: &Candidate) -> Event {
    let job = candidate.job.as_ref().ok();
    Event::Requested(Requested::of(&candidate.id, queue, job))
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
    let known_since = answer.strip_prefix("run ").and_then(|millis| millis.parse().ok());
    if answer == "paused" {
        shared.lines[index].paused.store(true, Ordering::SeqCst);
    }
    if known_since.is_none() && !matches!(answer, "return" | "stop" | "paused") {
        if answer == "duplicate" {
            let tenant = candidate.job.as_ref().ok().and_then(|job| job.tenant.as_deref());
            let attempt = candidate.entry.attempts + 1;
            shared.note(&Note::Deduplicated(JobRef { queue, job: &candidate.id, tenant, attempt }));
        }
        shared.release(&key);
        shared.finished();
        return;
    }
    let Candidate { entry, id, job } = candidate;
    let crashes = entry.crashes;
    let enqueued_at = known_since.unwrap_or(entry.since);
    let claim =
        Claim::new(Arc::clone(shared), index, entry, id.clone(), job.as_ref().ok(), lost, enqueued_at);
    if answer == "stop" {
        return claim.cancel();
    }
    let Some(known_since) = known_since.filter(|_| !shared.is_stopping()) else {
        // Dropping the claim hands the job back.
        return;
    };
    match job {
        Err(error) => claim.invalid(error.code(), error.to_string()),
        Ok(_) if crashes >= QUARANTINE_AFTER => claim.invalid(
            "quarantined",
            format!("{crashes} worker processes died while they ran this job; it will not run again"),
        ),
        Ok(job) => match shared.admission.admit(&id, &job, known_since) {
            Admit::Never(error) => claim.invalid(error.code(), error.to_string()),
            // Handing it back at once would bring it straight here again.
            Admit::Elsewhere => claim.postpone(elsewhere_ms(now_ms().saturating_sub(known_since))),
            Admit::Run => {
                claim.register();
                let task = TaskBuilder::new(job).task_id(TaskId::from_string(id)).data(claim).build();
                // A closed channel drops the claim, which hands the job back.
                let _ = tasks.send(task).await;
            }
        },
    }
}

/// Hands back everything that was fetched and has not been started.
pub(super) fn hand_back_buffered(shared: &Arc<Shared>) {
    for (index, line) in shared.lines.iter().enumerate() {
        let entries: Vec<Entry> = lock(&line.buffer).drain(..).collect();
        for entry in entries {
            hand_back(shared, index, entry);
        }
    }
}

fn hand_back(shared: &Arc<Shared>, index: usize, entry: Entry) {
    let key = (index, entry.lane, entry.entry.clone());
    let Some(lost) = lock(&shared.held).get(&key).map(|hold| Arc::clone(&hold.lost)) else { return };
    let queue = shared.lines[index].keys.name();
    let (id, since) = (entry.job_id(queue, shared.text_limit()), entry.since);
    shared.in_flight.fetch_add(1, Ordering::SeqCst);
    // Dropping a claim hands the job back.
    drop(Claim::new(Arc::clone(shared), index, entry, id, None, lost, since));
}

/// Another worker has free slots: hands back buffered jobs of a queue for it, when they would wait here.
pub(super) fn yield_to_idle(shared: &Arc<Shared>, index: usize, slots: usize) {
    let line = &shared.lines[index];
    let waiting = lock(&line.buffer).len();
    if shared.capacity() > 0 || !(shared.pace.would_wait(waiting) || has_waited(shared, index)) {
        return;
    }
    // From now on no read begins; one that waits has to end first.
    line.yielded_at.store(now_ms(), Ordering::Relaxed);
    line.wanted.store(slots, Ordering::SeqCst);
    if line.reading.load(Ordering::SeqCst) {
        line.unblock.notify_one();
    } else {
        yield_wanted(shared, index);
    }
}

/// Hands back as many buffered jobs of a queue as an idle worker wants.
pub(super) fn yield_wanted(shared: &Arc<Shared>, index: usize) {
    let line = &shared.lines[index];
    for _ in 0..line.wanted.swap(0, Ordering::SeqCst) {
        let Some(entry) = lock(&line.buffer).pop_back() else { break };
        hand_back(shared, index, entry);
    }
}

impl Shared {
    /// One started job less: another may start.
    pub(super) fn finished(&self) {
        if self.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.alone.store(false, Ordering::SeqCst);
            self.calm.notify_waiters();
        }
        self.dispatch.notify_one();
    }
}
