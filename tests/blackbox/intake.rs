//! Services that push with apalis-redis, unchanged, get their jobs done by the fleet and see the outcomes with
//! apalis-redis' own `wait_for`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apalis_core::backend::{TaskResult, TaskSink, WaitForCompletion};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_redis::{Config as ApalisConfig, RedisStorage};
use booster_core::config::Intake;
use booster_core::{Config, Job, OutcomeKind};
use booster_producer::local::{LocalRedis, free_port};
use booster_queue::{Admission, Admit, Consumer, ConsumerConfig, Link, Silent};
use booster_tests::{Boosters, Fleet, LIMIT, eventually};
use futures_util::{SinkExt, StreamExt};
use redis::aio::ConnectionManagerConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const FOLLOWED: &str = "swarm:phase-5:{normal}:intake:edits";
const OFFICE: &str = "swarm:phase-5:{normal}:intake-office:edits";
const STATS: &str = "swarm:phase-5:{normal}:stats";
const JOBS: &str = "swarm:phase-5:{normal}:jobs";

/// A job as a service of one's own defines it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BoosterJob {
    booster: String,
    input: Value,
    max_retries: Option<u32>,
    tenant: Option<String>,
}

impl BoosterJob {
    fn new(input: Value) -> Self {
        Self { booster: "faulty".into(), input, max_retries: Some(0), tenant: None }
    }

    fn task(self, id: &str) -> Task<Self> {
        TaskBuilder::new(self).task_id(TaskId::from_string(id)).build()
    }
}

fn with_intake(config: &mut Config) {
    config.redis.intake = vec![Intake { namespace: "edits".into(), queue: "normal".into() }];
}

/// The service's own storage, as apalis-redis' documentation makes one. Only its patience with Redis is longer than
/// half a second: tests share the machine.
async fn storage<T>(fleet: &Fleet) -> RedisStorage<T> {
    let patient = ConnectionManagerConfig::new().set_response_timeout(Some(LIMIT));
    let client = apalis_redis::Client::open(fleet.config.redis.url.as_str()).unwrap();
    let connection = client.get_connection_manager_with_config(patient).await.unwrap();
    RedisStorage::new(connection).with_config(ApalisConfig::default().queue("edits"))
}

type Results = BTreeMap<String, TaskResult<Value>>;

/// What the service's `wait_for` yields for these tasks: each one once.
async fn wait_for<T>(storage: &mut RedisStorage<T>, ids: &[String]) -> Results
where
    T: Unpin + Send + Sync + 'static,
{
    let tasks: Vec<TaskId> = ids.iter().map(|id| TaskId::from_string(id.as_str())).collect();
    let mut stream = WaitForCompletion::<Value>::wait_for(storage, tasks);
    let mut results = Results::new();
    let collect = async {
        while let Some(result) = stream.next().await {
            let result = result.unwrap();
            let again = results.insert(result.task_id().to_string(), result);
            assert!(again.is_none(), "a result came twice");
        }
    };
    let in_time = tokio::time::timeout(LIMIT, collect).await.is_ok();
    assert!(in_time, "{} of {} results came", results.len(), ids.len());
    assert_eq!(results.len(), ids.len());
    results
}

/// Pushes `count` jobs that each take some milliseconds; returns their ids.
async fn push_work(storage: &mut RedisStorage<BoosterJob>, count: usize, times: u64) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|n| format!("work-{n}")).collect();
    for id in &ids {
        let job = BoosterJob::new(json!({"do": "work", "times": times}));
        storage.push_task(job.task(id)).await.unwrap();
    }
    ids
}

/// Every task of this test was moved once, is done and told, and apalis holds nothing of it but its end.
async fn balance(fleet: &Fleet, total: u64) {
    let left: u64 = fleet.redis(&["ZCARD", FOLLOWED]).await;
    let (waiting, data): (u64, u64) =
        (fleet.redis(&["ZCARD", "edits:scheduled"]).await, fleet.redis(&["HLEN", "edits:data"]).await);
    assert_eq!((left, waiting, data), (0, 0, 0), "followed, waiting with apalis, texts kept by apalis");
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!((counts.done, counts.deduplicated), (total, 0));
    assert_eq!(enqueued(fleet).await, total);
}

