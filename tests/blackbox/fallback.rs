//! The fallback: what no booster could do is offered to regular agents, with the guarantees of the queue itself.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use booster_core::{Config, OutcomeKind};
use booster_producer::{Answer, Answered, Client, Wanted};
use booster_queue::{EndedOffer, TakenOffer};
use booster_tests::servers::Cluster;
use booster_tests::{Boosters, Fleet, LIMIT, eventually, program_path, small_modules};
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

const OFFERS: &str = "swarm:phase-5:{normal}:offers";
const NO_WAIT: Duration = Duration::ZERO;

fn refusing(id: &str) -> String {
    format!(r#"{{"id":"{id}","booster":"faulty","input":{{"do":"refuse"}},"agentId":"asker"}}"#)
}

/// A job that `faulty` refuses, with its outcome there.
async fn refused(fleet: &Fleet, id: &str) {
    fleet.submit(&refusing(id)).await;
    assert_eq!(fleet.outcome(id).await.outcome, OutcomeKind::Refused);
}

async fn next(client: &Client, limit: Duration) -> Option<TakenOffer> {
    client.next_fallback(&Wanted::default(), limit).await.unwrap()
}

fn text(value: &Value) -> Answer {
    Answer::Text(value.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_does_what_a_booster_refused_and_everybody_sees_it() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.booster.compat_tasks = true).await;
    assert_eq!(fleet.booster(&["fallback", "next", "--json"], "").await.status, 5, "nothing is offered");
    refused(&fleet, "r").await;
    let listed = fleet.booster(&["fallback", "list", "--json"], "").await.json();
    assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["state"]), (1, &"r".into(), &"offered".into()));
    let taken = fleet.booster(&["fallback", "next", "--wait", "5", "--json"], "").await.json().remove(0);
    assert_eq!((&taken["id"], &taken["queue"], &taken["takes"]), (&"r".into(), &"normal".into(), &1.into()));
    assert_eq!(taken["job"]["input"]["do"], "refuse");
    assert_eq!(taken["outcome"]["refusal"]["reason"], "asked_to");
    let token = taken["token"].as_str().unwrap();
    assert_eq!(fleet.booster(&["fallback", "next"], "").await.status, 5, "it is taken");
    let listed = fleet.booster(&["fallback", "list"], "").await.stdout;
    assert!(listed.contains("claimed"), "{listed}");

    // Who waits for the outcome has the refusal at once; who waits for the fallback has to wait.
    assert_eq!(fleet.booster(&["wait", "r"], "").await.status, 3);
    let short = fleet.booster(&["wait", "r", "--fallback", "--timeout", "1", "--json"], "").await;
    assert_eq!((short.status, &short.json()[0]["outcome"]), (3, &"refused".into()), "none came in time");
    let patient = fleet.booster(&["wait", "r", "--fallback", "--json"], "");
    let done = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let stranger = "0".repeat(32);
        let arguments = ["fallback", "done", "r", "--token", &stranger];
        assert_eq!(fleet.booster(&arguments, "{}").await.status, 5, "another token is no claim");
        fleet.booster(&["fallback", "done", "r", "--token", token], r#"{"fixed":[]}"#).await
    };
    let (patient, done) = tokio::join!(patient, done);
    assert_eq!(done.status, 0, "{}", done.stderr);
    let outcome = &patient.json()[0];
    assert_eq!(patient.status, 0);
    assert_eq!((&outcome["outcome"], &outcome["usedFallback"]), (&"done".into(), &true.into()));
    assert_eq!((&outcome["output"], &outcome["booster"]), (&json!({ "fixed": [] }), &"agent".into()));
    assert!(outcome["worker"].as_str().unwrap().starts_with("agent-") && outcome.get("refusal").is_none());

    // A second answer of the same claim changes nothing.
    let again = fleet.booster(&["fallback", "done", "r", "--token", token], r#"{"other":1}"#).await;
    assert_eq!((again.status, again.stderr.contains("already")), (0, true), "{}", again.stderr);
    let status = fleet.booster(&["status", "r", "--json"], "").await;
    assert_eq!((status.status, &status.json()[0]["outcome"]["output"]), (0, &json!({ "fixed": [] })));
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!((counts.done, counts.refused), (1, 0), "each job is counted by its last outcome alone");
    assert_eq!(fleet.redis::<u64>(&["ZCARD", OFFERS]).await, 0);

    let event = eventually("the event tells of the fallback", || async {
        fleet.events().await.into_iter().find(|event| event["data"]["usedFallback"] == true)
    })
    .await;
    assert_eq!(event["type"], "booster.task.completed");
    assert_eq!((&event["data"]["jobId"], &event["data"]["agentId"]), (&"r".into(), &"asker".into()));
    let task = eventually("the task record tells of the fallback", || async {
        let text: Option<String> = fleet.redis(&["GET", "swarm:phase-5:tasks:r"]).await;
        let task: Value = serde_json::from_str(&text?).unwrap();
        (task["usedFallback"] == true).then_some(task)
    })
    .await;
    assert_eq!((&task["result"], &task["input"]["do"]), (&json!({ "fixed": [] }), &"refuse".into()));
    let url = format!("http://{}/metrics", fleet.workers[0].listen());
    eventually("the metrics tell of the fallback", || async {
        let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
        text.contains(r#"booster_fallback_total{queue="normal",result="done"} 1"#).then_some(())
    })
    .await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_lapses_unless_it_is_renewed_and_only_its_holder_may_answer() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.booster.fallback_claim_ttl_ms = 1500).await;
    refused(&fleet, "r").await;
    let first = next(&fleet.client, NO_WAIT).await.unwrap();
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(fleet.client.renew_fallback("r", &first.token).await.unwrap().is_some());
        assert!(next(&fleet.client, NO_WAIT).await.is_none(), "a renewed claim holds");
    }
    let second = next(&fleet.client, LIMIT).await.expect("the claim lapses");
    assert_eq!((second.id(), second.takes), ("r", 2));
    assert!(second.last_error.contains("did not answer in time"), "{}", second.last_error);
    assert_eq!(fleet.client.renew_fallback("r", &first.token).await.unwrap(), None);
    let late = fleet.client.finish_fallback("r", &first.token, &text(&json!(1))).await.unwrap();
    assert_eq!(late, Answered::Lost);
    assert_eq!(fleet.outcome("r").await.outcome, OutcomeKind::Refused);
    let wrong =
        fleet.client.finish_fallback("r", &second.token, &Answer::Text("no JSON".into())).await.unwrap();
    assert!(matches!(wrong, Answered::Rejected { ref reason } if reason.contains("JSON")), "{wrong:?}");
    // That was a failure, so the claim is gone, and after a pause it is somebody's third and last turn.
    let third = next(&fleet.client, LIMIT).await.expect("it is offered again");
    assert!(third.takes == 3 && third.last_error.contains("JSON"), "{third:?}");
    let stored = fleet.client.finish_fallback("r", &third.token, &text(&json!(3))).await.unwrap();
    assert_eq!(stored, Answered::Stored);
    let outcome = fleet.outcome("r").await;
    assert_eq!((outcome.outcome, outcome.output.unwrap().get()), (OutcomeKind::Done, "3"));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_three_failures_the_refusal_stays() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    refused(&fleet, "r").await;
    let mut found = None;
    let waiting =
        fleet.client.wait_each_with_fallback(vec!["r".into()], LIMIT, |outcome| found = Some(outcome));
    let failing = async {
        for turn in 1..=3 {
            let taken = next(&fleet.client, LIMIT).await.unwrap();
            assert_eq!(taken.takes, turn);
            assert_eq!(taken.last_error.is_empty(), turn == 1);
            let error = "too\nhard";
            let ended = fleet.client.fail_fallback("r", &taken.token, error).await.unwrap();
            assert_eq!(ended, if turn == 3 { EndedOffer::Withdrawn } else { EndedOffer::Again });
            let repeated = fleet.client.fail_fallback("r", &taken.token, error).await.unwrap();
            assert_eq!(repeated, EndedOffer::Lost, "a claim ends once");
        }
    };
    let (waited, ()) = tokio::join!(waiting, failing);
    assert!(waited.unwrap().is_empty());
    assert_eq!(found.unwrap().outcome, OutcomeKind::Refused, "who waits is told that nobody will");
    assert!(next(&fleet.client, NO_WAIT).await.is_none());
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_job_leaves_the_dead_when_it_is_done_and_the_offers_when_it_runs_again() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let dead =
        |id: &str| format!(r#"{{"id":"{id}","booster":"faulty","input":{{"do":"panic"}},"maxRetries":0}}"#);
    for id in ["d1", "d2"] {
        fleet.submit(&dead(id)).await;
        assert_eq!(fleet.outcome(id).await.outcome, OutcomeKind::Dead);
    }
    let first = next(&fleet.client, NO_WAIT).await.unwrap();
    assert_eq!((first.id(), first.outcome.error.as_ref().unwrap().code.as_str()), ("d1", "panic"));
    fleet.client.finish_fallback("d1", &first.token, &text(&json!({}))).await.unwrap();
    let listed = fleet.booster(&["dead", "list", "--json"], "").await.json();
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &"d2".into()));
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!((counts.done, counts.dead, counts.depth.dead), (1, 1, 1));

    let second = next(&fleet.client, NO_WAIT).await.unwrap();
    assert_eq!(fleet.booster(&["dead", "retry", "d2"], "").await.status, 0);
    let late = fleet.client.finish_fallback("d2", &second.token, &text(&json!({}))).await.unwrap();
    assert_eq!(late, Answered::Lost, "a new life is nobody's claim");
    assert_eq!(fleet.outcome("d2").await.outcome, OutcomeKind::Dead);
    let third = next(&fleet.client, LIMIT).await.expect("it is offered anew");
    assert_eq!((third.id(), third.takes), ("d2", 1));
    let again = fleet.client.finish_fallback("d2", &second.token, &text(&json!({}))).await.unwrap();
    assert_eq!(again, Answered::Lost, "a claim of the former life is none on the new offer");
    assert_eq!(fleet.booster(&["dead", "drop", "d2"], "").await.status, 0);
    assert_eq!(fleet.redis::<u64>(&["ZCARD", OFFERS]).await, 0);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_agents_share_the_offers_and_each_job_is_done_once() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    const JOBS: usize = 40;
    let ids: Vec<String> = (0..JOBS).map(|n| format!("m{n}")).collect();
    let jobs = ids.iter().map(|id| booster_core::Job::from_json(&refusing(id)).unwrap()).collect();
    fleet.client.submit_many(jobs, None, true).await.unwrap();
    let agents = (0..8).map(|_| async {
        let client = Client::connect(fleet.config.clone()).unwrap();
        let mut mine = Vec::new();
        while let Some(taken) = next(&client, Duration::from_secs(3)).await {
            let answer = text(&json!({ "by": taken.token }));
            assert_eq!(
                client.finish_fallback(taken.id(), &taken.token, &answer).await.unwrap(),
                Answered::Stored
            );
            mine.push((taken.id().to_owned(), taken.token.clone()));
        }
        mine
    });
    let done: Vec<(String, String)> =
        futures_util::future::join_all(agents).await.into_iter().flatten().collect();
    assert_eq!(done.len(), JOBS, "nobody took what another had");
    for (id, token) in done {
        let outcome = fleet.outcome(&id).await;
        assert_eq!(outcome.output.unwrap().get(), json!({ "by": token }).to_string());
    }
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!((counts.done, counts.refused), (JOBS as u64, 0));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_are_bounded_and_those_of_forgotten_jobs_are_passed_over() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let fake: Vec<String> =
        (0..10_200).flat_map(|n| [(1_000_000 + n).to_string(), format!("gone{n}")]).collect();
    for chunk in fake.chunks(2000) {
        let mut words = vec!["ZADD", OFFERS];
        words.extend(chunk.iter().map(String::as_str));
        let _: u64 = fleet.redis(&words).await;
    }
    refused(&fleet, "r").await;
    // What is older than dead jobs are kept goes with the next offers, five hundred at a time.
    assert!(fleet.redis::<u64>(&["ZCARD", OFFERS]).await <= 10_000);
    let _: u64 = fleet.redis(&["ZADD", OFFERS, "2000000", "no-such-job"]).await;
    assert_eq!(next(&fleet.client, NO_WAIT).await.unwrap().id(), "r");
    assert_eq!(fleet.redis::<u64>(&["ZCARD", OFFERS]).await, 1, "what nobody can do is gone");
    fleet.stop().await;

    let fleet = Fleet::start(1, Boosters::Small, |config| config.booster.fallback_enabled = false).await;
    refused(&fleet, "r").await;
    assert!(next(&fleet.client, NO_WAIT).await.is_none(), "the fallback is off");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_are_taken_and_answered_on_a_cluster() {
    let cluster = Cluster::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.set("redis.url", &Value::from(cluster.url()), "test").unwrap();
    config.wasm.pool_size = 1;
    config.wasm.modules = small_modules(dir.path()).display().to_string();
    let client = Client::connect(config.clone()).unwrap();
    let log = dir.path().join("worker.log");
    let mut worker = booster_producer::local::LocalWorker::start(&config, &log, &[]).unwrap();
    worker.ready(&client).await.unwrap();
    for priority in ["high", "normal", "low"] {
        let job = format!(
            r#"{{"id":"c-{priority}","booster":"faulty","input":{{"do":"refuse"}},"priority":"{priority}","cache":true}}"#
        );
        client.submit(booster_core::Job::from_json(&job).unwrap()).await.unwrap();
    }
    for _ in 0..3 {
        let taken = next(&client, LIMIT).await.unwrap();
        assert!(client.renew_fallback(taken.id(), &taken.token).await.unwrap().is_some());
        let answered = client.finish_fallback(taken.id(), &taken.token, &text(&json!(1))).await.unwrap();
        assert_eq!(answered, Answered::Stored);
        let outcome = client.wait(taken.id(), LIMIT).await.unwrap().unwrap();
        assert_eq!((outcome.outcome, outcome.used_fallback), (OutcomeKind::Done, true));
    }
    assert_eq!(worker.stop(LIMIT).await, Some(0));
}

