//! Requests that nobody would send.

use booster_tests::{Boosters, Fleet};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{gateway, request};

const SEED: u64 = 0x00b0_0573;
const REQUESTS: usize = 800;

const PATHS: [(&str, &str); 24] = [
    ("POST", "/v1/jobs"),
    ("POST", "/v1/jobs?wait={}"),
    ("GET", "/v1/jobs?{}={}"),
    ("GET", "/v1/jobs?cursor={}"),
    ("GET", "/v1/jobs?q={}&limit={}"),
    ("GET", "/v1/jobs/{}"),
    ("GET", "/v1/jobs/{}?input={}"),
    ("DELETE", "/v1/jobs/{}"),
    ("POST", "/v1/jobs/{}/retry"),
    ("POST", "/v1/queues/{}/resume"),
    ("GET", "/v1/dead?queue={}&cursor={}"),
    ("GET", "/v1/dead/{}"),
    ("DELETE", "/v1/dead/{}"),
    ("POST", "/v1/dead/retry?queue={}"),
    ("GET", "/v1/schedules/{}"),
    ("PUT", "/v1/schedules/{}"),
    ("DELETE", "/v1/schedules/{}"),
    ("GET", "/v1/metrics/history?minutes={}"),
    ("POST", "/v1/apply"),
    ("POST", "/v1/batch"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/session"),
    ("GET", "/v1/models"),
    ("GET", "/{}/{}"),
];

const NAMES: [&str; 24] = [
    "id",
    "booster",
    "capability",
    "input",
    "priority",
    "runAt",
    "timeoutMs",
    "maxRetries",
    "tenant",
    "meta",
    "v",
    "idempotencyKey",
    "code",
    "edit",
    "language",
    "requests",
    "messages",
    "role",
    "content",
    "stream",
    "cron",
    "job",
    "timezone",
    "key",
];

const TEXTS: [&str; 16] = [
    "",
    "a",
    "noop",
    "apply",
    "noop@0.1.0",
    "normal",
    "python",
    "user",
    "<code>a</code><update>b</update>",
    "* * * * *",
    "Europe/Berlin",
    "\u{0}",
    "\u{202e}x\u{1f980}",
    "{}",
    "1700000000000-0",
    "../../etc/passwd",
];

/// Any JSON value, mostly with names and texts that mean something here.
fn value(random: &mut StdRng, depth: usize) -> Value {
    match random.random_range(0..if depth == 0 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => Value::Bool(random.random()),
        2 => json!(random.random::<i64>()),
        3 => json!(random.random_range(-2..100)),
        4 => json!(random.random::<f64>() * 1e300),
        5 => json!(*TEXTS.choose(random).unwrap()),
        6 => (0..random.random_range(0..4)).map(|_| value(random, depth - 1)).collect(),
        _ => {
            let mut object = Map::new();
            for _ in 0..random.random_range(0..6) {
                object.insert((*NAMES.choose(random).unwrap()).to_owned(), value(random, depth - 1));
            }
            Value::Object(object)
        }
    }
}

/// A body: JSON, JSON with some bytes changed or cut off, or bytes.
fn body(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = value(random, 4).to_string().into_bytes();
    match random.random_range(0..6) {
        0 => {
            let place = random.random_range(0..bytes.len());
            bytes[place] = random.random();
        }
        1 => bytes.truncate(random.random_range(0..bytes.len())),
        2 => bytes = (0..random.random_range(0..64)).map(|_| random.random()).collect(),
        3 => bytes = "[".repeat(random.random_range(1..20_000)).into_bytes(),
        _ => {}
    }
    bytes
}

/// Something for a place in a path or query, percent-encoded byte by byte.
fn part(random: &mut StdRng) -> String {
    let bytes: Vec<u8> = match random.random_range(0..4) {
        0 => (0..random.random_range(1..20)).map(|_| random.random()).collect(),
        1 => random.random_range(-5..1000).to_string().into_bytes(),
        2 => (*NAMES.choose(random).unwrap()).as_bytes().to_vec(),
        _ => (*TEXTS.choose(random).unwrap()).as_bytes().to_vec(),
    };
    bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_gives_an_internal_error() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    let mut random = StdRng::seed_from_u64(SEED);
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    for number in 0..REQUESTS {
        let (method, pattern) = *PATHS.choose(&mut random).unwrap();
        let mut path = pattern.to_owned();
        while path.contains("{}") {
            path = path.replacen("{}", &part(&mut random), 1);
        }
        let method: Method = method.parse().unwrap();
        let body = body(&mut random);
        let asked = request(&url, method.clone(), &path).header("Prefer", "wait=1").body(body.clone());
        let response =
            asked.send().await.unwrap_or_else(|error| panic!("{number}: {method} {path}: {error}"));
        let status = response.status().as_u16();
        let problem =
            response.headers().get("content-type").is_some_and(|kind| kind == "application/problem+json");
        let text = response.text().await.unwrap();
        let shown = String::from_utf8_lossy(&body);
        assert_ne!(status, 500, "{number}: {method} {path}\n{shown:.300}\n{text}");
        assert!(
            status < 400 || problem,
            "{number}: {method} {path}: {status} is no problem document\n{text}"
        );
        *statuses.entry(status).or_default() += 1;
    }
    assert!(statuses.keys().any(|status| *status < 300) && statuses[&400] > 100, "{statuses:?}");
    assert!(reqwest::get(format!("{url}/healthz")).await.unwrap().status().is_success());
    fleet.stop().await;
}
