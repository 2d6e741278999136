//! From the fleet back to apalis.
//!
//! The fleet's event stream says quickly which jobs have ended. Going through all followed tasks, once at the
//! beginning and slowly ever after, makes it certain: events are capped, and a mover may miss some.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use booster_core::job::string_field;
use booster_core::outcome::JobOutcome;
use booster_core::{OutcomeKind, UnixMillis};
use redis::{Pipeline, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{MOST, Mover};
use crate::error::QueueError;
use crate::now_ms;
use crate::scripts::{INTAKE_ANSWER, MAX_BYTES, MAX_ITEMS};

/// Entries of the event stream in one page; each may hold the events of several jobs.
const PAGE: usize = 50;
/// Most pages of events read in one round.
const MOST_PAGES: usize = 20;
/// How often the next page of the followed tasks is looked at, once all have been.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How far a mover has come.
#[derive(Default)]
pub(super) struct Progress {
    /// The last event read; `None` before the first.
    event: Option<String>,
    /// Where to go on among the followed tasks.
    cursor: u64,
    /// Whether all have been looked at since the first event was read.
    all_seen: bool,
    looked: Option<Instant>,
}

/// How a task ended, in apalis' words.
#[derive(Debug, PartialEq)]
struct Ending {
    status: &'static str,
    result: String,
    runs: u32,
}

/// What an event says of a job.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Mover {
    /// Tells apalis of the tasks that have ended; `hints` are looked at in any case. Says whether there is more to do.
    pub(super) async fn answer(&mut self, hints: Vec<Vec<u8>>) -> Result<bool, QueueError> {
        let mut count = redis::cmd("ZCARD");
        count.arg(&self.followed);
        if self.link.query::<u64>("intake", &count).await? == 0 {
            self.progress = Progress::default();
            return Ok(false);
        }
        self.tell(&hints).await?;
        // The place in the events first, the look at all tasks after it: what ends in between is seen twice.
        if self.progress.event.is_none() {
            self.progress.event = Some(self.last_event().await?);
        }
        let mut more = true;
        for _ in 0..MOST_PAGES {
            let (full, ended) = self.next_events().await?;
            self.tell(&ended).await?;
            more = full;
            if !more {
                break;
            }
        }
        let page = self.next_followed().await?;
        self.tell(&page).await?;
        Ok(more || !self.progress.all_seen)
    }

    async fn last_event(&self) -> Result<String, QueueError> {
        let mut command = redis::cmd("XREVRANGE");
        command.arg(&self.events).arg("+").arg("-").arg("COUNT").arg(1);
        let last: Vec<(String, Value)> = self.link.query("intake", &command).await?;
        Ok(last.into_iter().next().map_or_else(|| "0-0".to_owned(), |(entry, _)| entry))
    }

    /// Reads the next page of events: whether it was full, and the tasks of this intake in it.
    async fn next_events(&mut self) -> Result<(bool, Vec<Vec<u8>>), QueueError> {
        let after = self.progress.event.as_deref().unwrap_or("0-0");
        let mut command = redis::cmd("XRANGE");
        command.arg(&self.events).arg(format!("({after}")).arg("+").arg("COUNT").arg(PAGE);
        let page: Vec<(String, HashMap<String, Value>)> = self.link.query("intake", &command).await?;
        if let Some((last, _)) = page.last() {
            self.progress.event = Some(last.clone());
        }
        let texts: Vec<String> = page.iter().filter_map(|(_, fields)| events_in(fields)).collect();
        let messages = texts.iter().flat_map(|texts| texts.lines());
        let mut tasks: Vec<Vec<u8>> = messages.filter_map(|message| self.task_of(message)).collect();
        tasks.sort();
        tasks.dedup();
        Ok((page.len() == PAGE, tasks))
    }

    fn task_of(&self, text: &str) -> Option<Vec<u8>> {
        // Most events are of other jobs, or do not say that one ended: reading those would be in vain.
        let ended = text.contains("\"booster.task.completed\"") || text.contains("\"dead\":true");
        if !ended || !text.contains(&self.ids.plain) {
            return None;
        }
        let message: Message<'_> = serde_json::from_str(text).ok()?;
        let id = string_field(message.data.get(), "jobId")?;
        self.ids.task(&id).map(|task| task.as_bytes().to_vec())
    }

    /// The next page of followed tasks, when it is time for one.
    async fn next_followed(&mut self) -> Result<Vec<Vec<u8>>, QueueError> {
        let progress = &mut self.progress;
        if progress.all_seen && progress.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("ZSCAN");
        command.arg(&self.followed).arg(progress.cursor).arg("COUNT").arg(MAX_ITEMS);
        let (cursor, page): (u64, Vec<Vec<u8>>) = self.link.query("intake", &command).await?;
        progress.cursor = cursor;
        progress.all_seen |= cursor == 0;
        progress.looked = Some(Instant::now());
        // Members and scores take turns.
        Ok(page.into_iter().step_by(2).collect())
    }

    /// Tells apalis of those among `tasks` that have ended.
    async fn tell(&self, tasks: &[Vec<u8>]) -> Result<(), QueueError> {
        for chunk in tasks.chunks(MOST) {
            let ended = self.ended(chunk).await?;
            for group in groups(&ended) {
                self.tell_group(group).await?;
            }
        }
        Ok(())
    }

    /// Those tasks that have ended, with the sizes of their outcomes.
    async fn ended<'a>(&self, tasks: &'a [Vec<u8>]) -> Result<Vec<(&'a [u8], usize)>, QueueError> {
        let mut pipeline = Pipeline::with_capacity(tasks.len() * 2);
        for task in tasks {
            let id = self.ids.of(task);
            pipeline.cmd("HEXISTS").arg(self.keys.live()).arg(&id).cmd("STRLEN").arg(self.keys.job(&id));
        }
        let found: Vec<Value> = self.link.pipeline("intake", &pipeline).await?;
        let mut ended = Vec::new();
        for (task, answer) in tasks.iter().zip(found.chunks_exact(2)) {
            let lives: bool = redis::from_redis_value(answer[0].clone()).unwrap_or_default();
            let size: usize = redis::from_redis_value(answer[1].clone()).unwrap_or_default();
            // A followed task without an outcome had one: it was kept for its time and is gone.
            if !lives {
                ended.push((task.as_slice(), size));
            }
        }
        Ok(ended)
    }

    async fn tell_group(&self, group: &[(&[u8], usize)]) -> Result<(), QueueError> {
        let mut pipeline = Pipeline::with_capacity(group.len());
        for (task, _) in group {
            pipeline.cmd("GET").arg(self.keys.job(&self.ids.of(task)));
        }
        let outcomes: Vec<Option<Vec<u8>>> = self.link.pipeline("intake", &pipeline).await?;
        let mut call = INTAKE_ANSWER.prepare_invoke();
        call.key(&self.followed).key(self.apalis.data());
        let now: UnixMillis = now_ms();
        call.arg(self.config.redis.ttl_s).arg(now / 1000);
        for ((task, _), outcome) in group.iter().zip(outcomes) {
            let outcome = outcome.and_then(|text| serde_json::from_slice::<JobOutcome>(&text).ok());
            let ending = outcome.as_ref().map_or_else(lost, ending);
            let well = ending.status == DONE;
            call.key(self.apalis.meta(task));
            call.arg(task).arg(ending.status).arg(ending.result).arg(ending.runs);
            call.arg(if well { self.apalis.done_channel() } else { self.apalis.dead_channel() });
        }
        let _: u64 = self.link.script("intake", &call).await?;
        Ok(())
    }
}

