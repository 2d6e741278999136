//! What is committed under `monitoring/` holds together: rules, alerts and their tests, dashboards, the runbook.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use booster_tests::source_root;
use serde_json::Value;

const BOARDS: [&str; 4] = ["boosters", "fleet", "pool", "redis"];

fn monitoring() -> PathBuf {
    source_root().join("monitoring")
}

fn read(path: &str) -> String {
    let path = source_root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A panel's queries, as Grafana keeps them.
pub(crate) struct Panel {
    /// The dashboard's file, without its ending.
    pub(crate) board: String,
    /// What stands above it.
    pub(crate) title: String,
    /// One for each of its lines.
    pub(crate) queries: Vec<String>,
}

fn board(name: &str) -> Value {
    serde_json::from_str(&read(&format!("monitoring/grafana/dashboards/{name}.json"))).unwrap()
}

fn visible(board: &Value) -> impl Iterator<Item = &Value> {
    board["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
}

/// The panels of all dashboards.
pub(crate) fn panels() -> Vec<Panel> {
    let mut found = Vec::new();
    for name in BOARDS {
        for panel in visible(&board(name)) {
            let targets = panel["targets"].as_array().unwrap();
            found.push(Panel {
                board: name.to_owned(),
                title: panel["title"].as_str().unwrap().to_owned(),
                queries: targets.iter().map(|target| target["expr"].as_str().unwrap().to_owned()).collect(),
            });
        }
    }
    found
}

/// The values of all lines `key: value` of a YAML text of ours.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let key = format!("{key}: ");
    let value = |line: &'a str| line.trim_start().trim_start_matches("- ").strip_prefix(key.as_str());
    text.lines().filter_map(value).map(|value| value.trim_matches('"')).collect()
}

/// The names of all recording rules, each once.
pub(crate) fn recorded() -> BTreeSet<String> {
    let text = read("monitoring/prometheus/rules/recording.yml");
    values(&text, "record").into_iter().map(str::to_owned).collect()
}

/// The series that are documented.
fn documented() -> BTreeSet<String> {
    read("monitoring/series.txt").lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

fn check(program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(monitoring().join("prometheus"))
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; run `make test`"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}

#[test]
fn prometheus_and_alertmanager_take_their_files_and_the_rules_pass_their_tests() {
    check("promtool", &["check", "config", "prometheus.yml"]);
    check("promtool", &["test", "rules", "tests/recording.yml", "tests/alerts.yml"]);
    check("amtool", &["check-config", "../alertmanager/alertmanager.yml"]);
}

#[test]
fn every_alert_says_what_to_do_and_has_a_test_that_fires_it_and_one_that_does_not() {
    let rules = read("monitoring/prometheus/rules/alerts.yml");
    let tests = read("monitoring/prometheus/tests/alerts.yml");
    let runbook = read("docs/operations.md");
    let anchors: BTreeSet<String> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| heading.to_lowercase().replace(' ', "-"))
        .collect();
    // For each alert, what its tests expect: nothing (false), or something (true).
    let mut expected: BTreeMap<&str, BTreeSet<bool>> = BTreeMap::new();
    let mut alert = "";
    for line in tests.lines().map(|line| line.trim_start().trim_start_matches("- ")) {
        if let Some(name) = line.strip_prefix("alertname: ") {
            alert = name;
        } else if let Some(alerts) = line.strip_prefix("exp_alerts:") {
            expected.entry(alert).or_default().insert(alerts.trim() != "[]");
        }
    }
    let alerts: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 12, "only {} alerts were found", alerts.len());
    for text in alerts {
        let name = text.lines().next().unwrap();
        assert!(
            matches!(values(text, "severity")[..], ["warning" | "critical"]),
            "the severity of {name} is none of warning, critical"
        );
        for key in ["summary", "description"] {
            assert!(values(text, key).iter().any(|value| value.len() > 10), "{name} has no {key}");
        }
        let [link] = values(text, "runbook_url")[..] else { panic!("{name} has no runbook_url") };
        let anchor = link.strip_prefix("docs/operations.md#").unwrap_or_else(|| panic!("{name}: {link}"));
        assert!(anchors.contains(anchor), "{name}: docs/operations.md has no heading for #{anchor}");
        assert_eq!(anchor, name.to_lowercase(), "{name} has another alert's page");
        let section = runbook.split(&format!("\n## {name}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
        for part in ["**Meaning.**", "**Look at.**", "**Do.**"] {
            assert!(section.contains(part), "docs/operations.md#{anchor} has no {part}");
        }
        assert_eq!(
            expected.get(name),
            Some(&BTreeSet::from([false, true])),
            "{name} needs a test that fires it (true) and one that does not (false)"
        );
    }
}

/// Codes of errors that begin as series do.
const NO_SERIES: [&str; 1] = ["booster_unknown"];

/// The words of a text that look like a series or a recorded one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':')
        .map(|word| word.trim_end_matches(':'))
        .filter(|word| word.starts_with("booster_") || word.starts_with("booster:"))
        .filter(|word| !NO_SERIES.contains(word))
}

#[test]
fn every_metric_that_rules_dashboards_and_pages_name_exists() {
    let (documented, recorded) = (documented(), recorded());
    let mut checked = 0;
    let mut texts: Vec<(String, String)> = [
        "monitoring/prometheus/rules/recording.yml",
        "monitoring/prometheus/rules/alerts.yml",
        "monitoring/prometheus/tests/recording.yml",
        "monitoring/prometheus/tests/alerts.yml",
        "docs/operations.md",
    ]
    .iter()
    .map(|path| ((*path).to_owned(), read(path)))
    .collect();
    texts.extend(BOARDS.iter().map(|name| {
        let board = board(name);
        let queries =
            panels().into_iter().filter(|panel| panel.board == *name).flat_map(|panel| panel.queries);
        let choices = board["templating"]["list"].as_array().unwrap();
        let choices = choices.iter().filter_map(|choice| choice["definition"].as_str()).map(str::to_owned);
        ((*name).to_owned(), queries.chain(choices).collect::<Vec<_>>().join("\n"))
    }));
    for (path, text) in &texts {
        for word in words(text) {
            let known = if word.starts_with("booster:") {
                // A test's pattern may mean all that begin alike.
                let pattern = path.contains("/tests/");
                recorded.iter().any(|name| name == word || (pattern && name.starts_with(word)))
            } else {
                let ends = ["", "_bucket", "_sum", "_count"];
                ends.iter().filter_map(|end| word.strip_suffix(end)).any(|base| documented.contains(base))
            };
            assert!(known, "{path} names {word}");
            checked += 1;
        }
    }
    assert!(checked > 300, "only {checked} names were found");
}

#[test]
fn the_dashboards_are_what_their_source_makes() {
    let made = tempfile::tempdir().unwrap();
    let output = Command::new("node")
        .arg(monitoring().join("grafana/generate.mjs"))
        .arg(made.path())
        .output()
        .expect("node is not installed; run `make test`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = |dir: PathBuf| -> BTreeSet<String> {
        let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    };
    let committed = names(monitoring().join("grafana/dashboards"));
    assert_eq!(committed, BOARDS.iter().map(|name| format!("{name}.json")).collect());
    assert_eq!(names(made.path().to_path_buf()), committed);
    for name in committed {
        let fresh = std::fs::read_to_string(made.path().join(&name)).unwrap();
        assert!(
            fresh == read(&format!("monitoring/grafana/dashboards/{name}")),
            "{name} was changed by hand, or its source was and `make dashboards` has not run since"
        );
    }
}

#[test]
fn dashboards_can_be_imported_anywhere_and_lead_to_each_other() {
    let uid = |board: &Value| board["uid"].as_str().unwrap().to_owned();
    let uids: BTreeSet<String> = BOARDS.iter().map(|name| uid(&board(name))).collect();
    assert_eq!(uids.len(), BOARDS.len(), "two dashboards have the same uid");
    for name in BOARDS {
        let board = board(name);
        let links: BTreeSet<String> = board["links"].as_array().unwrap().iter().map(link_target).collect();
        let others: BTreeSet<String> = uids.iter().filter(|other| **other != uid(&board)).cloned().collect();
        assert_eq!(links, others, "{name}");
        let choices = board["templating"]["list"].as_array().unwrap();
        assert_eq!((&choices[0]["name"], &choices[0]["type"]), (&"datasource".into(), &"datasource".into()));
        for choice in &choices[1..] {
            assert_eq!(choice["datasource"]["uid"], "${datasource}", "{name}: {}", choice["name"]);
        }
        let variables: BTreeSet<&str> = choices.iter().filter_map(|choice| choice["name"].as_str()).collect();
        let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
        for panel in visible(&board) {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}, {title}: its id is taken");
            assert!(titles.insert(title), "{name}, {title}: its title is taken");
            check_panel(name, panel, &variables);
        }
        check_places(name, &board);
    }
}

fn link_target(link: &Value) -> String {
    link["url"].as_str().unwrap().strip_prefix("/d/").unwrap().to_owned()
}

fn check_panel(board: &str, panel: &Value, variables: &BTreeSet<&str>) {
    let title = &panel["title"];
    assert_eq!(panel["datasource"]["uid"], "${datasource}", "{board}, {title}");
    assert!(
        panel["description"].as_str().is_some_and(|text| text.ends_with('.')),
        "{board}, {title}: description"
    );
    let defaults = &panel["fieldConfig"]["defaults"];
    assert!(defaults["unit"].as_str().is_some_and(|unit| !unit.is_empty()), "{board}, {title}: unit");
    let steps = defaults["thresholds"]["steps"].as_array().unwrap();
    let values: Vec<Option<f64>> = steps.iter().map(|step| step["value"].as_f64()).collect();
    assert!(values[0].is_none(), "{board}, {title}: the first threshold is the colour below all others");
    assert!(values[1..].windows(2).all(|pair| pair[0] < pair[1]), "{board}, {title}: thresholds ascend");
    let targets = panel["targets"].as_array().unwrap();
    assert!(!targets.is_empty(), "{board}, {title}: no query");
    for target in targets {
        assert_eq!(target["datasource"]["uid"], "${datasource}", "{board}, {title}");
        let query = target["expr"].as_str().unwrap();
        for part in query.split('$').skip(1) {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
            let variable = &part[..end];
            assert!(
                variable == "__rate_interval" || variables.contains(variable),
                "{board}, {title}: ${variable} is no variable of the dashboard"
            );
        }
    }
}

/// No panel reaches over the edge or lies on another.
fn check_places(name: &str, board: &Value) {
    let mut taken = BTreeSet::new();
    for panel in board["panels"].as_array().unwrap() {
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{name}, {}", panel["title"]);
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{name}, {} lies on another panel", panel["title"]);
            }
        }
    }
}
