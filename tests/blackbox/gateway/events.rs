//! The stream of events.

use booster_tests::{Boosters, Fleet, LIMIT};
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{gateway, refused};

/// One event as it came.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    id: String,
    kind: String,
    data: Value,
}

/// A client of server-sent events.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn open(url: &str, query: &str, last: Option<&str>) -> Self {
        let mut request = reqwest::Client::new().get(format!("{url}/v1/events{query}"));
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let start = format!("{name}: ");
                    block.lines().find_map(|line| line.strip_prefix(&start)).map(str::to_owned)
                };
                // A comment has none.
                if let (Some(id), Some(kind), Some(data)) = (field("id"), field("event"), field("data")) {
                    return Some(Event { id, kind, data: serde_json::from_str(&data).unwrap() });
                }
                continue;
            }
            let chunk = timeout(LIMIT, self.response.chunk()).await.expect("no event in time").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Events up to the end of this job.
    async fn until_end_of(&mut self, id: &str) -> Vec<Event> {
        let mut found = Vec::new();
        loop {
            let event = self.next().await.unwrap();
            let last = event.kind == "booster.task.completed" && event.data["data"]["jobId"] == id;
            found.push(event);
            if last {
                return found;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_they_happen_and_are_resumed_where_one_left() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    let mut live = Stream::open(&url, "", None).await;
    let jobs: Vec<String> = (0..20).map(|n| format!("j{n}")).collect();
    for id in &jobs {
        fleet.submit(&format!(r#"{{"id":"{id}","booster":"noop","input":{{}}}}"#)).await;
        fleet.outcome(id).await;
    }
    let seen = live.until_end_of("j19").await;
    for id in &jobs {
        let kinds: Vec<&str> = seen
            .iter()
            .filter(|event| event.data["data"]["jobId"] == **id)
            .map(|event| event.kind.as_str())
            .collect();
        assert_eq!(kinds, ["booster.requested", "booster.allocated", "booster.task.completed"], "{id}");
    }
    assert!(seen.iter().all(|event| event.data["type"] == event.kind.as_str()));

    // From every place exactly what came behind it.
    for (place, event) in seen.iter().enumerate().step_by(7).take(8) {
        if place + 1 == seen.len() {
            break;
        }
        let mut again = Stream::open(&url, "", Some(&event.id)).await;
        assert_eq!(again.until_end_of("j19").await, seen[place + 1..], "behind {}", event.id);
    }
    let mut ended = Stream::open(&url, "?since=0&types=booster.task.completed,booster.error", None).await;
    let ends = ended.until_end_of("j19").await;
    assert_eq!(ends.len(), 20, "{ends:?}");

    refused(
        &url,
        &[
            (Method::GET, "/v1/events?types=booster.eror", "", 400, "usage"),
            (Method::GET, "/v1/events?since=yesterday", "", 400, "usage"),
            (Method::GET, "/v1/events?sine=1", "", 400, "request_unreadable"),
        ],
    )
    .await;
    let wrong = reqwest::Client::new().get(format!("{url}/v1/events")).header("Last-Event-ID", "17");
    assert_eq!(wrong.send().await.unwrap().status(), 400);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_streams_and_waits() {
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (client, metrics) = booster_producer::gateway::counted_client(fleet.config.clone()).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let serving = tokio::spawn(booster_producer::gateway::run(client, metrics, listener, shutdown));
    let mut stream = Stream::open(&url, "", None).await;
    fleet.submit(r#"{"id":"a","booster":"noop","input":{}}"#).await;
    let waiting = tokio::spawn(reqwest::get(format!("{url}/v1/jobs/a?wait=300")));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    stop.send(()).unwrap();
    assert_eq!(stream.next().await, None);
    let view: Value = waiting.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(view["state"], "waiting");
    timeout(LIMIT, serving).await.expect("the gateway ends").unwrap().unwrap();
}
