//! Submit, list, get, cancel, retry.

use std::collections::HashSet;

use booster_tests::{Boosters, Fleet, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use super::{answer, delete, gateway, get, refused, request, send};

fn noop(id: &str) -> Value {
    json!({ "id": id, "booster": "noop", "input": {} })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_may_wait_and_be_repeated() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    let (status, view) = send(&url, "/v1/jobs?wait=30", noop("a")).await;
    assert_eq!((status, &view["id"], &view["state"]), (200, &json!("a"), &json!("done")));
    assert_eq!(view["outcome"]["output"], json!({}));

    let post = |path: &str| request(&url, Method::POST, path);
    let (status, view) =
        answer(post("/v1/jobs").header("Prefer", "wait=30").body(noop("b").to_string())).await;
    assert_eq!((status, &view["state"]), (200, &json!("done")));
    let at_once = post("/v1/jobs?wait=30").header("Prefer", "respond-async").body(noop("c").to_string());
    let response = at_once.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (202, &"/v1/jobs/c".parse().unwrap())
    );

    let keyed = || post("/v1/jobs?wait=30").header("Idempotency-Key", "order 7");
    let job = json!({ "booster": "noop", "input": 1 }).to_string();
    let (_, first) = answer(keyed().body(job.clone())).await;
    let (_, second) = answer(keyed().body(job)).await;
    assert_eq!((first["id"].clone(), &first["outcome"]), (second["id"].clone(), &second["outcome"]));

    assert_eq!(send(&url, "/v1/queues/normal/pause", Value::Null).await.0, 200);
    let (status, accepted) = send(&url, "/v1/jobs?wait=1", noop("d")).await;
    assert_eq!((status, &accepted), (202, &json!({ "id": "d", "queue": "normal", "accepted": true })));
    let (status, view) = get(&url, "/v1/jobs/d?wait=1&input=true").await;
    assert_eq!((status, &view["state"]), (200, &json!("waiting")));
    assert_eq!((&view["job"]["booster"], &view["job"]["id"]), (&json!("noop"), &json!("d")));
    assert_eq!(send(&url, "/v1/queues/normal/resume", Value::Null).await.0, 200);
    let (_, view) = get(&url, "/v1/jobs/d?wait=30").await;
    assert_eq!((&view["state"], &view["job"]), (&json!("done"), &Value::Null));

    refused(
        &url,
        &[
            (Method::POST, "/v1/jobs?wait=301", "{}", 400, "usage"),
            (Method::POST, "/v1/jobs?wiat=1", "{}", 400, "request_unreadable"),
            (Method::POST, "/v1/jobs?wait=1", r#"[{"booster":"noop","input":1}]"#, 400, "usage"),
            (Method::POST, "/v1/jobs", "\u{feff}{}", 400, "job_not_json"),
        ],
    )
    .await;
    let both =
        keyed().body(json!({ "booster": "noop", "input": 1, "idempotencyKey": "another" }).to_string());
    assert_eq!(answer(both).await.1["code"], "usage");
    let not_text = post("/v1/jobs").body(vec![b'"', 0xff, b'"']);
    assert_eq!(answer(not_text).await.1["code"], "usage");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_or_told_to_run_again() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.wasm.task_timeout_ms = 60_000).await;
    let url = gateway(&fleet).await;
    let later = json!({ "id": "later", "booster": "noop", "input": {}, "runAt": 4_000_000_000_000_u64 });
    assert_eq!(send(&url, "/v1/jobs", later).await.0, 202);
    let (_, view) = get(&url, "/v1/jobs/later?input=true").await;
    assert_eq!((&view["state"], &view["job"]["runAt"]), (&json!("delayed"), &json!(4_000_000_000_000_u64)));
    assert_eq!(
        delete(&url, "/v1/jobs/later").await,
        (200, json!({ "id": "later", "cancellation": "cancelled" }))
    );
    let ended = json!({ "id": "later", "cancellation": "ended", "state": "cancelled" });
    assert_eq!(delete(&url, "/v1/jobs/later").await, (200, ended));

    let endless = json!({ "id": "endless", "booster": "faulty", "input": { "do": "loop" } });
    assert_eq!(send(&url, "/v1/jobs", endless).await.0, 202);
    eventually("it runs", || async {
        (get(&url, "/v1/jobs/endless").await.1["state"] == "running").then_some(())
    })
    .await;
    assert_eq!(delete(&url, "/v1/jobs/endless").await.1["cancellation"], "requested");
    assert_eq!(get(&url, "/v1/jobs/endless?wait=30").await.1["state"], "cancelled");

    let fails = json!({ "id": "fails", "booster": "faulty", "maxRetries": 0, "input": { "do": "panic" } });
    let (_, view) = send(&url, "/v1/jobs?wait=30", fails).await;
    assert_eq!((&view["state"], &view["outcome"]["cause"]), (&json!("dead"), &json!("panic")));
    let again = request(&url, Method::POST, "/v1/jobs/fails/retry");
    assert_eq!(answer(again).await, (202, json!({ "id": "fails", "retried": true })));
    assert_eq!(get(&url, "/v1/jobs/fails?wait=30").await.1["state"], "dead");

    refused(
        &url,
        &[
            (Method::DELETE, "/v1/jobs/nobody", "", 404, "job_unknown"),
            (Method::POST, "/v1/jobs/nobody/retry", "", 404, "job_unknown"),
            (Method::POST, "/v1/jobs/later/retry", "", 409, "job_not_dead"),
            (Method::GET, "/v1/jobs/later?input=maybe", "", 400, "request_unreadable"),
        ],
    )
    .await;
    fleet.stop().await;
}

