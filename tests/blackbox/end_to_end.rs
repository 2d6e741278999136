//! One job's way through the fleet, and what others can see of it.

use std::collections::{BTreeMap, HashMap};

use booster_core::{Event, OutcomeKind};
use booster_examples::{default_dir, edits};
use booster_tests::{Boosters, Fleet, eventually};
use futures_util::StreamExt;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn edits_come_back_right_and_the_queue_counts_them() {
    let fleet = Fleet::start(2, Boosters::All, |_| {}).await;
    let cases: Vec<_> =
        edits(&default_dir()).unwrap().into_iter().filter(|case| case.group == "python").collect();
    let jobs = cases.iter().map(|case| case.job("").unwrap()).collect();
    let ids = fleet.client.submit_many(jobs, None, true).await.unwrap().into_iter().map(|s| s.id).collect();
    for outcome in fleet.outcomes(ids).await {
        let case = cases.iter().find(|case| outcome.id == format!("python-{}", case.name)).unwrap();
        case.check(&outcome).unwrap_or_else(|difference| panic!("{}: {difference}", case.name));
        assert!(outcome.latency_ms > 0.0 && outcome.booster.starts_with("apply@"));
    }
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    let expected = |word: &str| cases.iter().filter(|case| case.word() == word).count() as u64;
    assert_eq!((counts.done, counts.refused, counts.dead), (expected("done"), expected("refused"), 0));
    assert_eq!((counts.depth.waiting, counts.depth.running, counts.depth.delayed), (0, 0, 0));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_xadd_from_redis_cli_is_enough() {
    let fleet = Fleet::start(1, Boosters::All, |_| {}).await;
    let job = r#"{"booster":"apply","input":{"code":"def a():\n    return 1\n","edit":"def a():\n    return 2\n","language":"python"}}"#;
    let port = fleet.redis.url().rsplit(':').next().unwrap().to_owned();
    let output = Command::new("redis-cli")
        .args(["-p", &port, "XADD", "swarm:phase-5:{normal}:jobs", "*", "job", job])
        .output()
        .await
        .unwrap();
    let entry = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let outcome = fleet.outcome(&format!("normal-{entry}")).await;
    assert_eq!(outcome.outcome, OutcomeKind::Done);
    let output: serde_json::Value = serde_json::from_str(outcome.output.unwrap().get()).unwrap();
    assert_eq!(output["output"], "def a():\n    return 2\n");
    // The worker says for the producer what the producer did not say.
    let events = events_of(&fleet, &format!("normal-{entry}")).await;
    assert_eq!(events, ["booster.requested", "booster.allocated", "booster.task.completed"]);
    fleet.stop().await;
}

/// The types of a job's events in the fleet's stream, in order, once its last one is there.
async fn events_of(fleet: &Fleet, id: &str) -> Vec<String> {
    eventually("the job's events are in the fleet's stream", || async {
        let entries: Vec<(String, HashMap<String, String>)> =
            fleet.redis(&["XRANGE", "swarm:phase-5:events", "-", "+"]).await;
        let lines = entries.iter().flat_map(|(_, fields)| fields["events"].lines());
        let events: Vec<serde_json::Value> = lines.map(|text| serde_json::from_str(text).unwrap()).collect();
        let own: Vec<String> = events
            .iter()
            .filter(|event| event["data"]["jobId"] == id)
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect();
        let ended = own.iter().any(|kind| kind == "booster.task.completed" || kind == "booster.error");
        ended.then_some(own)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn state_hashes_pool_set_and_profile_are_as_documented() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let done = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    fleet.outcome(&done).await;
    let failed = fleet.submit(r#"{"booster":"faulty","input":{"do":"panic"},"maxRetries":0}"#).await;
    assert_eq!(fleet.outcome(&failed).await.outcome, OutcomeKind::Dead);

    let slots = eventually("both tasks are in a slot's history", || async {
        let slots = fleet.client.pool().await.unwrap();
        let tasks: usize = slots.iter().map(|(_, f)| f["taskHistory"].matches("taskId").count()).sum();
        (tasks == 2).then_some(slots)
    })
    .await;
    assert_eq!(slots.len(), 2, "one hash for each slot");
    let pool: Vec<String> = fleet.redis(&["SMEMBERS", "swarm:phase-5:pool"]).await;
    for (booster_id, fields) in &slots {
        let names: Vec<&str> = fields
            .keys()
            .map(String::as_str)
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        assert_eq!(
            names,
            [
                "errorCount",
                "instanceId",
                "lastActivity",
                "memoryUsage",
                "performanceMetrics",
                "status",
                "taskHistory"
            ]
        );
        assert!(["ready", "recovered"].contains(&fields["status"].as_str()), "{}", fields["status"]);
        assert!(fields["lastActivity"].parse::<u64>().unwrap() > 1_700_000_000_000);
        serde_json::from_str::<Vec<serde_json::Value>>(&fields["taskHistory"]).unwrap();
        serde_json::from_str::<serde_json::Value>(&fields["performanceMetrics"]).unwrap();
        let ttl: i64 = fleet.redis(&["TTL", &format!("swarm:phase-5:booster:{booster_id}")]).await;
        assert!((1..=3600).contains(&ttl), "{ttl}");

        assert!(pool.contains(&fields["instanceId"]));
        let instance_key = format!("swarm:phase-5:pool:{}", fields["instanceId"]);
        let instance: BTreeMap<String, String> = fleet.redis(&["HGETALL", &instance_key]).await;
        let names: Vec<&str> = instance.keys().map(String::as_str).collect();
        assert_eq!(names, ["createdAt", "healthStatus", "lastUsed", "memoryUsage", "wasmInstance"]);
        assert_eq!(instance["healthStatus"], "healthy");
        assert!(fleet.redis::<i64>(&["TTL", &instance_key]).await > 0);
    }
    let errors: u64 = slots.iter().map(|(_, fields)| fields["errorCount"].parse::<u64>().unwrap()).sum();
    assert_eq!((pool.len(), errors), (2, 1));
    let replaced = slots.iter().filter(|(id, fields)| fields["instanceId"] == format!("{id}-i2")).count();
    assert_eq!(replaced, 1, "the slot that failed has a new instance id, the other one keeps its own");

    let workers: Vec<String> = fleet.redis(&["ZRANGE", "swarm:phase-5:agents", "0", "-1"]).await;
    let profile: BTreeMap<String, String> =
        fleet.redis(&["HGETALL", &format!("swarm:phase-5:agent:{}", workers[0])]).await;
    assert_eq!(profile["type"], "code-booster");
    assert!(profile["capabilities"].contains("wasm-acceleration"));
    assert_eq!(profile["boosters"], r#"["faulty@0.1.0","noop@0.1.0"]"#);
    let requirements: serde_json::Value = serde_json::from_str(&profile["requirements"]).unwrap();
    let expected = serde_json::json!({ "wasmSupport": true, "memoryLimit": "512MB", "timeout": 30000 });
    assert_eq!(requirements, expected);
    for name in ["host", "version", "startedAt"] {
        assert!(!profile[name].is_empty(), "{name}");
    }

    // A worker that leaves takes its slots with it.
    let Fleet { workers, client, redis, .. } = fleet;
    for worker in workers {
        assert_eq!(worker.stop(booster_tests::LIMIT).await, Some(0));
    }
    let left: Vec<String> =
        client.link().query("test", redis::cmd("KEYS").arg("swarm:phase-5:[bp]oo*")).await.unwrap();
    assert_eq!(left, ["swarm:phase-5:boosters"], "only what the fleet has ever known stays");
    redis.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_event_types_are_published_on_the_channel_and_kept_in_the_stream() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let mut subscriber = fleet.client.link().subscriber().await.unwrap();
    subscriber.subscribe("swarm:phase-5:booster").await.unwrap();
    fleet.spawn(&[]);
    fleet.ready().await;
    let ids = vec![
        fleet.submit(r#"{"booster":"noop","input":{},"agentId":"agent-7"}"#).await,
        fleet.submit(r#"{"booster":"faulty","input":{"do":"panic"},"maxRetries":0}"#).await,
    ];
    fleet.outcomes(ids).await;
    let noop = booster_tests::modules_dir().join("noop.wasm").display().to_string();
    assert_eq!(fleet.booster(&["module", "push", &noop], "").await.status, 0);

    let mut seen: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    let mut messages = subscriber.on_message();
    while seen.len() < Event::TYPES.len() {
        let next = tokio::time::timeout(booster_tests::LIMIT, messages.next()).await;
        let message = next.unwrap_or_else(|_| panic!("only {:?} were published", seen.keys())).unwrap();
        let text: String = message.get_payload().unwrap();
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(event["timestamp"].as_u64().unwrap() > 1_700_000_000_000);
        seen.entry(event["type"].as_str().unwrap().to_owned()).or_insert(event);
    }
    for kind in Event::TYPES {
        assert!(seen.contains_key(kind), "{kind}");
    }
    assert_eq!(seen["booster.requested"]["data"]["queue"], "normal");
    assert_eq!(seen["booster.recovered"]["data"]["cause"], "panic");
    eventually("the stream has all types too", || async {
        let entries: Vec<(String, HashMap<String, String>)> =
            fleet.redis(&["XRANGE", "swarm:phase-5:events", "-", "+"]).await;
        let text: String = entries.iter().map(|(_, fields)| fields["events"].as_str()).collect();
        Event::TYPES.iter().all(|kind| text.contains(&format!("\"{kind}\""))).then_some(())
    })
    .await;
    drop(messages);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_expire_after_the_outcome_and_never_before() {
    let mut fleet = Fleet::start(0, Boosters::Small, |config| config.redis.ttl_s = 60).await;
    let id = fleet.submit(r#"{"booster":"noop","input":{}}"#).await;
    let key = format!("swarm:phase-5:{{normal}}:job:{id}");
    let live = "swarm:phase-5:{normal}:live";
    let line: String = fleet.redis(&["HGET", live, &id]).await;
    assert!(line.starts_with("waiting jobs/"), "{line}");
    assert_eq!(fleet.redis::<i64>(&["TTL", live]).await, -1, "what is known of a waiting job has no end");
    fleet.spawn(&[]);
    fleet.outcome(&id).await;
    let ttl: i64 = fleet.redis(&["TTL", &key]).await;
    assert!((1..=60).contains(&ttl), "{ttl}");
    fleet.ready().await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn task_records_in_the_older_form_are_written_when_asked_for() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.booster.compat_tasks = true).await;
    let id = fleet
        .submit(r#"{"booster":"noop","input":{"n":1},"agentId":"agent-7","meta":{"description":"try"}}"#)
        .await;
    fleet.outcome(&id).await;
    let text = eventually("the task record is there", || async {
        fleet.redis::<Option<String>>(&["GET", &format!("swarm:phase-5:tasks:{id}")]).await
    })
    .await;
    let task: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(task["taskId"], id.as_str());
    assert_eq!((&task["agentId"], &task["taskType"]), (&"agent-7".into(), &"noop".into()));
    assert_eq!((&task["description"], &task["input"]["n"]), (&"try".into(), &1.into()));
    assert_eq!((&task["result"], &task["usedFallback"]), (&serde_json::json!({}), &false.into()));
    assert!(task["executionTime"].as_f64().unwrap() > 0.0 && task["timestamp"].as_u64().unwrap() > 0);
    fleet.stop().await;
}
