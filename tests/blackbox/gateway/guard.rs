//! What stands between the gateway and the world.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use booster_producer::local::free_port;
use booster_tests::{Boosters, Fleet, LIMIT, eventually};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::Method;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use super::{answer, gateway, gateway_of, get, request, send};

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_only_this_machine_is_served() {
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let address = format!("0.0.0.0:{}", free_port().unwrap());
    let output = fleet.booster(&["serve", "--listen", &address], "").await;
    assert_eq!(output.status, 2);
    for word in ["gateway.keysFile", "booster key new", "gateway.allowAnonymous", address.as_str()] {
        assert!(output.stderr.contains(word), "{word}: {}", output.stderr);
    }
    let url = gateway(&fleet).await;
    // A page whose name was made to mean this machine.
    for (host, status) in [("evil.example", 421), ("localhost", 200), ("127.0.0.1:8080", 200)] {
        let (found, body) = answer(request(&url, Method::GET, "/v1/queues").header("Host", host)).await;
        assert_eq!(found, status, "{host}: {body}");
    }
    // A page of any origin that sends what needs no permission.
    let foreign =
        request(&url, Method::POST, "/v1/queues/normal/pause").header("Origin", "https://evil.example");
    assert_eq!(answer(foreign).await.1["code"], "origin_refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_named_origins_may_ask_and_no_others() {
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let preflight = |url: String, origin: &'static str| async move {
        let request = request(&url, Method::OPTIONS, "/v1/jobs").header("Origin", origin);
        let request = request.header("Access-Control-Request-Method", "POST");
        let response = request.send().await.unwrap();
        response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(preflight(gateway(&fleet).await, "https://console.example").await, None);
    let mut config = fleet.config.clone();
    config.set("gateway.corsOrigins", &Value::from("https://console.example"), "test").unwrap();
    let url = gateway_of(config).await;
    assert_eq!(
        preflight(url.clone(), "https://console.example").await.as_deref(),
        Some("https://console.example")
    );
    assert_eq!(preflight(url.clone(), "https://evil.example").await, None);
    let pause =
        request(&url, Method::POST, "/v1/queues/normal/pause").header("Origin", "https://console.example");
    assert_eq!(answer(pause).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_backlog_takes_no_more_jobs() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let mut config = fleet.config.clone();
    config.gateway.max_drain_s = 1;
    let url = gateway_of(config).await;
    // Each takes a tenth of a second or so, and there are two slots.
    let work = json!({ "booster": "faulty", "input": { "do": "work", "times": 100_000_000_u64 } });
    let many: Vec<Value> = vec![work; 500];
    let refused = eventually("the backlog is seen", || async {
        let waiting = get(&url, "/v1/queues").await.1["queues"][1]["waiting"].as_u64().unwrap();
        if waiting < 200 {
            fleet.client.submit_many(jobs(&many), None, false).await.unwrap();
        }
        let job = json!({ "booster": "noop", "input": {} }).to_string();
        let response = request(&url, Method::POST, "/v1/jobs").body(job).send().await.unwrap();
        (response.status() == 429).then_some(response)
    })
    .await;
    assert!(refused.headers().contains_key("retry-after"));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "backlog_too_long");
    assert!(problem["detail"].as_str().unwrap().contains("gateway.maxDrain"), "{problem}");
    let other = json!({ "booster": "noop", "input": {}, "priority": "high" });
    assert_eq!(send(&url, "/v1/jobs", other).await.0, 202, "other queues take jobs");
}

fn jobs(values: &[Value]) -> Vec<booster_core::Job> {
    values.iter().map(|job| booster_core::Job::from_json(&job.to_string()).unwrap()).collect()
}

/// One GET over TLS by hand; the status line.
fn status_over_tls(port: u16, certificate: CertificateDer<'static>, path: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let socket = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = Vec::new();
    // The server may close without a last word.
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_it_speaks_tls() {
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert_file, key_file) = (fleet.dir.path().join("cert.pem"), fleet.dir.path().join("key.pem"));
    std::fs::write(&cert_file, cert.pem()).unwrap();
    std::fs::write(&key_file, signing_key.serialize_pem()).unwrap();
    let mut config = fleet.config.clone();
    config.gateway.tls_cert = cert_file.display().to_string();
    config.gateway.tls_key = key_file.display().to_string();
    let url = gateway_of(config.clone()).await;
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let certificate = cert.der().clone();
    let get = move |path: &'static str| {
        let certificate = certificate.clone();
        tokio::task::spawn_blocking(move || status_over_tls(port, certificate, path))
    };
    assert_eq!(get("/healthz").await.unwrap(), "HTTP/1.1 200 OK");
    assert_eq!(get("/v1/queues").await.unwrap(), "HTTP/1.1 200 OK");
    assert!(reqwest::get(format!("{url}/healthz")).await.is_err(), "plain HTTP is not spoken there");

    let settings = fleet.dir.path().join("config.json");
    let half = json!({ "gateway": { "tlsCert": config.gateway.tls_cert } });
    std::fs::write(&settings, half.to_string()).unwrap();
    let arguments = ["--config", &settings.display().to_string(), "serve", "--listen", "127.0.0.1:0"];
    let output = fleet.booster(&arguments, "").await;
    assert_eq!(output.status, 2);
    assert!(output.stderr.contains("gateway.tlsKey"), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_nothing_or_too_much_is_cut_off() {
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    let address = url.trim_start_matches("http://").to_owned();
    let said = move |head: String| {
        let address = address.clone();
        tokio::task::spawn_blocking(move || {
            let mut socket = std::net::TcpStream::connect(address).unwrap();
            socket.set_read_timeout(Some(LIMIT)).unwrap();
            // It may answer and close before everything is sent.
            let _ = socket.write_all(head.as_bytes());
            let mut text = Vec::new();
            let _ = socket.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let start = std::time::Instant::now();
    said("GET /healthz HTTP/1.1\r\nHost: localhost\r\n".into()).await.unwrap();
    let waited = start.elapsed();
    assert!(waited < LIMIT && waited > Duration::from_secs(5), "an unfinished head was kept for {waited:?}");
    let long = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    let answer = said(long).await.unwrap();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let promised = "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n";
    let answer = said(promised.into()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}