/// An edit that the `apply` booster refuses.
fn prose(id: &str) -> String {
    json!({
        "id": id, "booster": "apply",
        "input": { "code": "def one():\n    return 1\n", "path": "a.py",
                   "edit": "Please let it return two, if you would be so kind." },
    })
    .to_string()
}

const GOOD: &str = "def one():\n    return 2\n";
const BROKEN: &str = "def one(:\n    return 2\n";

#[tokio::test(flavor = "multi_thread")]
async fn over_http_an_edit_is_answered_with_a_file_that_is_no_worse() {
    let fleet = Fleet::start(1, Boosters::All, |_| {}).await;
    let url = super::gateway::gateway(&fleet).await;
    let http = reqwest::Client::new();
    let take = async |query: &str| http.get(format!("{url}/v1/fallback/next{query}")).send().await.unwrap();
    let post = async |path: &str, body: Value| {
        let answer = http.post(format!("{url}/v1/fallback/{path}")).json(&body).send().await.unwrap();
        let status = answer.status();
        (status, answer.json::<Value>().await.unwrap())
    };
    assert_eq!(take("").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(take("?wait=soon").await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(take("?queue=nowhere").await.status(), StatusCode::BAD_REQUEST);
    fleet.submit(&refusing("other")).await;
    fleet.submit(&prose("edit")).await;
    fleet.outcomes(vec!["other".into(), "edit".into()]).await;
    let taken: Value = take("?wait=10&booster=apply").await.json().await.unwrap();
    assert_eq!((&taken["id"], &taken["job"]["input"]["path"]), (&"edit".into(), &"a.py".into()));
    let token = taken["token"].clone();
    let (status, body) = post("edit/renew", json!({ "token": token })).await;
    assert!(
        status == StatusCode::OK && body["claimUntil"].as_u64() >= taken["claimUntil"].as_u64(),
        "{body}"
    );
    let (status, body) = post("edit/done", json!({ "token": "x", "output": GOOD })).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &"fallback_claim_lost".into()));
    let (status, body) = post("edit/done", json!({ "token": token })).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &"usage".into()));
    let (status, body) = post("edit/done", json!({ "token": token, "output": BROKEN })).await;
    assert_eq!((status, &body["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &"fallback_rejected".into()));
    assert!(body["detail"].as_str().unwrap().contains("syntax_error"), "{body}");
    assert_eq!(fleet.outcome("edit").await.outcome, OutcomeKind::Refused, "a worse file is not stored");

    let taken: Value = take("?wait=30&booster=apply").await.json().await.unwrap();
    assert_eq!(taken["takes"], 2);
    let done = json!({ "token": taken["token"], "output": GOOD });
    let (status, body) = post("edit/done", done.clone()).await;
    assert_eq!((status, &body["stored"]), (StatusCode::OK, &true.into()), "{body}");
    let (status, body) = post("edit/done", done).await;
    assert_eq!((status, &body["stored"]), (StatusCode::OK, &false.into()), "{body}");
    let outcome = fleet.outcome("edit").await;
    let output: Value = serde_json::from_str(outcome.output.unwrap().get()).unwrap();
    assert_eq!((&output["output"], &output["language"]), (&GOOD.into(), &"python".into()));
    assert!(output["diff"].as_str().unwrap().contains("+    return 2"));

    let taken: Value = take("?wait=10").await.json().await.unwrap();
    assert_eq!(taken["id"], "other");
    let (status, body) = post("other/failed", json!({ "token": taken["token"], "error": "no" })).await;
    assert_eq!((status, &body["offered"]), (StatusCode::OK, &true.into()));
    let (status, _) = post("other/failed", json!({ "token": taken["token"], "error": "no" })).await;
    assert_eq!(status, StatusCode::CONFLICT);
    fleet.stop().await;
}

/// Plays the endpoint: answers each request with the next of the given answers, the last for ever.
struct Endpoint {
    url: String,
    /// Head and body of each request.
    seen: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Endpoint {
    async fn start(answers: Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let requests = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (head, body) = read_request(&mut stream).await;
                let number = {
                    let mut requests = requests.lock().unwrap();
                    requests.push((head, serde_json::from_slice(&body).unwrap()));
                    requests.len() - 1
                };
                let (status, body) = &answers[number.min(answers.len() - 1)];
                let answer = format!(
                    "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, seen }
    }

    fn requests(&self) -> Vec<(String, Value)> {
        self.seen.lock().unwrap().clone()
    }
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> (String, Vec<u8>) {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let length: usize = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
                .unwrap_or(0);
            if read.len() >= end + 4 + length {
                return (head, read[end + 4..].to_vec());
            }
        }
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.unwrap();
        assert!(count > 0, "the request was cut off");
        read.extend_from_slice(&chunk[..count]);
    }
}

fn completion(content: &str) -> (u16, String) {
    let choice = json!({ "index": 0, "finish_reason": "stop",
                         "message": { "role": "assistant", "content": content } });
    (200, json!({ "id": "x", "object": "chat.completion", "choices": [choice] }).to_string())
}

const KEY: &str = "sk-very-secret-0123456789";

/// Starts `booster fallback run` for a fleet and an endpoint.
fn agent(fleet: &Fleet, url: &str) -> Child {
    let settings = json!({ "booster": {
        "fallbackUrl": url, "fallbackModel": "test-model", "fallbackTimeout": 5000, "fallbackRetries": 2,
    } });
    let file = fleet.dir.path().join("agent.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let mut command = Command::new(program_path("booster"));
    command.args(["--redis-url", &fleet.config.redis.url, "--config"]).arg(file).args(["fallback", "run"]);
    command.env("BOOSTER_FALLBACK_KEY", KEY).env("BOOSTER_LOG", "trace");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// The agent's exit status and all that it has written.
async fn ended(agent: Child) -> (Option<i32>, String) {
    let output = tokio::time::timeout(LIMIT, agent.wait_with_output()).await.unwrap().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn stop(agent: &Child) {
    kill_process(Pid::from_raw(agent.id().unwrap() as i32).unwrap(), Signal::TERM).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_agent_asks_until_the_model_gives_a_good_file() {
    let fleet = Fleet::start(1, Boosters::All, |_| {}).await;
    let endpoint = Endpoint::start(vec![
        (500, format!("the key was {KEY}")),
        completion(&format!("```python\n{BROKEN}```")),
        completion(&format!("Here you are:\n```python\n{GOOD}```\n")),
    ])
    .await;
    let agent = agent(&fleet, &endpoint.url);
    fleet.submit(&refusing("not-for-it")).await;
    fleet.submit(&prose("edit")).await;
    let mut found = None;
    fleet
        .client
        .wait_each_with_fallback(vec!["edit".into()], LIMIT, |outcome| found = Some(outcome))
        .await
        .unwrap();
    let outcome = found.unwrap();
    assert_eq!((outcome.outcome, outcome.used_fallback), (OutcomeKind::Done, true), "{outcome:?}");
    let output: Value = serde_json::from_str(outcome.output.unwrap().get()).unwrap();
    assert_eq!((&output["output"], &output["success"]), (&GOOD.into(), &true.into()));

    let requests = endpoint.requests();
    assert_eq!(requests.len(), 3, "once refused, once not good enough, once good");
    for (head, body) in &requests {
        assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1"), "{head}");
        assert!(head.to_lowercase().contains(&format!("authorization: bearer {KEY}")), "{head}");
        assert_eq!(body["model"], "test-model");
    }
    let asked = requests[0].1["messages"][1]["content"].as_str().unwrap();
    assert!(
        asked.contains("return 1") && asked.contains("Please let it return two") && asked.contains("a.py")
    );
    let told = requests[2].1["messages"][1]["content"].as_str().unwrap();
    assert!(told.contains("syntax_error"), "the model is told what was wrong: {told}");

    let other = fleet.client.queue("normal").offers(0, 10).await.unwrap().0;
    assert_eq!((other.len(), other[0].takes), (1, 0), "what it cannot do it leaves to others");
    stop(&agent);
    let (status, written) = ended(agent).await;
    assert_eq!(status, Some(0), "{written}");
    assert!(!written.contains(KEY), "the key was written");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_not_let_in_ends_and_uses_up_no_turn() {
    let fleet = Fleet::start(1, Boosters::All, |_| {}).await;
    fleet.submit(&prose("edit")).await;
    fleet.outcome("edit").await;
    let endpoint = Endpoint::start(vec![(401, format!("wrong key {KEY}"))]).await;
    let (status, written) = ended(agent(&fleet, &endpoint.url)).await;
    assert_eq!(status, Some(1), "{written}");
    assert!(written.contains("401") && !written.contains(KEY), "{written}");
    let offer = fleet.client.queue("normal").offers(0, 10).await.unwrap().0.remove(0);
    assert_eq!((offer.takes, offer.claimed), (0, false));

    // One that ends in the middle of a question gives the job back.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let busy = agent(&fleet, &url);
    let _question = tokio::time::timeout(LIMIT, silent.accept()).await.unwrap().unwrap();
    stop(&busy);
    let (status, written) = ended(busy).await;
    assert_eq!(status, Some(0), "{written}");
    let offer = fleet.client.queue("normal").offers(0, 10).await.unwrap().0.remove(0);
    assert_eq!((offer.takes, offer.claimed), (0, false));
    fleet.stop().await;

    let without = booster_tests::run("booster", &["fallback", "run"], "").await;
    assert_eq!(without.status, 2, "{}", without.stderr);
    assert!(without.stderr.contains("booster.fallbackUrl"), "{}", without.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_outlives_a_kill_of_everybody() {
    let mut fleet =
        Fleet::start(1, Boosters::Small, |config| config.booster.fallback_claim_ttl_ms = 1000).await;
    refused(&fleet, "r").await;
    let taken = next(&fleet.client, NO_WAIT).await.unwrap();
    fleet.workers[0].kill().await;
    fleet.redis.restart().await.unwrap();
    let again = next(&fleet.client, LIMIT).await.expect("offers and claims are in Redis");
    assert_eq!((again.id(), again.takes), ("r", 2));
    let stale = fleet.client.finish_fallback("r", &taken.token, &text(&json!(1))).await.unwrap();
    let stored = fleet.client.finish_fallback("r", &again.token, &text(&json!(2))).await.unwrap();
    assert_eq!((stale, stored), (Answered::Lost, Answered::Stored));
    let fields: HashMap<String, i64> = fleet.redis(&["HGETALL", "swarm:phase-5:{normal}:stats"]).await;
    assert_eq!((fields["fallback:done"], fields["fallback:lapsed"]), (1, 1));
}