/// The ids of a page, in its order.
fn ids(page: &Value) -> Vec<String> {
    page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_by_state_queue_booster_and_text() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let url = gateway(&fleet).await;
    let done: Vec<String> = (0..12).map(|n| format!("done-{n:02}")).collect();
    for id in &done {
        assert_eq!(send(&url, "/v1/jobs?wait=30", noop(id)).await.1["state"], "done");
    }
    let faulty = |id: &str, what: &str| json!({ "id": id, "booster": "faulty", "maxRetries": 0, "input": { "do": what } });
    assert_eq!(send(&url, "/v1/jobs?wait=30", faulty("dies", "panic")).await.1["state"], "dead");
    assert_eq!(send(&url, "/v1/jobs?wait=30", faulty("refuses", "refuse")).await.1["state"], "refused");
    assert_eq!(send(&url, "/v1/queues/low/pause", Value::Null).await.0, 200);
    let waits = json!({ "id": "waits", "booster": "noop", "input": {}, "priority": "low", "tenant": "t" });
    send(&url, "/v1/jobs", waits).await;
    let later = json!({ "id": "later", "booster": "noop", "input": {}, "runAt": 4_000_000_000_000_u64 });
    send(&url, "/v1/jobs", later).await;

    let (_, page) = get(&url, "/v1/jobs").await;
    let all = ids(&page);
    assert_eq!((all.len(), &page["cursor"]), (16, &Value::Null), "{page}");
    let times: Vec<u64> =
        page["jobs"].as_array().unwrap().iter().map(|job| job["enqueuedAt"].as_u64().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "{times:?}");
    for (query, wanted) in [
        ("state=dead", vec!["dies"]),
        ("state=refused", vec!["refuses"]),
        ("state=waiting", vec!["waits"]),
        ("state=delayed", vec!["later"]),
        ("state=running", vec![]),
        ("queue=low", vec!["waits"]),
        ("booster=faulty", vec!["refuses", "dies"]),
        ("booster=faulty@0.1.0", vec!["refuses", "dies"]),
        ("q=one-1", vec!["done-11", "done-10"]),
        ("state=done&queue=high", vec![]),
    ] {
        let (status, page) = get(&url, &format!("/v1/jobs?{query}")).await;
        assert_eq!((status, ids(&page)), (200, wanted.iter().map(ToString::to_string).collect()), "{query}");
    }
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let (_, page) = get(&url, &format!("/v1/jobs?limit=5{cursor}")).await;
        paged.extend(ids(&page));
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all, "pages are the parts of the whole");

    assert_eq!(delete(&url, "/v1/dead/dies").await.0, 204);
    assert!(!ids(&get(&url, "/v1/jobs").await.1).contains(&"dies".to_owned()), "it was forgotten");
    let found: HashSet<String> = ids(&get(&url, "/v1/jobs?state=done").await.1).into_iter().collect();
    assert_eq!(found, done.into_iter().collect());
    refused(
        &url,
        &[
            (Method::GET, "/v1/jobs?limit=0", "", 400, "usage"),
            (Method::GET, "/v1/jobs?limit=501", "", 400, "usage"),
            (Method::GET, "/v1/jobs?cursor=x", "", 400, "usage"),
            (Method::GET, "/v1/jobs?state=parked", "", 400, "request_unreadable"),
            (Method::GET, "/v1/jobs?status=done", "", 400, "request_unreadable"),
            (Method::GET, "/v1/jobs?queue=nowhere", "", 404, "queue_unknown"),
        ],
    )
    .await;
    fleet.stop().await;
}
