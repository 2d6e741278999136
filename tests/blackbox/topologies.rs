//! Redis as users run it: a Unix socket, TLS, a master under Sentinel, a Cluster.

use std::path::Path;
use std::time::Duration;

use booster_core::job::Priority;
use booster_core::{Config, Job, OutcomeKind};
use booster_producer::Client;
use booster_producer::local::{LocalRedis, LocalWorker, free_port};
use booster_tests::servers::{Cluster, Server, Watched, command};
use booster_tests::{LIMIT, Output, run, small_modules, within};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

/// How soon everything works again after another server has become master.
const RECOVERY: Duration = Duration::from_secs(8);

/// A fleet whose Redis somebody else keeps.
struct Crew {
    config: Config,
    client: Client,
    workers: Vec<LocalWorker>,
    dir: TempDir,
}

impl Crew {
    /// Starts `workers` workers at the address `url`.
    async fn start(url: &str, workers: usize, change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.set("redis.url", &Value::from(url), "test").unwrap();
        config.wasm.pool_size = 2;
        config.wasm.modules = small_modules(dir.path()).display().to_string();
        change(&mut config);
        let client = Client::connect(config.clone()).unwrap();
        let mut crew = Self { config, client, workers: Vec::new(), dir };
        for number in 0..workers {
            let log = crew.dir.path().join(format!("worker-{number}.log"));
            crew.workers.push(LocalWorker::start(&crew.config, &log, &[]).unwrap());
        }
        for worker in &mut crew.workers {
            worker.ready(&crew.client).await.unwrap();
        }
        crew
    }

