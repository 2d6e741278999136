//! API keys.

use booster_core::Config;
use booster_tests::{Boosters, Fleet, run};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{answer, gateway, refused, request};

/// Makes keys with the real command line: each with its arguments, all in one file of the fleet's directory.
async fn keys(fleet: &Fleet, all: &[&[&str]]) -> (Config, Vec<String>) {
    let (mut lines, mut keys) = (String::new(), Vec::new());
    for arguments in all {
        let output = run("booster", &[&["key", "new"], *arguments].concat(), "").await;
        assert_eq!(output.status, 0, "{output:?}");
        let (key, line) = output.stdout.trim().split_once('\n').unwrap();
        assert!(!line.contains(key));
        keys.push(key.to_owned());
        lines.push_str(line);
        lines.push('\n');
    }
    let file = fleet.dir.path().join("keys.jsonl");
    std::fs::write(&file, lines).unwrap();
    let mut config = fleet.config.clone();
    config.gateway.keys_file = file.display().to_string();
    (config, keys)
}

/// A request with a key.
fn with(key: &str, url: &str, method: Method, path: &str) -> RequestBuilder {
    request(url, method, path).bearer_auth(key)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_known_keys_are_let_in_and_tenants_see_their_own() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let made =
        [&["--name", "ops"][..], &["--name", "a", "--tenant", "acme"], &["--name", "b", "--tenant", "brick"]];
    let (config, keys) = keys(&fleet, &made).await;
    let url = super::gateway_of(config).await;
    let [ops, acme, brick] = [&keys[0], &keys[1], &keys[2]];

    for (path, method) in [
        ("/v1/jobs", Method::GET),
        ("/v1/jobs", Method::POST),
        ("/v1/queues", Method::GET),
        ("/v1/events", Method::GET),
        ("/v1/apply", Method::POST),
        ("/metrics", Method::GET),
        ("/v1/models", Method::GET),
    ] {
        refused(&url, &[(method.clone(), path, "{}", 401, "key_missing")]).await;
        let (status, problem) = answer(with("bfk_0", &url, method, path).body("{}")).await;
        assert_eq!((status, &problem["code"]), (401, &json!("key_unknown")), "{path}");
    }
    for open in ["/healthz", "/health", "/openapi.json", "/docs"] {
        assert_eq!(reqwest::get(format!("{url}{open}")).await.unwrap().status(), 200, "{open}");
    }
    assert_eq!(answer(with(ops, &url, Method::GET, "/v1/queues")).await.0, 200);
    for (method, path) in [
        (Method::GET, "/v1/jobs"),
        (Method::GET, "/v1/events"),
        (Method::GET, "/v1/pool"),
        (Method::POST, "/v1/queues/normal/pause"),
        (Method::GET, "/v1/dead"),
        (Method::GET, "/v1/schedules"),
    ] {
        let (status, problem) = answer(with(acme, &url, method, path)).await;
        assert_eq!((status, &problem["code"]), (403, &json!("operator_only")), "{path}");
    }

    let job = json!({ "id": "mine", "booster": "noop", "input": {}, "tenant": "brick" }).to_string();
    let (status, view) = answer(with(acme, &url, Method::POST, "/v1/jobs?wait=30").body(job.clone())).await;
    assert_eq!((status, &view["outcome"]["tenant"]), (200, &json!("acme")), "the key's tenant counts");
    for (key, status) in [(acme, 200), (ops, 200), (brick, 404)] {
        assert_eq!(answer(with(key, &url, Method::GET, "/v1/jobs/mine")).await.0, status);
    }
    let (status, _) = answer(with(brick, &url, Method::POST, "/v1/jobs?wait=30").body(job)).await;
    assert_eq!(status, 404, "an id that is taken shows nothing of whose it is");
    answer(with(ops, &url, Method::POST, "/v1/queues/normal/pause")).await;
    let waits = json!({ "id": "waits", "booster": "noop", "input": {} }).to_string();
    assert_eq!(answer(with(acme, &url, Method::POST, "/v1/jobs").body(waits)).await.0, 202);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(answer(with(brick, &url, method, "/v1/jobs/waits")).await.0, 404);
    }
    assert_eq!(answer(with(acme, &url, Method::GET, "/v1/jobs/waits")).await.1["state"], "waiting");
    assert_eq!(
        answer(with(acme, &url, Method::DELETE, "/v1/jobs/waits")).await.1["cancellation"],
        "cancelled"
    );
    assert_eq!(answer(with(acme, &url, Method::GET, "/v1/jobs/waits")).await.1["outcome"]["tenant"], "acme");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_and_quotas_are_answered_with_429() {
    // No worker: all jobs wait.
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let slow = ["--name", "slow", "--tenant", "s", "--per-second", "0.1", "--burst", "3"];
    let few = ["--name", "few", "--tenant", "f", "--max-waiting", "5"];
    let (config, keys) = keys(&fleet, &[&["--name", "ops"], &slow, &few]).await;
    let url = super::gateway_of(config).await;
    let job = json!({ "booster": "noop", "input": {} });
    let submit = |key: &str, body: &Value| with(key, &url, Method::POST, "/v1/jobs").body(body.to_string());
    let three = json!([job, job, job]);
    assert_eq!(answer(submit(&keys[1], &three)).await.0, 202);
    let response = submit(&keys[1], &job).send().await.unwrap();
    assert_eq!(response.status(), 429);
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((5..=10).contains(&wait), "{wait}");
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "rate_exceeded");

    assert_eq!(answer(submit(&keys[2], &three)).await.0, 202);
    let (status, problem) = answer(submit(&keys[2], &three)).await;
    assert_eq!((status, &problem["code"]), (429, &json!("quota_exceeded")), "{problem}");
    assert_eq!(answer(submit(&keys[2], &json!([job, job]))).await.0, 202, "five in all");
    assert_eq!(answer(submit(&keys[0], &three)).await.0, 202, "others are not held back");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_logs_in_with_a_cookie() {
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let (config, keys) = keys(&fleet, &[&["--name", "ops"]]).await;
    let url = super::gateway_of(config).await;
    let login =
        |key: &str| request(&url, Method::POST, "/v1/session").body(json!({ "key": key }).to_string());
    assert_eq!(answer(login("bfk_wrong")).await.0, 401);
    let response = login(&keys[0]).send().await.unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "name": "ops", "operator": true }));
    let cookie = cookie.split(';').next().unwrap();
    let logged_in = |method, path| request(&url, method, path).header("Cookie", cookie);
    assert_eq!(answer(logged_in(Method::GET, "/v1/queues")).await.0, 200);
    // What a page of this gateway may do with it, one of another origin may not.
    let pause = || logged_in(Method::POST, "/v1/queues/normal/pause");
    assert_eq!(answer(pause().header("Origin", &url)).await.0, 200);
    let foreign = pause().header("Origin", "http://127.0.0.1:1");
    assert_eq!(answer(foreign).await.1["code"], "origin_refused");
    let response = request(&url, Method::DELETE, "/v1/session").send().await.unwrap();
    assert!(response.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));

    let open = gateway(&fleet).await;
    refused(&open, &[(Method::POST, "/v1/session", r#"{"key":"x"}"#, 409, "keys_not_used")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_file_and_wrong_arguments_say_what_is_wrong() {
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let (file, settings) = (fleet.dir.path().join("keys"), fleet.dir.path().join("config.json"));
    std::fs::write(&file, "{\"name\":\"a\"}\n").unwrap();
    std::fs::write(&settings, json!({ "gateway": { "keysFile": file } }).to_string()).unwrap();
    let settings = settings.display().to_string();
    let serve = ["--config", &settings, "serve", "--listen", "127.0.0.1:0"];
    let output = fleet.booster(&serve, "").await;
    assert_eq!(output.status, 2);
    assert!(output.stderr.contains("line 1") && output.stderr.contains("sha256"), "{}", output.stderr);
    for (arguments, word) in [
        (&["key", "new", "--name", "a b"][..], "`name`"),
        (&["key", "new", "--name", "a", "--max-waiting", "5"], "--tenant"),
        (&["key", "new", "--name", "a", "--per-second", "0"], "`perSecond`"),
    ] {
        let output = run("booster", arguments, "").await;
        assert_eq!(output.status, 2);
        assert!(output.stderr.contains(word) && output.stdout.is_empty(), "{output:?}");
    }
}
