//! The one reader of the fleet's events in this process: it wakes those who follow them, and counts for the history.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use booster_queue::now_ms;
use tokio::sync::watch;

use crate::client::Client;
use crate::events::{self, Told};

/// How often it looks: events come into the fleet's stream about as often.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Pause after a look that Redis did not answer.
const FAULT_PAUSE: Duration = Duration::from_secs(1);
/// Entries read in one go.
const ENTRIES: usize = 64;
/// Waits kept between two points of the history.
const MAX_WAITS: usize = 20_000;

/// What events have told since the last point of the history.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Attempts that failed.
    pub(super) failed: u64,
    /// How long jobs waited for an attempt, milliseconds.
    pub(super) waits: Vec<u64>,
}

/// Reads the fleet's events.
pub(super) struct Feed {
    counted: Mutex<Counted>,
    /// Sent to when there are new events.
    news: watch::Sender<()>,
}

impl Feed {
    pub(super) fn new() -> Self {
        Self { counted: Mutex::default(), news: watch::Sender::new(()) }
    }

    /// Resolves when there is something new.
    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// What was counted since the last call.
    pub(super) fn take(&self) -> Counted {
        std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads from now on, for ever.
    pub(super) async fn run(&self, client: &Client) {
        let mut start = now_ms().to_string();
        loop {
            // A fault has been noted by the link.
            let pause = match events::after(client, &start, ENTRIES).await {
                Ok(page) => {
                    if let Some((last, _)) = page.last() {
                        start = format!("({last}");
                        self.count(&page);
                        self.news.send_replace(());
                    }
                    if page.len() == ENTRIES { Duration::ZERO } else { LOOK_EVERY }
                }
                Err(_) => FAULT_PAUSE,
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn count(&self, page: &[events::Entry]) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        for told in page.iter().flat_map(|(_, lines)| lines.lines()).filter_map(Told::read) {
            match told.kind {
                "booster.error" => counted.failed += 1,
                "booster.allocated" if counted.waits.len() < MAX_WAITS => {
                    counted.waits.extend(told.data.wait_ms)
                }
                _ => {}
            }
        }
    }
}