/// The task's status in apalis' words. A `TaskResult` may have an older one: apalis-redis reads the status first and
/// the result after it, in two steps.
async fn status(fleet: &Fleet, id: &str) -> String {
    fleet.redis(&["HGET", &format!("edits:meta:{id}"), "status"]).await
}

async fn enqueued(fleet: &Fleet) -> u64 {
    let counted: Option<u64> = fleet.redis(&["HGET", STATS, "enqueued:faulty"]).await;
    counted.unwrap_or(0)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_pushes_with_apalis_redis_and_waits_with_it() {
    let fleet = Fleet::start(1, Boosters::Small, with_intake).await;
    let mut storage = storage::<BoosterJob>(&fleet).await;
    let mut ids = Vec::new();
    for n in 0..50 {
        let input = match n {
            7 => json!({"do": "refuse"}),
            8 => json!({"do": "panic"}),
            _ => json!({"do": "echo", "n": n, "empty": []}),
        };
        let id = format!("edit-{n}");
        storage.push_task(BoosterJob::new(input).task(&id)).await.unwrap();
        ids.push(id);
    }
    // A task that the service gives no name gets one from apalis.
    storage.push(BoosterJob::new(json!({"do": "echo"}))).await.unwrap();

    let mut results = wait_for(&mut storage, &ids).await;
    let refused = results.remove("edit-7").unwrap();
    assert_eq!(status(&fleet, "edit-7").await, "Killed");
    let text = refused.take().unwrap_err();
    let refusal: Value = serde_json::from_str(text.strip_prefix("refused: ").unwrap()).unwrap();
    assert_eq!(refusal["reason"], "asked_to");
    let dead = results.remove("edit-8").unwrap();
    assert_eq!((status(&fleet, "edit-8").await.as_str(), dead.attempt), ("Failed", 1));
    let text = dead.take().unwrap_err();
    assert!(text.starts_with("dead: panic: "), "{text}");
    for (id, result) in results {
        let n: u64 = id.strip_prefix("edit-").unwrap().parse().unwrap();
        assert_eq!((status(&fleet, &id).await.as_str(), result.attempt), ("Done", 1));
        assert_eq!(result.take().unwrap(), json!({"do": "echo", "n": n, "empty": []}));
    }

    let counts = eventually("all are done and told", || async {
        let counts = fleet.client.queue("normal").counts().await.unwrap();
        let left: u64 = fleet.redis(&["ZCARD", FOLLOWED]).await;
        (counts.done == 49 && left == 0).then_some(counts)
    })
    .await;
    assert_eq!((counts.refused, counts.dead), (1, 1));
    assert_eq!(enqueued(&fleet).await, 51);
    // What stays with apalis does not grow for ever.
    let data: u64 = fleet.redis(&["HLEN", "edits:data"]).await;
    let ttl: i64 = fleet.redis(&["TTL", "edits:meta:edit-1"]).await;
    assert_eq!(data, 0);
    assert!((1..=3600).contains(&ttl), "{ttl}");
    let waiting: u64 = fleet.redis(&["ZCARD", "edits:scheduled"]).await;
    assert_eq!(waiting, 0);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_push_stays_with_apalis_until_it_is_due() {
    let fleet = Fleet::start(1, Boosters::Small, with_intake).await;
    // The fleet's own type of a job can be pushed too.
    let mut storage = storage::<Job>(&fleet).await;
    let due = now_s() + 4;
    for (id, at) in [("later", due), ("now", 0)] {
        let job = Job::new("faulty", r#"{"do":"echo"}"#).unwrap();
        let task = TaskBuilder::new(job).task_id(TaskId::from_string(id)).run_at_timestamp(at).build();
        storage.push_task(task).await.unwrap();
    }
    wait_for(&mut storage, &["now".to_owned()]).await;
    if now_s() < due {
        assert_eq!(enqueued(&fleet).await, 1, "the later one came early");
        let waiting: u64 = fleet.redis(&["ZCARD", "edits:scheduled"]).await;
        assert_eq!(waiting, 1);
    }
    let result = wait_for(&mut storage, &["later".to_owned()]).await.remove("later").unwrap();
    assert!(now_s() >= due, "it was done early");
    assert_eq!(result.take().unwrap(), json!({"do": "echo"}));
    balance(&fleet, 2).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_apalis_keys_ends_as_dead_and_stops_nothing() {
    let fleet = Fleet::start(1, Boosters::Small, with_intake).await;
    let mut texts = storage::<String>(&fleet).await;
    let task = TaskBuilder::new("no job at all".to_owned()).task_id(TaskId::from_string("text"));
    texts.push_task(task.build()).await.unwrap();
    let mut values = storage::<Value>(&fleet).await;
    let task = TaskBuilder::new(json!({"booster": "faulty"})).task_id(TaskId::from_string("no-input"));
    values.push_task(task.build()).await.unwrap();
    let task =
        TaskBuilder::new(json!({"booster": "missing", "input": 1})).task_id(TaskId::from_string("unknown"));
    values.push_task(task.build()).await.unwrap();
    // Without arguments, with bytes that are no text, under a name that no job can have, in the list of apalis'
    // workers, and with metadata of the wrong type.
    let _: u64 =
        fleet.redis(&["ZADD", "edits:scheduled", "-inf", "ghost", "0", "two words", "1", "odd"]).await;
    let _: u64 = fleet.redis(&["RPUSH", "edits:active", "listed", "ghost"]).await;
    let _: String = fleet.redis(&["SET", "edits:meta:odd", "x"]).await;
    let mut binary = redis::cmd("HSET");
    binary.arg("edits:data").arg("two words").arg(&b"{\"booster\":\"faulty\",\"input\":\"\xff\"}"[..]);
    let _: u64 = fleet.client.link().query("test", &binary).await.unwrap();

    let mut storage = storage::<BoosterJob>(&fleet).await;
    storage.push_task(BoosterJob::new(json!({"do": "echo"})).task("good")).await.unwrap();
    let names = ["text", "no-input", "unknown", "ghost", "two words", "listed", "good"];
    let ids: Vec<String> = names.iter().map(|id| (*id).to_owned()).collect();
    let mut results = wait_for(&mut storage, &ids).await;
    assert!(results.remove("good").unwrap().take().is_ok());
    let mut codes = HashMap::new();
    for (id, result) in results {
        assert_eq!(status(&fleet, &id).await, "Failed", "{id}");
        let text = result.take().unwrap_err();
        codes.insert(id, text.split(": ").nth(1).unwrap().to_owned());
    }
    let expected = [
        ("text", "job_not_json"),
        ("no-input", "job_field_missing"),
        ("unknown", "booster_unknown"),
        ("ghost", "job_not_json"),
        ("two words", "job_not_json"),
        ("listed", "job_not_json"),
    ];
    for (id, code) in expected {
        assert_eq!(codes[id], code, "{id}: {codes:?}");
    }
    let dead = eventually("nothing is left", || async {
        let left: u64 = fleet.redis(&["ZCARD", FOLLOWED]).await;
        let listed: u64 = fleet.redis(&["LLEN", "edits:active"]).await;
        let dead = fleet.client.queue("normal").counts().await.unwrap().dead;
        (left == 0 && listed == 0).then_some(dead)
    })
    .await;
    // The ghost was there twice and the one with the wrong metadata could not be told, but all were moved.
    assert_eq!(dead, 7);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mover_killed_in_the_middle_loses_nothing_and_tells_everything() {
    let mut fleet = Fleet::start(2, Boosters::Small, with_intake).await;
    let mut storage = storage::<BoosterJob>(&fleet).await;
    let ids = push_work(&mut storage, 500, 3_000_000).await;
    let mover: String = eventually("some are done, and not all are moved or told", || async {
        let done = fleet.client.queue("normal").counts().await.unwrap().done;
        let mover: Option<String> = fleet.redis(&["GET", OFFICE]).await;
        mover.filter(|_| done > 20)
    })
    .await;
    let listen: String = fleet.redis(&["HGET", &format!("swarm:phase-5:agent:{mover}"), "listen"]).await;
    let at = fleet.workers.iter().position(|worker| worker.listen().to_string() == listen).unwrap();
    fleet.workers[at].kill().await;
    let left: u64 = fleet.redis(&["ZCARD", FOLLOWED]).await;
    assert!(left > 0, "it was killed too late to show anything");
    // More arrives while there is no mover.
    for n in 0..20 {
        let job = BoosterJob::new(json!({"do": "work", "times": 1000}));
        storage.push_task(job.task(&format!("more-{n}"))).await.unwrap();
    }
    let ids: Vec<String> = ids.into_iter().chain((0..20).map(|n| format!("more-{n}"))).collect();
    let results = wait_for(&mut storage, &ids).await;
    assert!(results.into_values().all(|result| result.take().is_ok()));
    balance(&fleet, 520).await;
    fleet.workers.remove(at);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_killed_in_the_middle_loses_nothing_and_nothing_is_moved_twice() {
    let mut fleet = Fleet::start(2, Boosters::Small, with_intake).await;
    // The file is written before a command is answered, so that what was accepted survives.
    let _: String = fleet.redis(&["CONFIG", "SET", "appendfsync", "always"]).await;
    let mut before = storage::<BoosterJob>(&fleet).await;
    let ids = push_work(&mut before, 500, 3_000_000).await;
    eventually("some are done", || async {
        (fleet.client.queue("normal").counts().await.unwrap().done > 20).then_some(())
    })
    .await;
    fleet.redis.kill().await;
    fleet.redis.restart().await.unwrap();
    eventually("the connection is made again", || async { fleet.client.ping().await.ok() }).await;
    let mut after = storage::<BoosterJob>(&fleet).await;
    let results = wait_for(&mut after, &ids).await;
    assert!(results.into_values().all(|result| result.take().is_ok()));
    balance(&fleet, 500).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_leaves_tasks_with_apalis() {
    let mut fleet = Fleet::start(0, Boosters::Small, |config| {
        with_intake(config);
        config.redis.max_waiting = 5;
    })
    .await;
    // This one moves and does not work.
    fleet.spawn(&["--queues", "other"]);
    fleet.ready().await;
    let mut storage = storage::<BoosterJob>(&fleet).await;
    let ids = push_work(&mut storage, 12, 1000).await;
    eventually("as many as fit are moved", || async {
        (fleet.redis::<u64>(&["XLEN", JOBS]).await == 5).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (moved, left): (u64, u64) =
        (fleet.redis(&["XLEN", JOBS]).await, fleet.redis(&["ZCARD", "edits:scheduled"]).await);
    assert_eq!((moved, left), (5, 7));
    fleet.spawn(&[]);
    fleet.ready().await;
    let results = wait_for(&mut storage, &ids).await;
    assert!(results.into_values().all(|result| result.take().is_ok()));
    balance(&fleet, 12).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mover_that_starts_again_moves_nothing_twice() {
    let mut fleet = Fleet::start(0, Boosters::Small, with_intake).await;
    fleet.spawn(&["--queues", "other"]);
    fleet.ready().await;
    let mut storage = storage::<BoosterJob>(&fleet).await;
    let ids = push_work(&mut storage, 10, 1000).await;
    let moved = || async { (fleet.redis::<u64>(&["XLEN", JOBS]).await == 10).then_some(()) };
    eventually("all are moved", moved).await;
    // The same tasks once more, as after a restored copy of apalis' keys.
    let again = || async {
        let mut command = redis::cmd("ZADD");
        command.arg("edits:scheduled");
        for id in &ids {
            command.arg(0).arg(id);
        }
        let _: u64 = fleet.client.link().query("test", &command).await.unwrap();
    };
    again().await;
    eventually("they are gone again", || async {
        (fleet.redis::<u64>(&["ZCARD", "edits:scheduled"]).await == 0).then_some(())
    })
    .await;
    assert_eq!((fleet.redis::<u64>(&["XLEN", JOBS]).await, enqueued(&fleet).await), (10, 10));
    assert_eq!(fleet.workers.remove(0).stop(LIMIT).await, Some(0));
    assert_eq!(fleet.redis::<Option<String>>(&["GET", OFFICE]).await, None, "a mover that leaves resigns");

    fleet.spawn(&[]);
    fleet.ready().await;
    wait_for(&mut storage, &ids).await;
    balance(&fleet, 10).await;
    // And when all have ended: they are told once more and not done.
    let _: u64 = fleet.redis(&["DEL", "edits:meta:work-3"]).await;
    let again = ["ZADD", "edits:scheduled", "0", "work-3"];
    let _: u64 = fleet.redis(&again).await;
    let result = wait_for(&mut storage, &["work-3".to_owned()]).await.remove("work-3").unwrap();
    assert_eq!(result.take().unwrap(), json!({"worked": 1000}));
    balance(&fleet, 10).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_is_a_failure_for_the_service() {
    let mut fleet = Fleet::start(0, Boosters::Small, with_intake).await;
    fleet.spawn(&["--queues", "other"]);
    fleet.ready().await;
    let mut storage = storage::<BoosterJob>(&fleet).await;
    let ids = push_work(&mut storage, 2, 1000).await;
    let id = eventually("it is known to the fleet", || async {
        let mut ids = fleet
            .events()
            .await
            .into_iter()
            .filter_map(|event| event["data"]["jobId"].as_str().map(ToOwned::to_owned));
        ids.find(|id| id.ends_with("-work-1"))
    })
    .await;
    fleet.client.cancel(&id).await.unwrap();
    let result = wait_for(&mut storage, &ids[1..]).await.remove("work-1").unwrap();
    assert_eq!(result.take().unwrap_err(), "cancelled");
    assert_eq!(status(&fleet, "work-1").await, "Killed");
    let outcome = fleet.outcome(&id).await;
    assert_eq!(outcome.outcome, OutcomeKind::Cancelled);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_cluster_queues_with_different_tags_are_not_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    // Without a port of its own the cluster's bus takes one that may not exist.
    let bus = free_port().unwrap().to_string();
    let arguments = ["--cluster-enabled", "yes", "--cluster-port", &bus];
    let redis = LocalRedis::start(dir.path(), &arguments).await.unwrap();
    let mut config = Config::default();
    config.redis.url = redis.url();
    let link = booster_queue::Link::open(&config.redis, std::sync::Arc::new(booster_queue::Silent)).unwrap();
    let intake = Intake { namespace: "edits".into(), queue: "normal".into() };
    let never = std::future::pending();
    let run = booster_queue::intake::run(link, &config, &intake, "w", never);
    let error = tokio::time::timeout(LIMIT, run).await.unwrap().unwrap_err();
    assert_eq!(error.code(), "intake_slot");
    assert!(error.to_string().contains("{normal}"), "{error}");
    redis.stop().await;
}

/// Would leave every job to others.
struct Elsewhere;

impl Admission for Elsewhere {
    fn admit(&self, _: &str, _: &Job, _: u64) -> Admit {
        Admit::Elsewhere
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_pushed_through_the_fleets_own_backend_take_the_queue_of_their_priority() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let config = fleet.client.config().clone();
    let link = Link::open(&config.redis, Arc::new(Silent)).unwrap();
    let config = ConsumerConfig { worker: "pusher".into(), queues: Vec::new(), slots: 1, config };
    let (consumer, mut backend) = Consumer::start(link, config, Arc::new(Elsewhere));
    for (id, priority) in [("first", "high"), ("second", "low"), ("third", "high")] {
        let text = json!({ "id": id, "booster": "noop", "input": {}, "priority": priority }).to_string();
        backend.feed(Task::new(Job::from_json(&text).unwrap())).await.unwrap();
    }
    backend.flush().await.unwrap();
    for (id, queue) in [("first", "high"), ("second", "low"), ("third", "high")] {
        assert_eq!(fleet.outcome(id).await.outcome, OutcomeKind::Done);
        assert_eq!(fleet.client.status(id).await.unwrap().unwrap().queue, queue);
    }
    consumer.stop_fetching();
    fleet.stop().await;
}
