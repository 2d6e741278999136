//! The access list that ships with the fleet: each of its users can do its work and nothing else.

use std::time::Duration;

use booster_core::{Config, Job, OutcomeKind};
use booster_producer::Client;
use booster_producer::local::{LocalRedis, LocalWorker};
use booster_tests::{LIMIT, Output, eventually, run, small_modules, source_root};
use serde_json::Value;
use tempfile::TempDir;

const USERS: [&str; 6] = ["producer", "worker", "reader", "operator", "agent", "coordinator"];

/// A fleet whose processes are users of the shipped access list.
struct Guarded {
    redis: LocalRedis,
    worker: LocalWorker,
    producer: Client,
    dir: TempDir,
}

impl Guarded {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut list = std::fs::read_to_string(source_root().join("deploy/redis/users.acl")).unwrap();
        for user in USERS {
            list = list.replace(&format!("{}_PASSWORD", user.to_uppercase()), &password(user));
        }
        let file = dir.path().join("users.acl");
        std::fs::write(&file, list).unwrap();
        let redis = LocalRedis::start(dir.path(), &["--aclfile", &file.display().to_string()]).await.unwrap();
        let config = |user: &str| {
            let mut config = Config::default();
            config.set("redis.url", &Value::from(url(&redis, user)), "test").unwrap();
            config.wasm.pool_size = 2;
            config.wasm.modules = small_modules(dir.path()).display().to_string();
            config.booster.compat_tasks = true;
            config
        };
        let log = dir.path().join("worker.log");
        let mut worker = LocalWorker::start(&config("worker"), &log, &[]).unwrap();
        worker.ready(&Client::connect(config("reader")).unwrap()).await.unwrap();
        let producer = Client::connect(config("producer")).unwrap();
        Self { redis, worker, producer, dir }
    }

    /// Runs the real command line as one of the users.
    async fn booster(&self, user: &str, arguments: &[&str]) -> Output {
        let url = url(&self.redis, user);
        run("booster", &[&["--redis-url", &url], arguments].concat(), "").await
    }

    /// As [`Guarded::booster`], and it goes well.
    async fn well(&self, user: &str, arguments: &[&str]) -> String {
        let output = self.booster(user, arguments).await;
        assert_eq!(output.status, 0, "{user} {arguments:?}: {output:?}");
        output.stdout
    }

    /// What Redis answers one of the users to a command.
    async fn ask<T: redis::FromRedisValue>(&self, user: &str, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(url(&self.redis, user)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
    }

    /// Whether Redis denies one of the users a command.
    async fn is_denied(&self, user: &str, words: &[&str]) -> bool {
        let answer = self.ask::<redis::Value>(user, words).await;
        answer.is_err_and(|error| error.code() == Some("NOPERM"))
    }

    async fn submit(&self, id: &str, json: &str) -> String {
        let mut job = Job::from_json(json).unwrap();
        job.id = Some(id.to_owned());
        self.producer.submit(job).await.unwrap().id
    }

    async fn ends_as(&self, id: &str, outcome: OutcomeKind) {
        let found = self.producer.wait(id, LIMIT).await.unwrap().expect(id);
        assert_eq!(found.outcome, outcome, "{id}");
    }
}

/// What Redis has denied so far.
async fn denials(redis: &LocalRedis) -> Vec<String> {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let log: Vec<redis::Value> = redis::cmd("ACL").arg("LOG").query_async(&mut connection).await.unwrap();
    log.iter().map(|entry| format!("{entry:?}")).collect()
}

fn password(user: &str) -> String {
    format!("{user}-secret")
}

