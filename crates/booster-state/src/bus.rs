//! Publishing the pool's events.

use booster_core::{Event, Keys};
use booster_queue::{Link, now_ms};
use tokio::sync::mpsc;

use crate::error::StateError;
use crate::metrics::Metrics;
use crate::names::Series;

/// Writes the events that no queue script writes: to the channel, and to the capped stream for late readers.
#[derive(Debug, Clone)]
pub struct Bus {
    link: Link,
    keys: Keys,
    max_events: usize,
}

impl Bus {
    /// A bus under `keys`, keeping about `max_events` events.
    pub fn new(link: Link, keys: Keys, max_events: usize) -> Self {
        Self { link, keys, max_events }
    }

    /// Publishes what comes out of a [`crate::Telemetry`] until it is gone. What Redis does not take is dropped
    /// and counted: events inform, they hold nothing up.
    pub async fn run(self, mut outbox: mpsc::Receiver<Event>, metrics: std::sync::Arc<Metrics>) {
        while let Some(event) = outbox.recv().await {
            if self.publish(&event).await.is_err() {
                metrics.count(Series::EventsDropped, &[]);
            }
        }
    }

    /// Publishes one event.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn publish(&self, event: &Event) -> Result<(), StateError> {
        let message = event.to_message(now_ms());
        let mut pipeline = redis::Pipeline::with_capacity(2);
        pipeline.cmd("XADD").arg(self.keys.events()).arg("MAXLEN").arg("~").arg(self.max_events);
        pipeline.arg("*").arg("events").arg(&message).ignore();
        pipeline.cmd("PUBLISH").arg(self.keys.channel()).arg(&message).ignore();
        let () = self.link.pipeline("publish", &pipeline).await?;
        Ok(())
    }
}
