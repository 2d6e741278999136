//! The HTTP gateway.

mod drop_in;
mod events;
mod fleet;
mod fuzz;
mod guard;
mod jobs;
mod keys;

use booster_core::{Config, OutcomeKind};
use booster_tests::{Boosters, Fleet, LIMIT};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A gateway for a fleet, inside this process.
pub(crate) async fn gateway(fleet: &Fleet) -> String {
    gateway_of(fleet.config.clone()).await
}

/// A gateway for whatever fleet `config` describes.
pub(crate) async fn gateway_of(config: Config) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (client, metrics) = booster_producer::gateway::counted_client(config).unwrap();
    tokio::spawn(booster_producer::gateway::run(client, metrics, listener, std::future::pending()));
    url
}

/// A request of one method to one path.
fn request(url: &str, method: Method, path: &str) -> RequestBuilder {
    Client::new().request(method, format!("{url}{path}")).timeout(LIMIT)
}

/// The status and the JSON of an answer; null when it has no body.
async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect(&text) })
}

async fn get(url: &str, path: &str) -> (u16, Value) {
    answer(request(url, Method::GET, path)).await
}

/// POST of JSON.
async fn send(url: &str, path: &str, body: Value) -> (u16, Value) {
    answer(request(url, Method::POST, path).body(body.to_string())).await
}

async fn delete(url: &str, path: &str) -> (u16, Value) {
    answer(request(url, Method::DELETE, path)).await
}

/// Each of these is refused with this status and code.
async fn refused(url: &str, cases: &[(Method, &str, &str, u16, &str)]) {
    for (method, path, body, status, code) in cases {
        let response = request(url, method.clone(), path).body((*body).to_owned()).send().await.unwrap();
        assert_eq!(response.status().as_u16(), *status, "{method} {path} {body}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{method} {path}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["code"], *code, "{method} {path} {body}: {problem}");
    }
}

async fn post(url: &str, body: impl Into<reqwest::Body>) -> Response {
    Client::new().post(format!("{url}/v1/jobs")).timeout(LIMIT).body(body).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_submitted_one_or_many_and_waited_for() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    let answer = post(&url, r#"{"id":"one","booster":"noop","input":{}}"#).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer, json!({ "id": "one", "queue": "normal", "accepted": true }));
    let view: Value = reqwest::get(format!("{url}/v1/jobs/one?wait=30")).await.unwrap().json().await.unwrap();
    assert_eq!((&view["state"], &view["outcome"]["output"]), (&"done".into(), &json!({})));

    let jobs: Vec<Value> =
        (0..50).map(|n| json!({ "id": format!("m{n}"), "booster": "noop", "input": n })).collect();
    let answer: Value = post(&url, serde_json::to_string(&jobs).unwrap()).await.json().await.unwrap();
    let ids: Vec<String> =
        answer["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        ids,
        (0..50).map(|n| format!("m{n}")).collect::<Vec<_>>(),
        "answers come in the order of the jobs"
    );
    assert!(fleet.outcomes(ids).await.iter().all(|outcome| outcome.outcome == OutcomeKind::Done));
    assert!(reqwest::get(format!("{url}/healthz")).await.unwrap().status().is_success());
    let metrics = reqwest::get(format!("{url}/metrics")).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("# TYPE booster_redis_command_duration_seconds histogram"));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_is_a_problem_document_that_names_what_is_wrong() {
    let fleet = Fleet::start(1, Boosters::All, |_| {}).await;
    let url = gateway(&fleet).await;
    let large = format!(r#"{{"booster":"noop","input":"{}"}}"#, "x".repeat(4 << 20));
    let many = serde_json::to_string(&vec![json!({"booster":"noop","input":1}); 1001]).unwrap();
    for (body, status, code, word) in [
        ("nonsense", 400, "job_not_json", "JSON object"),
        (r#"{"booster":"noop"}"#, 400, "job_field_missing", "`input`"),
        (r#"{"booster":"nope","input":1}"#, 400, "booster_unknown", "noop@0.1.0"),
        (
            r#"{"booster":"apply","input":{"code":"","edit":"","language":"x"}}"#,
            400,
            "language_unknown",
            "python",
        ),
        (r#"{"booster":"noop","input":1,"timeoutMs":0}"#, 400, "job_field_invalid", "timeoutMs"),
        (r#"[{"booster":"noop","input":1},{"input":1}]"#, 400, "job_field_missing", "`booster`"),
        ("[]", 400, "usage", "1 to 1000"),
        (&many, 400, "usage", "1001 jobs"),
        (&large, 413, "job_too_large", "4194304"),
    ] {
        let answer = post(&url, body.to_owned()).await;
        assert_eq!(answer.status().as_u16(), status, "{code}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()));
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
        assert!(problem["type"].is_string() && problem["title"].is_string());
    }
    let huge = post(&url, vec![b' '; 33 << 20]).await;
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
    for (path, status, code) in [
        ("/v1/jobs/nobody", 404, "job_unknown"),
        ("/v1/jobs/nobody?wait=soon", 400, "usage"),
        ("/v1/jobs/nobody?wait=301", 400, "usage"),
        ("/v1/jobs/nobody?wait=1&wait=2", 400, "request_unreadable"),
        ("/v1/jobs/%ff", 400, "request_unreadable"),
        ("/v1/apply", 405, "method_wrong"),
        ("/v2/anything", 404, "not_found"),
    ] {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code);
    }
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!((counts.done, counts.depth.waiting), (0, 0), "nothing of it was accepted");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_answer_is_503_without_an_internal_cause() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    fleet.redis.kill().await;
    let answer = post(&url, r#"{"booster":"noop","input":{}}"#).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("redis_unreachable") && !text.contains("refused") && !text.contains("127.0.0.1"),
        "{text}"
    );
    assert_eq!(
        reqwest::get(format!("{url}/healthz")).await.unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
}
