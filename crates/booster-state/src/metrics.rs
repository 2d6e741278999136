//! The metrics of one process.

use std::collections::BTreeSet;

use prometheus::core::Collector;
use prometheus::{CounterVec, Encoder, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder};

use crate::error::StateError;
use crate::names::Series;

/// From 50 µs, a no-op in a sandbox, to 30 s, the default deadline: about two buckets for each factor of ten.
const LATENCY: [f64; 15] =
    [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 15.0, 30.0];
/// A wait may be far longer than a job: up to an hour.
const WAIT: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0];
/// Powers of four from 64 KiB (one page of wasm) to 4 GiB (all of them).
const BYTES: [f64; 9] = [
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    268_435_456.0,
    1_073_741_824.0,
    4_294_967_296.0,
];
/// Batch sizes up to the largest read.
const BATCH: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// All series of one process with their registry. Labels that come from outside are bounded.
pub struct Metrics {
    registry: Registry,
    counters: Vec<(Series, CounterVec)>,
    gauges: Vec<(Series, GaugeVec)>,
    histograms: Vec<(Series, HistogramVec)>,
    /// Boosters that may appear as a label; all others are `other`.
    boosters: BTreeSet<String>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// Booster names that may become label values, at most.
const MAX_BOOSTERS: usize = 64;

enum Kind {
    Counter,
    Gauge,
    Histogram(&'static [f64]),
}

fn kind(series: Series) -> Kind {
    match series {
        Series::JobsEnqueued
        | Series::JobsFinished
        | Series::JobAttemptsFailed
        | Series::JobsDeduplicated
        | Series::JobsRecovered
        | Series::InstanceRestarts
        | Series::HealthChecks
        | Series::RedisErrors
        | Series::RedisReconnects
        | Series::EventsDropped
        | Series::SpoolDropped => Kind::Counter,
        Series::QueueJobs
        | Series::QueueOldestJobAge
        | Series::PoolSlots
        | Series::PoolSlotsBusy
        | Series::PoolSlotsTarget
        | Series::PoolSlotsByStatus
        | Series::PoolAvailability
        | Series::BreakerOpen
        | Series::WasmMemoryLimit
        | Series::SpoolOutcomes
        | Series::LastFetch
        | Series::BuildInfo => Kind::Gauge,
        Series::JobQueueWait => Kind::Histogram(&WAIT),
        Series::JobDuration
        | Series::PoolAcquireWait
        | Series::SlotRecovery
        | Series::WasmInstantiate
        | Series::RedisCommandDuration => Kind::Histogram(&LATENCY),
        Series::WasmMemoryPeak => Kind::Histogram(&BYTES),
        Series::FetchBatchSize => Kind::Histogram(&BATCH),
    }
}

impl Metrics {
    /// All series, registered. `boosters` are the names that may appear as labels.
    ///
    /// # Errors
    /// [`StateError::Metrics`] when two series collide, which is a mistake in this program.
    pub fn new(boosters: impl IntoIterator<Item = String>) -> Result<Self, StateError> {
        let mut metrics = Self {
            registry: Registry::new(),
            counters: Vec::new(),
            gauges: Vec::new(),
            histograms: Vec::new(),
            boosters: boosters.into_iter().take(MAX_BOOSTERS).collect(),
        };
        for series in Series::ALL {
            metrics.add(series)?;
        }
        Ok(metrics)
    }

    fn add(&mut self, series: Series) -> Result<(), StateError> {
        let (name, help, labels) = (series.name(), series.help(), series.labels());
        match kind(series) {
            Kind::Counter => {
                let counter = CounterVec::new(Opts::new(name, help), labels)?;
                self.register(counter.clone())?;
                // A series without labels is there from the start, at zero.
                if labels.is_empty() {
                    counter.with_label_values::<&str>(&[]);
                }
                self.counters.push((series, counter));
            }
            Kind::Gauge => {
                let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
                self.register(gauge.clone())?;
                self.gauges.push((series, gauge));
            }
            Kind::Histogram(buckets) => {
                let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
                let histogram = HistogramVec::new(options, labels)?;
                self.register(histogram.clone())?;
                self.histograms.push((series, histogram));
            }
        }
        Ok(())
    }

    fn register(&self, collector: impl Collector + 'static) -> Result<(), StateError> {
        Ok(self.registry.register(Box::new(collector))?)
    }

    /// Adds to a counter.
    pub fn add_to(&self, series: Series, labels: &[&str], by: f64) {
        if let Some((_, counter)) = self.counters.iter().find(|(known, _)| *known == series) {
            counter.with_label_values(labels).inc_by(by);
        }
    }

    /// Adds one to a counter.
    pub fn count(&self, series: Series, labels: &[&str]) {
        self.add_to(series, labels, 1.0);
    }

    /// Sets a gauge.
    pub fn set(&self, series: Series, labels: &[&str], value: f64) {
        if let Some((_, gauge)) = self.gauges.iter().find(|(known, _)| *known == series) {
            gauge.with_label_values(labels).set(value);
        }
    }

    /// Removes a gauge's series, when this process no longer speaks for it.
    pub fn unset(&self, series: Series, labels: &[&str]) {
        if let Some((_, gauge)) = self.gauges.iter().find(|(known, _)| *known == series) {
            // Removing what is not there is no error to anyone.
            let _ = gauge.remove_label_values(labels);
        }
    }

    /// Adds an observation to a histogram.
    pub fn observe(&self, series: Series, labels: &[&str], value: f64) {
        if let Some((_, histogram)) = self.histograms.iter().find(|(known, _)| *known == series) {
            histogram.with_label_values(labels).observe(value);
        }
    }

    /// The label value for a booster named by a job: its name without version, or `other` when it is not one
    /// of the known ones, since jobs may name anything.
    pub fn booster_label(&self, reference: &str) -> String {
        let name = reference.split('@').next().unwrap_or_default();
        if self.boosters.contains(name) { name.to_owned() } else { "other".to_owned() }
    }

    /// All series in Prometheus' text format.
    ///
    /// # Errors
    /// [`StateError::Metrics`] when a value cannot be written, which is a mistake in this program.
    pub fn render(&self) -> Result<String, StateError> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_can_be_used_with_its_labels() {
        let metrics = Metrics::new(["apply".to_owned()]).unwrap();
        for series in Series::ALL {
            let labels: Vec<&str> = series.labels().iter().map(|_| "x").collect();
            match kind(series) {
                Kind::Counter => metrics.count(series, &labels),
                Kind::Gauge => metrics.set(series, &labels, 1.0),
                Kind::Histogram(_) => metrics.observe(series, &labels, 1.0),
            }
        }
        let text = metrics.render().unwrap();
        for series in Series::ALL {
            assert!(text.contains(&format!("# HELP {} ", series.name())), "{} is missing", series.name());
        }
    }

    #[test]
    fn unknown_boosters_share_one_label() {
        let metrics = Metrics::new(["apply".to_owned()]).unwrap();
        assert_eq!(metrics.booster_label("apply@0.1.0"), "apply");
        assert_eq!(metrics.booster_label("attacker-1"), "other");
    }

    #[test]
    fn a_gauge_can_be_withdrawn() {
        let metrics = Metrics::new([]).unwrap();
        metrics.set(Series::QueueOldestJobAge, &["normal"], 5.0);
        metrics.unset(Series::QueueOldestJobAge, &["normal"]);
        assert!(!metrics.render().unwrap().contains("queue=\"normal\""));
    }
}
