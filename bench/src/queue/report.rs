//! What was found, as a table and as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use serde_json::json;

use super::contender::Kind;
use super::run::{Plan, SMALL_BACKLOG};
use crate::measure::median;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is described by its label")]
pub enum Figure {
    Jobs,
    JobsPerSecond,
    RedisCpu,
    WorkerCpu,
    Commands,
    ClientCommands,
    WaitingBytes,
    FinishedBytes,
    Singles,
    LatencyP50,
    LatencyP99,
    IdleOne,
    IdleOneClients,
    IdleMore,
    IdleMoreClients,
    IdleMoreQueue,
    IdleMoreQueueClients,
    IdleElected,
    IdleElectedClients,
    Recovery,
    SmallBacklog,
    LargeBacklog,
    SmallBacklogCpu,
    LargeBacklogCpu,
}

impl Figure {
    const ALL: [Self; 24] = [
        Self::Jobs,
        Self::JobsPerSecond,
        Self::RedisCpu,
        Self::WorkerCpu,
        Self::Commands,
        Self::ClientCommands,
        Self::WaitingBytes,
        Self::FinishedBytes,
        Self::Singles,
        Self::LatencyP50,
        Self::LatencyP99,
        Self::IdleOne,
        Self::IdleOneClients,
        Self::IdleMore,
        Self::IdleMoreClients,
        Self::IdleMoreQueue,
        Self::IdleMoreQueueClients,
        Self::IdleElected,
        Self::IdleElectedClients,
        Self::Recovery,
        Self::SmallBacklog,
        Self::LargeBacklog,
        Self::SmallBacklogCpu,
        Self::LargeBacklogCpu,
    ];

    /// Those whose ratio between contenders says something.
    const COMPARED: [Self; 9] = [
        Self::JobsPerSecond,
        Self::RedisCpu,
        Self::WorkerCpu,
        Self::Commands,
        Self::WaitingBytes,
        Self::FinishedBytes,
        Self::LatencyP50,
        Self::LatencyP99,
        Self::Recovery,
    ];

    /// Label, name in JSON, and decimal places.
    fn described(self) -> (&'static str, &'static str, usize) {
        match self {
            Self::Jobs => ("no-op jobs of a round", "jobs", 0),
            Self::JobsPerSecond => ("jobs/s", "jobs_per_second", 0),
            Self::RedisCpu => ("Redis CPU, us/job", "redis_cpu_us_per_job", 1),
            Self::WorkerCpu => ("worker CPU, us/job", "worker_cpu_us_per_job", 1),
            Self::Commands => ("Redis commands/job", "commands_per_job", 2),
            Self::ClientCommands => ("  of these from clients", "client_commands_per_job", 2),
            Self::WaitingBytes => ("bytes/waiting job", "bytes_per_waiting_job", 0),
            Self::FinishedBytes => ("bytes/finished job", "bytes_per_finished_job", 0),
            Self::Singles => ("single jobs of a round", "singles", 0),
            Self::LatencyP50 => ("idle latency p50, ms", "latency_p50_ms", 2),
            Self::LatencyP99 => ("idle latency p99, ms", "latency_p99_ms", 2),
            Self::IdleOne => ("one idle worker, commands/s", "idle_one_commands_per_second", 1),
            Self::IdleOneClients => ("  of these from clients", "idle_one_client_commands_per_second", 1),
            Self::IdleMore => ("a second one adds", "idle_more_commands_per_second", 1),
            Self::IdleMoreClients => ("  of these from clients", "idle_more_client_commands_per_second", 1),
            Self::IdleMoreQueue => ("  for each of its queues", "idle_more_commands_per_second_and_queue", 1),
            Self::IdleMoreQueueClients => {
                ("  of these from clients", "idle_more_client_commands_per_second_and_queue", 1)
            }
            Self::IdleElected => ("keepers' and follower's share", "idle_elected_commands_per_second", 1),
            Self::IdleElectedClients => {
                ("  of these from clients", "idle_elected_client_commands_per_second", 1)
            }
            Self::Recovery => ("recovery after kill -9, s", "recovery_s", 1),
            Self::SmallBacklog => ("jobs/s with few waiting", "jobs_per_second_small_backlog", 0),
            Self::LargeBacklog => ("jobs/s with many waiting", "jobs_per_second_large_backlog", 0),
            Self::SmallBacklogCpu => ("Redis CPU with few, us/job", "redis_cpu_us_per_job_small_backlog", 1),
            Self::LargeBacklogCpu => ("Redis CPU with many, us/job", "redis_cpu_us_per_job_large_backlog", 1),
        }
    }
}

