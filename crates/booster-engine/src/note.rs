//! What the engine tells whoever watches it.

use booster_core::event::Recovered;

use crate::health::Health;

/// Something that happened in the engine, for logs and metrics.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineNote<'a> {
    /// A fresh instance was made for a job.
    Instantiated {
        /// The booster, as `name@version`.
        booster: &'a str,
        /// Seconds it took.
        seconds: f64,
    },
    /// A job ended; this is the most memory that its instance had.
    MemoryPeak {
        /// The booster, as `name@version`.
        booster: &'a str,
        /// Bytes.
        bytes: usize,
    },
    /// A job got a slot after waiting for one inside this process.
    Acquired {
        /// Seconds it waited.
        seconds: f64,
    },
    /// A booster's circuit breaker opened or closed.
    Breaker {
        /// The booster, as `name@version`.
        booster: &'a str,
        /// Whether its jobs are held back now.
        open: bool,
    },
    /// A health check went through a slot.
    Checked {
        /// What it found.
        health: Health,
    },
    /// A slot replaced its instance after a failure.
    Recovered(&'a Recovered),
}

/// Gets every [`EngineNote`], on the slots' own threads; it must be quick and never block for long.
pub trait EngineObserver: Send + Sync + 'static {
    /// Takes note.
    fn note(&self, note: &EngineNote<'_>);
}

/// An observer that ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl EngineObserver for Silent {
    fn note(&self, _: &EngineNote<'_>) {}
}
