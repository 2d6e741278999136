//! Cancelling a job from outside.

use booster_core::event::Finished;
use booster_core::outcome::JobOutcome;
use booster_core::{Event, Job, OutcomeKind};

use crate::error::QueueError;
use crate::now_ms;
use crate::queue::Queue;
use crate::scripts::CANCEL;

/// What became of a wish to cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancellation {
    /// This queue does not know the job.
    Unknown,
    /// The job will not run.
    Cancelled,
    /// The job runs, and its worker has been told to stop it. It may still end in another way first.
    Stopping,
    /// The job had ended already, in this state.
    Ended(String),
}

impl Queue {
    /// Cancels a job: at once while it waits or is delayed, else by telling the worker that runs it.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn cancel(&self, id: &str) -> Result<Cancellation, QueueError> {
        let now = now_ms();
        let record = self.record(id).await?;
        let attempt = record.as_ref().map_or(0, |record| record.attempts);
        let enqueued_at = record.map_or(now, |record| record.enqueued_at);
        let job = self.text(id).await?.and_then(|text| Job::from_json(&text).ok());
        let event = Event::TaskCompleted(Finished {
            job_id: id.to_owned(),
            queue: self.name().to_owned(),
            booster: job.as_ref().map(|job| job.target.to_string()).unwrap_or_default(),
            outcome: OutcomeKind::Cancelled,
            attempt,
            worker_id: String::new(),
            latency_ms: 0.0,
            used_fallback: false,
            cached: false,
            tenant: job.as_ref().and_then(|job| job.tenant.clone()),
            agent_id: job.as_ref().and_then(|job| job.agent_id.clone()),
        });
        let outcome = JobOutcome::cancelled(id, job.and_then(|job| job.tenant), enqueued_at, now);
        // A plain struct with string keys: serialising it cannot fail.
        let outcome = serde_json::to_string(&outcome).unwrap_or_default();
        let mut call = self.begin(&CANCEL);
        call.arg(self.ttl_s()).arg(self.keys().control_channel()).arg(id).arg(outcome);
        call.arg(event.to_message(now));
        let answer: String = self.link().script("cancel", &call).await?;
        Ok(match answer.as_str() {
            "unknown" => Cancellation::Unknown,
            "stopping" => Cancellation::Stopping,
            // The queue's keeper tells of it, whichever process asked.
            "cancelled" => Cancellation::Cancelled,
            _ => Cancellation::Ended(self.record(id).await?.map(|record| record.state).unwrap_or_default()),
        })
    }
}