/// Width of a column with figures.
const COLUMN: usize = 14;
/// Width of the labels.
const LABEL: usize = 32;

type Cell = (Kind, Figure);

/// The setting that a contender uses, and how quick each was that was tried (jobs per second).
#[derive(Debug)]
struct Setting {
    kind: Kind,
    used: String,
    tried: Vec<(f64, String)>,
}

/// All samples, with what there is to say about them.
#[derive(Debug)]
pub struct Results {
    plan: Plan,
    samples: Vec<(Cell, f64)>,
    over: Vec<(Cell, f64)>,
    notes: Vec<(Cell, String)>,
    settings: Vec<Setting>,
}

impl Results {
    /// No results yet.
    pub fn new(plan: &Plan) -> Self {
        Self {
            plan: plan.clone(),
            samples: Vec::new(),
            over: Vec::new(),
            notes: Vec::new(),
            settings: Vec::new(),
        }
    }

    /// Adds a sample.
    pub fn add(&mut self, kind: Kind, figure: Figure, value: f64) {
        self.samples.push(((kind, figure), value));
    }

    /// Says that a figure is larger than `limit`, by how much is not known.
    pub fn over(&mut self, kind: Kind, figure: Figure, limit: f64) {
        self.over.push(((kind, figure), limit));
    }

    /// Says why a figure is missing.
    pub fn note(&mut self, kind: Kind, figure: Figure, why: &str) {
        if !self.notes.contains(&((kind, figure), why.to_owned())) {
            self.notes.push(((kind, figure), why.to_owned()));
        }
    }

    /// Says which setting is used, and how quick each was that was tried (jobs per second).
    pub fn setting(&mut self, kind: Kind, setting: &str, tried: &[(f64, String)]) {
        self.settings.push(Setting { kind, used: setting.to_owned(), tried: tried.to_vec() });
    }

    /// Moves what `other` has here.
    pub fn take(&mut self, other: &mut Self) {
        self.samples.append(&mut other.samples);
        self.over.append(&mut other.over);
        self.notes.append(&mut other.notes);
        self.settings.append(&mut other.settings);
    }

    fn values(&self, cell: Cell) -> Vec<f64> {
        self.samples.iter().filter(|(at, _)| *at == cell).map(|(_, value)| *value).collect()
    }

    /// The median of the samples; none when one of them is only known to be large.
    fn value(&self, cell: Cell) -> Option<f64> {
        if self.limit(cell).is_some() { None } else { median(&self.values(cell)) }
    }

    fn limit(&self, cell: Cell) -> Option<f64> {
        self.over.iter().find(|(at, _)| *at == cell).map(|(_, limit)| *limit)
    }

