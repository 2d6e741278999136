//! A real Prometheus and a real Alertmanager against real fleets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use booster_core::Job;
use booster_examples::{boosters, default_dir, edits, faults};
use booster_state::{Kind, Series};
use booster_tests::{Boosters, Fleet, LIMIT, eventually, program_path, source_root, within};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::gateway::gateway;
use crate::monitoring_files::{Panel, panels, recorded};

/// How long a fleet is under load before the panels are looked at: the short test, and the long one of
/// `make test-monitoring`.
const SHORT: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_secs(120);

/// Panels that show zero, and only zero, while nothing is wrong.
const ZERO_WHEN_WELL: [(&str, &str); 17] = [
    ("fleet", "Alerts"),
    ("fleet", "Waiting"),
    ("fleet", "Oldest job"),
    ("fleet", "Waiting by queue"),
    ("fleet", "Drain time"),
    ("fleet", "Jobs recovered"),
    ("boosters", "Breakers"),
    ("redis", "Errors"),
    ("redis", "Kept outcomes"),
    ("redis", "Errors by kind"),
    ("redis", "Reconnects"),
    ("redis", "Outcomes kept"),
    ("redis", "Outcomes given up"),
    ("redis", "Events dropped"),
    // A scrape may always find both slots at work, or none.
    ("pool", "Slots by status"),
    ("pool", "Utilisation and availability"),
    ("pool", "Workers"),
];

struct Prometheus {
    _child: Child,
    url: String,
}

