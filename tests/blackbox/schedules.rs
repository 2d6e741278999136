//! Cron schedules: one job for each tick, whatever number of workers run and die.

use std::time::Duration;

use booster_core::{Job, Schedule};
use booster_queue::now_ms;
use booster_tests::{Boosters, Fleet, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::gateway::gateway;

const EVERY_SECOND: &str = "* * * * * *";
const NOOP: &str = r#"{"booster":"noop","input":{}}"#;

fn schedule(name: &str, cron: &str) -> Schedule {
    Schedule::new(name, cron, None, Job::from_json(NOOP).unwrap()).unwrap()
}

/// The ticks of `name` that have a job in the queue `normal`, in Unix seconds and in order.
async fn ticks(fleet: &Fleet, name: &str) -> Vec<u64> {
    let prefix = fleet.client.queue("normal").keys().job(&format!("cron-{name}-"));
    let keys: Vec<String> = fleet.redis(&["KEYS", &format!("{prefix}*")]).await;
    let mut ticks: Vec<u64> =
        keys.iter().map(|key| key.strip_prefix(&prefix).unwrap().parse().unwrap()).collect();
    ticks.sort_unstable();
    ticks
}

/// Waits until `count` ticks have been fired.
async fn fired(fleet: &Fleet, name: &str, count: usize) -> Vec<u64> {
    eventually("ticks are fired", || async {
        let ticks = ticks(fleet, name).await;
        (ticks.len() >= count).then_some(ticks)
    })
    .await
}

/// Which of the fleet's workers keeps the queue.
async fn keeper(fleet: &Fleet) -> usize {
    eventually("the queue has a keeper among the workers", || async {
        let holder: Option<String> =
            fleet.redis(&["GET", &fleet.client.queue("normal").keys().keeper()]).await;
        let profile = fleet.client.keys().agent(&holder?);
        let listen: Option<String> = fleet.redis(&["HGET", &profile, "listen"]).await;
        let listen = listen?;
        fleet.workers.iter().position(|worker| worker.listen().to_string() == listen)
    })
    .await
}

/// All jobs that the queue has ever accepted, and those that have ended as done.
async fn accepted_and_done(fleet: &Fleet) -> (u64, u64) {
    let stats = fleet.client.queue("normal").keys().stats();
    let accepted: Option<u64> = fleet.redis(&["HGET", &stats, "enqueued:noop"]).await;
    (accepted.unwrap_or(0), fleet.client.queue("normal").counts().await.unwrap().done)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tick_is_one_job_while_the_keeper_is_killed_and_workers_come() {
    let mut fleet = Fleet::start(3, Boosters::Small, |_| {}).await;
    let added = fleet.booster(&["schedule", "add", "beat", "--cron", EVERY_SECOND, "-"], NOOP).await;
    assert_eq!(added.status, 0, "{}", added.stderr);
    fired(&fleet, "beat", 3).await;
    let killed = keeper(&fleet).await;
    fleet.workers[killed].kill().await;
    fleet.workers.remove(killed);
    fleet.spawn(&[]);
    let so_far = ticks(&fleet, "beat").await.len();
    fired(&fleet, "beat", so_far + 7).await;
    assert_eq!(fleet.booster(&["schedule", "remove", "beat"], "").await.status, 0);
    fleet.ready().await;
    // Whatever was fired while it was removed has come now.
    sleep(Duration::from_secs(2)).await;
    let ticks = ticks(&fleet, "beat").await;
    let expected: Vec<u64> = (ticks[0]..=ticks[ticks.len() - 1]).collect();
    assert_eq!(ticks, expected, "a tick is missing");
    eventually("all have run", || async {
        (accepted_and_done(&fleet).await.1 == ticks.len() as u64).then_some(())
    })
    .await;
    assert_eq!(accepted_and_done(&fleet).await.0, ticks.len() as u64, "a tick was fired twice");
    let left: u64 = fleet.redis(&["EXISTS", &fleet.client.queue("normal").keys().ticks()]).await;
    assert_eq!(left, 0, "nothing is left of a removed schedule");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_was_down_fires_only_the_latest_missed_tick() {
    let mut fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    fleet.client.add_schedule(&schedule("beat", EVERY_SECOND)).await.unwrap();
    fired(&fleet, "beat", 2).await;
    fleet.workers.remove(0).kill().await;
    // Longer than any handover between keepers.
    sleep(Duration::from_secs(13)).await;
    let before = ticks(&fleet, "beat").await;
    fleet.spawn(&[]);
    fleet.ready().await;
    let after = fired(&fleet, "beat", before.len() + 4).await;
    let gaps: Vec<u64> = after.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap != 1).collect();
    assert_eq!(gaps.len(), 1, "one gap, and all after it: {after:?}");
    assert!(gaps[0] >= 12, "{after:?}");

    // A daily schedule whose last tick was missed: it is fired once, and the day before it never.
    let stored = schedule("daily", "@daily").added(now_ms() - 3 * 86_400_000).to_stored().unwrap();
    let keys = fleet.client.queue("normal").keys().clone();
    let _: u64 = fleet.redis(&["HSET", &keys.schedules(), "daily", &stored]).await;
    let fired_day = fired(&fleet, "daily", 1).await;
    let midnight = fired_day[0];
    assert_eq!((fired_day.len(), midnight), (1, now_ms() / 86_400_000 * 86_400));
    // Its record lapses one day, and it is still not fired again.
    let _: u64 = fleet.redis(&["DEL", &keys.job(&format!("cron-daily-{midnight}"))]).await;
    fleet.workers.remove(0).kill().await;
    fleet.spawn(&[]);
    fleet.ready().await;
    let count = ticks(&fleet, "beat").await.len();
    fired(&fleet, "beat", count + 2).await;
    assert!(ticks(&fleet, "daily").await.is_empty());
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_schedule_is_skipped_and_the_others_fire_on() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let schedules = fleet.client.queue("normal").keys().schedules();
    for text in ["not json", r#"{"cron":"* * * * *"}"#] {
        let _: u64 = fleet.redis(&["HSET", &schedules, "broken", text]).await;
    }
    fleet.client.add_schedule(&schedule("beat", EVERY_SECOND)).await.unwrap();
    fired(&fleet, "beat", 3).await;
    let listed = fleet.booster(&["schedule", "list", "--json"], "").await.json();
    let broken = listed.iter().find(|view| view["name"] == "broken").unwrap();
    assert!(broken["error"].is_string() && broken["nextTick"].is_null(), "{broken}");
    let log = std::fs::read_to_string(fleet.dir.path().join("worker-1.log")).unwrap();
    assert_eq!(log.matches("skipped a schedule").count(), 1, "{log}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_gets_the_latest_tick_when_it_has_room_again() {
    let fleet = Fleet::start(1, Boosters::Small, |config| {
        config.redis.max_waiting = 1;
        config.wasm.pool_size = 1;
    })
    .await;
    // A job for later fills the queue.
    let later = now_ms() + 3_600_000;
    fleet.submit(&format!(r#"{{"id":"later","booster":"noop","input":{{}},"runAt":{later}}}"#)).await;
    fleet.client.add_schedule(&schedule("beat", EVERY_SECOND)).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert!(ticks(&fleet, "beat").await.is_empty());
    let freed = now_ms() / 1000;
    fleet.client.cancel("later").await.unwrap();
    let first = fired(&fleet, "beat", 1).await[0];
    assert!(first + 2 >= freed, "an old tick was kept: {first}, room since {freed}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_adds_lists_and_removes_and_names_what_is_wrong() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let long = "x".repeat(65);
    let own_id = r#"{"id":"mine","booster":"noop","input":{}}"#;
    let large = format!(r#"{{"booster":"noop","input":"{}"}}"#, "x".repeat(70_000));
    for (arguments, job, word) in [
        (&["a b", "--cron", "* * * * *"][..], NOOP, "`a b`"),
        (&[&long, "--cron", "* * * * *"], NOOP, "1 to 64"),
        (&["s", "--cron", "61 * * * *"], NOOP, "`61 * * * *`"),
        (&["s", "--cron", "* * * *"], NOOP, "expected minute, hour"),
        (&["s", "--cron", "0 0 30 2 *"], NOOP, "no day matches"),
        (&["s", "--cron", "* * * * *", "--timezone", "Mars/Olympus"], NOOP, "`Mars/Olympus`"),
        (&["s", "--cron", "* * * * *", "--queue", "a b"], NOOP, "queue a b"),
        (&["s", "--cron", "* * * * *"], own_id, "`id`"),
        (&["s", "--cron", "* * * * *"], r#"{"booster":"nope","input":1}"#, "noop@"),
        (&["s", "--cron", "* * * * *"], "{", "schedule `s`"),
        (&["s", "--cron", "* * * * *"], &large, "65536"),
    ] {
        let output = fleet.booster(&[&["schedule", "add"], arguments, &["-"]].concat(), job).await;
        assert_eq!(output.status, 2, "{arguments:?}");
        assert!(output.stderr.contains(word), "{arguments:?}: {}", output.stderr);
    }
    assert_eq!(fleet.booster(&["schedule", "list", "--json"], "").await.stdout, "");

    let zone = ["schedule", "add", "night", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin"];
    assert_eq!(fleet.booster(&[&zone[..], &["--queue", "other", "-"]].concat(), NOOP).await.status, 0);
    let taken = fleet.booster(&[&zone[..], &["-"]].concat(), NOOP).await;
    assert!(taken.status == 2 && taken.stderr.contains("queue other has it"), "{}", taken.stderr);
    let view = fleet.booster(&["schedule", "list", "--json"], "").await.json().remove(0);
    assert_eq!(
        (&view["name"], &view["queue"], &view["job"]["booster"]),
        (&json!("night"), &json!("other"), &json!("noop"))
    );
    let next = view["nextTick"].as_u64().unwrap();
    assert!(next > now_ms() && next % 1_800_000 == 0 && view["lastTick"].is_null(), "{view}");
    let table = fleet.booster(&["schedule", "list"], "").await.stdout;
    assert!(table.contains("Europe/Berlin") && table.contains("30 2 * * *"), "{table}");
    assert_eq!(fleet.booster(&["schedule", "remove", "night"], "").await.status, 0);
    assert_eq!(fleet.booster(&["schedule", "remove", "night"], "").await.status, 5);
    assert!(fleet.client.schedules("other").await.unwrap().is_empty());
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_has_a_bounded_number_of_schedules() {
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let queue = fleet.client.queue("normal");
    for number in 0..256 {
        queue.add_schedule(&schedule(&format!("s{number}"), "@daily")).await.unwrap();
    }
    let error = queue.add_schedule(&schedule("s256", "@daily")).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("schedules_full", false));
    assert!(error.to_string().contains("256"), "{error}");
    queue.add_schedule(&schedule("s7", "@hourly")).await.unwrap();
    assert_eq!(queue.schedules().await.unwrap().len(), 256);
    fleet.stop().await;
}

/// Sends one request about schedules and returns status and body.
async fn ask(method: Method, url: &str, body: &str) -> (StatusCode, Value) {
    let answer = reqwest::Client::new().request(method, url).body(body.to_owned()).send().await.unwrap();
    let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
    if !status.is_success() {
        assert_eq!(kind.unwrap(), "application/problem+json");
    }
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_keeps_schedules() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let url = format!("{}/v1/schedules", gateway(&fleet).await);
    let beat = format!("{url}/beat");
    let body = format!(r#"{{"cron":"{EVERY_SECOND}","job":{NOOP}}}"#);
    let (status, view) = ask(Method::PUT, &beat, &body).await;
    assert_eq!(
        (status, &view["queue"], &view["timezone"]),
        (StatusCode::OK, &json!("normal"), &json!("UTC"))
    );
    fired(&fleet, "beat", 2).await;
    // The same again loses nothing and begins nothing anew.
    let (_, again) = ask(Method::PUT, &beat, &body).await;
    assert_eq!(again["addedAt"], view["addedAt"]);
    let (status, listed) = ask(Method::GET, &url, "").await;
    assert_eq!((status, listed["schedules"].as_array().unwrap().len()), (StatusCode::OK, 1));
    assert!(
        listed["schedules"][0]["lastTick"].is_u64() && listed["schedules"][0]["job"].is_null(),
        "{listed}"
    );
    assert_eq!(ask(Method::GET, &beat, "").await.1["job"]["booster"], "noop");

    for (name, body, status, code) in [
        ("s", "nonsense", 400, "schedule_not_json"),
        ("s", r#"{"cron":"* * * * *"}"#, 400, "schedule_field_invalid"),
        ("s", r#"{"cron":"x","job":{"booster":"noop","input":1}}"#, 400, "schedule_cron_invalid"),
        (
            "s",
            r#"{"cron":"@daily","timezone":"X","job":{"booster":"noop","input":1}}"#,
            400,
            "schedule_timezone_unknown",
        ),
        ("s", r#"{"cron":"@daily","job":{"booster":"nope","input":1}}"#, 400, "booster_unknown"),
        ("s", r#"{"cron":"@daily","job":{"booster":"noop"}}"#, 400, "job_field_missing"),
        ("a%20b", r#"{"cron":"@daily","job":{"booster":"noop","input":1}}"#, 400, "schedule_name_invalid"),
    ] {
        let (found, problem) = ask(Method::PUT, &format!("{url}/{name}"), body).await;
        assert_eq!((found.as_u16(), &problem["code"]), (status, &json!(code)), "{problem}");
    }
    assert_eq!(ask(Method::DELETE, &beat, "").await.0, StatusCode::NO_CONTENT);
    for method in [Method::GET, Method::DELETE] {
        let (status, problem) = ask(method, &beat, "").await;
        assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("schedule_unknown")));
    }
    assert_eq!(ask(Method::POST, &url, "").await.1["code"], "method_wrong");
    fleet.stop().await;
}
