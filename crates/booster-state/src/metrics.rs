//! The metrics of one process.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError, RwLock};

use prometheus::core::Collector;
use prometheus::{CounterVec, Encoder, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder};

use crate::error::StateError;
use crate::names::{Kind, Series};

// The buckets are close where most observations are and reach as far as the largest can. What was measured is given
// as 1st, 50th and 99th percentile, with buckets of a factor of 1.2, in a worker with two slots on two processors that
// were busy with other work, under the load of `tests/blackbox/monitoring.rs`: edits, no-ops, and every kind of failure.

/// Time in the sandbox. No-ops 4 µs, 15 µs, 0.6 ms; edits 0.1, 6 and 200 ms. Half a minute is the default deadline,
/// an hour the longest.
const DURATION: [f64; 18] = [
    0.00001, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
    30.0, 300.0, 3600.0,
];
/// Time to have a fresh instance, for a job or after a failure. Instances 2, 11 and 410 µs; recoveries 7 µs, 32 µs and
/// 3 ms. A module without a warm snapshot takes milliseconds, an interpreter seconds.
const INSTANCE: [f64; 13] =
    [0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.001, 0.005, 0.025, 0.1, 1.0, 10.0];
/// Wait for a slot inside the worker: 6 µs, 0.17 ms and 290 ms. After a second a job is handed back.
const ACQUIRE: [f64; 10] = [0.00001, 0.00005, 0.00025, 0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0];
/// Time to an answer of Redis: 19 µs, 0.17 ms and 7.6 ms. After five seconds a connection is given up.
const COMMAND: [f64; 13] =
    [0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 5.0];
/// Wait in the queue, counted in whole milliseconds: 1, 81 and 603 ms when a second's jobs come at once, one or none on
/// an idle fleet. The objectives of the queues, 1, 5 and 30 s, are bounds; backlogs wait for hours.
const WAIT: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0];
/// Peak memory of a run: 1.2 MB of a no-op, 11 to 16 MB of the boosters that read code, all of 512 MiB of what
/// exhausts it. From one page of wasm to all of them.
const BYTES: [f64; 14] = [
    65_536.0,
    262_144.0,
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
    33_554_432.0,
    67_108_864.0,
    134_217_728.0,
    268_435_456.0,
    536_870_912.0,
    1_073_741_824.0,
    4_294_967_296.0,
];
/// Jobs of one read: 1, 1 and 13; hundreds under a backlog. The largest read takes 256 from each of three streams.
const BATCH: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 768.0];

/// All series of one process with their registry. Labels that come from outside are bounded.
pub struct Metrics {
    registry: Registry,
    counters: Vec<(Series, CounterVec)>,
    gauges: Vec<(Series, GaugeVec)>,
    histograms: Vec<(Series, HistogramVec)>,
    /// Boosters that may appear as a label; all others are `other`.
    boosters: RwLock<BTreeSet<String>>,
    /// Held while a counter is brought up to a sum.
    raising: Mutex<()>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// Booster names that may become label values, at most.
const MAX_BOOSTERS: usize = 64;
/// The label value for all boosters that may not become one.
const OTHER: &str = "other";
/// So much of a module's digest is told: enough to tell modules apart.
const DIGEST_CHARS: usize = 12;

/// The bounds of a histogram's buckets, ascending.
fn buckets(series: Series) -> &'static [f64] {
    match series {
        Series::WasmInstantiate | Series::SlotRecovery => &INSTANCE,
        Series::PoolAcquireWait => &ACQUIRE,
        Series::RedisCommandDuration => &COMMAND,
        Series::JobQueueWait => &WAIT,
        Series::WasmMemoryPeak => &BYTES,
        Series::FetchBatchSize => &BATCH,
        _ => &DURATION,
    }
}

impl Metrics {
    /// All series, registered. `boosters` are the names that may appear as labels. Counters without a queue begin
    /// at zero.
    ///
    /// # Errors
    /// [`StateError::Metrics`] when two series collide, which is a mistake in this program.
    pub fn new(boosters: impl IntoIterator<Item = String>) -> Result<Self, StateError> {
        let mut metrics = Self {
            registry: Registry::new(),
            counters: Vec::new(),
            gauges: Vec::new(),
            histograms: Vec::new(),
            boosters: RwLock::new(boosters.into_iter().take(MAX_BOOSTERS).collect()),
            raising: Mutex::default(),
        };
        for series in Series::ALL {
            metrics.add(*series)?;
        }
        metrics.start_at_zero(&[]);
        Ok(metrics)
    }

