//! The scrape configuration with a real Prometheus against a real worker.

use std::process::Stdio;
use std::time::Duration;

use booster_state::Series;
use booster_tests::{Boosters, Fleet, eventually, source_root, within};
use serde_json::Value;
use tokio::process::{Child, Command};

/// Series that need an event which does not happen in a fleet that is well.
const ONLY_IN_TROUBLE: [Series; 4] =
    [Series::JobsDeduplicated, Series::JobsRecovered, Series::RedisErrors, Series::SpoolDropped];

struct Prometheus {
    _child: Child,
    url: String,
}

impl Prometheus {
    async fn start(fleet: &Fleet) -> Self {
        let home = fleet.dir.path().join("prometheus");
        copy_dir(&source_root().join("monitoring/prometheus"), &home);
        let targets: Vec<String> = fleet.workers.iter().map(|worker| worker.listen().to_string()).collect();
        let targets = serde_json::json!([{ "targets": targets }]).to_string();
        std::fs::write(home.join("targets/workers.json"), targets).unwrap();
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
        reqwest::get(format!("{}/api/v1/{path}", self.url)).await.unwrap().json().await.unwrap()
    }
}

fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_finds_every_series_of_a_worker() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let prometheus = Prometheus::start(&fleet).await;
    let ids = vec![
        fleet.submit(r#"{"booster":"noop","input":{}}"#).await,
        fleet.submit(r#"{"booster":"faulty","input":{"do":"panic"},"maxRetries":1}"#).await,
        fleet.submit(r#"{"booster":"faulty","input":{"do":"refuse"}}"#).await,
    ];
    fleet.outcomes(ids).await;
    let wanted: Vec<&str> = Series::ALL
        .into_iter()
        .filter(|series| !ONLY_IN_TROUBLE.contains(series))
        .map(Series::name)
        .collect();
    let missing = |found: &[String]| -> Vec<&str> {
        wanted
            .iter()
            .copied()
            .filter(|name| !found.iter().any(|f| f == name || f == &format!("{name}_bucket")))
            .collect()
    };
    eventually("every series has been scraped", || async {
        let names = prometheus.get("label/__name__/values").await;
        let found: Vec<String> =
            names["data"].as_array()?.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        let missing = missing(&found);
        if !missing.is_empty() {
            eprintln!("not yet: {missing:?}");
        }
        missing.is_empty().then_some(())
    })
    .await;
    // What Prometheus says is what happened.
    let finished = eventually("the last scrape has all three jobs", || async {
        let answer = prometheus.get("query?query=sum(booster_jobs_finished_total)by(outcome)").await;
        let rows = answer["data"]["result"].as_array()?.clone();
        (rows.len() == 3).then_some(rows)
    })
    .await;
    for row in finished {
        assert_eq!(row["value"][1], "1", "{row}");
    }
    let failed = prometheus.get("query?query=sum(booster_job_attempts_failed_total)").await;
    assert_eq!(failed["data"]["result"][0]["value"][1], "2", "one retry, so two failed attempts");
    let rules = prometheus.get("rules").await;
    let groups = rules["data"]["groups"].as_array().unwrap();
    assert!(!groups.is_empty());
    for rule in groups.iter().flat_map(|group| group["rules"].as_array().unwrap()) {
        assert_ne!(rule["health"], "err", "{rule}");
    }
    fleet.stop().await;
}

#[test]
fn every_metric_that_the_dashboard_and_the_rules_name_exists() {
    let known: Vec<&str> = Series::ALL.into_iter().map(Series::name).collect();
    let monitoring = source_root().join("monitoring");
    let mut checked = 0;
    for file in
        ["grafana/dashboards/fleet.json", "prometheus/rules/recording.yml", "prometheus/rules/alerts.yml"]
    {
        let text = std::fs::read_to_string(monitoring.join(file)).unwrap();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':') {
            // `booster:name` is a recording rule, `booster_name` a metric.
            let Some(base) = word.strip_prefix("booster_").map(|_| word) else { continue };
            let base =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
            assert!(known.contains(&base), "{file} names {word}");
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} names were found");
}