impl Prometheus {
    /// One with the shipped configuration, in a hurry: it looks every second.
    async fn start(fleet: &Fleet, gateway: &str) -> Self {
        let home = fleet.dir.path().join("prometheus");
        copy_dir(&source_root().join("monitoring/prometheus"), &home);
        let config = std::fs::read_to_string(home.join("prometheus.yml")).unwrap();
        let mut hurried = config.clone();
        for (shipped, here) in [
            ("scrape_interval: 5s", "scrape_interval: 1s"),
            ("scrape_timeout: 4s", "scrape_timeout: 1s"),
            ("evaluation_interval: 15s", "evaluation_interval: 1s"),
        ] {
            assert!(hurried.contains(shipped), "{shipped} is no longer in prometheus.yml");
            hurried = hurried.replace(shipped, here);
        }
        std::fs::write(home.join("prometheus.yml"), hurried).unwrap();
        let workers: Vec<String> = fleet.workers.iter().map(|worker| worker.listen().to_string()).collect();
        for (file, targets) in [
            ("workers.json", workers),
            ("gateway.json", vec![gateway.trim_start_matches("http://").to_owned()]),
            ("alertmanager.json", Vec::new()),
        ] {
            let targets = json!([{ "targets": targets }]).to_string();
            std::fs::write(home.join("targets").join(file), targets).unwrap();
        }
        let listen = format!("127.0.0.1:{}", booster_producer::local::free_port().unwrap());
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", home.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", home.join("data").display()))
            .arg(format!("--web.listen-address={listen}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("prometheus is not installed; run `make test`");
        let prometheus = Self { _child: child, url: format!("http://{listen}") };
        within(Duration::from_secs(30), "Prometheus is ready", || async {
            let answer = reqwest::get(format!("{}/-/ready", prometheus.url)).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        prometheus
    }

    async fn get(&self, path: &str) -> Value {
        get(&format!("{}/api/v1/{path}", self.url)).await
    }

    /// All values that a query had in a time, in Unix seconds; what is no number is left out.
    async fn values(&self, query: &str, (from, to): (f64, f64)) -> Vec<f64> {
        let query = encode(query);
        let answer = self.get(&format!("query_range?query={query}&start={from}&end={to}&step=1")).await;
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let series = answer["data"]["result"].as_array().unwrap();
        series
            .iter()
            .flat_map(|one| one["values"].as_array().unwrap())
            .map(|sample| sample[1].as_str().unwrap().parse::<f64>().unwrap())
            .filter(|value| value.is_finite())
            .collect()
    }
}

async fn get(url: &str) -> Value {
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// A query as part of an address.
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Jobs of all kinds without end: edits, other boosters, no-ops, refusals, every way to fail, delays, duplicates.
struct Load {
    edits: Vec<Job>,
    round: usize,
}

impl Load {
    fn new() -> Self {
        let dir = default_dir();
        let cases = edits(&dir).unwrap().into_iter().chain(boosters(&dir).unwrap());
        let without_id = |mut job: Job| {
            job.id = None;
            job
        };
        Self { edits: cases.map(|case| without_id(case.job("").unwrap())).collect(), round: 0 }
    }

    /// A second's worth of jobs for one queue.
    fn jobs(&mut self) -> Vec<Job> {
        self.round += 1;
        let faulty = [
            r#"{"booster":"faulty","input":{"do":"refuse"}}"#,
            r#"{"booster":"faulty","input":{"do":"panic"},"maxRetries":1}"#,
            r#"{"booster":"faulty","input":{"do":"echo"}}"#,
            r#"{"booster":"faulty","input":{"do":"trap"},"maxRetries":0}"#,
            r#"{"booster":"faulty","input":{"do":"work"}}"#,
            r#"{"booster":"faulty","input":{"do":"loop"},"timeoutMs":50,"maxRetries":0}"#,
            r#"{"booster":"faulty","input":{"do":"defer","ms":20},"maxRetries":1}"#,
        ];
        let mut jobs: Vec<Job> = faulty.iter().map(|job| Job::from_json(job).unwrap()).collect();
        jobs.extend((0..20).map(|_| Job::new("noop", "{}").unwrap()));
        jobs.extend(self.edits.iter().cycle().skip(self.round * 10).take(10).cloned());
        if self.round.is_multiple_of(4) {
            let dear = faults(&default_dir()).unwrap();
            let memory = dear.iter().find(|case| case.input.contains("memory")).unwrap();
            jobs.extend(memory.job(&format!("-{}", self.round)));
        }
        let mut delayed = Job::new("noop", "{}").unwrap();
        delayed.run_at = Some(booster_queue::now_ms() + 500);
        jobs.push(delayed);
        jobs
    }

    /// Submits for a time, a second's worth each second, and then waits until all queues are empty.
    async fn run(&mut self, fleet: &Fleet, duration: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < duration {
            for queue in ["high", "normal", "low"] {
                let submitted = fleet.client.submit_many(self.jobs(), Some(queue), false).await.unwrap();
                // A delayed job, which is the last, is cancelled now and then.
                if self.round.is_multiple_of(5) {
                    fleet.client.cancel(&submitted.last().unwrap().id).await.unwrap();
                }
                let again = json!({ "id": submitted[0].id, "booster": "noop", "input": {} }).to_string();
                let jobs = fleet.client.keys().queue(queue).jobs();
                fleet.redis::<String>(&["XADD", &jobs, "*", "job", &again]).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        eventually("the queues are empty", || async {
            for queue in fleet.client.queues().await.unwrap() {
                let depth = queue.counts().await.unwrap().depth;
                if depth.waiting + depth.delayed + depth.running > 0 {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }
}

/// What a process says of one series.
#[derive(Debug, Default, PartialEq, Eq)]
struct Exported {
    kind: String,
    help: String,
    labels: BTreeSet<String>,
}

/// The series of a text in Prometheus' format.
fn exported(text: &str) -> BTreeMap<String, Exported> {
    let mut found: BTreeMap<String, Exported> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            found.entry(name.to_owned()).or_default().help = help.to_owned();
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            found.entry(name.to_owned()).or_default().kind = kind.to_owned();
        } else {
            let end = line.find(['{', ' ']).unwrap();
            let name = &line[..end];
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|part| {
                name.strip_suffix(part)
                    .filter(|base| found.get(*base).is_some_and(|it| it.kind == "histogram"))
            });
            let series =
                found.get_mut(base.unwrap_or(name)).unwrap_or_else(|| panic!("no TYPE before {line}"));
            let labels =
                line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).map_or("", |it| it.0);
            let names = labels.split("\",").filter_map(|pair| pair.split_once('=')).map(|(name, _)| name);
            series.labels.extend(names.filter(|name| *name != "le").map(str::to_owned));
        }
    }
    found
}

/// The committed list of series, which `booster-state` compares with its enum.
fn documented() -> BTreeMap<String, Exported> {
    let text = std::fs::read_to_string(source_root().join("monitoring/series.txt")).unwrap();
    let parse = |line: &str| {
        let [name, kind, labels, help] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let labels = labels.split(',').filter(|label| *label != "-").map(str::to_owned).collect();
        (name.to_owned(), Exported { kind: kind.to_owned(), help: help.to_owned(), labels })
    };
    text.lines().map(parse).collect()
}

async fn metrics(base: &str) -> String {
    reqwest::get(format!("{base}/metrics")).await.unwrap().text().await.unwrap()
}

/// Has promtool look at metrics for what Prometheus' conventions forbid.
async fn lint(metrics: &str) {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is not installed; run `make test`");
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What is exported has to be what is documented, and workers export all of it: each what is its own, and the keepers
/// among them what is their queues'.
async fn the_list_of_series_is_what_is_exported(fleet: &Fleet, gateway: &str) {
    let documented = documented();
    let mut workers = BTreeMap::new();
    for worker in &fleet.workers {
        let text = metrics(&format!("http://{}", worker.listen())).await;
        lint(&text).await;
        workers.extend(exported(&text));
    }
    assert_eq!(workers, documented);
    // It asks Redis something, so that there is a duration to tell.
    assert!(reqwest::get(format!("{gateway}/healthz")).await.unwrap().status().is_success());
    let gateway = exported(&metrics(gateway).await);
    for (name, series) in &gateway {
        assert_eq!(Some(series), documented.get(name), "{name} of the gateway");
    }
    for series in [Series::BuildInfo, Series::RedisCommandDuration, Series::RedisErrors] {
        assert!(gateway.contains_key(series.name()), "the gateway has no {}", series.name());
    }
}

/// Every line of every panel has data, and shows more than zeros unless that is how it looks when all is well.
async fn every_panel_shows_something(prometheus: &Prometheus, time: (f64, f64)) {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for Panel { board, title, queries } in panels() {
        for query in queries {
            looked_at += 1;
            let query = query.replace("$__rate_interval", "10s");
            let query = ["$queue", "$booster", "$instance"]
                .iter()
                .fold(query, |query, variable| query.replace(variable, ".*"));
            let values = prometheus.values(&query, time).await;
            if values.is_empty() {
                wrong.push(format!("{board}, {title}: no data for {query}"));
            } else if values.iter().all(|value| *value == 0.0)
                && !ZERO_WHEN_WELL.contains(&(board.as_str(), title.as_str()))
            {
                wrong.push(format!("{board}, {title}: nothing but 0 for {query}"));
            }
        }
    }
    assert!(looked_at > 80, "only {looked_at} queries were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn every_rule_works(prometheus: &Prometheus, time: (f64, f64)) {
    let rules = prometheus.get("rules").await;
    let groups = rules["data"]["groups"].as_array().unwrap();
    assert!(!groups.is_empty());
    for rule in groups.iter().flat_map(|group| group["rules"].as_array().unwrap()) {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    for name in recorded() {
        assert!(!prometheus.values(&name, time).await.is_empty(), "{name} has no value");
    }
}

async fn a_fleet_under_load_fills_every_panel(duration: Duration) {
    let mut fleet = Fleet::start(2, Boosters::All, |config| {
        config.redis.health_check_interval_ms = 1000;
        // A quarter of the jobs of `faulty` fail, and now and then ten of them in a row.
        config.booster.breaker_failures = 0;
    })
    .await;
    fleet.ready().await;
    let gateway = gateway(&fleet).await;
    let prometheus = Prometheus::start(&fleet, &gateway).await;
    let from = seconds();
    Load::new().run(&fleet, duration).await;
    // The last scrape and the rules after it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let time = (from, seconds());
    if std::env::var_os("BOOSTER_FINE").is_some() {
        std::fs::write(
            "/tmp/hm_metrics.txt",
            metrics(&format!("http://{}", fleet.workers[0].listen())).await,
        )
        .unwrap();
    }
    the_list_of_series_is_what_is_exported(&fleet, &gateway).await;
    every_panel_shows_something(&prometheus, time).await;
    every_rule_works(&prometheus, time).await;
    the_counters_tell_what_happened(&fleet, &prometheus).await;
    fleet.stop().await;
}

/// Prometheus' sums over all workers are the queue's own numbers.
async fn the_counters_tell_what_happened(fleet: &Fleet, prometheus: &Prometheus) {
    let (mut done, mut refused, mut dead, mut cancelled) = (0, 0, 0, 0);
    for queue in fleet.client.queues().await.unwrap() {
        let counts = queue.counts().await.unwrap();
        done += counts.done;
        refused += counts.refused;
        dead += counts.dead;
        cancelled += counts.cancelled;
    }
    assert!(done > 0 && refused > 0 && dead > 0 && cancelled > 0);
    let wanted = [("done", done), ("refused", refused), ("dead", dead), ("cancelled", cancelled)];
    eventually("Prometheus has counted all jobs", || async {
        let answer = prometheus.get("query?query=sum(booster_jobs_finished_total)by(outcome)").await;
        let rows = answer["data"]["result"].as_array()?.clone();
        let counted = |outcome: &str| {
            let row = rows.iter().find(|row| row["metric"]["outcome"] == outcome)?;
            row["value"][1].as_str()?.parse::<u64>().ok()
        };
        wanted.iter().all(|(outcome, count)| counted(outcome) == Some(*count)).then_some(())
    })
    .await;
}

fn seconds() -> f64 {
    booster_queue::now_ms() as f64 / 1000.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_under_load_for_a_short_while_fills_every_panel() {
    a_fleet_under_load_fills_every_panel(SHORT).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes; make test-monitoring"]
async fn a_fleet_under_load_for_two_minutes_fills_every_panel() {
    a_fleet_under_load_fills_every_panel(LONG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_has_done_nothing_exports_every_counter_at_zero() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let found = exported(&metrics(&format!("http://{}", fleet.workers[0].listen())).await);
    for series in Series::ALL.iter().filter(|series| series.kind() == Kind::Counter) {
        assert!(found.contains_key(series.name()), "{} is missing", series.name());
    }
    assert!(found.contains_key(Series::ModuleInfo.name()) && found.contains_key(Series::BreakerOpen.name()));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_targets_lists_living_workers_for_prometheus() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let listen = fleet.workers[0].listen().to_string();
    let output = fleet.booster(&["targets"], "").await;
    assert_eq!((output.status, output.json()), (0, vec![json!([{ "targets": [listen] }])]));
    let nowhere = fleet.dir.path().join("missing/workers.json");
    let output = fleet.booster(&["targets", "--follow", nowhere.to_str().unwrap()], "").await;
    assert_eq!(output.status, 2, "{output:?}");
    assert!(output.stderr.contains("--follow"), "{output:?}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn make_monitoring_finds_the_fleet_and_tells_alertmanager_of_dead_jobs() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let gateway = gateway(&fleet).await;
    let address = || format!("127.0.0.1:{}", booster_producer::local::free_port().unwrap());
    let (prometheus, alertmanager) = (address(), address());
    let home = fleet.dir.path().join("monitoring");
    let mut script = Command::new(source_root().join("scripts/monitoring.sh"))
        .env("REDIS_URL", &fleet.config.redis.url)
        .env("GATEWAY", gateway.trim_start_matches("http://"))
        .env("PROMETHEUS", &prometheus)
        .env("ALERTMANAGER", &alertmanager)
        .env("MONITORING_DIR", &home)
        .env("BOOSTER", program_path("booster"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("worker and gateway are scraped", || async {
        let url = format!("http://{prometheus}/api/v1/query?query=sum(up)by(job)");
        let answer: Value = reqwest::get(url).await.ok()?.json().await.ok()?;
        let rows = answer["data"]["result"].as_array()?;
        (rows.len() == 2 && rows.iter().all(|row| row["value"][1] == "1")).then_some(())
    })
    .await;
    let ids = {
        let mut ids = Vec::new();
        for _ in 0..6 {
            ids.push(
                fleet
                    .submit(r#"{"booster":"faulty","input":{"do":"panic"},"maxRetries":0,"priority":"low"}"#)
                    .await,
            );
        }
        ids
    };
    fleet.outcomes(ids).await;
    let alert = within(2 * LIMIT, "Alertmanager has been told", || async {
        let alerts = get(&format!("http://{alertmanager}/api/v2/alerts")).await;
        let found =
            alerts.as_array()?.iter().find(|it| it["labels"]["alertname"] == "BoosterDeadJobsGrowing")?;
        Some(found.clone())
    })
    .await;
    assert_eq!(alert["labels"]["queue"], "low", "{alert}");
    assert_eq!(alert["receivers"], json!([{ "name": "working-hours" }]));
    // Its end is that of everything it started. (A shell without a terminal may not see SIGINT.)
    kill_process(Pid::from_raw(i32::try_from(script.id().unwrap()).unwrap()).unwrap(), Signal::TERM).unwrap();
    let status = tokio::time::timeout(LIMIT, script.wait()).await.expect("the script does not end").unwrap();
    assert_eq!(status.code(), Some(143));
    for listen in [&prometheus, &alertmanager] {
        assert!(std::net::TcpStream::connect(listen).is_err(), "{listen} still listens");
    }
    fleet.stop().await;
}