    fn add(&mut self, series: Series) -> Result<(), StateError> {
        let (name, help, labels) = (series.name(), series.help(), series.labels());
        match series.kind() {
            Kind::Counter => {
                let counter = CounterVec::new(Opts::new(name, help), labels)?;
                self.register(counter.clone())?;
                self.counters.push((series, counter));
            }
            Kind::Gauge => {
                let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
                self.register(gauge.clone())?;
                self.gauges.push((series, gauge));
            }
            Kind::Histogram => {
                let options = HistogramOpts::new(name, help).buckets(buckets(series).to_vec());
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

    /// Makes the counters of these queues, all at zero: Prometheus sees how far a counter has come only from its
    /// second sample on, so the first failure would otherwise go unseen.
    pub fn add_queues(&self, queues: &[String]) {
        if !queues.is_empty() {
            self.start_at_zero(queues);
        }
    }

    /// Makes all counters whose labels are known beforehand: those with a queue for each of `queues`, and with none
    /// given those without.
    fn start_at_zero(&self, queues: &[String]) {
        for (series, counter) in &self.counters {
            if series.labels().contains(&"queue") == queues.is_empty() {
                continue;
            }
            for values in self.combinations(*series, queues) {
                counter.with_label_values(&values);
            }
        }
    }

    /// Every combination of the values that the labels of `series` can have.
    fn combinations(&self, series: Series, queues: &[String]) -> Vec<Vec<String>> {
        let mut found = vec![Vec::new()];
        for label in series.labels() {
            let values: Vec<String> = match *label {
                "queue" => queues.to_vec(),
                "booster" => self.boosters().into_iter().chain([OTHER.to_owned()]).collect(),
                closed => {
                    series.label_values(closed).unwrap_or_default().into_iter().map(str::to_owned).collect()
                }
            };
            let longer = |head: &Vec<String>| {
                let head = head.clone();
                values.iter().map(move |value| [head.as_slice(), std::slice::from_ref(value)].concat())
            };
            found = found.iter().flat_map(longer).collect();
        }
        found
    }

    /// Says which modules this process has loaded, as name, version and digest, in place of what was said before.
    pub fn describe_modules<'a>(&self, modules: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) {
        if let Some(gauge) = self.gauge(Series::ModuleInfo) {
            gauge.reset();
        }
        for (name, version, digest) in modules.into_iter().take(MAX_BOOSTERS) {
            let digest: String = digest.chars().take(DIGEST_CHARS).collect();
            self.set(Series::ModuleInfo, &[name, version, &digest], 1.0);
            if let Some(gauge) = self.gauge(Series::BreakerOpen) {
                // Made at zero, or left as it is.
                gauge.with_label_values(&[self.booster_label(name)]);
            }
        }
    }

    /// Adds to a counter.
    pub fn add_to(&self, series: Series, labels: &[&str], by: f64) {
        if let Some((_, counter)) = self.counters.iter().find(|(known, _)| *known == series) {
            counter.with_label_values(labels).inc_by(by);
        }
    }

    /// Brings a counter up to a sum that is kept elsewhere and never falls.
    pub fn raise_to(&self, series: Series, labels: &[&str], sum: f64) {
        let _one_at_a_time = self.raising.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = self.counters.iter().find(|(known, _)| *known == series) {
            let counter = counter.with_label_values(labels);
            counter.inc_by((sum - counter.get()).max(0.0));
        }
    }

    /// Adds one to a counter.
    pub fn count(&self, series: Series, labels: &[&str]) {
        self.add_to(series, labels, 1.0);
    }

    /// Sets a gauge.
    pub fn set(&self, series: Series, labels: &[&str], value: f64) {
        if let Some(gauge) = self.gauge(series) {
            gauge.with_label_values(labels).set(value);
        }
    }

    /// Removes a gauge's series, when this process no longer speaks for it.
    pub fn unset(&self, series: Series, labels: &[&str]) {
        if let Some(gauge) = self.gauge(series) {
            // Removing what is not there is no error to anyone.
            let _ = gauge.remove_label_values(labels);
        }
    }

    fn gauge(&self, series: Series) -> Option<&GaugeVec> {
        self.gauges.iter().find_map(|(known, gauge)| (*known == series).then_some(gauge))
    }

    /// Adds an observation to a histogram.
    pub fn observe(&self, series: Series, labels: &[&str], value: f64) {
        if let Some((_, histogram)) = self.histograms.iter().find(|(known, _)| *known == series) {
            histogram.with_label_values(labels).observe(value);
        }
    }

    /// Boosters that may appear as a label.
    fn boosters(&self) -> BTreeSet<String> {
        self.boosters.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes boosters' names label values, as long as there are not too many.
    pub fn learn<'a>(&self, boosters: impl IntoIterator<Item = &'a str>) {
        let mut known = self.boosters.write().unwrap_or_else(PoisonError::into_inner);
        for name in boosters {
            if known.len() < MAX_BOOSTERS && !known.contains(name) {
                known.insert(name.to_owned());
            }
        }
    }

    /// The label value for a booster named by a job: its name without version, or `other` when it is not one
    /// of the known ones, since jobs may name anything.
    pub fn booster_label(&self, reference: &str) -> String {
        let name = reference.split('@').next().unwrap_or_default();
        let known = self.boosters.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains(name) { name } else { OTHER }.to_owned()
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
        for series in Series::ALL.iter().copied() {
            let labels: Vec<&str> = series.labels().iter().map(|_| "x").collect();
            match series.kind() {
                Kind::Counter => metrics.count(series, &labels),
                Kind::Gauge => metrics.set(series, &labels, 1.0),
                Kind::Histogram => metrics.observe(series, &labels, 1.0),
            }
        }
        let text = metrics.render().unwrap();
        for series in Series::ALL {
            assert!(text.contains(&format!("# HELP {} ", series.name())), "{} is missing", series.name());
        }
    }

    #[test]
    fn buckets_ascend_and_names_say_their_unit() {
        for series in Series::ALL.iter().copied() {
            let name = series.name();
            match series.kind() {
                Kind::Counter => assert!(name.ends_with("_total"), "{name}"),
                Kind::Gauge => assert!(!name.ends_with("_total"), "{name}"),
                Kind::Histogram => {
                    assert!(buckets(series).windows(2).all(|pair| pair[0] < pair[1]), "{name}");
                    assert!(
                        ["_seconds", "_bytes", "_size"].iter().any(|unit| name.ends_with(unit)),
                        "{name}"
                    );
                }
            }
        }
    }

    #[test]
    fn counters_begin_at_zero_where_their_labels_are_known() {
        let metrics = Metrics::new(["apply".to_owned()]).unwrap();
        let text = metrics.render().unwrap();
        for line in [
            "booster_redis_errors_total{kind=\"passing\"} 0",
            "booster_instance_restarts_total{cause=\"trap\"} 0",
            "booster_events_dropped_total 0",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
        assert!(!text.contains("queue="), "{text}");
        metrics.add_queues(&["normal".to_owned()]);
        let text = metrics.render().unwrap();
        for line in [
            "booster_jobs_finished_total{booster=\"apply\",outcome=\"dead\",queue=\"normal\"} 0",
            "booster_jobs_finished_total{booster=\"other\",outcome=\"cancelled\",queue=\"normal\"} 0",
            "booster_job_attempts_failed_total{cause=\"lost_claim\",queue=\"normal\"} 0",
            "booster_jobs_recovered_total{cause=\"idle\",queue=\"normal\"} 0",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
    }

    #[test]
    fn modules_that_are_gone_are_told_no_more() {
        let metrics = Metrics::new(["apply".to_owned()]).unwrap();
        metrics.describe_modules([("apply", "0.1.0", "0123456789abcdef"), ("noop", "0.1.0", "ff")]);
        metrics.describe_modules([("apply", "0.2.0", "0123456789abcdef")]);
        let text = metrics.render().unwrap();
        assert!(text.contains("{booster=\"apply\",digest=\"0123456789ab\",version=\"0.2.0\"} 1"), "{text}");
        assert_eq!(text.matches("booster_module_info{").count(), 1, "{text}");
        assert!(text.contains("booster_breaker_open{booster=\"apply\"} 0"), "{text}");
    }

    #[test]
    fn the_list_of_series_is_as_it_is_documented() {
        let list: String = Series::ALL
            .iter()
            .map(|series| {
                let labels = if series.labels().is_empty() { "-".into() } else { series.labels().join(",") };
                format!("{}\t{}\t{labels}\t{}\n", series.name(), series.kind().as_str(), series.help())
            })
            .collect();
        // `UPDATE_EXPECT=1 cargo test` writes the file anew.
        expect_test::expect_file!["../../../monitoring/series.txt"].assert_eq(&list);
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