/// The events of an entry of the fleet's stream, one a line.
fn events_in(fields: &HashMap<String, Value>) -> Option<String> {
    redis::from_redis_value(fields.get("events")?.clone()).ok()
}

/// Splits ended tasks so that no script gets too many bytes; a single larger outcome goes alone.
fn groups<'a, 'b>(ended: &'b [(&'a [u8], usize)]) -> impl Iterator<Item = &'b [(&'a [u8], usize)]> {
    let mut rest = ended;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rest.iter().take_while(|(_, size)| {
            bytes += size;
            bytes <= MAX_BYTES
        });
        let (group, left) = rest.split_at(fitting.count().max(1).min(rest.len()));
        rest = left;
        (!group.is_empty()).then_some(group)
    })
}

/// apalis' words for how a task ended.
const DONE: &str = "Done";
const FAILED: &str = "Failed";
/// Failed, and not to be tried again.
const KILLED: &str = "Killed";

/// The result is what apalis-redis reads as a `Result<T, String>`.
fn ending(outcome: &JobOutcome) -> Ending {
    let failed = outcome.attempts + outcome.crashes;
    let json = |raw: &Option<Box<RawValue>>| raw.as_ref().map_or("null", |raw| raw.get()).to_owned();
    match outcome.outcome {
        OutcomeKind::Done => {
            Ending { status: DONE, result: format!("{{\"Ok\":{}}}", json(&outcome.output)), runs: failed + 1 }
        }
        OutcomeKind::Refused => Ending {
            status: KILLED,
            result: failure(&format!("refused: {}", json(&outcome.refusal))),
            runs: failed + 1,
        },
        OutcomeKind::Dead => {
            let text = outcome.error.as_ref().map(|error| format!(": {}: {}", error.code, error.message));
            let text = format!("dead{}", text.unwrap_or_default());
            Ending { status: FAILED, result: failure(&text), runs: failed }
        }
        OutcomeKind::Cancelled => Ending { status: KILLED, result: failure("cancelled"), runs: failed },
    }
}

