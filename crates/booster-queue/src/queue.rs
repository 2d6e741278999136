//! The producers' and operators' side of one queue: submit, look up, watch, count.

use std::collections::HashMap;

use booster_core::digest::hex;
use booster_core::event::Requested;
use booster_core::keys::{GROUP, QueueKeys, entry_millis};
use booster_core::outcome::JobOutcome;
use booster_core::{Config, Event, Job, Keys, UnixMillis};
use redis::{Cmd, Pipeline, Script, ScriptInvocation};
use sha2::{Digest, Sha256};

use crate::entry::Lane;
use crate::error::QueueError;
use crate::line::Line;
use crate::link::{Confirmed, Link};
use crate::note::QueueDepth;
use crate::now_ms;
use crate::payload::{pack, unpack};
use crate::scripts::{Caller, MAX_BYTES, MAX_ITEMS, SUBMIT, WATCH};

/// What became of a submitted job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The job's id, given by the client or made here.
    pub id: String,
    /// `false` when a job with this id was there already: nothing was added.
    pub accepted: bool,
}

/// What is known of one job.
#[derive(Debug, Clone)]
pub struct Record {
    /// The queue it is in.
    pub queue: String,
    /// `waiting`, `parked`, `delayed`, `running`, `done`, `refused`, `dead` or `cancelled`.
    pub state: String,
    /// The stored outcome, once there is one.
    pub outcome: Option<JobOutcome>,
    /// When it was accepted, Unix milliseconds.
    pub enqueued_at: UnixMillis,
    /// Failed attempts so far.
    pub attempts: u32,
    /// The worker that has it or had it last.
    pub worker: String,
    /// The job's JSON text, while it is kept apart from the streams: of delayed, parked, refused, dead and
    /// cancelled jobs.
    pub job: Option<String>,
}

impl Record {
    /// What is known of a job that has ended.
    pub fn of_outcome(queue: String, outcome: JobOutcome, job: Option<String>) -> Self {
        Self {
            queue,
            state: outcome.outcome.as_str().to_owned(),
            enqueued_at: outcome.enqueued_at,
            attempts: outcome.attempts,
            worker: outcome.worker.clone(),
            job,
            outcome: Some(outcome),
        }
    }
}

/// Counters of a queue since it began, with what it holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCounts {
    /// What the queue holds now.
    pub depth: QueueDepth,
    /// Jobs that ended as `done`.
    pub done: u64,
    /// Jobs that ended as `refused`.
    pub refused: u64,
    /// Jobs that ended as `dead`.
    pub dead: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// Entries dropped because their id was known.
    pub deduplicated: u64,
}

/// One queue, seen from outside the workers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    link: Link,
    keys: QueueKeys,
    caller: Caller,
    max_waiting: usize,
    max_job_bytes: usize,
    compress_above: usize,
    ttl_s: u64,
    offer_ms: u64,
}

impl Queue {
    /// The queue `name` of the fleet that `config` describes.
    pub fn new(link: Link, config: &Config, name: &str) -> Self {
        let keys = Keys::new(config.redis.key_prefix.clone()).queue(name);
        Self {
            link,
            caller: Caller::new(config, &keys),
            keys,
            max_waiting: config.redis.max_waiting,
            max_job_bytes: config.redis.max_job_bytes,
            compress_above: config.redis.compress_above,
            ttl_s: config.redis.ttl_s,
            offer_ms: config.booster.fallback_claim_ttl_ms,
        }
    }

    /// The queue's name.
    pub fn name(&self) -> &str {
        self.keys.name()
    }

    /// The queue's keys.
    pub fn keys(&self) -> &QueueKeys {
        &self.keys
    }