    /// The table, the ratios, and what is to be said about them.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut footnotes: Vec<String> = Vec::new();
        let heads = self.plan.kinds.iter().map(|kind| kind.name());
        line(&mut text, "what (medians)", heads.map(str::to_owned));
        for figure in Figure::ALL {
            let cells: Vec<String> =
                self.plan.kinds.iter().map(|kind| self.cell((*kind, figure), &mut footnotes)).collect();
            if cells.iter().any(|cell| cell != "-") {
                line(&mut text, figure.described().0, cells.into_iter());
            }
        }
        self.write_ratios(&mut text);
        text.push('\n');
        for (number, note) in footnotes.iter().enumerate() {
            let _ = writeln!(text, "[{}] {note}", number + 1);
        }
        for remark in self.remarks() {
            let _ = writeln!(text, "{remark}");
        }
        text
    }

    fn cell(&self, cell: Cell, footnotes: &mut Vec<String>) -> String {
        let places = cell.1.described().2;
        let note = self.notes.iter().find(|(at, _)| *at == cell).map(|(_, note)| note);
        if let Some(limit) = self.limit(cell) {
            return format!("> {limit:.0}");
        }
        let value = self.value(cell).map_or_else(|| "-".to_owned(), |value| format!("{value:.places$}"));
        let Some(note) = note else { return value };
        let number = footnotes.iter().position(|known| known == note).unwrap_or_else(|| {
            footnotes.push(note.clone());
            footnotes.len() - 1
        });
        format!("{value} [{}]", number + 1)
    }

    fn write_ratios(&self, text: &mut String) {
        let others: Vec<Kind> =
            [Kind::Bullmq, Kind::Tuned].into_iter().filter(|kind| self.plan.kinds.contains(kind)).collect();
        if others.is_empty() || !self.plan.kinds.contains(&Kind::Ours) {
            return;
        }
        text.push('\n');
        line(text, "ours divided by", others.iter().map(|kind| kind.name().to_owned()));
        for figure in Figure::COMPARED {
            let ratios: Vec<String> = others
                .iter()
                .map(|kind| {
                    let ratio = self.value((Kind::Ours, figure)).zip(self.value((*kind, figure)));
                    ratio.map_or_else(|| "-".to_owned(), |(ours, theirs)| format!("{:.2}", ours / theirs))
                })
                .collect();
            if ratios.iter().any(|ratio| ratio != "-") {
                line(text, figure.described().0, ratios.into_iter());
            }
        }
        let backlogs =
            [Figure::LargeBacklog, Figure::SmallBacklog].map(|figure| self.value((Kind::Ours, figure)));
        if let [Some(large), Some(small)] = backlogs {
            let _ = writeln!(text, "\nours, many waiting divided by few: {:.3}", large / small);
        }
    }

    fn remarks(&self) -> Vec<String> {
        let plan = &self.plan;
        let mut remarks = vec![
            format!(
                "{} round(s), {} B of text in each job, append-only file {}; CPU is user and system time of the process",
                plan.rounds,
                super::PAYLOAD_BYTES,
                if plan.append_only { "on (everysec)" } else { "off" }
            ),
            "commands: all that Redis runs, those of scripts among them; `from clients` is counted by MONITOR in a run of \
             its own"
                .to_owned(),
            "raw: bare commands without events, retries, claims or takeover; it learns of outcomes by asking without pause"
                .to_owned(),
        ];
        if plan.backlog > 0 {
            remarks.push(format!(
                "few and many waiting: at least {SMALL_BACKLOG} and {} at the end of the timed jobs, nothing submitted meanwhile",
                plan.backlog
            ));
        }
        if plan.kinds.contains(&Kind::Stock) {
            remarks.push(
                "apalis: an idle worker looks for jobs only once per heartbeat (30 s), so its jobs waited before its worker \
                 started"
                    .to_owned(),
            );
        }
        if plan.kinds.contains(&Kind::Tuned) {
            remarks.push(
                "apalis-tuned: no locks, heartbeat 1 s, dead after 5 s; its submitter listens for finished jobs; \
                 beyond 4000 waiting jobs it waits, since 8000 block the queue for good"
                    .to_owned(),
            );
        }
        for setting in self.settings.iter().filter(|setting| !setting.kind.setting_means().is_empty()) {
            let kind = setting.kind;
            let mut remark = format!("{}: {} ({})", kind.name(), setting.used, kind.setting_means());
            if !setting.tried.is_empty() {
                let tried: Vec<String> =
                    setting.tried.iter().map(|(rate, setting)| format!("{setting} {rate:.0}/s")).collect();
                let _ = write!(remark, "; tried {}", tried.join(", "));
            }
            remarks.push(remark);
        }
        remarks
    }

    /// Everything, with all samples.
    pub fn to_json(&self, versions: &BTreeMap<String, String>) -> serde_json::Value {
        let figures = Figure::ALL.into_iter().map(|figure| {
            let cells = self.plan.kinds.iter().map(|kind| {
                let cell = (*kind, figure);
                let notes: BTreeSet<&str> =
                    self.notes.iter().filter(|(at, _)| *at == cell).map(|(_, note)| note.as_str()).collect();
                let found = json!({
                    "median": self.value(cell), "samples": self.values(cell), "over": self.limit(cell), "notes": notes,
                });
                (kind.name().to_owned(), found)
            });
            (figure.described().1.to_owned(), cells.collect::<serde_json::Map<_, _>>().into())
        });
        let settings = self.settings.iter().map(|setting| {
            let tried = setting.tried.iter().map(|(rate, setting)| json!({"setting": setting, "rate": rate}));
            let found = json!({ "used": setting.used, "tried": tried.collect::<Vec<_>>() });
            (setting.kind.name().to_owned(), found)
        });
        json!({
            "versions": versions,
            "rounds": self.plan.rounds,
            "appendOnly": self.plan.append_only,
            "backlog": self.plan.backlog,
            "settings": settings.collect::<serde_json::Map<_, _>>(),
            "figures": figures.collect::<serde_json::Map<String, serde_json::Value>>(),
        })
    }
}

