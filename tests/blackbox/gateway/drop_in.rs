//! The routes of agent-booster's server and of OpenAI's API.

use booster_tests::{Boosters, Fleet, LIMIT};
use reqwest::Method;
use serde_json::{Value, json};

use super::{answer, gateway, get, refused, request, send};

const CODE: &str = "def one():\n    return 1\n\n\ndef two():\n    return 1\n";
const EDIT: &str = "def two():\n    return 2\n";
const RESULT: &str = "def one():\n    return 1\n\n\ndef two():\n    return 2\n";

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_made_or_refused_and_never_mistaken_for_each_other() {
    let fleet = Fleet::start(1, Boosters::All, |_| {}).await;
    let url = gateway(&fleet).await;
    let (status, made) =
        send(&url, "/v1/apply", json!({ "code": CODE, "edit": EDIT, "language": "python" })).await;
    assert_eq!((status, &made["success"], &made["output"]), (200, &json!(true), &json!(RESULT)), "{made}");
    assert!(
        made["confidence"].as_f64().unwrap() > 0.5
            && made["latency"].is_number()
            && made["tokens"]["input"].is_u64()
    );
    assert!(made["diff"].as_str().unwrap().contains("+    return 2"));
    let (_, view) = get(&url, &format!("/v1/jobs/{}", made["id"].as_str().unwrap())).await;
    assert_eq!((&view["queue"], &view["state"]), (&json!("high"), &json!("done")));

    let vague = json!({ "code": CODE, "edit": "make it better", "language": "python" });
    let (status, refusal) = send(&url, "/v1/apply", vague.clone()).await;
    assert_eq!(
        (status, &refusal["success"], &refusal["output"]),
        (200, &json!(false), &Value::Null),
        "{refusal}"
    );
    assert_eq!((&refusal["strategy"], &refusal["confidence"]), (&json!("failed"), &json!(0.0)));
    assert!(refusal["reason"].is_string() && refusal["message"].is_string());

    // agent-booster's server refuses bodies of more than 100 KB.
    let large: String = (0..6000).map(|n| format!("def f{n}():\n    return {n}\n\n\n")).collect();
    assert!(large.len() > 150_000);
    let edit = json!({ "code": large, "edit": "def f42():\n    return 43\n", "language": "python" });
    let (status, made) = send(&url, "/v1/apply", edit).await;
    assert_eq!((status, &made["success"]), (200, &json!(true)), "{}", made["message"]);
    assert!(made["output"].as_str().unwrap().contains("def f42():\n    return 43\n"));

    let requests = json!({ "requests": [{ "code": CODE, "edit": EDIT, "language": "python" }, vague] });
    let (status, batch) = send(&url, "/v1/batch", requests).await;
    assert_eq!((status, &batch["total"], &batch["successful"]), (200, &json!(2), &json!(1)));
    assert_eq!(
        (&batch["results"][0]["output"], &batch["results"][1]["output"]),
        (&json!(RESULT), &Value::Null)
    );

    refused(
        &url,
        &[
            (Method::POST, "/v1/apply", "{}", 400, "usage"),
            (Method::POST, "/v1/apply", r#"{"code":"a"}"#, 400, "usage"),
            (Method::POST, "/v1/apply", r#"{"code":"a","edit":7}"#, 400, "usage"),
            (
                Method::POST,
                "/v1/apply",
                r#"{"code":"a","edit":"b","language":"klingon"}"#,
                400,
                "language_unknown",
            ),
            (Method::POST, "/v1/batch", r#"{"requests":[]}"#, 400, "usage"),
            (Method::POST, "/v1/batch", r#"{"requests":{}}"#, 400, "usage"),
        ],
    )
    .await;
    let (_, health) = get(&url, "/health").await;
    assert_eq!(health["status"], "ok");
    assert!(health["uptime"].is_number() && health["version"].is_string());

    send(&url, "/v1/queues/high/pause", Value::Null).await;
    let hasty = request(&url, Method::POST, "/v1/apply").header("Prefer", "wait=1");
    let (status, problem) = answer(hasty.body(json!({ "code": CODE, "edit": EDIT }).to_string())).await;
    assert_eq!((status, &problem["code"]), (504, &json!("outcome_pending")));
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_answer_with_the_whole_file_at_once_or_in_chunks() {
    let fleet = Fleet::start(1, Boosters::All, |_| {}).await;
    let url = gateway(&fleet).await;
    let message =
        format!("<instruction>change two</instruction>\n<code>{CODE}</code>\n<update>{EDIT}</update>");
    let chat = |message: &str| json!({ "model": "morph-v3-fast", "messages": [{ "role": "user", "content": message }] });
    let (status, answered) = send(&url, "/v1/chat/completions", chat(&message)).await;
    assert_eq!(status, 200, "{answered}");
    assert_eq!(
        (&answered["object"], &answered["model"]),
        (&json!("chat.completion"), &json!("morph-v3-fast"))
    );
    let choice = &answered["choices"][0];
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&json!(RESULT), &json!("stop")));
    let usage = &answered["usage"];
    let sum = usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"].as_u64(), Some(sum));

    let mut streamed = chat(&message);
    streamed["stream"] = true.into();
    streamed["stream_options"] = json!({ "include_usage": true });
    let response =
        request(&url, Method::POST, "/v1/chat/completions").body(streamed.to_string()).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let mut datas: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(datas.pop(), Some("[DONE]"));
    let chunks: Vec<Value> = datas.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let content: String =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(content, RESULT);
    assert!(chunks.iter().any(|chunk| chunk["choices"][0]["finish_reason"] == "stop"));
    assert!(chunks.last().unwrap()["usage"]["total_tokens"].is_u64());

    let vague = format!("<code>{CODE}</code><update>make it better</update>");
    for stream in [false, true] {
        let mut request = chat(&vague);
        request["stream"] = stream.into();
        let (status, problem) = send(&url, "/v1/chat/completions", request).await;
        assert_eq!((status, &problem["code"]), (422, &json!("edit_refused")), "{problem}");
        assert_eq!(problem["error"]["type"], "invalid_request_error");
        assert_eq!(problem["error"]["message"], problem["detail"]);
        assert!(problem["refusal"]["reason"].is_string());
    }
    refused(
        &url,
        &[
            (Method::POST, "/v1/chat/completions", "{}", 400, "usage"),
            (Method::POST, "/v1/chat/completions", r#"{"messages":[]}"#, 400, "edit_missing"),
            (
                Method::POST,
                "/v1/chat/completions",
                r#"{"messages":[{"role":"user","content":"hello"}]}"#,
                400,
                "edit_missing",
            ),
        ],
    )
    .await;
    let (_, models) = get(&url, "/v1/models").await;
    assert_eq!((&models["object"], &models["data"][0]["object"]), (&json!("list"), &json!("model")));
    let ids: Vec<&str> =
        models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"apply") && !ids.contains(&"noop"), "{ids:?}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_quick_on_an_idle_fleet() {
    let fleet = Fleet::start(1, Boosters::All, |_| {}).await;
    let url = gateway(&fleet).await;
    let client = reqwest::Client::new();
    let body = json!({ "code": CODE, "edit": EDIT, "language": "python" }).to_string();
    let mut times = Vec::new();
    for _ in 0..50 {
        let start = std::time::Instant::now();
        let response =
            client.post(format!("{url}/v1/apply")).timeout(LIMIT).body(body.clone()).send().await.unwrap();
        assert_eq!(response.json::<Value>().await.unwrap()["success"], true);
        times.push(start.elapsed());
    }
    times.sort();
    // Polling would take half a poll's pause at least; the bound is generous, since tests share the machine.
    assert!(times[24].as_millis() < 500, "{times:?}");
    fleet.stop().await;
}