    /// Submits a job again and again with the same id until it is accepted.
    async fn submit(&self, job: &Job) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.client.submit(job.clone()).await {
                Ok(submitted) => return submitted.id,
                Err(error) => assert!(error.is_retryable() && Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for the outcomes of all `ids`, each done and each stored once.
    async fn all_done(&self, ids: Vec<String>) {
        let (mut done, wanted) = (Vec::new(), ids.len());
        let missing = self.client.wait_each(ids, LIMIT, |outcome| done.push(outcome)).await.unwrap();
        assert!(missing.is_empty(), "without an outcome: {missing:?}");
        assert!(done.iter().all(|outcome| outcome.outcome == OutcomeKind::Done));
        assert_eq!(done.len(), wanted);
    }

    /// One job of each priority, end to end.
    async fn round_trip(&self, name: &str) {
        let mut ids = Vec::new();
        for priority in Priority::ALL {
            ids.push(self.submit(&noop(&format!("{name}-{}", priority.as_str()), priority)).await);
        }
        self.all_done(ids).await;
    }

    /// Runs the real command line against this fleet.
    async fn booster(&self, arguments: &[&str], input: &str) -> Output {
        let mut settings = serde_json::Map::new();
        settings.insert("url".into(), self.config.redis.url.clone().into());
        settings.insert("tlsCa".into(), self.config.redis.tls_ca.clone().into());
        settings.insert("tlsCert".into(), self.config.redis.tls_cert.clone().into());
        settings.insert("tlsKey".into(), self.config.redis.tls_key.clone().into());
        let file = self.dir.path().join("booster.json");
        std::fs::write(&file, serde_json::json!({ "redis": settings }).to_string()).unwrap();
        let file = file.display().to_string();
        run("booster", &[&["--config", &file], arguments].concat(), input).await
    }

    /// Ends the workers as SIGTERM does, and checks that each leaves in order.
    async fn stop(self) {
        for worker in self.workers {
            assert_eq!(worker.stop(LIMIT).await, Some(0), "a worker did not drain");
        }
    }
}

fn noop(id: &str, priority: Priority) -> Job {
    let mut job = Job::new("noop", "{}").unwrap();
    (job.id, job.priority) = (Some(id.to_owned()), priority);
    job
}

fn work(id: &str) -> Job {
    let mut job = Job::new("faulty", r#"{"do":"work","times":2000000}"#).unwrap();
    job.id = Some(id.to_owned());
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_is_an_address() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("redis.sock").display().to_string();
    let redis = LocalRedis::start(dir.path(), &["--unixsocket", &socket]).await.unwrap();
    let crew = Crew::start(&format!("unix://{socket}"), 1, |_| {}).await;
    crew.round_trip("unix").await;
    let shown = crew.booster(&["status", "unix-normal"], "").await;
    assert_eq!((shown.status, shown.stdout.contains("done")), (0, true), "{shown:?}");
    crew.stop().await;
    redis.stop().await;
}

/// Files of an authority of one's own, and of a server and a client that it vouches for.
fn certificates(dir: &Path) {
    let write = |name: &str, text: String| std::fs::write(dir.join(name), text).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "authority");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    write("ca.pem", authority.pem());
    let uses =
        [("server", ExtendedKeyUsagePurpose::ServerAuth), ("client", ExtendedKeyUsagePurpose::ClientAuth)];
    for (name, usage) in uses {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        params.distinguished_name.push(DnType::CommonName, name);
        write(&format!("{name}.pem"), params.signed_by(&key, &authority).unwrap().pem());
        write(&format!("{name}-key.pem"), key.serialize_pem());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_an_authority_of_ones_own_and_a_certificate_of_the_clients() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let file = |name: &str| dir.path().join(name).display().to_string();
    let port = free_port().unwrap().to_string();
    let (cert, key, ca) = (file("server.pem"), file("server-key.pem"), file("ca.pem"));
    let arguments = [
        ["--tls-port", &port],
        ["--tls-cert-file", &cert],
        ["--tls-key-file", &key],
        ["--tls-ca-cert-file", &ca],
        ["--tls-auth-clients", "yes"],
    ];
    let redis = LocalRedis::start(dir.path(), arguments.as_flattened()).await.unwrap();
    let url = format!("rediss://127.0.0.1:{port}");

    let mut config = Config::default();
    config.redis.url.clone_from(&url);
    let error = Client::connect(config.clone()).unwrap().ping().await.unwrap_err();
    assert_eq!(error.code(), "redis_unreachable", "the system does not know this authority: {error}");
    config.redis.tls_ca = ca.clone();
    let error = Client::connect(config.clone()).unwrap().ping().await.unwrap_err();
    assert_eq!(error.code(), "redis_unreachable", "the server asks for a certificate: {error}");
    config.redis.tls_cert = file("client.pem");
    let error = Client::connect(config.clone()).unwrap_err();
    assert!(error.to_string().contains("redis.tlsKey"), "{error}");
    config.redis.tls_key = file("nowhere.pem");
    let error = Client::connect(config).unwrap_err();
    assert!(error.to_string().contains("nowhere.pem") && error.exit_status() == 2, "{error}");

    let crew = Crew::start(&url, 1, |config| {
        config.redis.tls_ca = ca.clone();
        config.redis.tls_cert = file("client.pem");
        config.redis.tls_key = file("client-key.pem");
    })
    .await;
    crew.round_trip("tls").await;
    let shown = crew.booster(&["status", "tls-high"], "").await;
    assert_eq!((shown.status, shown.stdout.contains("done")), (0, true), "{shown:?}");
    crew.stop().await;
    redis.stop().await;
}

/// Submits jobs one after the other while `lose` goes on, and checks that all of them end and that everything works
/// again soon: the client and the workers from before, and a new command line.
async fn through_a_failover(crew: &Crew, lose: impl Future<Output = ()>) {
    let feed = async {
        let mut ids = Vec::new();
        for number in 0..300 {
            ids.push(crew.submit(&work(&format!("through-{number}"))).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        ids
    };
    let lose_later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        lose.await;
        let begin = Instant::now();
        crew.round_trip("after").await;
        assert!(begin.elapsed() < RECOVERY, "it took {:?} until jobs were done again", begin.elapsed());
    };
    let (ids, ()) = tokio::join!(feed, lose_later);
    crew.all_done(ids.clone()).await;
    let shown = crew.booster(&["status", &ids[0]], "").await;
    assert_eq!((shown.status, shown.stdout.contains("done")), (0, true), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_lost_under_sentinel_is_replaced() {
    let mut servers = Watched::start().await.unwrap();
    let url = servers.url();
    let crew = Crew::start(&url, 2, |config| config.redis.wait_replicas = 1).await;
    let gateway = crate::gateway::gateway_of(crew.config.clone()).await;
    crew.round_trip("before").await;
    let lose = async {
        servers.fail_over().await.unwrap();
    };
    through_a_failover(&crew, lose).await;

    // A master that is told to become a replica lives on and refuses to write. The sentinels tell it only after some
    // seconds; until then the new master has no replica that could confirm.
    servers.hand_over().await.unwrap();
    within(LIMIT, "the gateway submits again", || async {
        let body = r#"{"id":"by-gateway","booster":"noop","input":{}}"#;
        let sent = reqwest::Client::new().post(format!("{gateway}/v1/jobs")).body(body).send().await.unwrap();
        sent.status().is_success().then_some(())
    })
    .await;
    crew.all_done(vec!["by-gateway".into()]).await;
    crew.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_holds_the_queues_on_several_masters_and_survives_the_loss_of_one() {
    let mut servers = Cluster::start().await.unwrap();
    let url = servers.url();
    let crew = Crew::start(&url, 2, |config| {
        config.redis.wait_replicas = 1;
        config.booster.compat_tasks = true;
    })
    .await;
    crew.round_trip("before").await;
    let mut with_queue = 0;
    for node in servers.nodes().iter().take(Cluster::MASTERS) {
        let keys: Vec<String> = command(node, &["KEYS", "swarm:phase-5:{*}:stats"]).await.unwrap();
        with_queue += usize::from(!keys.is_empty());
    }
    assert!(with_queue > 1, "all queues are on one master");

    // What spans several queues and servers.
    let dir = tempfile::tempdir().unwrap();
    let module = crate::modules::module_file(dir.path(), "noop", "0.2.0", &crate::modules::noop());
    let pushed = crew.booster(&["module", "push", &module, "--activate", "--json"], "").await;
    assert_eq!((pushed.status, &pushed.json()[0]["modules"][0]["workers"]), (0, &2.into()), "{pushed:?}");
    let id = crew.submit(&noop("by-module", Priority::Normal)).await;
    let outcome = crew.client.wait(&id, LIMIT).await.unwrap().unwrap();
    assert_eq!(outcome.booster, "noop@0.2.0");
    let queues = crew.booster(&["queues"], "").await;
    assert!(["high", "normal", "low"].iter().all(|queue| queues.stdout.contains(queue)), "{queues:?}");
    within(LIMIT, "the pool has all four slots ready", || async {
        let pool = crew.booster(&["pool"], "").await;
        (pool.stdout.matches("ready").count() == 4).then_some(())
    })
    .await;
    within(LIMIT, "the fleet's stream has the events of all queues", || async {
        let events = crew.booster(&["events", "--since", "5m"], "").await.stdout;
        let done = |id: &str| {
            events.lines().any(|line| line.contains(id) && line.contains("booster.task.completed"))
        };
        ["before-high", "before-normal", "before-low"].iter().all(|id| done(id)).then_some(())
    })
    .await;
    let task: Option<String> =
        crew.client.link().query("test", &redis::Cmd::get("swarm:phase-5:tasks:before-low")).await.unwrap();
    assert!(task.is_some_and(|task| task.contains("before-low")));
    let cancelled = crew.client.cancel("before-high").await.unwrap();
    assert_eq!(cancelled, booster_queue::Cancellation::Ended("done".into()));

    let victim = servers.master_of("swarm:phase-5:{normal}:jobs").await.unwrap();
    through_a_failover(&crew, async { servers.fail_over(victim).await.unwrap() }).await;
    crew.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_that_no_replica_confirms_says_so_and_can_be_repeated() {
    let server = Server::start(&[]).await.unwrap();
    let crew = Crew::start(&server.redis.url(), 1, |config| {
        config.redis.wait_replicas = 1;
        config.redis.wait_timeout_ms = 100;
    })
    .await;
    let job = noop("lonely", Priority::Normal);
    for _ in 0..2 {
        let error = crew.client.submit(job.clone()).await.unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), ("redis_unconfirmed", true));
        let text = error.to_string();
        assert!(text.contains("lonely") && text.contains("0 of 1") && text.contains("same id"), "{text}");
    }
    let url = crate::gateway::gateway_of(crew.config.clone()).await;
    let body = r#"{"booster":"noop","input":{}}"#;
    let answer = reqwest::Client::new().post(format!("{url}/v1/jobs")).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "redis_unconfirmed");
    assert!(problem["detail"].as_str().unwrap().contains("same id"), "{problem}");

    // It was accepted all the same, and once.
    crew.all_done(vec!["lonely".into()]).await;
    let port = server.redis.url().rsplit(':').next().unwrap().to_owned();
    let _replica = Server::start(&["--replicaof", "127.0.0.1", &port]).await.unwrap();
    let again = crew.submit(&job).await;
    assert_eq!(again, "lonely");
    let counts = crew.client.queue("normal").counts().await.unwrap();
    assert_eq!(counts.done, 2, "one by the client, one by the gateway");
    crew.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_named_as_a_server_is_pointed_out() {
    let servers = Cluster::start().await.unwrap();
    let mut config = Config::default();
    config.redis.url = servers.nodes()[0].clone();
    let client = Client::connect(config).unwrap();
    let mut seen = None;
    for queue in ["high", "normal", "low"] {
        seen = seen.or(client.queue(queue).counts().await.err());
    }
    let error = seen.expect("two of three masters lack these keys");
    assert!(error.to_string().contains("redis+cluster://"), "{error}");
}
