//! The log: lines on standard error, for people or as JSON, by a filter that can be changed while the process runs.

use std::sync::OnceLock;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use booster_core::config::{LogConfig, LogFormat};
use tracing::{error, info};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

/// The filter of this process, once the log has been started.
static FILTER: OnceLock<Handle<Targets, Registry>> = OnceLock::new();

/// Starts the log of this process. Where `config` has no filter, `usual` is the one; it is checked as a setting is.
/// Only the first call counts.
pub fn start(config: &LogConfig, usual: &str) {
    let wanted = if config.level.is_empty() { usual } else { &config.level };
    let (filter, handle) = reload::Layer::new(parse(wanted));
    let lines = match config.format {
        LogFormat::Json => fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).boxed(),
        LogFormat::Text => {
            fmt::layer().with_writer(std::io::stderr).with_ansi(has_colours(&std::io::stderr())).boxed()
        }
    };
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        let _ = FILTER.set(handle);
    }
}

/// Whether a stream takes colours: a terminal that has them, unless `NO_COLOR` is set (<https://no-color.org>).
pub fn has_colours(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

/// Logs by another filter from now on, and says so.
pub(crate) fn change(wanted: &str) {
    let Some(handle) = FILTER.get() else { return };
    let filter = parse(wanted);
    // Of a narrower filter the old one may tell, of a wider one the new.
    if handle.with_current(|now| *now == filter).unwrap_or(true) {
        return;
    }
    let told = tracing::enabled!(tracing::Level::INFO);
    if told {
        info!(filter = wanted, "the log's filter changes");
    }
    if let Err(error) = handle.reload(filter) {
        error!(%error, "the log's filter cannot be changed");
    } else if !told {
        info!(filter = wanted, "the log's filter has changed");
    }
}

/// A filter that has been checked in the form of [`booster_core::config::LOG_FILTER_FORM`].
fn parse(filter: &str) -> Targets {
    filter.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use booster_core::config::is_log_filter;
    use tracing::Level;

    #[test]
    fn every_accepted_filter_is_understood() {
        for filter in ["off", "debug", "info,apalis_core=warn", "warn,booster_queue::consumer=trace"] {
            assert!(is_log_filter(filter) && filter.parse::<Targets>().is_ok(), "{filter}");
        }
        let filter = parse("info,apalis_core=warn");
        assert!(filter.would_enable("booster_queue", &Level::INFO));
        assert!(!filter.would_enable("apalis_core::monitor", &Level::INFO));
    }
}
