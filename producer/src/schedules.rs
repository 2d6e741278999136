//! Cron schedules of the whole fleet.

use booster_core::{Schedule, UnixMillis};
use booster_queue::Scheduled;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// The schedules of one queue by name.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn schedules(&self, queue: &str) -> Result<Vec<Scheduled>, ClientError> {
        Ok(self.queue(queue).schedules().await?)
    }

    /// Adds a schedule to its queue, or replaces the one with its name there. Its job is checked as by
    /// [`Client::check`]. The first tick is the next one from now on.
    ///
    /// # Errors
    /// [`ClientError::Job`] when the fleet cannot do the job, [`ClientError::Usage`] when another queue has a
    /// schedule of this name, else as [`booster_queue::Queue::add_schedule`].
    pub async fn add_schedule(&self, schedule: &Schedule) -> Result<(), ClientError> {
        self.check(schedule.job()).await?;
        // Names are one's own in a queue only; in the fleet a name shall still mean one schedule.
        if let Some(other) = self.queue_of_schedule(schedule.name()).await?
            && other != schedule.queue()
        {
            return Err(ClientError::usage(
                format!("schedule {}", schedule.name()),
                format!("queue {other} has it; expected that queue, or a name that is free"),
            ));
        }
        self.name_queue(schedule.queue()).await?;
        Ok(self.queue(schedule.queue()).add_schedule(schedule).await?)
    }

    /// Removes a schedule, in whichever queue it is; `false` when none has it. Jobs of its ticks so far stay.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn remove_schedule(&self, name: &str) -> Result<bool, ClientError> {
        let mut removed = false;
        for queue in self.queues().await? {
            removed |= queue.remove_schedule(name).await?;
        }
        Ok(removed)
    }

    async fn queue_of_schedule(&self, name: &str) -> Result<Option<String>, ClientError> {
        for queue in self.queues().await? {
            if queue.has_schedule(name).await? {
                return Ok(Some(queue.name().to_owned()));
            }
        }
        Ok(None)
    }
}

/// What is told of a schedule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScheduleView {
    pub(crate) name: String,
    pub(crate) queue: String,
    pub(crate) cron: Option<String>,
    pub(crate) timezone: Option<String>,
    /// The booster or capability asked for.
    pub(crate) booster: Option<String>,
    /// Unix milliseconds, as the others.
    #[schema(value_type = Option<u64>)]
    pub(crate) added_at: Option<UnixMillis>,
    #[schema(value_type = Option<u64>)]
    pub(crate) last_tick: Option<UnixMillis>,
    #[schema(value_type = Option<u64>)]
    pub(crate) next_tick: Option<UnixMillis>,
    /// Why the schedule cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The job of each tick.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) job: Option<Box<RawValue>>,
}

impl ScheduleView {
    /// What is told of a schedule of `queue`, with its job or without.
    pub(crate) fn new(queue: &str, scheduled: Scheduled, with_job: bool) -> Self {
        let Scheduled { name, schedule, last_tick, next_tick } = scheduled;
        let (schedule, error) = match schedule {
            Ok(schedule) => (Some(schedule), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let schedule = schedule.as_ref();
        let job = schedule.filter(|_| with_job).and_then(|schedule| {
            // A job's own text is JSON.
            RawValue::from_string(schedule.job().to_json()).ok()
        });
        Self {
            name,
            queue: queue.to_owned(),
            cron: schedule.map(|schedule| schedule.cron().to_owned()),
            timezone: schedule.map(|schedule| schedule.timezone().unwrap_or("UTC").to_owned()),
            booster: schedule.map(|schedule| schedule.target().to_string()),
            added_at: schedule.map(Schedule::added_at),
            last_tick,
            next_tick,
            error,
            job,
        }
    }
}