    /// Begins a call of one of the queue's scripts.
    pub(crate) fn begin<'a>(&self, script: &'a Script) -> ScriptInvocation<'a> {
        self.caller.begin(script)
    }

    /// How long finished jobs are kept, seconds.
    pub(crate) fn ttl_s(&self) -> u64 {
        self.ttl_s
    }

    /// How long an offered job belongs to the regular agent that has taken it, milliseconds.
    pub(crate) fn offer_ms(&self) -> u64 {
        self.offer_ms
    }

    /// Most bytes of a job's JSON text.
    pub(crate) fn max_job_bytes(&self) -> usize {
        self.max_job_bytes
    }

    /// The connection.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Adds jobs in batches. A job without an id gets one (from its idempotency key, else a ULID); a job whose id is taken is not added again, so a
    /// submit that failed half-way can be repeated as it was. With `watch`, the outcome of each will be
    /// announced on its channel.
    ///
    /// # Errors
    /// [`QueueError::Job`] when a job is larger than the limit (nothing is added then), [`QueueError::Full`] or
    /// [`QueueError::Draining`] when the queue cannot take all of them (those before it were added),
    /// [`QueueError::Unconfirmed`] when too few replicas have those before it, or a Redis error.
    pub async fn submit(&self, mut jobs: Vec<Job>, watch: bool) -> Result<Vec<Submitted>, QueueError> {
        let mut prepared = Vec::with_capacity(jobs.len());
        for job in &mut jobs {
            prepared.push(self.prepare(job)?);
        }
        let mut answers = Vec::with_capacity(prepared.len());
        for batch in batches(&prepared) {
            answers.extend(self.submit_batch(batch, watch).await?);
        }
        Ok(answers)
    }

    fn prepare(&self, job: &mut Job) -> Result<Prepared, QueueError> {
        let id = assign_id(job).to_owned();
        let json = job.to_json();
        if json.len() > self.max_job_bytes {
            let error = booster_core::JobError::TooLarge { size: json.len(), limit: self.max_job_bytes };
            return Err(error.into());
        }
        let event = Event::Requested(Requested::of(&id, self.name(), Some(job)));
        let now = now_ms();
        let due = job.run_at.filter(|at| *at > now).unwrap_or(0);
        let text = pack(json, self.compress_above);
        let tenant = job.tenant.clone().unwrap_or_default();
        Ok(Prepared { id, text, due, event, booster: job.target.name().to_owned(), tenant })
    }

    async fn submit_batch(&self, batch: &[Prepared], watch: bool) -> Result<Vec<Submitted>, QueueError> {
        let now = now_ms();
        let mut call = self.begin(&SUBMIT);
        call.arg(self.max_waiting);
        for job in batch {
            let flags = if watch { 'w' } else { '-' };
            let about = format!("{} {flags} {} {}", job.due, job.booster, job.tenant);
            call.arg(&job.id).arg(&job.text).arg(job.event.to_message(now)).arg(about);
        }
        let (answers, confirmed): (Vec<i64>, Confirmed) =
            self.link.script_confirmed("submit", &self.keys.confirmed(), &call).await?;
        let mut submitted = Vec::with_capacity(answers.len());
        for (job, answer) in batch.iter().zip(answers) {
            match answer {
                -1 => {
                    let queue = self.name().to_owned();
                    return Err(QueueError::Full { queue, limit: self.max_waiting });
                }
                -2 => return Err(QueueError::Draining { queue: self.name().to_owned() }),
                _ => {}
            }
            if answer == 1 {
                self.link.observer().note(&crate::Note::Event(&job.event));
            }
            submitted.push(Submitted { id: job.id.clone(), accepted: answer == 1 });
        }
        if let Confirmed::No { replicas, wanted, timeout_ms } = confirmed {
            let ids = submitted.into_iter().map(|job| job.id).collect();
            return Err(self.link.fault(QueueError::Unconfirmed { ids, replicas, wanted, timeout_ms }));
        }
        Ok(submitted)
    }

    /// What is known of job `id`; `None` when this queue does not know it.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn record(&self, id: &str) -> Result<Option<Record>, QueueError> {
        let mut pipeline = Pipeline::with_capacity(3);
        pipeline.cmd("HGET").arg(self.keys.live()).arg(id);
        pipeline.cmd("GET").arg(self.keys.job(id)).cmd("GET").arg(self.keys.text(id));
        let (line, outcome, text): (Option<String>, Option<String>, Option<Vec<u8>>) =
            self.link.pipeline("record", &pipeline).await?;
        let job = text.and_then(|stored| Some(unpack(&stored, self.max_job_bytes).ok()?.into_owned()));
        let queue = self.name().to_owned();
        if let Some(line) = line.as_deref().and_then(Line::parse) {
            let (state, worker) = (line.state.to_owned(), line.worker.to_owned());
            let (enqueued_at, attempts) = (line.enqueued_at, line.attempts);
            return Ok(Some(Record { queue, state, outcome: None, enqueued_at, attempts, worker, job }));
        }
        let outcome = outcome.and_then(|text| serde_json::from_str::<JobOutcome>(&text).ok());
        Ok(outcome.map(|outcome| Record::of_outcome(queue, outcome, job)))
    }

    /// The outcomes of those jobs that have ended, and asks for the others to be announced on their channels.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn watch(&self, ids: &[String]) -> Result<Vec<Watched>, QueueError> {
        self.watch_until(ids, false).await
    }

    /// As [`Queue::watch`], but a refused or dead job that is offered to regular agents has not ended yet.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn watch_fallback(&self, ids: &[String]) -> Result<Vec<Watched>, QueueError> {
        self.watch_until(ids, true).await
    }

    async fn watch_until(&self, ids: &[String], fallback: bool) -> Result<Vec<Watched>, QueueError> {
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(MAX_ITEMS) {
            let mut call = self.begin(&WATCH);
            call.arg(u8::from(fallback)).arg(chunk);
            let answers: Vec<Option<String>> = self.link.script("watch", &call).await?;
            found.extend(answers.into_iter().map(|answer| {
                match answer.as_deref() {
                    None => Watched::Unknown,
                    Some("") => Watched::Pending,
                    Some(text) => serde_json::from_str(text)
                        .map_or(Watched::Unknown, |outcome| Watched::Ended(Box::new(outcome))),
                }
            }));
        }
        Ok(found)
    }

    /// Counts what the queue holds and has done.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn counts(&self) -> Result<QueueCounts, QueueError> {
        let depth = self.depth().await?;
        let mut command = redis::cmd("HMGET");
        command.arg(self.keys.stats()).arg(&["done", "refused", "dead", "cancelled", "deduplicated"]);
        let values: Vec<Option<u64>> = self.link.query("counts", &command).await?;
        let value = |n: usize| values.get(n).copied().flatten().unwrap_or(0);
        Ok(QueueCounts {
            depth,
            done: value(0),
            refused: value(1),
            dead: value(2),
            cancelled: value(3),
            deduplicated: value(4),
        })
    }

    /// Counts what the queue holds. `waiting` is the streams' length less what workers hold: the group's own
    /// `lag` is unreliable once entries have been deleted.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let mut pipeline = Pipeline::with_capacity(6);
        for lane in Lane::ALL {
            pipeline.cmd("XLEN").arg(lane.key(&self.keys));
        }
        pipeline.cmd("ZCARD").arg(self.keys.delayed()).cmd("ZCARD").arg(self.keys.dead());
        pipeline.cmd("HGET").arg(self.keys.stats()).arg("parked");
        let (front, turn, jobs, delayed, dead, parked): (u64, u64, u64, u64, u64, Option<u64>) =
            self.link.pipeline("depth", &pipeline).await?;
        let parked = parked.unwrap_or(0);
        let (mut held, mut oldest) = (0, None);
        for (lane, length) in Lane::ALL.into_iter().zip([front, turn, jobs]) {
            // What workers hold is in the stream until it ends.
            if length == 0 {
                continue;
            }
            let (held_here, oldest_here) = self.held(&lane.key(&self.keys)).await?;
            held += held_here;
            oldest = oldest.into_iter().chain(oldest_here).min();
        }
        if parked > 0 {
            oldest = oldest.into_iter().chain(self.oldest_parked().await?).min();
        }
        Ok(QueueDepth {
            waiting: (front + turn + jobs + parked).saturating_sub(held),
            delayed,
            running: held,
            dead,
            oldest_age_ms: oldest.map_or(0, |at| now_ms().saturating_sub(at)),
        })
    }

    /// How many entries of a stream workers hold, and since when the oldest that none holds has been waiting.
    async fn held(&self, stream: &str) -> Result<(u64, Option<UnixMillis>), QueueError> {
        let groups = self.groups(stream).await?;
        let Some(group) = groups.iter().find(|group| text(group, "name").as_deref() == Some(GROUP)) else {
            return Ok((0, self.first_after(stream, "-").await?));
        };
        let pending = text(group, "pending").and_then(|text| text.parse().ok()).unwrap_or(0);
        let delivered = text(group, "last-delivered-id").unwrap_or_else(|| "0-0".into());
        Ok((pending, self.first_after(stream, &format!("({delivered}")).await?))
    }

    async fn groups(&self, stream: &str) -> Result<Vec<HashMap<String, redis::Value>>, QueueError> {
        let mut command = redis::cmd("XINFO");
        command.arg("GROUPS").arg(stream);
        match self.link.query("depth", &command).await {
            // The stream does not exist yet.
            Err(QueueError::Refused { .. }) => Ok(Vec::new()),
            other => other,
        }
    }

    async fn first_after(&self, stream: &str, start: &str) -> Result<Option<UnixMillis>, QueueError> {
        let mut command: Cmd = redis::cmd("XRANGE");
        command.arg(stream).arg(start).arg("+").arg("COUNT").arg(1);
        let entries: Vec<(String, redis::Value)> = self.link.query("depth", &command).await?;
        Ok(entries.first().map(|(entry, _)| entry_millis(entry)))
    }
}

