//! The command lines that scripts depend on: outputs and exit statuses.

use std::time::Duration;

use booster_tests::{Boosters, Fleet, program_path, run, run_within, within};

/// The demo's workers compile all boosters that ship with the fleet, beside other tests.
const DEMO_LIMIT: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn submit_wait_and_status_tell_outcomes_by_exit_status() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let done = r#"{"id":"a","booster":"noop","input":{}}"#;
    let refused = r#"{"id":"b","booster":"faulty","input":{"do":"refuse"}}"#;
    let dead = r#"{"id":"c","booster":"faulty","input":{"do":"panic"},"maxRetries":0}"#;
    for (jobs, status) in
        [(done.to_owned(), 0), (format!("{done}\n{refused}"), 3), (format!("{refused}\n{dead}\n{done}"), 4)]
    {
        let output = fleet.booster(&["submit", "-", "--wait", "--json"], &jobs).await;
        assert_eq!(output.status, status, "{}", output.stderr);
        assert_eq!(output.json().len(), jobs.lines().count());
    }
    for (id, status, state) in [("a", 0, "done"), ("b", 3, "refused"), ("c", 4, "dead")] {
        let output = fleet.booster(&["status", id, "--json"], "").await;
        assert_eq!(output.status, status);
        let line = &output.json()[0];
        assert_eq!((&line["state"], &line["queue"]), (&state.into(), &"normal".into()));
        assert_eq!(fleet.booster(&["wait", id], "").await.status, status);
    }
    assert_eq!(fleet.booster(&["status", "nobody"], "").await.status, 5);
    assert_eq!(fleet.booster(&["wait", "nobody"], "").await.status, 5);
    assert_eq!(fleet.booster(&["status"], "").await.status, 2);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_jobs_are_listed_shown_retried_and_dropped() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let dead = |id: &str, priority: &str| {
        format!(
            r#"{{"id":"{id}","booster":"faulty","input":{{"do":"panic"}},"maxRetries":1,"priority":"{priority}"}}"#
        )
    };
    let jobs = [dead("d1", "normal"), dead("d2", "high"), dead("d3", "normal")].join("\n");
    assert_eq!(fleet.booster(&["submit", "-", "--wait"], &jobs).await.status, 4);

    let listed = fleet.booster(&["dead", "list", "--json"], "").await.json();
    let mut ids: Vec<&str> = listed.iter().map(|outcome| outcome["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["d1", "d2", "d3"]);
    assert!(listed.iter().all(|outcome| outcome["attempts"] == 2 && outcome["error"]["code"] == "panic"));
    let table = fleet.booster(&["dead", "list"], "").await.stdout;
    assert!(table.lines().count() == 4 && table.contains("panic"), "{table}");
    let shown = fleet.booster(&["dead", "show", "d2"], "").await.json();
    assert_eq!((&shown[0]["id"], &shown[1]["input"]["do"]), (&"d2".into(), &"panic".into()));

    // It runs again from the beginning and dies again: the books count it once.
    let again = fleet.booster(&["dead", "retry", "d1"], "").await;
    assert_eq!((again.status, again.stdout.trim()), (0, "d1 waits again"));
    let outcome = fleet.outcome("d1").await;
    assert_eq!((outcome.outcome, outcome.attempts), (booster_core::OutcomeKind::Dead, 2));
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!((counts.dead, counts.depth.dead), (2, 2));

    let dropped = fleet.booster(&["dead", "drop", "d1", "nobody"], "").await;
    assert_eq!((dropped.status, dropped.stdout.trim()), (5, "d1 is forgotten"));
    assert_eq!(fleet.booster(&["status", "d1"], "").await.status, 5);
    assert_eq!(fleet.booster(&["dead", "retry", "d1"], "").await.status, 5);
    assert_eq!(fleet.booster(&["dead", "retry"], "").await.status, 2);
    assert_eq!(fleet.booster(&["dead", "retry", "--all"], "").await.status, 0);
    assert_eq!(fleet.outcomes(vec!["d2".into(), "d3".into()]).await.len(), 2);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_whether_it_waits_is_delayed_or_runs() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    fleet.submit(r#"{"id":"waiting","booster":"noop","input":{}}"#).await;
    let later = booster_queue::now_ms() + 3_600_000;
    fleet.submit(&format!(r#"{{"id":"later","booster":"noop","input":{{}},"runAt":{later}}}"#)).await;
    for id in ["waiting", "later"] {
        assert_eq!(fleet.booster(&["cancel", id], "").await.status, 0);
        assert_eq!(fleet.outcome(id).await.outcome, booster_core::OutcomeKind::Cancelled);
        assert_eq!(fleet.booster(&["cancel", id], "").await.status, 1, "it has ended");
        assert_eq!(fleet.booster(&["status", id], "").await.status, 4);
    }
    assert_eq!(fleet.booster(&["cancel", "nobody"], "").await.status, 5);

    fleet.spawn(&[]);
    fleet.ready().await;
    fleet.submit(r#"{"id":"runs","booster":"faulty","input":{"do":"loop"},"timeoutMs":60000}"#).await;
    within(booster_tests::LIMIT, "it runs", || async {
        (fleet.client.status("runs").await.unwrap()?.state == "running").then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begin = std::time::Instant::now();
    assert_eq!(fleet.booster(&["cancel", "runs"], "").await.status, 0);
    let outcome = fleet.outcome("runs").await;
    assert_eq!((outcome.outcome, outcome.attempts), (booster_core::OutcomeKind::Cancelled, 0));
    assert!(begin.elapsed() < Duration::from_secs(10), "long before its deadline");
    let queue = fleet.client.queue("normal");
    let counts = queue.counts().await.unwrap();
    assert_eq!((counts.cancelled, counts.done, counts.depth.waiting, counts.depth.delayed), (3, 0, 0, 0));
    // The metrics tell of all three, though no worker had a part in two of them.
    let url = format!("http://{}/metrics", fleet.workers[0].listen());
    within(booster_tests::LIMIT, "three cancelled jobs are counted", || async {
        let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
        let of_outcome =
            |line: &&str| line.starts_with("booster_jobs_finished_total") && line.contains("cancelled");
        let counted: f64 = text
            .lines()
            .filter(of_outcome)
            .filter_map(|line| line.split(' ').nth(1)?.parse::<f64>().ok())
            .sum();
        (counted == 3.0).then_some(())
    })
    .await;
    // The slot is free for the next job, and what was cancelled does not come back.
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(fleet.outcome(&id).await.outcome, booster_core::OutcomeKind::Done);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_submit_of_an_id_is_a_no_op() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let job = r#"{"id":"once","booster":"noop","input":{}}"#;
    let first = fleet.booster(&["submit", "-", "--json"], job).await;
    assert_eq!(first.json()[0], serde_json::json!({ "id": "once", "queue": "normal", "accepted": true }));
    fleet.outcome("once").await;
    let second = fleet.booster(&["submit", "-", "--json"], job).await;
    assert_eq!(second.json()[0]["accepted"], false);
    let keyed = r#"{"idempotencyKey":"order 66","booster":"noop","input":{}}"#;
    let first = fleet.booster(&["submit", "-", "--json"], keyed).await;
    let second = fleet.booster(&["submit", "-", "--json"], keyed).await;
    assert_eq!(first.json()[0]["id"], second.json()[0]["id"]);
    assert_eq!(second.json()[0]["accepted"], false);
    let id = first.json()[0]["id"].as_str().unwrap().to_owned();
    fleet.outcome(&id).await;
    let queues = fleet.booster(&["queues", "--json"], "").await.json();
    let normal = queues[0]["queues"].as_array().unwrap().iter().find(|q| q["name"] == "normal").unwrap();
    assert_eq!(normal["done"], 2);
    for field in ["waiting", "delayed", "running", "refused", "dead", "cancelled"] {
        assert_eq!(normal[field], 0, "{field}");
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_priority_means_its_queue_and_a_queue_can_be_named() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let output = fleet
        .booster(&["submit", "-", "--json"], r#"{"id":"p","booster":"noop","input":{},"priority":"high"}"#)
        .await;
    assert_eq!(output.json()[0]["queue"], "high");
    let output = fleet
        .booster(&["submit", "-", "--json", "--queue", "low"], r#"{"id":"q","booster":"noop","input":{}}"#)
        .await;
    assert_eq!(output.json()[0]["queue"], "low");
    let outcomes = fleet.outcomes(vec!["p".into(), "q".into()]).await;
    assert_eq!(outcomes.len(), 2);
    assert_eq!(fleet.client.status("p").await.unwrap().unwrap().queue, "high");
    assert_eq!(fleet.client.status("q").await.unwrap().unwrap().queue, "low");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pool_and_events_print_machine_output() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    fleet.outcome(&id).await;
    within(Duration::from_secs(10), "both slots are ready again", || async {
        let slots = fleet.booster(&["pool", "--json"], "").await.json();
        let slots = slots[0]["slots"].as_array().unwrap();
        assert!(slots.len() == 2 && slots.iter().all(|slot| slot["boosterId"].is_string()));
        slots.iter().all(|slot| slot["status"] == "ready").then_some(())
    })
    .await;
    let event = within(Duration::from_secs(10), "the job's event is printed", || async {
        let events = fleet.booster(&["events", "--since", "10m"], "").await.json();
        events.into_iter().find(|event| event["type"] == "booster.task.completed")
    })
    .await;
    assert_eq!(event["data"]["jobId"], id.as_str());
    assert_eq!(fleet.booster(&["events", "--since", "soon"], "").await.status, 2);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_redis_is_status_69_and_a_wrong_address_2() {
    let nobody = booster_producer::local::free_port().unwrap();
    let url = format!("redis://127.0.0.1:{nobody}");
    for arguments in [["queues", "--json"], ["status", "x"]] {
        let mut all = vec!["--redis-url", url.as_str()];
        all.extend(arguments);
        let output = run("booster", &all, "").await;
        assert_eq!(output.status, 69, "{}", output.stderr);
        assert_eq!(output.stdout, "");
    }
    let output = run("booster", &["--redis-url", "http://user:secret@x", "queues"], "").await;
    assert_eq!(output.status, 2);
    assert!(!output.stderr.contains("secret"), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_edits_a_file_without_redis_natively_and_in_the_sandbox() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("a.py"), "def one():\n    return 1\n\n\ndef two():\n    return 1\n").unwrap();
    std::fs::write(path("edit"), "def two():\n    return 2\n").unwrap();
    let changed = "def one():\n    return 1\n\n\ndef two():\n    return 2\n";
    for extra in [&[][..], &["--booster", "apply"][..]] {
        let (file, edit) = (path("a.py"), path("edit"));
        let mut arguments = vec!["apply", &file, "--edit", &edit];
        arguments.extend(extra);
        let output = run("booster", &arguments, "").await;
        assert_eq!((output.status, output.stdout.as_str()), (0, changed), "{}", output.stderr);
        arguments.push("--json");
        let json = run("booster", &arguments, "").await.json();
        assert_eq!((&json[0]["output"], &json[0]["success"]), (&changed.into(), &true.into()));
        assert!(json[0]["latency"].as_f64().unwrap() > 0.0);
    }
    let file = path("a.py");
    let refused =
        run("booster", &["apply", &file, "--edit", "-"], "Please rename it, if you would be so kind.").await;
    assert_eq!((refused.status, refused.stdout.as_str()), (3, ""));
    assert!(refused.stderr.contains("refused (edit_not_code)"), "{}", refused.stderr);
    let written = run("booster", &["apply", &file, "--edit", &path("edit"), "--write"], "").await;
    assert_eq!((written.status, written.stdout.as_str()), (0, ""));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), changed);
    assert_eq!(run("booster", &["apply", &path("missing.py"), "--edit", "-"], "").await.status, 2);
    let unknown = run("booster", &["apply", &file, "--edit", "-", "--booster", "nope"], "x").await;
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("apply@"), "{}", unknown.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn up_runs_a_fleet_and_leaves_nothing_behind() {
    use rustix::process::{Pid, Signal, kill_process, test_kill_process};
    let mut command = tokio::process::Command::new(program_path("booster"));
    command.args(["up", "--workers", "1", "--listen", "127.0.0.1:0", "--json"]).env("WASM_POOL_SIZE", "2");
    command.stdout(std::process::Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stdout.take().unwrap()));
    let line = tokio::time::timeout(booster_tests::LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let gateway = told["gateway"].as_str().unwrap();
    let worker = Pid::from_raw(told["workers"][0]["process"].as_i64().unwrap() as i32).unwrap();
    let job = r#"{"booster":"noop","input":{}}"#;
    let http = reqwest::Client::new();
    let answer: serde_json::Value =
        http.post(format!("{gateway}/v1/jobs")).body(job).send().await.unwrap().json().await.unwrap();
    let url = format!("{gateway}/v1/jobs/{}?wait=30", answer["id"].as_str().unwrap());
    let view: serde_json::Value = http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(view["state"], "done");

    test_kill_process(worker).unwrap();
    kill_process(Pid::from_raw(child.id().unwrap() as i32).unwrap(), Signal::INT).unwrap();
    let status = tokio::time::timeout(booster_tests::LIMIT, child.wait()).await.unwrap().unwrap();
    assert!(status.success());
    assert!(test_kill_process(worker).is_err(), "the worker still runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_checks_every_outcome_and_its_books_balance() {
    let output = run_within(DEMO_LIMIT, "booster-demo", &[], "").await;
    assert_eq!(output.status, 0, "{}\n{}", output.stdout, output.stderr);
    let closing = output.stdout.lines().last().unwrap();
    let numbers: Vec<u64> =
        closing.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    let [submitted, done, refused, dead, lost] = numbers[..] else { panic!("{closing}") };
    assert_eq!(
        closing,
        format!("demo: {submitted} submitted, {done} done, {refused} refused, {dead} dead, 0 lost")
    );
    assert_eq!((submitted, lost), (done + refused + dead, 0));
    assert!(submitted >= 200 && refused >= 8 && dead >= 4, "{closing}");
    for word in ["booster.recovered", "instanceId", "booster_jobs_finished_total", "edits/s"] {
        assert!(output.stdout.contains(word), "{word}:\n{}", output.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_a_worker_in_the_middle_of_the_demo_loses_nothing() {
    use rustix::process::{Pid, Signal, kill_process};
    let mut command = tokio::process::Command::new(program_path("booster-demo"));
    command.args(["--rounds", "15"]).stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stderr.take().unwrap()));
    let line = tokio::time::timeout(booster_tests::LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
    let victim = line.split_whitespace().find_map(|word| Pid::from_raw(word.parse().ok()?)).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    kill_process(victim, Signal::KILL).unwrap();
    let output = tokio::time::timeout(DEMO_LIMIT, child.wait_with_output()).await.unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.lines().last().unwrap().ends_with(" 0 lost"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_is_interrupted_or_killed_leaves_no_process_behind() {
    use rustix::process::{Pid, Signal, kill_process, test_kill_process};
    for signal in [Signal::INT, Signal::KILL] {
        let mut command = tokio::process::Command::new(program_path("booster-demo"));
        command.args(["--rounds", "20"]).stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines =
            tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stderr.take().unwrap()));
        let line =
            tokio::time::timeout(booster_tests::LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
        let pids: Vec<Pid> =
            line.split_whitespace().filter_map(|word| Pid::from_raw(word.parse().ok()?)).collect();
        assert_eq!(pids.len(), 2, "{line}");
        let port = line.split_once("127.0.0.1:").unwrap().1.split(',').next().unwrap().to_owned();
        kill_process(Pid::from_raw(child.id().unwrap() as i32).unwrap(), signal).unwrap();
        let status = tokio::time::timeout(booster_tests::LIMIT, child.wait()).await.unwrap().unwrap();
        assert!(!status.success());
        within(booster_tests::LIMIT, "the workers and Redis are gone", || async {
            let alive = pids.iter().filter(|pid| test_kill_process(**pid).is_ok()).count();
            let redis = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.is_ok();
            (alive == 0 && !redis).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_steers_a_fleet_answers_in_json_too() {
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    fleet.submit(r#"{"id":"waiting","booster":"noop","input":{}}"#).await;
    let job = r#"{"booster":"noop","input":{}}"#;
    for (arguments, status, answer) in [
        (&["cancel", "waiting"][..], 0, serde_json::json!({ "id": "waiting", "state": "cancelled" })),
        (&["cancel", "waiting"], 1, serde_json::json!({ "id": "waiting", "state": "cancelled" })),
        (&["cancel", "nobody"], 5, serde_json::json!({ "id": "nobody", "state": "unknown" })),
        (&["dead", "retry", "nobody"], 5, serde_json::json!({ "id": "nobody", "state": "unknown" })),
        (&["dead", "retry", "--all"], 0, serde_json::json!({ "revived": 0 })),
        (&["dead", "drop", "nobody"], 5, serde_json::json!({ "id": "nobody", "state": "unknown" })),
        (&["pause", "low"], 0, serde_json::json!({ "queue": "low", "mode": "paused" })),
        (&["drain", "low"], 0, serde_json::json!({ "queue": "low", "mode": "draining", "left": 0 })),
        (&["resume", "low"], 0, serde_json::json!({ "queue": "low", "mode": "open" })),
        (
            &["limit", "acme", "--per-second", "2.5"],
            0,
            serde_json::json!({ "tenant": "acme", "perSecond": 2.5, "burst": 3 }),
        ),
        (
            &["limit", "acme", "--none"],
            0,
            serde_json::json!({ "tenant": "acme", "perSecond": null, "burst": null }),
        ),
        (&["schedule", "remove", "nobody"], 5, serde_json::json!({ "name": "nobody", "removed": false })),
    ] {
        let output = fleet.booster(&[arguments, &["--json"]].concat(), job).await;
        assert_eq!(output.status, status, "{arguments:?}: {}", output.stderr);
        assert_eq!(output.json(), [answer], "{arguments:?}");
    }
    let added = ["schedule", "add", "yearly", "--cron", "@yearly", "--json", "-"];
    let added = fleet.booster(&added, job).await.json();
    assert_eq!((&added[0]["name"], &added[0]["queue"]), (&"yearly".into(), &"normal".into()));
    assert!(added[0]["nextTick"].as_u64().unwrap() > booster_queue::now_ms());
    let removed = fleet.booster(&["schedule", "remove", "yearly", "--json"], "").await.json();
    assert_eq!(removed, [serde_json::json!({ "name": "yearly", "removed": true })]);
}
