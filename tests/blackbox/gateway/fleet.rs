//! Queues, pool, dead letters, history, documents.

use booster_tests::{Boosters, Fleet, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{answer, delete, gateway, get, refused, request, send};

#[tokio::test(flavor = "multi_thread")]
async fn queues_are_counted_and_steered() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    send(&url, "/v1/jobs?wait=30", json!({ "booster": "noop", "input": {} })).await;
    let (status, list) = get(&url, "/v1/queues").await;
    let names: Vec<&str> =
        list["queues"].as_array().unwrap().iter().map(|queue| queue["name"].as_str().unwrap()).collect();
    assert_eq!((status, names), (200, vec!["high", "normal", "low"]));
    assert_eq!(list["queues"][1]["done"], 1);
    let printed = fleet.booster(&["queues", "--json"], "").await.json();
    let fields = |queue: &Value| queue.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&printed[0]["queues"][1]), fields(&list["queues"][1]), "both tell the same");

    for (what, paused, draining) in [("pause", true, false), ("drain", false, true), ("resume", false, false)]
    {
        let (status, queue) = answer(request(&url, Method::POST, &format!("/v1/queues/normal/{what}"))).await;
        assert_eq!(status, 200, "{queue}");
        assert_eq!((&queue["paused"], &queue["draining"]), (&json!(paused), &json!(draining)), "{what}");
        if draining {
            let (status, problem) = send(&url, "/v1/jobs", json!({ "booster": "noop", "input": {} })).await;
            assert_eq!((status, &problem["code"]), (503, &json!("queue_draining")));
        }
    }
    refused(
        &url,
        &[
            (Method::POST, "/v1/queues/nowhere/pause", "", 404, "queue_unknown"),
            (Method::POST, "/v1/queues/normal/stop", "", 404, "not_found"),
            (Method::GET, "/v1/queues/normal/pause", "", 405, "method_wrong"),
        ],
    )
    .await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_has_workers_and_slots() {
    let fleet = Fleet::start(2, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    send(&url, "/v1/jobs?wait=30", json!({ "id": "a", "booster": "noop", "input": {} })).await;
    let pool = eventually("a slot tells of the job", || async {
        let (_, pool) = get(&url, "/v1/pool").await;
        let told =
            pool["slots"].as_array().unwrap().iter().any(|slot| slot["taskHistory"][0]["taskId"] == "a");
        (told && pool["slots"].as_array().unwrap().len() == 4).then_some(pool)
    })
    .await;
    assert_eq!(pool["workers"].as_array().unwrap().len(), 2);
    let worker = &pool["workers"][0];
    assert!(worker["startedAt"].as_u64().unwrap() > 1_600_000_000_000 && worker["host"].is_string());
    assert!(worker["boosters"].as_array().unwrap().contains(&json!("noop@0.1.0")), "{worker}");
    for slot in pool["slots"].as_array().unwrap() {
        assert!(
            slot["memoryUsage"].is_u64() && slot["errorCount"] == 0 && slot["lastActivity"].is_u64(),
            "{slot}"
        );
        assert_eq!(slot["health"], "healthy");
        assert!(slot["performanceMetrics"].is_object());
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_shown_retried_and_forgotten() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    for (id, priority) in [("a", "high"), ("b", "normal"), ("c", "low"), ("d", "normal")] {
        let job = json!({ "id": id, "booster": "faulty", "maxRetries": 0, "priority": priority,
            "input": { "do": "panic" } });
        assert_eq!(send(&url, "/v1/jobs?wait=30", job).await.1["state"], "dead");
    }
    let ids = |page: &Value| -> Vec<String> {
        page["dead"].as_array().unwrap().iter().map(|dead| dead["id"].as_str().unwrap().to_owned()).collect()
    };
    let (_, first) = get(&url, "/v1/dead?limit=3").await;
    assert_eq!(ids(&first), ["d", "c", "b"]);
    let dead = &first["dead"][0];
    assert_eq!(
        (&dead["queue"], &dead["reason"], &dead["attempts"]),
        (&json!("normal"), &json!("panic"), &json!(1))
    );
    assert!(dead["error"].as_str().is_some_and(|text| !text.is_empty()) && dead["at"].is_u64());
    let cursor = first["cursor"].as_str().unwrap();
    let (_, second) = get(&url, &format!("/v1/dead?limit=3&cursor={cursor}")).await;
    assert_eq!((ids(&second), &second["cursor"]), (vec!["a".to_owned()], &Value::Null));
    assert_eq!(ids(&get(&url, "/v1/dead?queue=normal").await.1), ["d", "b"]);

    let (_, shown) = get(&url, "/v1/dead/a").await;
    assert_eq!((&shown["state"], &shown["job"]["input"]["do"]), (&json!("dead"), &json!("panic")));
    assert_eq!(delete(&url, "/v1/dead/a").await, (204, Value::Null));
    send(&url, "/v1/queues/normal/pause", Value::Null).await;
    let again = |path: &str| answer(request(&url, Method::POST, path));
    assert_eq!(again("/v1/dead/b/retry").await, (200, json!({ "retried": 1 })));
    assert_eq!(get(&url, "/v1/jobs/b").await.1["state"], "waiting");
    assert_eq!(again("/v1/dead/retry?queue=normal").await, (200, json!({ "retried": 1 })));
    assert_eq!(again("/v1/dead/retry").await, (200, json!({ "retried": 1 })));
    refused(
        &url,
        &[
            (Method::GET, "/v1/dead/a", "", 404, "dead_unknown"),
            (Method::DELETE, "/v1/dead/a", "", 404, "dead_unknown"),
            (Method::POST, "/v1/dead/a/retry", "", 404, "dead_unknown"),
            (Method::POST, "/v1/dead/retry?queue=nowhere", "", 404, "queue_unknown"),
            (Method::GET, "/v1/dead?cursor=x", "", 400, "usage"),
            (Method::GET, "/v1/dead?limit=x", "", 400, "usage"),
        ],
    )
    .await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recent_past_is_kept_while_the_gateway_runs() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    assert_eq!(get(&url, "/v1/metrics/history").await.1["points"], json!([]));
    let points = eventually("a point tells of jobs", || async {
        send(&url, "/v1/jobs?wait=30", json!({ "booster": "noop", "input": {} })).await;
        let (_, past) = get(&url, "/v1/metrics/history?minutes=1").await;
        assert_eq!(past["stepS"], 5);
        let points = past["points"].as_array().unwrap().clone();
        points.iter().any(|point| point["throughput"].as_f64().unwrap() > 0.0).then_some(points)
    })
    .await;
    let point = points.iter().find(|point| point["throughput"].as_f64().unwrap() > 0.0).unwrap();
    assert_eq!((&point["slots"], &point["failed"]), (&json!(2), &json!(0.0)));
    assert!(
        point["waitP50Ms"].is_u64() && point["waitP99Ms"].as_u64() >= point["waitP50Ms"].as_u64(),
        "{point}"
    );
    for query in ["minutes=0", "minutes=121", "minutes=x"] {
        assert_eq!(get(&url, &format!("/v1/metrics/history?{query}")).await.1["code"], "usage", "{query}");
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_are_served_and_their_page_asks_nobody_else() {
    let fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    let (_, document) = get(&url, "/openapi.json").await;
    let committed: Value = serde_json::from_str(&booster_producer::gateway::document()).unwrap();
    assert_eq!(document, committed);
    for (path, kind) in
        [("/docs", "text/html"), ("/docs/page.js", "text/javascript"), ("/docs/page.css", "text/css")]
    {
        let response = reqwest::get(format!("{url}{path}")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
        let text = response.text().await.unwrap();
        assert!(!text.contains("://"), "{path} names another place");
    }
}
