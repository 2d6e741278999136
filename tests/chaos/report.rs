//! What a scenario found, as a line for people and as JSON.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::books::Audit;
use crate::scenarios::Scenario;

/// Most faults that are kept of one scenario; one is enough to fail.
const MOST_FAULTS: usize = 40;

/// What one scenario came to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    number: u32,
    what: &'static str,
    seconds: f64,
    accepted: usize,
    settled: usize,
    run_twice: usize,
    lost: usize,
    stored_twice: usize,
    /// Figures in the order in which they were noted.
    figures: Vec<(String, String)>,
    /// What is wrong, besides lost jobs and outcomes stored twice.
    pub(crate) faults: Vec<String>,
    /// Parts that could not run on this machine, with the reason.
    skipped: Vec<String>,
}

impl Report {
    /// Says which scenario this is of and how long it took.
    pub(crate) fn name(&mut self, scenario: &Scenario, took: Duration) {
        (self.number, self.what) = (scenario.number, scenario.what);
        self.seconds = (took.as_secs_f64() * 10.0).round() / 10.0;
    }

    /// Adds the books of a part of the scenario.
    pub(crate) fn add(&mut self, part: &str, audit: Audit) {
        self.accepted += audit.accepted;
        self.settled += audit.settled;
        self.run_twice += audit.run_twice;
        self.lost += audit.lost;
        self.stored_twice += audit.stored_twice;
        self.figure(part, audit.outcomes());
        for fault in audit.faults {
            self.fault(format!("{part}: {fault}"));
        }
    }

    /// Notes a figure.
    pub(crate) fn figure(&mut self, name: impl Into<String>, value: impl fmt::Display) {
        self.figures.push((name.into(), value.to_string()));
    }

    /// Notes something that is wrong.
    pub(crate) fn fault(&mut self, text: String) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(text);
        }
    }

    /// Notes a part that could not run here.
    pub(crate) fn skip(&mut self, text: String) {
        self.skipped.push(text);
    }

    fn is_well(&self) -> bool {
        self.faults.is_empty()
            && self.lost == 0
            && self.stored_twice == 0
            && self.accepted == self.settled
            && (self.accepted > 0 || !self.skipped.is_empty())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_well() { "ok" } else { "FAILED" };
        write!(f, "{:>2}  {verdict:<6} {:>6.1} s  {}: ", self.number, self.seconds, self.what)?;
        write!(f, "{} accepted, {} settled, {} run twice", self.accepted, self.settled, self.run_twice)?;
        write!(f, ", {} lost, {} stored twice", self.lost, self.stored_twice)?;
        for (name, value) in &self.figures {
            write!(f, "; {name} {value}")?;
        }
        for part in &self.skipped {
            write!(f, "\n    not run: {part}")?;
        }
        for fault in &self.faults {
            write!(f, "\n    fault: {fault}")?;
        }
        Ok(())
    }
}

/// All scenarios together.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    seed: u64,
    scenarios: Vec<Report>,
}

impl Summary {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, scenarios: Vec::new() }
    }

    pub(crate) fn add(&mut self, report: Report) {
        self.scenarios.push(report);
    }

    pub(crate) fn to_json(&self) -> String {
        // Plain structs with string keys: serialising them cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Whether all books are balanced, and everything ran or may be left out.
    pub(crate) fn is_well(&self, allow_skip: bool) -> bool {
        let complete = allow_skip || self.scenarios.iter().all(|report| report.skipped.is_empty());
        complete && !self.scenarios.is_empty() && self.scenarios.iter().all(Report::is_well)
    }

    fn sum(&self, count: impl Fn(&Report) -> usize) -> usize {
        self.scenarios.iter().map(count).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chaos: {} accepted, ", self.sum(|report| report.accepted))?;
        write!(f, "{} settled, ", self.sum(|report| report.settled))?;
        write!(f, "{} run twice, ", self.sum(|report| report.run_twice))?;
        write!(f, "{} lost, ", self.sum(|report| report.lost))?;
        write!(f, "{} stored twice", self.sum(|report| report.stored_twice))?;
        let others = [
            ("faults", self.sum(|report| report.faults.len())),
            ("parts not run", self.sum(|report| report.skipped.len())),
        ];
        for (what, count) in others.iter().filter(|(_, count)| *count > 0) {
            write!(f, ", {what}: {count}")?;
        }
        Ok(())
    }
}
