//! Traces and logs: spans arrive at a collector as one tree, log lines say whose they are, and the log's level can be
//! changed while a worker runs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use booster_core::{Config, Job, OutcomeKind};
use booster_producer::local::{bound_to_us, free_port};
use booster_state::living_workers;
use booster_tests::{Boosters, Fleet, LIMIT, eventually, modules_dir, program_path};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use prost::Message;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A span as it arrived.
#[derive(Debug, Clone)]
struct Arrived {
    service: String,
    span: Span,
}

impl Arrived {
    fn id(&self) -> String {
        hex(&self.span.span_id)
    }

    fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    fn trace(&self) -> String {
        hex(&self.span.trace_id)
    }

    fn attribute(&self, key: &str) -> Value {
        attribute(&self.span.attributes, key)
    }

    fn failed(&self) -> bool {
        self.span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32)
    }

    /// What tells spans of a tree from each other: service, kind, name and parent.
    fn place(&self) -> (&str, SpanKind, &str, String) {
        (&self.service, self.span.kind(), &self.span.name, self.parent())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(attributes: &[KeyValue], key: &str) -> Value {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(any_value::Value::StringValue(text)) => text.into(),
        Some(any_value::Value::IntValue(number)) => number.into(),
        Some(any_value::Value::BoolValue(flag)) => flag.into(),
        _ => Value::Null,
    }
}

type Spans = Arc<Mutex<Vec<Arrived>>>;

/// A collector: its address, and what it has been sent.
async fn collector() -> (String, Spans) {
    async fn take(State(spans): State<Spans>, body: Bytes) -> [u8; 0] {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        for of_resource in request.resource_spans {
            let service = attribute(&of_resource.resource.unwrap().attributes, "service.name");
            let service = service.as_str().unwrap().to_owned();
            let arrived = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            let arrived = arrived.map(|span| Arrived { service: service.clone(), span });
            spans.lock().unwrap().extend(arrived);
        }
        // An empty message says that all is well.
        []
    }
    let spans = Spans::default();
    let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, spans)
}

/// A gateway in a process of its own.
struct Gateway {
    child: Child,
    url: String,
}

impl Gateway {
    async fn start(config: &Config) -> Self {
        let listen = format!("127.0.0.1:{}", free_port().unwrap());
        let mut command = bound_to_us(&program_path("booster"));
        command.args(["--redis-url", &config.redis.url, "serve", "--listen", &listen]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &config.otel.endpoint);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let url = format!("http://{listen}");
        eventually("the gateway answers", || async { reqwest::get(format!("{url}/healthz")).await.ok() })
            .await;
        Self { child, url }
    }

    async fn post(&self, traceparent: &str, body: Value) -> Value {
        let request = reqwest::Client::new().post(format!("{}/v1/jobs", self.url));
        let answer = request.header("traceparent", traceparent).body(body.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        answer.json().await.unwrap()
    }

    async fn stop(mut self) {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).unwrap())).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let status = tokio::time::timeout(LIMIT, self.child.wait()).await.expect("the gateway hangs");
        assert!(status.unwrap().success());
    }
}

/// A directory in which the name `faulty` stands for a booster that always has an answer.
fn mended_modules(dir: &Path) -> PathBuf {
    let mended = dir.join("mended");
    std::fs::create_dir(&mended).unwrap();
    std::fs::copy(modules_dir().join("noop.wasm"), mended.join("faulty.wasm")).unwrap();
    std::fs::copy(modules_dir().join("faulty.json"), mended.join("faulty.json")).unwrap();
    mended
}

