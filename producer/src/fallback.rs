//! Offers to regular agents as clients see them: take one, renew it, answer it, give it up.

use std::time::Duration;

use booster_core::outcome::JobOutcome;
use booster_core::{Job, OutcomeKind, UnixMillis};
use booster_queue::{EndedOffer, FinishedOffer, Queue, QueueError, TakenOffer, now_ms};
use futures_util::StreamExt;
use redis::aio::PubSub;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use crate::client::Client;
use crate::error::ClientError;

/// The booster whose answers are whole files.
const APPLY: &str = "apply";
/// How often offers are looked for while nothing is announced: a claim lapses without a word.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pause after Redis could not be asked.
const AWAY_PAUSE: Duration = Duration::from_millis(200);
/// Offers of a queue that are looked at for one of a certain booster.
const MOST_LOOKED_AT: usize = 1000;

/// Which offers an agent wants.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this queue only.
    pub queue: Option<String>,
    /// Of jobs for this booster only, by its name without version.
    pub booster: Option<String>,
}

/// What an agent made.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The booster's output, a JSON value. For an `apply` job also the whole new file as a JSON string.
    Json(Box<RawValue>),
    /// The whole new file of an `apply` job, or the JSON text of another booster's output.
    Text(String),
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It is the job's outcome now.
    Stored,
    /// This claim had stored an answer already; that one stays.
    Again,
    /// The claim had lapsed and another agent took the job, or the job is not offered any more.
    Lost,
    /// It was not good enough, which counts as a failure of the agent.
    Rejected {
        /// Why.
        reason: String,
    },
}

