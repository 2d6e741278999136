//! Pausing, draining and resuming a queue.

use crate::error::QueueError;
use crate::queue::Queue;

/// What a queue does with jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It takes jobs and they run.
    Open,
    /// It takes jobs, but none is started. What runs goes on.
    Paused,
    /// What it has runs, but it takes no more jobs through library, command line or gateway.
    Draining,
}

impl Mode {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paused => "paused",
            Self::Draining => "draining",
        }
    }

    pub(crate) fn from_stored(word: Option<&str>) -> Self {
        match word {
            Some("paused") => Self::Paused,
            Some("draining") => Self::Draining,
            _ => Self::Open,
        }
    }
}

/// What is said on the control channel when a queue's mode has changed.
pub(crate) const MODE_CHANGED: &str = "mode";

impl Queue {
    /// Sets the queue's mode. It holds from the answer on: scripts look at it, not workers' memories.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn set_mode(&self, mode: Mode) -> Result<(), QueueError> {
        let key = self.keys().mode();
        let command = match mode {
            Mode::Open => redis::Cmd::del(key),
            mode => redis::Cmd::set(key, mode.as_str()),
        };
        self.link().query::<redis::Value>("mode", &command).await?;
        // A hint: workers look by themselves too.
        let hint = redis::Cmd::publish(self.keys().control_channel(), MODE_CHANGED);
        self.link().query::<redis::Value>("mode", &hint).await?;
        Ok(())
    }

    /// The queue's mode.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn mode(&self) -> Result<Mode, QueueError> {
        let word: Option<String> = self.link().query("mode", &redis::Cmd::get(self.keys().mode())).await?;
        Ok(Mode::from_stored(word.as_deref()))
    }
}