async fn failures(fleet: &Fleet, id: &str, count: u32) {
    eventually("the job has failed often enough", || async {
        let record = fleet.client.status(id).await.unwrap()?;
        (record.attempts == count).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_goes_from_the_http_request_through_every_attempt_to_the_last_settle() {
    let (endpoint, spans) = collector().await;
    let mut fleet = Fleet::start(1, Boosters::Small, |config| config.otel.endpoint = endpoint).await;
    let gateway = Gateway::start(&fleet.config).await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    // Each failure asks for a pause that is long enough to put another worker in this one's place.
    let input = json!({ "do": "defer", "ms": 5000 });
    let job = json!({ "id": "job", "booster": "faulty", "tenant": "acme", "input": input, "maxRetries": 3 });
    let answer = gateway.post(&traceparent, job).await;
    assert_eq!(answer, json!({ "id": "job", "queue": "normal", "accepted": true }));
    failures(&fleet, "job", 2).await;
    fleet.config.wasm.modules = mended_modules(fleet.dir.path()).display().to_string();
    assert_eq!(fleet.workers.remove(0).stop(LIMIT).await, Some(0));
    fleet.spawn(&[]);
    fleet.ready().await;
    let outcome = fleet.outcome("job").await;
    assert_eq!((outcome.outcome, outcome.attempts), (OutcomeKind::Done, 2));
    gateway.stop().await;
    // Ending flushes what the batches still hold.
    fleet.stop().await;

    let spans = spans.lock().unwrap().clone();
    let of_trace: Vec<&Arrived> = spans.iter().filter(|arrived| arrived.trace() == TRACE).collect();
    let by_name = |name: &str| {
        let mut found: Vec<&Arrived> =
            of_trace.iter().copied().filter(|arrived| arrived.span.name == name).collect();
        found.sort_by_key(|arrived| arrived.span.start_time_unix_nano);
        found
    };
    let [request] = by_name("POST /v1/jobs")[..] else { panic!("{of_trace:#?}") };
    assert_eq!(request.place(), ("booster-gateway", SpanKind::Server, "POST /v1/jobs", CALLER.to_owned()));
    assert_eq!(request.attribute("http.response.status_code"), 202);
    let [send] = by_name("send normal")[..] else { panic!("{of_trace:#?}") };
    assert_eq!(send.place(), ("booster-gateway", SpanKind::Producer, "send normal", request.id()));
    assert_eq!(send.attribute("messaging.operation.type"), "send");
    assert_eq!(send.attribute("booster.accepted"), true);

    let attempts = by_name("process normal");
    assert_eq!((attempts.len(), of_trace.len()), (3, 2 + 3 * 3), "{of_trace:#?}");
    for (number, process) in attempts.iter().enumerate() {
        let last = number == 2;
        let attempt = json!(number + 1);
        assert_eq!(process.place(), ("booster-worker", SpanKind::Consumer, "process normal", send.id()));
        let links: Vec<String> = process.span.links.iter().map(|link| hex(&link.span_id)).collect();
        assert_eq!(links, [send.id()]);
        assert_eq!((process.attribute("booster.attempt"), process.failed()), (attempt.clone(), !last));
        assert_eq!(process.attribute("booster.result"), if last { "done" } else { "failed" });
        assert_eq!(process.attribute("error.type"), if last { Value::Null } else { "deferred".into() });

        let children: HashMap<&str, &Arrived> = (of_trace.iter())
            .filter(|arrived| arrived.parent() == process.id())
            .map(|arrived| (arrived.span.name.as_str(), *arrived))
            .collect();
        let (sandbox, settle) = (children["sandbox faulty"], children["settle normal"]);
        assert_eq!(sandbox.span.kind(), SpanKind::Internal);
        assert_eq!(sandbox.attribute("booster.name"), "faulty@0.1.0");
        assert!(sandbox.attribute("booster.slot.id").is_string());
        let (outer, inner) = (&process.span, &sandbox.span);
        assert!(outer.start_time_unix_nano <= inner.start_time_unix_nano);
        assert!(inner.start_time_unix_nano < inner.end_time_unix_nano);
        assert_eq!((settle.span.kind(), settle.failed()), (SpanKind::Client, false));
        assert_eq!(settle.attribute("booster.settled_as"), if last { "done" } else { "retry" });
        assert!(outer.end_time_unix_nano <= settle.span.end_time_unix_nano);
        for (span, operation) in [(process, "process"), (&settle, "settle")] {
            assert_eq!(span.attribute("messaging.system"), "redis");
            assert_eq!(span.attribute("messaging.operation.name"), operation);
            assert_eq!(span.attribute("messaging.operation.type"), operation);
            assert_eq!(span.attribute("messaging.destination.name"), "normal");
            assert_eq!(span.attribute("messaging.message.id"), "job");
            assert_eq!(span.attribute("messaging.consumer.group.name"), "workers");
            assert_eq!(span.attribute("booster.attempt"), attempt);
        }
        assert_eq!(process.attribute("booster.tenant"), "acme");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_that_are_not_valid_or_not_sampled_harm_no_job() {
    let (endpoint, spans) = collector().await;
    let fleet = Fleet::start(1, Boosters::Small, |config| config.otel.endpoint = endpoint.clone()).await;
    let gateway = Gateway::start(&fleet.config).await;
    let panics =
        |id: &str| json!({ "id": id, "booster": "faulty", "input": { "do": "panic" }, "maxRetries": 1 });
    let answer = gateway.post("nonsense", panics("header")).await;
    assert!(answer["warning"].as_str().unwrap().contains("header"), "{answer}");
    let mut own = panics("field");
    own["traceparent"] = json!(7);
    let answer = gateway.post(&format!("00-{TRACE}-{CALLER}-01"), own).await;
    assert!(answer["warning"].as_str().unwrap().contains("job's"), "{answer}");
    let answer = gateway.post(&format!("00-{TRACE}-{CALLER}-00"), panics("unsampled")).await;
    assert_eq!(answer.get("warning"), None);
    // A plain addition passes no door.
    let plain = r#"{"id":"plain","booster":"noop","input":1,"traceparent":"00-no"}"#;
    let _: String = fleet.redis(&["XADD", "swarm:phase-5:{normal}:jobs", "*", "job", plain]).await;
    // Whoever starts the command line may hand it a context.
    let mut command = Command::new(program_path("booster"));
    command.args(["--redis-url", &fleet.config.redis.url, "submit", "-", "--wait"]);
    command.env("TRACEPARENT", format!("00-{}-{CALLER}-01", "c".repeat(32)));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint);
    let file = fleet.dir.path().join("job.json");
    std::fs::write(&file, r#"{"id":"shell","booster":"noop","input":1}"#).unwrap();
    command.stdin(std::fs::File::open(&file).unwrap()).stderr(Stdio::null()).kill_on_drop(true);
    assert!(tokio::time::timeout(LIMIT, command.status()).await.unwrap().unwrap().success());
    let ids = ["header", "field", "unsampled", "plain", "shell"].map(str::to_owned);
    assert_eq!(fleet.outcomes(ids.to_vec()).await.len(), 5);
    gateway.stop().await;
    fleet.stop().await;

    let spans = spans.lock().unwrap().clone();
    let of = |id: &str, name: &str| -> Vec<&Arrived> {
        let about =
            |arrived: &&Arrived| arrived.span.name == name && arrived.attribute("messaging.message.id") == id;
        spans.iter().filter(about).collect()
    };
    for id in ["header", "field"] {
        let processes = of(id, "process normal");
        let [send] = of(id, "send normal")[..] else { panic!("{spans:#?}") };
        assert_eq!(processes.len(), 2, "one for each attempt");
        for process in processes {
            assert!(process.trace() != TRACE && process.trace() == send.trace());
            assert_eq!((process.failed(), process.attribute("error.type")), (true, "panic".into()));
        }
        let mut settled: Vec<Value> =
            of(id, "settle normal").iter().map(|span| span.attribute("booster.settled_as")).collect();
        settled.sort_by_key(ToString::to_string);
        assert_eq!(settled, ["dead", "retry"]);
    }
    assert!(of("unsampled", "process normal").is_empty() && of("unsampled", "send normal").is_empty());
    let [plain] = of("plain", "process normal")[..] else { panic!("{spans:#?}") };
    assert_eq!(plain.parent(), "", "it begins a trace of its own");
    let ([send], [process]) = (&of("shell", "send normal")[..], &of("shell", "process normal")[..]) else {
        panic!("{spans:#?}")
    };
    assert_eq!((send.service.as_str(), send.parent()), ("booster", CALLER.to_owned()));
    assert_eq!((process.trace(), process.parent()), ("c".repeat(32), send.id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_holds_up_neither_jobs_nor_the_end() {
    // A port on which nobody listens, and a collector that takes requests and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for port in [free_port().unwrap(), silent.local_addr().unwrap().port()] {
        let endpoint = format!("http://127.0.0.1:{port}");
        let fleet = Fleet::start(1, Boosters::Small, |config| config.otel.endpoint = endpoint).await;
        let jobs: Vec<Job> = (0..100).map(|_| Job::new("noop", "1").unwrap()).collect();
        let submitted = fleet.client.submit_many(jobs, None, false).await.unwrap();
        let outcomes = fleet.outcomes(submitted.into_iter().map(|job| job.id).collect()).await;
        assert!(outcomes.iter().all(|outcome| outcome.outcome == OutcomeKind::Done));
        let log = fleet.dir.path().join("worker-1.log");
        let begin = std::time::Instant::now();
        let Fleet { mut workers, redis, dir: _dir, .. } = fleet;
        assert_eq!(workers.remove(0).stop(LIMIT).await, Some(0));
        assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
        let log = std::fs::read_to_string(log).unwrap();
        assert!(log.contains("not all spans were sent") || log.contains("opentelemetry"), "{log}");
        redis.stop().await;
    }
}

/// The lines of a worker's log about a job. Each must say of which attempt, and for whom.
fn lines_about(log: &Path, id: &str, tenant: &str) -> Vec<(String, u64)> {
    let text = std::fs::read_to_string(log).unwrap();
    let mut found = Vec::new();
    for line in text.lines().filter(|line| line.contains(id)) {
        let line: Value = serde_json::from_str(line).unwrap();
        // What is said while an attempt runs has the attempt's fields around it.
        let about = if line["job"].is_null() { &line["span"] } else { &line };
        assert_eq!((&about["job"], &about["tenant"]), (&id.into(), &tenant.into()), "{line}");
        assert_eq!(about["queue"], "normal", "{line}");
        found.push((line["message"].as_str().unwrap().to_owned(), about["attempt"].as_u64().unwrap()));
    }
    found
}

/// Waits until a worker's log has a line with these words.
async fn logged(log: &Path, words: &[&str]) {
    eventually("the line is logged", || async {
        let text = std::fs::read_to_string(log).unwrap();
        text.lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_about_jobs_say_whose_and_the_level_changes_while_a_worker_runs() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    fleet.spawn(&["--log-json", "--log-level", "info"]);
    fleet.spawn(&["--log-json", "--queues", "low"]);
    fleet.ready().await;
    let log = |number: usize| fleet.dir.path().join(format!("worker-{number}.log"));
    let (first, other) = (log(1), log(2));
    let run = async |id: &str| {
        let job = json!({ "id": id, "booster": "faulty", "tenant": "acme", "input": { "do": "panic" },
            "maxRetries": 1, "traceparent": "none" });
        // By the stream itself: the client's door would take the traceparent away.
        let key = "swarm:phase-5:{normal}:jobs";
        let _: String = fleet.redis(&["XADD", key, "*", "job", &job.to_string()]).await;
        assert_eq!(fleet.outcome(id).await.outcome, OutcomeKind::Dead);
        let (ignored, failed) = ("ignored a traceparent that is not valid", "attempt failed");
        logged(&first, &[id, failed, "\"attempt\":2"]).await;
        let mut lines = lines_about(&first, id, "acme");
        lines.sort_by_key(|(_, attempt)| *attempt);
        let warnings: Vec<_> =
            lines.iter().filter(|(text, _)| text == ignored || text == failed).cloned().collect();
        let expected = [(ignored, 1), (failed, 1), (ignored, 2), (failed, 2)];
        assert_eq!(warnings, expected.map(|(text, attempt)| (text.to_owned(), attempt)));
        lines.into_iter().map(|(text, _)| text).filter(|text| text == "allocated").count()
    };
    assert_eq!(run("quiet-1").await, 0, "that is no line for the level info");

    let key = fleet.client.keys();
    let mut worker = String::new();
    for id in living_workers(fleet.client.link(), key).await.unwrap() {
        let queues: String = fleet.redis(&["HGET", &key.agent(&id), "queues"]).await;
        if queues.contains("normal") {
            worker = id;
        }
    }
    let told = fleet.booster(&["log-level", "debug", "--worker", &worker], "").await;
    assert_eq!(told.status, 0, "{}", told.stderr);
    logged(&first, &["the log's filter", "\"debug\""]).await;
    assert_eq!(run("loud-1").await, 2, "one for each attempt");
    assert!(
        !std::fs::read_to_string(&other).unwrap().contains("the log's filter"),
        "nobody asked the other one"
    );

    assert_eq!(fleet.booster(&["log-level", "warn,booster_queue=error"], "").await.status, 0);
    for log in [&first, &other] {
        logged(log, &["the log's filter", "\"warn,booster_queue=error\""]).await;
    }
    assert_eq!(run("quiet-2").await, 0);

    for (arguments, word) in [
        (&["log-level", "loud"][..], "debug"),
        (&["log-level", "info", "--worker", "nobody"], worker.as_str()),
        (&["--log-level", "loud", "queues"], "log.level"),
    ] {
        let refused = fleet.booster(arguments, "").await;
        assert_eq!(refused.status, 2, "{arguments:?}");
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
    let nonsense = "log * loud";
    let _: i64 = fleet.redis(&["PUBLISH", "swarm:phase-5:{normal}:control", nonsense]).await;
    assert_eq!(run("quiet-3").await, 0, "a wrong message changes nothing");
    fleet.stop().await;
}