/// The ending of a task whose job is not known any more.
fn lost() -> Ending {
    Ending {
        status: FAILED,
        result: failure("dead: outcome_lost: the job's record is not kept any more"),
        runs: 0,
    }
}

fn failure(text: &str) -> String {
    serde_json::json!({ "Err": text }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(json: &str) -> Ending {
        ending(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn endings_are_results_in_the_form_of_serde() {
        let done = ended(r#"{"id":"a","outcome":"done","output":{"e":[], "n":1e400},"attempts":1}"#);
        assert_eq!(done.result, r#"{"Ok":{"e":[], "n":1e400}}"#);
        assert_eq!((done.status, done.runs), ("Done", 2));
        let cases = [
            (
                r#"{"id":"a","outcome":"refused","refusal":{"reason":"no"}}"#,
                r#"refused: {"reason":"no"}"#,
                "Killed",
            ),
            (
                r#"{"id":"a","outcome":"dead","error":{"code":"trap","message":"it \"fell\""}}"#,
                r#"dead: trap: it "fell""#,
                "Failed",
            ),
            (r#"{"id":"a","outcome":"cancelled"}"#, "cancelled", "Killed"),
        ];
        for (outcome, text, status) in cases {
            let ending = ended(outcome);
            let result: Result<serde_json::Value, String> = serde_json::from_str(&ending.result).unwrap();
            assert_eq!((result.unwrap_err().as_str(), ending.status), (text, status));
        }
    }

    #[test]
    fn large_outcomes_are_told_in_several_calls() {
        let sizes = |list: &[usize]| -> Vec<usize> {
            let ended: Vec<(&[u8], usize)> = list.iter().map(|size| (&b"t"[..], *size)).collect();
            groups(&ended).map(<[_]>::len).collect()
        };
        assert_eq!(sizes(&[MAX_BYTES / 2, MAX_BYTES / 2, 1]), [2, 1]);
        assert_eq!(sizes(&[MAX_BYTES + 1, 1, 1]), [1, 2]);
        assert!(sizes(&[]).is_empty());
    }
}
