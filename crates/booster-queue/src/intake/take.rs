//! From apalis into the fleet.

use booster_core::event::Requested;
use booster_core::{Event, Job, UnixMillis};

use super::{MOST, Mover};
use crate::error::QueueError;
use crate::note::Note;
use crate::now_ms;
use crate::payload::pack;
use crate::scripts::{INTAKE, INTAKE_PEEK, MAX_BYTES};

/// Most batches moved before the ends of earlier ones are told.
const MOST_BATCHES: usize = 10;

/// A task as it waits in apalis: where, its id and its encoded arguments.
type Waiting = (String, Vec<u8>, Vec<u8>);

/// A task as it is added here.
struct Arrival {
    source: String,
    task: Vec<u8>,
    id: String,
    stream: &'static str,
    text: Vec<u8>,
    due: UnixMillis,
    event: Event,
    booster: String,
    /// Empty when it has none.
    tenant: String,
}

impl Mover {
    /// Moves due tasks; says whether there may be more. Those that the fleet had already are added to `known`: their
    /// end may have come long ago.
    pub(super) async fn take(&self, known: &mut Vec<Vec<u8>>) -> Result<bool, QueueError> {
        for _ in 0..MOST_BATCHES {
            if !self.take_batch(known).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Moves one batch; says whether anything left apalis. Tasks for which the queue has no room stay where they are.
    async fn take_batch(&self, known: &mut Vec<Vec<u8>>) -> Result<bool, QueueError> {
        let now = now_ms();
        let mut peek = INTAKE_PEEK.prepare_invoke();
        peek.key(self.apalis.scheduled()).key(self.apalis.active()).key(self.apalis.data());
        peek.arg(now / 1000).arg(MOST).arg(MAX_BYTES);
        let waiting: Vec<Waiting> = self.link.script("intake", &peek).await?;
        if waiting.is_empty() {
            return Ok(false);
        }
        let arrivals: Vec<Arrival> = waiting.into_iter().map(|task| self.arrival(task, now)).collect();
        let answers = self.move_in(&arrivals, now).await?;
        let mut any = false;
        for (arrival, answer) in arrivals.into_iter().zip(answers) {
            match answer.as_str() {
                "moved" => self.link.observer().note(&Note::Event(&arrival.event)),
                "known" => known.push(arrival.task),
                _ => continue,
            }
            any = true;
        }
        Ok(any)
    }

    /// What is added for a task. The job gets its id from the task, whatever its text says.
    fn arrival(&self, (source, task, text): Waiting, now: UnixMillis) -> Arrival {
        let id = self.ids.of(&task);
        let limit = self.config.redis.max_job_bytes;
        let job = std::str::from_utf8(&text).ok().and_then(|text| Job::from_json_limited(text, limit).ok());
        let event = Event::Requested(Requested::of(&id, self.keys.name(), job.as_ref()));
        match job {
            Some(mut job) => {
                job.id = Some(id.clone());
                let due = job.run_at.filter(|at| *at > now).unwrap_or(0);
                let booster = job.target.name().to_owned();
                let tenant = job.tenant.clone().unwrap_or_default();
                let text = pack(job.to_json(), self.config.redis.compress_above);
                Arrival { source, task, id, stream: "jobs", text, due, event, booster, tenant }
            }
            None => {
                let (booster, tenant) = ("other".to_owned(), String::new());
                Arrival { source, task, id, stream: "front", text, due: 0, event, booster, tenant }
            }
        }
    }

    async fn move_in(&self, arrivals: &[Arrival], now: UnixMillis) -> Result<Vec<String>, QueueError> {
        let mut call = self.caller.begin(&INTAKE);
        call.key(self.apalis.scheduled()).key(self.apalis.active()).key(&self.followed);
        call.arg(self.config.redis.max_waiting);
        for arrival in arrivals {
            call.key(self.apalis.meta(&arrival.task));
            call.arg(&arrival.source).arg(&arrival.task).arg(&arrival.id).arg(arrival.stream);
            call.arg(&arrival.text).arg(arrival.event.to_message(now)).arg(arrival.due).arg(&arrival.booster);
            call.arg(&arrival.tenant);
        }
        self.link.script("intake", &call).await
    }
}