/// What [`Queue::watch`] found for one id.
#[derive(Debug, Clone)]
pub enum Watched {
    /// No job with this id is known (yet).
    Unknown,
    /// It has not ended; its end will be announced.
    Pending,
    /// It has ended.
    Ended(Box<JobOutcome>),
}

struct Prepared {
    id: String,
    /// As it is stored.
    text: Vec<u8>,
    due: UnixMillis,
    event: Event,
    booster: String,
    /// Empty when the job has none.
    tenant: String,
}

/// Gives a job that has no id the one that it will be known by: made from its idempotency key, else a new ULID.
pub fn assign_id(job: &mut Job) -> &str {
    let key = job.idempotency_key.as_deref().map(|key| id_of_key(job.tenant.as_deref(), key));
    job.id.get_or_insert_with(|| key.unwrap_or_else(|| ulid::Ulid::generate().to_string()))
}

/// The id of a job that is named by an idempotency key: a second job with the same key has the same id, so it
/// is not added again while the first is remembered. Keys of different tenants never meet.
fn id_of_key(tenant: Option<&str>, key: &str) -> String {
    let mut digest = Sha256::new();
    // Lengths first, so that no two pairs of texts are the same bytes.
    for part in [tenant.unwrap_or_default(), key] {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    format!("key-{}", hex(&digest.finalize()[..16]))
}

/// Splits jobs so that no script call gets too many items or bytes.
fn batches(jobs: &[Prepared]) -> impl Iterator<Item = &[Prepared]> {
    let mut rest = jobs;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rest.iter().take(MAX_ITEMS).take_while(|job| {
            bytes += job.text.len();
            bytes <= MAX_BYTES
        });
        // A single job above the byte bound still goes, alone.
        let count = fitting.count().max(1).min(rest.len());
        let (batch, left) = rest.split_at(count);
        rest = left;
        (!batch.is_empty()).then_some(batch)
    })
}

