//! Offers to regular agents: what no booster could do, until one of them has done it.
//!
//! A refused or dead job is offered as soon as it has ended. An agent takes an offer and holds a claim on it, named by a
//! token, that lapses unless it is renewed; then another agent may take it. What the holder of the claim makes replaces
//! the refusal or the death, once. The scripts `lua/offer_*.lua` are the protocol.

use std::time::Duration;

use booster_core::digest::sha256_hex;
use booster_core::event::Finished;
use booster_core::outcome::JobOutcome;
use booster_core::{Event, Job, OutcomeKind, UnixMillis};
use redis::Pipeline;
use serde_json::value::RawValue;

use crate::error::QueueError;
use crate::now_ms;
use crate::queue::Queue;
use crate::scripts::{OFFER_DONE, OFFER_END, OFFER_RENEW, OFFER_TAKE};

/// How often an offer is taken at most; then the refusal or the death stays.
pub const MAX_TAKES: u32 = 3;
/// Pause after an agent has failed, for each time that the offer was taken.
const FAILED_PAUSE: Duration = Duration::from_secs(5);
/// Longest text of a failure that is kept, in characters.
const MAX_ERROR_CHARS: usize = 500;
/// Offers looked up in one go: each may have a large outcome.
const PAGE: usize = 50;
/// What the outcome says of who did it.
const AGENT: &str = "agent";

/// A job that is offered.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Its queue.
    pub queue: String,
    /// From when it may be taken, Unix milliseconds; of a claimed one the end of the claim.
    pub due: UnixMillis,
    /// Whether an agent has it now, or had it until its claim lapsed.
    pub claimed: bool,
    /// How often it has been taken.
    pub takes: u32,
    /// What went wrong the last time; may be empty.
    pub last_error: String,
    /// How the job has ended: refused or dead.
    pub outcome: JobOutcome,
}

/// An offer that an agent has taken.
#[derive(Debug, Clone)]
pub struct TakenOffer {
    /// Its queue.
    pub queue: String,
    /// Names the claim. Whoever knows it may end the job.
    pub token: String,
    /// When the claim lapses unless it is renewed, Unix milliseconds.
    pub until: UnixMillis,
    /// How often it has been taken, this time included.
    pub takes: u32,
    /// What went wrong the last time; may be empty.
    pub last_error: String,
    /// How the job has ended: refused or dead.
    pub outcome: JobOutcome,
    /// The job.
    pub job: Job,
}

impl TakenOffer {
    /// The job's id.
    pub fn id(&self) -> &str {
        &self.outcome.id
    }
}

/// What became of an agent's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishedOffer {
    /// It is the job's outcome now.
    Stored,
    /// This claim had stored a result already; that one stays.
    Again,
    /// The claim had lapsed and another agent took the job, or the job is not offered any more.
    Lost,
}

/// What became of a claim that ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedOffer {
    /// The job may be taken again.
    Again,
    /// It was taken often enough: its outcome stays.
    Withdrawn,
    /// As [`FinishedOffer::Lost`].
    Lost,
}

impl Queue {
    /// Takes the offer that has waited longest, or a certain one; `None` when there is none to take.
    ///
    /// # Errors
    /// A Redis error. An offer that was taken by a call without an answer may be taken again when its claim has lapsed.
    pub async fn take_offer(&self, wanted: Option<&str>) -> Result<Option<TakenOffer>, QueueError> {
        loop {
            let token = format!("{:032x}", rand::random::<u128>());
            let until = now_ms() + self.offer_ms();
            let mut call = self.begin(&OFFER_TAKE);
            call.arg(&token).arg(self.offer_ms()).arg(self.ttl_s()).arg(MAX_TAKES);
            call.arg(wanted.unwrap_or_default());
            let answer: Vec<String> = self.link().script("offer_take", &call).await?;
            let (id, takes, last_error) = match &answer[..] {
                [] => return Ok(None),
                [id, takes, error] => (id, takes.parse().unwrap_or(MAX_TAKES), error),
                _ => continue,
            };
            let record = self.record(id).await?;
            let outcome = record.as_ref().and_then(|record| record.outcome.clone());
            let job = record.and_then(|record| Job::from_json(&record.job?).ok());
            if let (Some(outcome), Some(job)) = (outcome, job) {
                let (queue, last_error) = (self.name().to_owned(), last_error.clone());
                return Ok(Some(TakenOffer { queue, token, until, takes, last_error, outcome, job }));
            }
            // What is not even a job is none for an agent either.
            self.end_offer(id, &token, "withdraw", "").await?;
        }
    }