fn line(text: &mut String, label: &str, cells: impl Iterator<Item = String>) {
    let _ = write!(text, "{label:<LABEL$}");
    for cell in cells {
        let _ = write!(text, "{cell:>COLUMN$}");
    }
    text.push('\n');
}

/// The contenders' versions, as their lock files have them.
pub fn peer_versions() -> BTreeMap<String, String> {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let mut versions = BTreeMap::new();
    let lock = std::fs::read_to_string(peers.join("bullmq/package-lock.json")).unwrap_or_default();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap_or_default();
    for name in ["bullmq", "ioredis"] {
        if let Some(version) = lock["packages"][format!("node_modules/{name}")]["version"].as_str() {
            versions.insert(name.to_owned(), version.to_owned());
        }
    }
    let lock = std::fs::read_to_string(peers.join("apalis-redis/Cargo.lock")).unwrap_or_default();
    let version = lock
        .split("[[package]]")
        .find(|package| package.contains("name = \"apalis-redis\"\n"))
        .and_then(|package| package.split("version = \"").nth(1)?.split('"').next());
    if let Some(version) = version {
        versions.insert("apalis-redis".to_owned(), version.to_owned());
    }
    versions
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn results() -> Results {
        let plan = Plan {
            kinds: vec![Kind::Ours, Kind::Bullmq],
            rounds: 1,
            jobs: None,
            singles: 1,
            slots: 1,
            append_only: true,
            recovery_limit: Duration::from_secs(90),
            backlog: 0,
        };
        let mut results = Results::new(&plan);
        results.add(Kind::Ours, Figure::JobsPerSecond, 300.0);
        results.add(Kind::Ours, Figure::JobsPerSecond, 100.0);
        results.add(Kind::Bullmq, Figure::JobsPerSecond, 100.0);
        results.add(Kind::Ours, Figure::Recovery, 4.0);
        results.over(Kind::Bullmq, Figure::Recovery, 90.0);
        results.add(Kind::Ours, Figure::LatencyP99, 1.0);
        results.note(Kind::Bullmq, Figure::LatencyP99, "too few");
        results
    }

    fn words(text: &str, label: &str) -> Vec<String> {
        let line = text.lines().find(|line| line.starts_with(label)).unwrap();
        line[LABEL..].split("  ").map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn the_table_has_medians_limits_and_reasons() {
        let text = results().to_text();
        assert_eq!(words(&text, "jobs/s"), ["200", "100"]);
        assert_eq!(words(&text, "recovery after"), ["4.0", "> 90"]);
        assert_eq!(words(&text, "idle latency p99"), ["1.00", "- [1]"]);
        assert!(text.contains("\n[1] too few\n"));
        // What nobody measured has no row.
        assert!(!text.contains("idle latency p50") && !text.contains("bytes/waiting"));
    }

    #[test]
    fn ratios_are_only_of_what_both_have() {
        let text = results().to_text();
        let ratios = &text[text.find("ours divided by").unwrap()..];
        assert_eq!(words(ratios, "jobs/s"), ["2.00"]);
        assert!(!ratios.contains("recovery after kill"), "{ratios}");
    }

    #[test]
    fn the_peers_have_versions() {
        let versions = peer_versions();
        assert_eq!(versions.keys().collect::<Vec<_>>(), ["apalis-redis", "bullmq", "ioredis"]);
    }
}