fn text(map: &HashMap<String, redis::Value>, field: &str) -> Option<String> {
    redis::from_redis_value(map.get(field)?.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(bytes: usize) -> Prepared {
        let event = Event::Requested(Requested::of("", "", None));
        let (id, booster, tenant) = Default::default();
        Prepared { id, text: vec![b'x'; bytes], due: 0, event, booster, tenant }
    }

    #[test]
    fn a_key_names_one_job_for_each_tenant() {
        assert_eq!(id_of_key(Some("t"), "k"), id_of_key(Some("t"), "k"));
        assert_ne!(id_of_key(Some("t"), "k"), id_of_key(None, "k"));
        assert_ne!(id_of_key(Some("ab"), "c"), id_of_key(Some("a"), "bc"));
        assert!(booster_core::job::is_valid_id(&id_of_key(None, "any text at all")));
    }

    #[test]
    fn batches_are_bounded_in_items_and_bytes_and_lose_nothing() {
        let jobs: Vec<Prepared> = std::iter::repeat_with(|| prepared(1)).take(MAX_ITEMS + 1).collect();
        assert_eq!(batches(&jobs).map(<[_]>::len).collect::<Vec<_>>(), [MAX_ITEMS, 1]);
        let jobs = [prepared(MAX_BYTES - 1), prepared(2), prepared(MAX_BYTES + 1), prepared(1)];
        assert_eq!(batches(&jobs).map(<[_]>::len).collect::<Vec<_>>(), [1, 1, 1, 1]);
        assert_eq!(batches(&[]).count(), 0);
    }
}
