//! The MCP server, spoken to with rmcp's own client: over standard input and output of a child process, and over HTTP.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use booster_producer::mcp::{DEFAULT_MIN_CONFIDENCE, Door, Server, Settings, Token};
use booster_tests::{Boosters, Fleet, LIMIT, modules_dir, program_path};
use reqwest::StatusCode;
use rmcp::model::{CallToolRequestParams, CallToolResult};
use rmcp::service::RunningService;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

const BEFORE: &str = "def one():\n    return 1\n\n\ndef two():\n    return 1\n";
const EDIT: &str = "def two():\n    return 2\n";
const AFTER: &str = "def one():\n    return 1\n\n\ndef two():\n    return 2\n";
const TOKEN: &str = "a token of the tests, long enough";

/// A client, and what it talks to.
struct Session {
    client: RunningService<RoleClient, ()>,
}

impl Session {
    /// Starts `booster mcp` and connects to its standard input and output.
    async fn stdio(arguments: &[&str], dir: &Path) -> Self {
        let mut command = tokio::process::Command::new(program_path("booster"));
        command.arg("mcp").args(arguments).current_dir(dir).env_remove("REDIS_URL").kill_on_drop(true);
        command.env("BOOSTER_MODULES", modules_dir());
        let client = ().serve(TokioChildProcess::new(command).unwrap());
        Self { client: tokio::time::timeout(LIMIT, client).await.unwrap().unwrap() }
    }

    async fn call(&self, tool: &str, arguments: Value) -> CallToolResult {
        let mut params = CallToolRequestParams::new(tool.to_owned());
        params.arguments = arguments.as_object().cloned();
        tokio::time::timeout(LIMIT * 2, self.client.call_tool(params)).await.unwrap().unwrap()
    }

    /// Edits a file; whether it succeeded, and the answer.
    async fn edit(&self, path: &str, edit: &str) -> (bool, Value) {
        let arguments = json!({ "target_filepath": path, "instructions": "I edit", "code_edit": edit });
        told(self.call("agent_booster_edit_file", arguments).await)
    }

    async fn end(self) {
        tokio::time::timeout(LIMIT, self.client.cancel()).await.unwrap().unwrap();
    }
}

/// Whether a call succeeded, and what was answered: the text says the same as the structure.
fn told(result: CallToolResult) -> (bool, Value) {
    let structure = result.structured_content.unwrap();
    let text = &result.content[0].as_text().unwrap().text;
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), structure);
    (result.is_error != Some(true), structure)
}