impl Client {
    /// Takes the offer that has waited longest in the first queue that has one, and waits for one if there is none;
    /// `None` when there is none within `limit`.
    ///
    /// # Errors
    /// [`ClientError::Usage`] for a queue that the fleet does not have, or a Redis error that did not pass within the limit.
    pub async fn next_fallback(
        &self,
        wanted: &Wanted,
        limit: Duration,
    ) -> Result<Option<TakenOffer>, ClientError> {
        let deadline = Instant::now() + limit;
        let mut subscriber = None;
        loop {
            match self.look_for_offer(wanted, &mut subscriber, deadline).await {
                Ok(None) if Instant::now() < deadline => {}
                Ok(taken) => return Ok(taken),
                Err(error) if error.is_retryable() && Instant::now() < deadline => {
                    subscriber = None;
                    tokio::time::sleep(AWAY_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks for an offer, and when there is none waits until there may be one.
    async fn look_for_offer(
        &self,
        wanted: &Wanted,
        subscriber: &mut Option<PubSub>,
        deadline: Instant,
    ) -> Result<Option<TakenOffer>, ClientError> {
        let queues = self.wanted_queues(wanted).await?;
        for queue in &queues {
            if let Some(taken) = take(queue, wanted.booster.as_deref()).await? {
                return Ok(Some(taken));
            }
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        let Some(listening) = subscriber else {
            // What was offered before the subscription is found by the next look.
            *subscriber = Some(self.listen(&queues).await?);
            return Ok(None);
        };
        let until = deadline.min(Instant::now() + LOOK_EVERY);
        let announced = timeout_at(until, listening.on_message().next()).await;
        if matches!(announced, Ok(None)) {
            *subscriber = None;
        }
        Ok(None)
    }

    async fn wanted_queues(&self, wanted: &Wanted) -> Result<Vec<Queue>, ClientError> {
        match &wanted.queue {
            None => self.queues().await,
            Some(name) => Ok(vec![self.known_queue(name).await?]),
        }
    }

    async fn listen(&self, queues: &[Queue]) -> Result<PubSub, QueueError> {
        let mut subscriber = self.link().subscriber().await?;
        let channels: Vec<String> = queues.iter().map(|queue| queue.keys().offered_channel()).collect();
        subscriber
            .subscribe(&channels)
            .await
            .map_err(|error| QueueError::Unreachable { detail: error.to_string() })?;
        Ok(subscriber)
    }

    /// Renews a claim; `None` when it is lost, else until when it holds now, Unix milliseconds.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn renew_fallback(&self, id: &str, token: &str) -> Result<Option<UnixMillis>, ClientError> {
        for queue in self.queues().await? {
            if let Some(until) = queue.renew_offer(id, token).await? {
                return Ok(Some(until));
            }
        }
        Ok(None)
    }

    /// Stores an agent's answer as the job's outcome, when `token` is the claim on it. The answer to an `apply` job must
    /// not have more syntax errors than the original; one that has counts as failed.
    ///
    /// # Errors
    /// A Redis error; the same call may be made again.
    pub async fn finish_fallback(
        &self,
        id: &str,
        token: &str,
        answer: &Answer,
    ) -> Result<Answered, ClientError> {
        for queue in self.queues().await? {
            let Some(record) = queue.record(id).await? else { continue };
            let Some(outcome) = &record.outcome else { continue };
            let limit = self.config().redis.max_job_bytes;
            let output = if outcome.outcome == OutcomeKind::Done {
                // It gets no other result, so there is nothing to judge: whose result it has is asked below.
                Ok(RawValue::NULL.to_owned())
            } else {
                let Some(job) = record.job.and_then(|text| Job::from_json(&text).ok()) else { continue };
                judge(&job, outcome, answer, limit)
            };
            match output {
                Ok(output) => match queue.finish_offer(id, token, output).await? {
                    FinishedOffer::Stored => return Ok(Answered::Stored),
                    FinishedOffer::Again => return Ok(Answered::Again),
                    FinishedOffer::Lost => {}
                },
                Err(reason) => {
                    if queue.fail_offer(id, token, &reason).await? != EndedOffer::Lost {
                        return Ok(Answered::Rejected { reason });
                    }
                }
            }
        }
        Ok(Answered::Lost)
    }

    /// Gives an offer up: after a pause another agent may try, unless enough have.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn fail_fallback(&self, id: &str, token: &str, error: &str) -> Result<EndedOffer, ClientError> {
        for queue in self.queues().await? {
            match queue.fail_offer(id, token, error).await? {
                EndedOffer::Lost => {}
                ended => return Ok(ended),
            }
        }
        Ok(EndedOffer::Lost)
    }

    /// Gives an offer back as if it had not been taken.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn return_fallback(&self, taken: &TakenOffer) -> Result<EndedOffer, ClientError> {
        Ok(self.queue(&taken.queue).return_offer(taken.id(), &taken.token).await?)
    }
}

/// Takes an offer of a queue, for a certain booster if one is given.
async fn take(queue: &Queue, booster: Option<&str>) -> Result<Option<TakenOffer>, QueueError> {
    let Some(booster) = booster else { return queue.take_offer(None).await };
    let (offers, _) = queue.offers(0, MOST_LOOKED_AT).await?;
    for offer in offers.into_iter().filter(|offer| offer.due <= now_ms()) {
        if asked_for(queue, &offer.outcome).await?.as_deref() != Some(booster) {
            continue;
        }
        if let Some(taken) = queue.take_offer(Some(&offer.outcome.id)).await? {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// The booster that ran a job, else the one that it asked for; without version.
async fn asked_for(queue: &Queue, outcome: &JobOutcome) -> Result<Option<String>, QueueError> {
    if let Some(name) = ran(outcome) {
        return Ok(Some(name.to_owned()));
    }
    let text = queue.record(&outcome.id).await?.and_then(|record| record.job);
    Ok(text.and_then(|text| Job::from_json(&text).ok()).map(|job| job.target.name().to_owned()))
}

fn ran(outcome: &JobOutcome) -> Option<&str> {
    outcome.booster.split('@').next().filter(|name| !name.is_empty())
}

/// The parts of an `apply` job's input that say what its answer has to be.
#[derive(Debug, Deserialize)]
pub(crate) struct EditInput {
    /// The original file.
    pub(crate) code: String,
    /// The edit as it was sent; empty when there is none.
    #[serde(default)]
    pub(crate) edit: String,
    pub(crate) language: Option<String>,
    pub(crate) path: Option<String>,
}

impl EditInput {
    /// The input of an edit job; `None` when it is not one.
    pub(crate) fn of(job: &Job) -> Option<Self> {
        serde_json::from_str(job.input.get()).ok()
    }

    /// The output of the `apply` booster with `file` as the new file.
    ///
    /// # Errors
    /// Why `file` is not good enough.
    pub(crate) fn accept(&self, file: &str) -> Result<Box<RawValue>, String> {
        let request = booster_apply::Request {
            code: &self.code,
            edit: &self.edit,
            language: self.language.as_deref(),
            path: self.path.as_deref(),
            format: None,
            min_confidence: None,
        };
        let applied = booster_apply::accept(&request, file).map_err(|refusal| refusal.to_string())?;
        RawValue::from_string(applied.to_json()).map_err(|error| error.to_string())
    }
}

/// The `apply` booster's own output, as an answer to an edit.
#[derive(Deserialize)]
struct Applied {
    output: String,
    success: bool,
}

/// Turns an answer into the job's output.
///
/// # Errors
/// Why it cannot be: it is no JSON, too large, or a worse file.
fn judge(job: &Job, outcome: &JobOutcome, answer: &Answer, limit: usize) -> Result<Box<RawValue>, String> {
    let output = if ran(outcome).unwrap_or_else(|| job.target.name()) == APPLY {
        let input =
            EditInput::of(job).ok_or("the job's input has no `code`, so there is no file to answer with")?;
        input.accept(&file_of(answer)?)?
    } else {
        match answer {
            Answer::Json(value) => value.clone(),
            Answer::Text(text) => RawValue::from_string(text.trim().to_owned())
                .map_err(|error| format!("the output is not one JSON value: {error}"))?,
        }
    };
    if output.get().len() > limit {
        return Err(format!("the output has {} bytes; at most {limit} are accepted", output.get().len()));
    }
    Ok(output)
}

/// The new file in an answer: the answer itself, or what the `apply` booster's own form has of it.
fn file_of(answer: &Answer) -> Result<String, String> {
    let applied = |text: &str| serde_json::from_str::<Applied>(text).ok().filter(|applied| applied.success);
    match answer {
        Answer::Text(text) => Ok(applied(text).map_or_else(|| text.clone(), |applied| applied.output)),
        Answer::Json(value) => serde_json::from_str::<String>(value.get())
            .ok()
            .or_else(|| applied(value.get()).map(|applied| applied.output))
            .ok_or_else(|| {
                "the answer to an edit is the whole new file as a string, or the `apply` booster's output with \
                 `output` and `success`"
                    .to_owned()
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(booster: &str) -> Job {
        let input = r#"{"code":"def a():\n    return 1\n","edit":"make it two","language":"python"}"#;
        Job::new(booster, input).unwrap()
    }

    fn outcome(booster: &str) -> JobOutcome {
        JobOutcome { booster: booster.to_owned(), ..JobOutcome::cancelled("x", None, 0, 0) }
    }

    fn json(text: &str) -> Answer {
        Answer::Json(RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn a_new_file_is_taken_in_each_form_and_a_worse_one_is_not() {
        let file = "def a():\n    return 2\n";
        let forms = [
            Answer::Text(file.to_owned()),
            json(&serde_json::to_string(file).unwrap()),
            json(&serde_json::json!({ "output": file, "success": true }).to_string()),
            Answer::Text(serde_json::json!({ "output": file, "success": true }).to_string()),
        ];
        for form in &forms {
            let output = judge(&job("apply"), &outcome("apply@0.1.0"), form, 10_000).unwrap();
            let output: serde_json::Value = serde_json::from_str(output.get()).unwrap();
            assert_eq!((&output["output"], &output["success"]), (&file.into(), &true.into()), "{form:?}");
            assert_eq!(output["language"], "python");
        }
        for (worse, word) in [
            ("def a(:\n    return 2\n", "syntax_error"),
            ("", "edit_empty"),
            ("def a():\n    return 1\n", "unchanged"),
        ] {
            let reason =
                judge(&job("apply"), &outcome(""), &Answer::Text(worse.to_owned()), 10_000).unwrap_err();
            assert!(reason.contains(word), "{worse}: {reason}");
        }
        assert!(
            judge(&job("apply"), &outcome(""), &json("7"), 10_000).unwrap_err().contains("whole new file")
        );
    }

    #[test]
    fn the_answer_to_another_booster_is_json_of_bounded_size() {
        let judged = |answer: &Answer| judge(&job("noop"), &outcome("noop@0.1.0"), answer, 10);
        assert_eq!(judged(&Answer::Text(" {\"a\":1}\n".into())).unwrap().get(), "{\"a\":1}");
        assert!(judged(&Answer::Text("nonsense".into())).unwrap_err().contains("JSON"));
        assert!(judged(&json("\"0123456789\"")).unwrap_err().contains("at most 10"));
    }
}