fn url(redis: &LocalRedis, user: &str) -> String {
    redis.url().replace("redis://", &format!("redis://booster-{user}:{}@", password(user)))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_of_the_access_list_can_do_its_work() {
    let fleet = Guarded::start().await;
    for (id, json, outcome) in [
        ("high", r#"{"booster":"noop","input":1,"priority":"high"}"#, OutcomeKind::Done),
        ("retried", r#"{"booster":"faulty","input":{"do":"panic"},"maxRetries":1}"#, OutcomeKind::Dead),
        ("refused", r#"{"booster":"faulty","input":{"do":"refuse"}}"#, OutcomeKind::Refused),
        ("kept", r#"{"booster":"noop","input":1,"cache":true}"#, OutcomeKind::Done),
        ("tenant", r#"{"booster":"noop","input":1,"tenant":"a"}"#, OutcomeKind::Done),
    ] {
        fleet.submit(id, json).await;
        fleet.ends_as(id, outcome).await;
    }
    let far = booster_queue::now_ms() + 3_600_000;
    fleet.submit("delayed", &format!(r#"{{"booster":"noop","input":1,"runAt":{far}}}"#)).await;
    fleet.producer.cancel("delayed").await.unwrap();
    fleet.ends_as("delayed", OutcomeKind::Cancelled).await;
    // More of one tenant than may have their turn at once, and a queue with a name.
    let many: Vec<Job> = (0..40)
        .map(|n| {
            Job::from_json(&format!(r#"{{"id":"t{n}","booster":"noop","input":1,"tenant":"b"}}"#)).unwrap()
        })
        .collect();
    fleet.producer.submit_many(many, None, true).await.unwrap();
    for n in 0..40 {
        fleet.ends_as(&format!("t{n}"), OutcomeKind::Done).await;
    }
    let named = vec![Job::from_json(r#"{"id":"named","booster":"noop","input":1}"#).unwrap()];
    fleet.producer.submit_many(named, Some("batch"), false).await.unwrap();

    for arguments in
        [&["queues"][..], &["pool"], &["events", "--since", "5m"], &["status", "high"], &["dead", "list"]]
    {
        fleet.well("reader", arguments).await;
    }
    eventually("a reader sees the record in the older form", || async {
        let client = redis::Client::open(url(&fleet.redis, "reader")).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let task = redis::Cmd::get("swarm:phase-5:tasks:high");
        task.query_async::<Option<String>>(&mut connection).await.unwrap().map(drop)
    })
    .await;

    // An agent gives one offer up, and answers the other.
    let answer = fleet.dir.path().join("answer.json");
    std::fs::write(&answer, "{}").unwrap();
    let answer = answer.display().to_string();
    for (id, last) in
        [("retried", &["failed", "--error", "no"][..]), ("refused", &["done", "--output", &answer])]
    {
        let taken: Value =
            serde_json::from_str(&fleet.well("agent", &["fallback", "next", "--json"]).await).unwrap();
        assert_eq!(taken["id"], id);
        let token = taken["token"].as_str().unwrap();
        fleet.well("agent", &["fallback", "renew", id, "--token", token]).await;
        let (word, more) = last.split_first().unwrap();
        fleet.well("agent", &[&["fallback", word, id, "--token", token], more].concat()).await;
    }
    fleet.ends_as("refused", OutcomeKind::Done).await;
    fleet.well("agent", &["fallback", "list"]).await;
    fleet.well("operator", &["dead", "retry", "retried"]).await;
    fleet.ends_as("retried", OutcomeKind::Dead).await;
    fleet.well("operator", &["dead", "drop", "retried"]).await;
    fleet.well("operator", &["pause", "low"]).await;
    fleet.well("operator", &["resume", "low"]).await;
    fleet.well("operator", &["limit", "a", "--per-second", "5"]).await;
    let job = fleet.dir.path().join("job.json");
    std::fs::write(&job, r#"{"booster":"noop","input":1}"#).unwrap();
    let job = job.display().to_string();
    fleet.well("operator", &["schedule", "add", "nightly", "--cron", "0 3 * * *", &job]).await;
    fleet.well("operator", &["schedule", "list"]).await;
    let module = crate::modules::module_file(fleet.dir.path(), "noop", "0.2.0", &crate::modules::noop());
    fleet.well("operator", &["module", "push", &module, "--activate"]).await;
    fleet.submit("new", r#"{"booster":"noop","input":1}"#).await;
    fleet.ends_as("new", OutcomeKind::Done).await;
    fleet.well("reader", &["module", "list"]).await;
    fleet.well("reader", &["module", "show", "noop"]).await;
    let canary = crate::modules::module_file(fleet.dir.path(), "noop", "0.3.0", &crate::modules::noop());
    fleet.well("operator", &["module", "push", &canary, "--canary", "50"]).await;
    for n in 0..20 {
        let id = format!("trial{n}");
        fleet.submit(&id, r#"{"booster":"noop","input":1}"#).await;
        fleet.ends_as(&id, OutcomeKind::Done).await;
    }
    fleet.well("operator", &["module", "rollback", "noop"]).await;
    fleet.well("operator", &["module", "rm", "noop@0.3.0"]).await;

    coordinate(&fleet).await;

    // What a worker does now and then: elections, counting, sweeping, reclaiming, leaving.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let Guarded { redis, worker, producer: _, dir } = fleet;
    assert_eq!(worker.stop(LIMIT).await, Some(0));
    let log = std::fs::read_to_string(dir.path().join("worker.log")).unwrap();
    assert!(!log.contains("NOPERM"), "{log}");
    let denied = denials(&redis).await;
    assert!(denied.is_empty(), "{denied:#?}");
}

/// A coordinator's work with nothing but Redis' own commands.
async fn coordinate(fleet: &Guarded) {
    const QUEUE: &str = "swarm:phase-5:{normal}:";
    let key = |name: &str| format!("{QUEUE}{name}");
    let later = booster_queue::now_ms() + 3_600_000;
    let job = format!(r#"{{"id":"plain","booster":"noop","input":{{}},"runAt":{later}}}"#);
    let words: [&[&str]; 9] = [
        &["XADD", &key("jobs"), "*", "job", &job],
        &["SET", &key("mode"), "paused"],
        &["DEL", &key("mode")],
        &["PUBLISH", &key("control"), "mode"],
        &["XREAD", "COUNT", "1", "STREAMS", "swarm:phase-5:events", &key("fallback"), "0", "0"],
        &["ZRANGE", "swarm:phase-5:agents", "0", "+inf", "BYSCORE"],
        &["HGETALL", "swarm:phase-5:boosters"],
        &["SMEMBERS", "swarm:phase-5:pool"],
        &["SUBSCRIBE", "swarm:phase-5:booster"],
    ];
    for words in words {
        assert!(!fleet.is_denied("coordinator", words).await, "{words:?}");
    }
    eventually("the plainly added job is cancelled", || async {
        let _: i64 = fleet.ask("coordinator", &["PUBLISH", &key("control"), "withdraw plain"]).await.unwrap();
        let outcome: Option<String> = fleet.ask("coordinator", &["GET", &key("job:plain")]).await.unwrap();
        outcome.filter(|text| text.contains(r#""outcome":"cancelled""#))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_user_of_the_access_list_can_do_more_than_its_work() {
    let fleet = Guarded::start().await;
    const JOBS: &str = "swarm:phase-5:{normal}:jobs";
    const MODE: &str = "swarm:phase-5:{normal}:mode";
    let everybody: &[&[&str]] = &[
        &["FLUSHALL"],
        &["KEYS", "*"],
        &["CONFIG", "GET", "*"],
        &["ACL", "LIST"],
        &["SCRIPT", "FLUSH"],
        &["CLIENT", "KILL", "TYPE", "normal"],
        &["SHUTDOWN"],
        &["EVAL", "return 1", "0"],
        &["GET", "another:application"],
        &["SET", "another:application", "x"],
        &["SUBSCRIBE", "another:channel"],
    ];
    for user in USERS {
        for words in everybody {
            assert!(fleet.is_denied(user, words).await, "{user} may {words:?}");
        }
    }
    let read = &["XREADGROUP", "GROUP", "workers", "thief", "STREAMS", JOBS, ">"][..];
    const KEPT: &str = "swarm:phase-5:cache:{outcomes}:entry:x";
    let each: [(&str, &[&[&str]]); 5] = [
        (
            "producer",
            &[
                read,
                &["DEL", JOBS],
                &["SET", MODE, "paused"],
                &["HSET", "swarm:phase-5:limits", "a", "1 1"],
                &["HSET", "swarm:phase-5:boosters", "x", "{}"],
                &["HSET", "swarm:phase-5:booster:x", "status", "ready"],
                &["XADD", "swarm:phase-5:events", "*", "events", "{}"],
                &["GET", "swarm:phase-5:tasks:x"],
                &["HSET", "swarm:phase-5:modules", "x", "{}"],
                &["SET", "swarm:phase-5:module:00", "x"],
                &["SET", KEPT, "d{}"],
                &["ZADD", "swarm:phase-5:cache:{outcomes}:index", "1", "x 1"],
            ],
        ),
        (
            "worker",
            &[
                &["SET", MODE, "paused"],
                &["HSET", "swarm:phase-5:limits", "a", "1 1"],
                &["SET", JOBS, "x"],
                &["DEL", "swarm:phase-5:module:00"],
            ],
        ),
        (
            "agent",
            &[
                read,
                &["SET", KEPT, "d{}"],
                &["SET", MODE, "paused"],
                &["XADD", JOBS, "*", "job", "{}"],
                &["DEL", JOBS],
                &["DEL", "swarm:phase-5:{normal}:job:x"],
                &["HSET", "swarm:phase-5:{normal}:live", "a", "x"],
                &["HGET", "swarm:phase-5:limits", "a"],
            ],
        ),
        (
            "reader",
            &[
                read,
                &["SET", KEPT, "d{}"],
                &["XADD", JOBS, "*", "job", "{}"],
                &["DEL", JOBS],
                &["HSET", "swarm:phase-5:{normal}:live", "a", "x"],
                &["PUBLISH", "swarm:phase-5:{normal}:control", "cancel x"],
                &["EVALSHA", "0000000000000000000000000000000000000000", "0"],
                &["SCRIPT", "LOAD", "return 1"],
            ],
        ),
        (
            "coordinator",
            &[
                read,
                &["DEL", JOBS],
                &["XDEL", JOBS, "1-1"],
                &["SET", JOBS, "x"],
                &["SET", "swarm:phase-5:{normal}:job:a", "x"],
                &["HSET", "swarm:phase-5:{normal}:live", "a", "x"],
                &["XADD", "swarm:phase-5:events", "*", "events", "{}"],
                &["SREM", "swarm:phase-5:pool", "x"],
                &["SCRIPT", "LOAD", "return 1"],
                &["SCAN", "0"],
            ],
        ),
    ];
    for (user, list) in each {
        for words in list {
            assert!(fleet.is_denied(user, words).await, "{user} may {words:?}");
        }
    }
    for arguments in [&["pause", "normal"][..], &["limit", "a", "--per-second", "5"]] {
        let output = fleet.booster("producer", arguments).await;
        let denied = output.stderr.to_uppercase().contains("NOPERM");
        assert!(output.status != 0 && denied, "{arguments:?}: {output:?}");
    }
}