/// A directory with a root in it, and a file outside the root.
struct Site {
    dir: TempDir,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("root/sub")).unwrap();
        for file in ["root/a.py", "root/sub/b.py", "outside.py"] {
            std::fs::write(dir.path().join(file), BEFORE).unwrap();
        }
        Self { dir }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_edited_over_standard_input_and_output() {
    let site = Site::new();
    let root = site.path("root").display().to_string();
    let session = Session::stdio(&["--root", &root], site.dir.path()).await;
    let info = session.client.peer_info().unwrap();
    assert_eq!(info.server_info.as_ref().unwrap().name, "booster-fleet");
    let tools = session.client.list_all_tools().await.unwrap();
    let mut names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    names.sort_unstable();
    let edits = ["agent_booster_batch_edit", "agent_booster_edit_file", "agent_booster_parse_markdown"];
    assert_eq!(names, [&edits[..], &["booster_pool", "booster_status", "booster_submit"]].concat());
    let schema = |name: &str| {
        let tool = tools.iter().find(|tool| tool.name == name).unwrap();
        assert!(tool.description.as_ref().is_some_and(|text| text.len() > 40), "{name} is described");
        Value::Object(tool.input_schema.as_ref().clone())
    };
    assert_eq!(
        schema("agent_booster_edit_file")["required"],
        json!(["target_filepath", "instructions", "code_edit"])
    );
    assert_eq!(schema("agent_booster_batch_edit")["required"], json!(["edits"]));
    assert_eq!(schema("agent_booster_parse_markdown")["required"], json!(["markdown"]));
    assert_eq!(schema("booster_submit")["required"], json!(["input"]));
    assert!(schema("booster_submit")["properties"]["wait_seconds"].is_object());

    // A dry run says what the edit itself then does.
    std::fs::set_permissions(site.path("root/a.py"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let dry = json!({
        "target_filepath": "a.py", "instructions": "I edit", "code_edit": EDIT, "language": "python", "dry_run": true,
    });
    let (success, dry) = told(session.call("agent_booster_edit_file", dry).await);
    assert!(success && dry["written"] == false, "{dry}");
    assert_eq!(site.text("root/a.py"), BEFORE);
    let (success, answer) = session.edit("a.py", EDIT).await;
    assert!(success && answer["success"] == true && answer["written"] == true, "{answer}");
    assert_eq!((&answer["diff"], &answer["confidence"]), (&dry["diff"], &dry["confidence"]));
    assert!(answer["diff"].as_str().unwrap().contains("+    return 2"));
    assert!(answer["latency"].as_f64().unwrap() > 0.0);
    assert_eq!(site.text("root/a.py"), AFTER);
    assert_eq!(site.path("root/a.py").metadata().unwrap().permissions().mode() & 0o7777, 0o640);
    // The same again changes nothing, and an absolute path means the same file.
    let (success, again) = session.edit(&format!("{root}/a.py"), EDIT).await;
    assert!(success && again["written"] == false, "{again}");

    let batch = json!({ "edits": [
        { "target_filepath": "sub/b.py", "instructions": "first", "code_edit": EDIT },
        { "target_filepath": "sub/none.py", "instructions": "no such file", "code_edit": EDIT },
        { "target_filepath": "sub/b.py", "instructions": "second", "code_edit": "def one():\n    return 7\n" },
    ]});
    let (success, answer) = told(session.call("agent_booster_batch_edit", batch).await);
    assert!(success);
    assert_eq!(answer["summary"], json!({ "total": 3, "successful": 2, "failed": 1, "written": 2 }));
    assert_eq!(answer["results"][1]["error"]["reason"], "file_not_found");
    assert_eq!(site.text("root/sub/b.py"), AFTER.replacen("return 1", "return 7", 1));

    let markdown =
        format!("I change it back:\n\n```python filepath=\"sub/b.py\" instruction=\"back\"\n{}```\n", BEFORE);
    let (success, answer) =
        told(session.call("agent_booster_parse_markdown", json!({ "markdown": markdown })).await);
    assert!(success, "{answer}");
    assert_eq!(site.text("root/sub/b.py"), BEFORE);
    let (success, answer) =
        told(session.call("agent_booster_parse_markdown", json!({ "markdown": "x" })).await);
    assert!(!success && answer["reason"] == "edit_empty", "{answer}");
    assert_eq!(std::fs::read_dir(site.path("root/sub")).unwrap().count(), 1, "no temporary file is left");

    for (tool, arguments) in [
        ("booster_submit", json!({ "booster": "noop", "input": {} })),
        ("booster_status", json!({ "id": "x" })),
        ("booster_pool", json!({})),
    ] {
        let (success, answer) = told(session.call(tool, arguments).await);
        assert!(!success && answer["reason"] == "no_fleet", "{tool}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains("--fleet"));
    }
    session.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_certain_enough_leaves_the_file_alone() {
    let site = Site::new();
    let session = Session::stdio(&["--min-confidence", "1"], &site.path("root")).await;
    let (success, answer) = session.edit("a.py", EDIT).await;
    assert!(!success && answer["success"] == false && answer["written"] == false, "{answer}");
    assert_eq!(answer["error"]["reason"], "low_confidence");
    let (_, answer) = session.edit("a.py", "Please rename it, if you would be so kind.").await;
    assert_eq!(answer["error"]["reason"], "edit_not_code");
    let (_, answer) = session.edit("a.py", "").await;
    assert_eq!(answer["error"]["reason"], "edit_empty");
    assert_eq!(site.text("root/a.py"), BEFORE);
    // A misspelt parameter must not do more than was meant.
    let arguments =
        json!({ "target_filepath": "a.py", "instructions": "", "code_edit": EDIT, "dryrun": true });
    let mut params = CallToolRequestParams::new("agent_booster_edit_file");
    params.arguments = arguments.as_object().cloned();
    let error = match session.client.call_tool(params).await {
        Ok(result) => format!("{result:?}"),
        Err(error) => error.to_string(),
    };
    assert!(error.contains("dryrun"), "{error}");
    assert_eq!(site.text("root/a.py"), BEFORE);
    session.end().await;

    let output = booster_tests::run("booster", &["mcp", "--min-confidence", "2"], "").await;
    assert_eq!(output.status, 2, "{}", output.stderr);
    let output = booster_tests::run("booster", &["mcp", "--root", "/nowhere/at/all"], "").await;
    assert!(output.status == 2 && output.stderr.contains("/nowhere/at/all"), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_the_roots() {
    let site = Site::new();
    let root = site.path("root");
    symlink("../outside.py", root.join("link.py")).unwrap();
    symlink(site.path("outside.py"), root.join("absolute.py")).unwrap();
    symlink("..", root.join("up")).unwrap();
    symlink(site.dir.path(), root.join("sub/up")).unwrap();
    let session = Session::stdio(&["--root", root.to_str().unwrap()], site.dir.path()).await;
    let outside = site.path("outside.py").display().to_string();
    let climbing = root.join("sub/../../outside.py").display().to_string();
    for path in [
        "../outside.py",
        "sub/../../outside.py",
        "link.py",
        "absolute.py",
        "up/outside.py",
        "sub/up/outside.py",
        "up/root/../outside.py",
        outside.as_str(),
        &climbing,
        "/etc/passwd",
        "/proc/self/environ",
    ] {
        let (success, answer) = session.edit(path, EDIT).await;
        assert!(!success && answer["error"]["reason"] == "path_outside", "{path}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(root.to_str().unwrap()), "{answer}");
    }
    let (_, answer) = session.edit("sub", EDIT).await;
    assert_eq!(answer["error"]["reason"], "file_not_regular");
    assert_eq!(site.text("outside.py"), BEFORE);
    session.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_swapped_for_a_link_all_the_time_leads_nowhere_else() {
    let site = Site::new();
    let (real, hidden, link) = (site.path("root/sub"), site.path("root/hidden"), site.path("root/link"));
    // Outside there is a file of the same name, which a winner of the race would edit.
    std::fs::create_dir(site.path("target")).unwrap();
    std::fs::write(site.path("target/b.py"), BEFORE).unwrap();
    symlink("../target", &link).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapping = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            let mut swaps = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                std::fs::rename(&real, &hidden).unwrap();
                std::fs::rename(&link, &real).unwrap();
                std::fs::rename(&real, &link).unwrap();
                std::fs::rename(&hidden, &real).unwrap();
                swaps += 1;
            }
            swaps
        })
    };
    let session = Session::stdio(&["--root", site.path("root").to_str().unwrap()], site.dir.path()).await;
    let (mut edited, mut refused) = (0, 0);
    for round in 0..400 {
        let edit = format!("def two():\n    return {}\n", round + 2);
        let (success, answer) = session.edit("sub/b.py", &edit).await;
        match success {
            true => edited += 1,
            false => {
                let reason = answer["error"]["reason"].as_str().unwrap();
                assert!(["path_outside", "file_not_found", "file_unreadable"].contains(&reason), "{answer}");
                refused += 1;
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    let swaps = swapping.join().unwrap();
    assert_eq!(site.text("target/b.py"), BEFORE, "{edited} edited, {refused} refused, {swaps} swaps");
    assert_eq!(std::fs::read_dir(site.path("target")).unwrap().count(), 1);
    assert!(edited > 0 && refused > 0 && swaps > 100, "{edited} edited, {refused} refused, {swaps} swaps");
    assert_ne!(site.text("root/sub/b.py"), BEFORE);
    session.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_one_file_at_the_same_time_are_all_kept() {
    let site = Site::new();
    let functions: Vec<String> = (0..20).map(|n| format!("def f{n}():\n    return 0\n")).collect();
    std::fs::write(site.path("root/many.py"), functions.join("\n\n")).unwrap();
    let session = Session::stdio(&[], &site.path("root")).await;
    let edits = (0..20).map(|n| {
        let edit = format!("def f{n}():\n    return {}\n", n + 1);
        let session = &session;
        async move { session.edit("many.py", &edit).await }
    });
    for (success, answer) in futures_util::future::join_all(edits).await {
        assert!(success && answer["written"] == true, "{answer}");
    }
    let text = site.text("root/many.py");
    for n in 0..20 {
        assert!(text.contains(&format!("def f{n}():\n    return {}\n", n + 1)), "{text}");
    }
    session.end().await;
}

/// A server over HTTP inside this process.
async fn http(site: &Site, token: Option<&str>) -> String {
    let settings =
        Settings { roots: vec![site.path("root")], min_confidence: DEFAULT_MIN_CONFIDENCE, fleet: false };
    let mut config = booster_core::Config::default();
    config.wasm.modules = modules_dir().display().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let door = Door { token: token.map(|token| Token::new(token).unwrap()), hosts: Vec::new() };
    let server = Server::open(config, &settings).unwrap();
    tokio::spawn(server.serve_http(listener, door, std::future::pending()));
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_edited_over_http_by_whoever_has_the_token() {
    let site = Site::new();
    let url = http(&site, Some(TOKEN)).await;
    let with = |token: &str| {
        let config = StreamableHttpClientTransportConfig::with_uri(url.as_str()).auth_header(token);
        StreamableHttpClientTransport::from_config(config)
    };
    let session = Session { client: ().serve(with(TOKEN)).await.unwrap() };
    let (success, answer) = session.edit("a.py", EDIT).await;
    assert!(success, "{answer}");
    assert_eq!(site.text("root/a.py"), AFTER);
    let (_, answer) = session.edit("../outside.py", EDIT).await;
    assert_eq!(answer["error"]["reason"], "path_outside");
    session.end().await;
    assert!(().serve(with("another token of the tests")).await.is_err());
    assert_eq!(site.text("outside.py"), BEFORE);
}

/// A plain `initialize`, with the given headers.
async fn initialize(url: &str, headers: &[(&str, &str)]) -> StatusCode {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
    }});
    let mut request = reqwest::Client::new().post(url).timeout(LIMIT).body(body.to_string());
    request = request.header("content-type", "application/json");
    request = request.header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_browser_and_strangers_are_kept_out() {
    let site = Site::new();
    let url = http(&site, None).await;
    assert_eq!(initialize(&url, &[]).await, StatusCode::OK);
    assert_eq!(initialize(&url, &[("host", "localhost:1234")]).await, StatusCode::OK);
    for host in ["rebound.example", "rebound.example:80", "127.0.0.1.rebound.example"] {
        assert_eq!(initialize(&url, &[("host", host)]).await, StatusCode::FORBIDDEN, "{host}");
    }
    for origin in ["https://page.example", "http://localhost:3000", "null"] {
        assert_eq!(initialize(&url, &[("origin", origin)]).await, StatusCode::FORBIDDEN, "{origin}");
    }
    let url = http(&site, Some(TOKEN)).await;
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(initialize(&url, &[("authorization", &bearer)]).await, StatusCode::OK);
    for wrong in ["Bearer x", "Basic eDp5", ""] {
        assert_eq!(initialize(&url, &[("authorization", wrong)]).await, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    assert_eq!(initialize(&url, &[]).await, StatusCode::UNAUTHORIZED);
    let large = reqwest::Client::new().post(&url).header("authorization", &bearer).body(vec![b' '; 17 << 20]);
    let large = large
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    // The server may close the connection before all of it is sent.
    let status = large.timeout(LIMIT).send().await.map(|answer| answer.status());
    assert!(status.is_err() || status.is_ok_and(|status| status == StatusCode::PAYLOAD_TOO_LARGE));
    // Open to other machines only with a token, and with one that cannot be guessed.
    let output = booster_tests::run("booster", &["mcp", "--listen", "0.0.0.0:0"], "").await;
    assert!(output.status == 2 && output.stderr.contains("BOOSTER_MCP_TOKEN"), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_does_the_edits_and_takes_other_jobs() {
    let fleet = Fleet::start(1, Boosters::All, |config| {
        config.wasm.modules = modules_dir().display().to_string();
    })
    .await;
    let site = Site::new();
    let arguments = ["--redis-url", fleet.config.redis.url.as_str(), "--root", "root"];
    let session = Session::stdio(&arguments, site.dir.path()).await;
    let (success, answer) = session.edit("a.py", EDIT).await;
    assert!(success, "{answer}");
    assert_eq!(site.text("root/a.py"), AFTER);
    let (_, answer) = session.edit("sub/b.py", "Please rename it, if you would be so kind.").await;
    assert_eq!(answer["error"]["reason"], "edit_not_code");
    let counts = fleet.client.queue("normal").counts().await.unwrap();
    assert_eq!((counts.done, counts.refused), (1, 1), "the fleet did them");

    let submit =
        json!({ "booster": "noop", "input": {}, "id": "one", "priority": "high", "wait_seconds": 30 });
    let (success, view) = told(session.call("booster_submit", submit).await);
    assert!(success);
    assert_eq!((&view["state"], &view["queue"]), (&"done".into(), &"high".into()));
    assert_eq!(view["outcome"]["output"], json!({}));
    let again = json!({ "booster": "noop", "input": {}, "id": "one", "priority": "high" });
    let (_, again) = told(session.call("booster_submit", again).await);
    assert_eq!(again, json!({ "id": "one", "queue": "high", "accepted": false }));
    let (success, status) =
        told(session.call("booster_status", json!({ "id": "one", "wait_seconds": 5 })).await);
    assert!(success && status["outcome"]["outcome"] == "done", "{status}");
    let (success, pool) = told(session.call("booster_pool", json!({})).await);
    assert!(success && pool["slots"].as_array().unwrap().len() == 2, "{pool}");
    assert!(
        pool["queues"].as_array().unwrap().iter().any(|queue| queue["name"] == "high" && queue["done"] == 1)
    );

    for (tool, arguments, reason) in [
        ("booster_status", json!({ "id": "nobody" }), "job_unknown"),
        ("booster_submit", json!({ "booster": "nope", "input": {} }), "booster_unknown"),
        ("booster_submit", json!({ "input": {} }), "job_field_missing"),
        ("booster_submit", json!({ "booster": "noop", "input": {}, "timeout_ms": 0 }), "job_field_invalid"),
        ("booster_submit", json!({ "booster": "noop", "input": {}, "wait_seconds": 301 }), "usage"),
    ] {
        let (success, answer) = told(session.call(tool, arguments).await);
        assert!(!success && answer["reason"] == reason, "{reason}: {answer}");
    }
    session.end().await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_when_its_client_does() {
    let site = Site::new();
    let output =
        booster_tests::run_within(Duration::from_secs(60), "booster", &["mcp", "--root", "/"], "").await;
    assert_eq!((output.status, output.stdout.as_str()), (1, ""), "{}", output.stderr);
    let session = Session::stdio(&[], &site.path("root")).await;
    session.end().await;
}