    /// Renews a claim; `None` when it is lost, else until when it holds now.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn renew_offer(&self, id: &str, token: &str) -> Result<Option<UnixMillis>, QueueError> {
        let until = now_ms() + self.offer_ms();
        let mut call = self.begin(&OFFER_RENEW);
        call.arg(id).arg(token).arg(self.offer_ms()).arg(self.ttl_s());
        let held: u8 = self.link().script("offer_renew", &call).await?;
        Ok((held == 1).then_some(until))
    }

    /// Makes `output` the job's outcome, in the place of the refusal or the death, when `token` is the claim on it.
    ///
    /// # Errors
    /// A Redis error; the same call may be made again.
    pub async fn finish_offer(
        &self,
        id: &str,
        token: &str,
        output: Box<RawValue>,
    ) -> Result<FinishedOffer, QueueError> {
        let record = self.record(id).await?;
        let Some(before) = record.as_ref().and_then(|record| record.outcome.clone()) else {
            return Ok(FinishedOffer::Lost);
        };
        let job = record.and_then(|record| Job::from_json(&record.job?).ok());
        let agent = agent_name(token);
        let outcome = JobOutcome {
            outcome: OutcomeKind::Done,
            output: Some(output),
            refusal: None,
            error: None,
            worker: agent.clone(),
            booster: AGENT.to_owned(),
            finished_at: now_ms(),
            used_fallback: true,
            cached: false,
            ..before
        };
        let event = Event::TaskCompleted(Finished {
            job_id: id.to_owned(),
            queue: self.name().to_owned(),
            booster: AGENT.to_owned(),
            outcome: OutcomeKind::Done,
            // No attempt of a worker.
            attempt: 0,
            worker_id: agent.clone(),
            latency_ms: outcome.latency_ms,
            used_fallback: true,
            cached: false,
            tenant: job.as_ref().and_then(|job| job.tenant.clone()),
            agent_id: job.and_then(|job| job.agent_id),
        });
        // A plain struct with string keys: serialising it cannot fail.
        let text = serde_json::to_string(&outcome).unwrap_or_default();
        let mut call = self.begin(&OFFER_DONE);
        call.arg(id).arg(token).arg(self.ttl_s()).arg(agent).arg(text).arg(event.to_message(now_ms()));
        let answer: String = self.link().script("offer_done", &call).await?;
        // The queue's keeper tells of it, whichever process asked.
        Ok(match answer.as_str() {
            "ok" => FinishedOffer::Stored,
            "again" => FinishedOffer::Again,
            _ => FinishedOffer::Lost,
        })
    }

    /// Gives an offer up: after a pause another agent may try, unless enough have.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn fail_offer(&self, id: &str, token: &str, error: &str) -> Result<EndedOffer, QueueError> {
        self.end_offer(id, token, "failed", error).await
    }

    /// Gives an offer back as if it had not been taken.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn return_offer(&self, id: &str, token: &str) -> Result<EndedOffer, QueueError> {
        self.end_offer(id, token, "return", "").await
    }

    async fn end_offer(
        &self,
        id: &str,
        token: &str,
        op: &str,
        error: &str,
    ) -> Result<EndedOffer, QueueError> {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let error: String = error.chars().take(MAX_ERROR_CHARS).map(plain).collect();
        let pause = FAILED_PAUSE.as_millis() as u64;
        let mut call = self.begin(&OFFER_END);
        call.arg(id).arg(token).arg(op).arg(error).arg(pause).arg(MAX_TAKES);
        call.arg(self.offer_ms()).arg(self.ttl_s());
        let answer: String = self.link().script("offer_end", &call).await?;
        Ok(match answer.as_str() {
            "again" => EndedOffer::Again,
            "withdrawn" => EndedOffer::Withdrawn,
            _ => EndedOffer::Lost,
        })
    }

    /// Offers by the time from which they may be taken, at most `limit` after skipping `skip`. Those whose jobs have been
    /// forgotten are left out; the second number is how many were looked at.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn offers(&self, skip: usize, limit: usize) -> Result<(Vec<Offer>, usize), QueueError> {
        let mut found = Vec::new();
        let mut looked = 0;
        while looked < limit {
            let most = PAGE.min(limit - looked);
            let (page, count) = self.offers_page(skip + looked, most).await?;
            found.extend(page);
            looked += count;
            if count < most {
                break;
            }
        }
        Ok((found, looked))
    }

    async fn offers_page(&self, from: usize, most: usize) -> Result<(Vec<Offer>, usize), QueueError> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.keys().offers()).arg(from).arg(from + most - 1).arg("WITHSCORES");
        let ids: Vec<(String, u64)> = self.link().query("offers", &command).await?;
        let mut pipeline = Pipeline::with_capacity(2 * ids.len());
        for (id, _) in &ids {
            pipeline.cmd("GET").arg(self.keys().job(id)).cmd("GET").arg(self.keys().claim(id));
        }
        let texts: Vec<Option<String>> = self.link().pipeline("offers", &pipeline).await?;
        let page = ids.iter().zip(texts.chunks(2)).filter_map(|((_, due), texts)| {
            let [outcome, claim] = texts else { return None };
            let outcome: JobOutcome = serde_json::from_str(outcome.as_deref()?).ok()?;
            let open = matches!(outcome.outcome, OutcomeKind::Refused | OutcomeKind::Dead);
            let (claimed, takes, last_error) = read_claim(claim.as_deref().unwrap_or_default());
            let queue = self.name().to_owned();
            open.then_some(Offer { queue, due: *due, claimed, takes, last_error, outcome })
        });
        Ok((page.collect(), ids.len()))
    }
}

/// Whether somebody has an offer, how often it was taken, and what went wrong: `lua/offers.lua` has the form.
fn read_claim(text: &str) -> (bool, u32, String) {
    let mut words = text.splitn(3, ' ');
    let token = words.next().unwrap_or_default();
    let takes = words.next().and_then(|takes| takes.parse().ok()).unwrap_or(0);
    (!token.is_empty() && token != "-", takes, words.next().unwrap_or_default().to_owned())
}

/// What the outcome says of who did it: one name for each claim, from which the token cannot be told.
fn agent_name(token: &str) -> String {
    format!("{AGENT}-{}", &sha256_hex(token)[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_read_as_the_scripts_write_it() {
        assert_eq!(read_claim(""), (false, 0, String::new()));
        assert_eq!(read_claim("- 2 too hard for me"), (false, 2, "too hard for me".to_owned()));
        assert_eq!(read_claim("abc 1 "), (true, 1, String::new()));
    }

    #[test]
    fn an_agents_name_does_not_tell_its_token() {
        let name = agent_name("0123456789abcdef0123456789abcdef");
        assert!(name.starts_with("agent-") && name.len() == 18, "{name}");
        assert!(!name.contains("0123456789ab"));
        assert_ne!(name, agent_name("another"));
    }
}
