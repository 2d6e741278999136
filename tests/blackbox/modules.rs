//! Modules in Redis: pushed, promoted, tried as canaries, rolled back and removed while jobs run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use booster_core::digest::sha256_hex;
use booster_core::modules::takes_canary;
use booster_core::outcome::JobOutcome;
use booster_core::{Job, OutcomeKind};
use booster_producer::Client;
use booster_queue::now_ms;
use booster_tests::{Boosters, Fleet, Output, eventually, modules_dir};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::gateway::gateway;

const NOOP: &str = r#"{"booster":"noop","input":{}}"#;

/// The shipped booster that answers everything with `{}`.
pub(crate) fn noop() -> Vec<u8> {
    std::fs::read(modules_dir().join("noop.wasm")).unwrap()
}

/// A booster whose `apply` has this body. `salt` makes its bytes differ from those of others.
fn small(body: &str, salt: u32) -> Vec<u8> {
    let text = format!(
        r#"(component
          (core module $m
            (memory (export "memory") 2)
            (data (i32.const 1024) "{{}}")
            (data (i32.const 2048) "{salt:08}")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
            (func (export "apply") (param i32 i32) (result i32) {body}))
          (core instance $i (instantiate $m))
          (func (export "apply") (param "input" string) (result (result string (error string)))
            (canon lift (core func $i "apply") (memory (core memory $i "memory"))
              (realloc (core func $i "cabi_realloc")))))"#
    );
    wat::parse_str(text).unwrap()
}

/// Answers `{}`.
fn good(salt: u32) -> Vec<u8> {
    let body = "(i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 1024))
        (i32.store (i32.const 24) (i32.const 2)) (i32.const 16)";
    small(body, salt)
}

/// Traps whatever it is given.
fn trapping() -> Vec<u8> {
    small("unreachable", 0)
}

/// Writes a module with its manifest, and says where.
pub(crate) fn module_file(dir: &Path, name: &str, version: &str, wasm: &[u8]) -> String {
    let path = dir.join(format!("{name}-{version}.wasm"));
    std::fs::write(&path, wasm).unwrap();
    let manifest = json!({ "name": name, "version": version, "capabilities": ["made-for-tests"] });
    // Not `with_extension`: a version has dots of its own, and the file's last part is what counts.
    std::fs::write(path.with_extension("json"), manifest.to_string()).unwrap();
    path.display().to_string()
}

/// Pushes a module with more `arguments`, and expects it to go well.
async fn push(fleet: &Fleet, name: &str, version: &str, wasm: &[u8], arguments: &[&str]) -> Output {
    let file = module_file(fleet.dir.path(), name, version, wasm);
    well(fleet, &[&["module", "push", &file], arguments].concat()).await
}

async fn well(fleet: &Fleet, arguments: &[&str]) -> Output {
    let output = fleet.booster(arguments, "").await;
    assert_eq!(output.status, 0, "{arguments:?}: {output:?}");
    output
}

/// What goes wrong, with this exit status and these words.
async fn refused(fleet: &Fleet, arguments: &[&str], status: i32, words: &[&str]) {
    let output = fleet.booster(arguments, "").await;
    assert_eq!(output.status, status, "{arguments:?}: {output:?}");
    for word in words {
        assert!(output.stderr.contains(word), "{arguments:?}: {word} is not in {}", output.stderr);
    }
}

/// The versions of a module as the command line shows them, by `name@version`.
async fn listed(fleet: &Fleet) -> BTreeMap<String, Value> {
    let output = well(fleet, &["module", "list", "--json"]).await.json().remove(0);
    let views = output["modules"].as_array().unwrap().clone();
    let reference =
        |view: &Value| format!("{}@{}", view["name"].as_str().unwrap(), view["version"].as_str().unwrap());
    views.into_iter().map(|view| (reference(&view), view)).collect()
}

/// Submits jobs without a pause until it is told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Vec<(String, u64)>>,
}

impl Load {
    fn start(client: &Client) -> Self {
        let (client, stop) = (client.clone(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut submitted = Vec::new();
            while !stopped.load(Ordering::SeqCst) {
                let at = now_ms();
                let jobs = vec![Job::from_json(NOOP).unwrap(); 5];
                let answers = client.submit_many(jobs, None, false).await.unwrap();
                submitted.extend(answers.into_iter().map(|answer| (answer.id, at)));
                sleep(Duration::from_millis(20)).await;
            }
            submitted
        });
        Self { stop, task }
    }

    /// Ends it, and gives every job's outcome with the time of its submit.
    async fn finish(self, fleet: &Fleet) -> Vec<(JobOutcome, u64)> {
        self.stop.store(true, Ordering::SeqCst);
        let submitted = self.task.await.unwrap();
        let times: HashMap<String, u64> = submitted.iter().cloned().collect();
        let outcomes = fleet.outcomes(submitted.into_iter().map(|(id, _)| id).collect()).await;
        assert_eq!(outcomes.len(), times.len());
        outcomes.into_iter().map(|outcome| (outcome.clone(), times[&outcome.id])).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_reaches_all_workers_within_two_seconds_and_fails_no_job() {
    let fleet = Fleet::start(2, Boosters::Small, |_| {}).await;
    let load = Load::start(&fleet.client);
    sleep(Duration::from_secs(1)).await;
    let pushed_at = now_ms();
    push(&fleet, "noop", "0.2.0", &good(1), &["--activate"]).await;
    let promoted_at = now_ms();
    sleep(Duration::from_secs(4)).await;
    let back_at = now_ms();
    well(&fleet, &["module", "rollback", "noop"]).await;
    let rolled_back_at = now_ms();
    sleep(Duration::from_secs(3)).await;
    let outcomes = load.finish(&fleet).await;

    let mut ran: BTreeMap<&str, usize> = BTreeMap::new();
    for (outcome, at) in &outcomes {
        assert_eq!((outcome.outcome, outcome.attempts), (OutcomeKind::Done, 0), "{outcome:?}");
        *ran.entry(outcome.booster.as_str()).or_default() += 1;
        if outcome.finished_at < pushed_at || *at > rolled_back_at + 2000 {
            assert_eq!(outcome.booster, "noop@0.1.0", "{outcome:?}");
        }
        if *at > promoted_at + 2000 && outcome.finished_at < back_at {
            assert_eq!(outcome.booster, "noop@0.2.0", "{outcome:?}");
        }
    }
    assert!(outcomes.len() > 500 && ran.len() == 2 && ran.values().all(|jobs| *jobs > 100), "{ran:?}");
    let workers: std::collections::BTreeSet<&str> =
        outcomes.iter().map(|(outcome, _)| outcome.worker.as_str()).collect();
    assert_eq!(workers.len(), 2, "both workers took part");

    let listed = listed(&fleet).await;
    let new = &listed["noop@0.2.0"];
    assert_eq!(
        (&new["state"], &new["workers"], &new["source"]),
        (&json!("stored"), &json!(2), &json!("redis"))
    );
    assert_eq!((&new["signed"], new["size"].as_u64()), (&json!(false), Some(good(1).len() as u64)));
    let old = &listed["noop@0.1.0"];
    assert_eq!((&old["state"], &old["source"]), (&json!("active"), &json!("directory")));
    let worker = new["workerStates"][0]["worker"].as_str().unwrap();
    let profile: BTreeMap<String, String> =
        fleet.redis(&["HGETALL", &fleet.client.keys().agent(worker)]).await;
    assert_eq!(profile["boosters"], r#"["faulty@0.1.0","noop@0.1.0","noop@0.2.0"]"#);
    let modules: Value = serde_json::from_str(&profile["modules"]).unwrap();
    assert_eq!(modules["noop@0.2.0"]["digest"], new["digest"]);
    // Nothing to go back to any more, and a version that is not active still runs where it is named.
    refused(&fleet, &["module", "rollback", "noop"], 2, &["nothing to roll back"]).await;
    let id = fleet.submit(r#"{"booster":"noop@0.2.0","input":{}}"#).await;
    assert_eq!(fleet.outcome(&id).await.booster, "noop@0.2.0");
    fleet.stop().await;
}

/// A new Ed25519 key: its private and public PEM files.
fn key_files(dir: &Path, name: &str) -> (String, String) {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let (private, public) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}.pub")));
    std::fs::write(&private, pair.serialize_pem()).unwrap();
    std::fs::write(&public, pair.public_key_pem()).unwrap();
    (private.display().to_string(), public.display().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_signed_modules_are_taken_where_keys_are_trusted() {
    let keys = tempfile::tempdir().unwrap();
    let (trusted_key, trusted) = key_files(keys.path(), "trusted");
    let (other_key, _) = key_files(keys.path(), "other");
    let fleet =
        Fleet::start(2, Boosters::Small, |config| config.modules.trusted_keys = trusted.clone()).await;
    let config = keys.path().join("config.json");
    std::fs::write(&config, json!({ "modules": { "trustedKeys": trusted } }).to_string()).unwrap();
    let config = config.display().to_string();
    let file = module_file(fleet.dir.path(), "noop", "0.2.0", &good(2));

    // The door of whoever trusts keys.
    let unsigned = ["--config", &config, "module", "push", &file];
    refused(&fleet, &unsigned, 2, &["noop@0.2.0 is not signed", "modules.trustedKeys"]).await;
    refused(&fleet, &[&unsigned[..], &["--sign", &other_key]].concat(), 2, &["signature of no trusted key"])
        .await;
    refused(&fleet, &[&unsigned[..], &["--sign", &trusted]].concat(), 2, &["trusted.pub", "private key"])
        .await;
    assert!(!listed(&fleet).await.contains_key("noop@0.2.0"));

    // Whoever has no keys, or writes to Redis by hand, gets it no further than there.
    push(&fleet, "noop", "0.2.0", &good(2), &["--sign", &other_key]).await;
    let activate = ["module", "promote", "noop@0.2.0", "--wait", "30"];
    refused(&fleet, &activate, 1, &["signature of no trusted key", "nothing was changed"]).await;
    well(&fleet, &["module", "promote", "noop@0.2.0", "--no-wait"]).await;
    eventually("both workers say why they do not have it", || async {
        let view = listed(&fleet).await.remove("noop@0.2.0").unwrap();
        let states = view["workerStates"].as_array().unwrap().clone();
        let refused = |state: &Value| {
            state["state"] == "failed"
                && state["error"].as_str().is_some_and(|e| e.contains("no trusted key"))
        };
        (states.len() == 2 && states.iter().all(refused) && view["workers"] == 0).then_some(())
    })
    .await;
    let metrics = reqwest::get(format!("http://{}/metrics", fleet.workers[0].listen())).await.unwrap();
    assert!(metrics.text().await.unwrap().contains("booster_modules_failed 1"));
    let log = std::fs::read_to_string(fleet.dir.path().join("worker-1.log")).unwrap();
    assert!(log.contains("module in Redis not loaded"), "{log}");
    let id = fleet.submit(NOOP).await;
    assert_eq!(fleet.outcome(&id).await.booster, "noop@0.1.0", "workers keep what they had");

    // The same with the right signature: what was missing comes, and jobs change over.
    well(&fleet, &[&unsigned[..], &["--sign", &trusted_key, "--activate"]].concat()).await;
    let id = fleet.submit(NOOP).await;
    assert_eq!(fleet.outcome(&id).await.booster, "noop@0.2.0");
    // A signature holds for its own version and manifest alone.
    let record: String = fleet.redis(&["HGET", "swarm:phase-5:modules", "noop"]).await;
    let mut record: Value = serde_json::from_str(&record).unwrap();
    let mut forged = record["versions"]["0.2.0"].clone();
    forged["manifest"]["version"] = json!("0.9.0");
    record["versions"]["0.9.0"] = forged;
    record["active"] = json!("0.9.0");
    let _: u64 = fleet
        .redis(&["HSET", "swarm:phase-5:modules", "noop", &record.to_string(), "/revision", "by-hand"])
        .await;
    eventually("the forged version is refused", || async {
        let view = listed(&fleet).await.remove("noop@0.9.0")?;
        let refused = |state: &Value| state["state"] == "failed";
        view["workerStates"].as_array().unwrap().iter().all(refused).then_some(())
    })
    .await;
    let id = fleet.submit(NOOP).await;
    assert_eq!(fleet.outcome(&id).await.booster, "noop@0.2.0");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_what_was_pushed_is_refused_until_it_is_pushed_again() {
    let mut fleet = Fleet::start(0, Boosters::Small, |_| {}).await;
    push(&fleet, "noop", "0.2.0", &good(3), &["--activate"]).await;
    push(&fleet, "other", "1.0.0", &good(4), &["--activate"]).await;
    let view = listed(&fleet).await;
    let key = |name: &str| fleet.client.keys().module(view[name]["digest"].as_str().unwrap());
    let (first, second) = (key("noop@0.2.0"), key("other@1.0.0"));
    let bytes: Vec<u8> = fleet.redis(&["GET", &second]).await;
    let mut command = redis::cmd("SET");
    command.arg(&first).arg(bytes);
    let _: () = fleet.client.link().query("test", &command).await.unwrap();
    let _: u64 = fleet.redis(&["DEL", &second]).await;
    fleet.spawn(&[]);
    fleet.ready().await;
    let error = |reference: &'static str| {
        let fleet = &fleet;
        eventually("the worker says what is wrong", move || async move {
            let view = listed(fleet).await.remove(reference)?;
            view["workerStates"][0]["error"].as_str().map(ToOwned::to_owned)
        })
    };
    let wrong = error("noop@0.2.0").await;
    assert!(wrong.contains("digest") || wrong.contains("unpacked"), "{wrong}");
    let wrong = error("other@1.0.0").await;
    assert!(wrong.contains("0 of its") && wrong.contains("push it again"), "{wrong}");
    let id = fleet.submit(NOOP).await;
    assert_eq!(fleet.outcome(&id).await.booster, "noop@0.1.0");

    for (name, version, salt) in [("noop", "0.2.0", 3), ("other", "1.0.0", 4)] {
        push(&fleet, name, version, &good(salt), &[]).await;
        eventually("what was mended is loaded", || async {
            let view = listed(&fleet).await.remove(&format!("{name}@{version}"))?;
            (view["workers"] == 1).then_some(())
        })
        .await;
    }
    let id = fleet.submit(NOOP).await;
    assert_eq!(fleet.outcome(&id).await.booster, "noop@0.2.0");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_gets_its_share_and_is_rolled_back_when_it_fails() {
    let fleet = Fleet::start(2, Boosters::Small, |_| {}).await;
    push(&fleet, "noop", "0.2.0", &good(5), &["--canary", "30"]).await;
    let jobs = vec![Job::from_json(NOOP).unwrap(); 1000];
    let submitted = fleet.client.submit_many(jobs, None, true).await.unwrap();
    let outcomes = fleet.outcomes(submitted.into_iter().map(|one| one.id).collect()).await;
    for outcome in &outcomes {
        let expected = if takes_canary(&outcome.id, 30) { "noop@0.2.0" } else { "noop@0.1.0" };
        assert_eq!(outcome.booster, expected, "{outcome:?}");
    }
    let share = outcomes.iter().filter(|outcome| outcome.booster == "noop@0.2.0").count();
    assert!((220..380).contains(&share), "{share} of 1000");
    let shown = eventually("everything is counted", || async {
        let shown = well(&fleet, &["module", "show", "noop", "--json"]).await.json().remove(0);
        let counted = |of: &str| shown["trial"][of]["attempts"].as_u64().unwrap();
        (counted("canary") + counted("active") == 1000).then_some(shown)
    })
    .await;
    assert_eq!(shown["trial"]["canary"], json!({ "attempts": share, "failed": 0 }));
    assert_eq!(shown["canary"]["percent"], 30);
    assert_eq!(listed(&fleet).await["noop@0.2.0"]["canaryPercent"], 30);
    // A greater share by the same command, all by another.
    well(&fleet, &["module", "promote", "noop@0.2.0", "--canary", "60"]).await;
    well(&fleet, &["module", "promote", "noop@0.2.0"]).await;

    let load = Load::start(&fleet.client);
    push(&fleet, "noop", "0.3.0", &trapping(), &["--canary", "20"]).await;
    let shown = eventually("the canary is rolled back", || async {
        let shown = well(&fleet, &["module", "show", "noop", "--json"]).await.json().remove(0);
        shown["canary"].is_null().then_some(shown)
    })
    .await;
    sleep(Duration::from_secs(2)).await;
    let outcomes = load.finish(&fleet).await;
    assert_eq!((&shown["active"], &shown["rolledBack"]["version"]), (&json!("0.2.0"), &json!("0.3.0")));
    let reason = shown["rolledBack"]["reason"].as_str().unwrap();
    assert!(reason.contains("failed"), "{reason}");
    let mut failed = 0;
    for (outcome, _) in &outcomes {
        assert_eq!(
            (outcome.outcome, outcome.booster.as_str()),
            (OutcomeKind::Done, "noop@0.2.0"),
            "{outcome:?}"
        );
        failed += u32::from(outcome.attempts > 0);
    }
    assert!(failed > 0, "the canary ran");
    // Whoever of the two workers saw it told of it once.
    let told = eventually("it is told", || async {
        let events = fleet.events().await;
        let told: Vec<Value> = events
            .into_iter()
            .filter(|event| {
                event["type"] == "booster.module.updated" && event["data"]["change"] == "rolled_back"
            })
            .collect();
        (!told.is_empty()).then_some(told)
    })
    .await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["data"]["reason"], json!(reason));
    assert!(told[0]["data"]["workerId"].is_string());
    let mut rollbacks = 0;
    for worker in &fleet.workers {
        let metrics =
            reqwest::get(format!("http://{}/metrics", worker.listen())).await.unwrap().text().await.unwrap();
        rollbacks += metrics.matches("booster_module_rollbacks_total{booster=\"noop\"} 1").count();
    }
    assert_eq!(rollbacks, 1);
    // And the table says it.
    let table = well(&fleet, &["module", "show", "noop"]).await.stdout;
    assert!(table.contains("0.3.0 was rolled back at"), "{table}");
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_trickle_does_not_die_of_a_canary_either() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.wasm.max_retries = 1).await;
    push(&fleet, "noop", "0.3.0", &trapping(), &["--canary", "99"]).await;
    for n in 0..5 {
        let id = fleet.submit(&format!(r#"{{"booster":"noop","input":{n}}}"#)).await;
        let outcome = fleet.outcome(&id).await;
        let attempts = u32::from(takes_canary(&id, 99));
        assert_eq!((outcome.outcome, outcome.attempts), (OutcomeKind::Done, attempts), "{outcome:?}");
        assert_eq!(outcome.booster, "noop@0.1.0", "the last attempt is not the canary's");
    }
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said_and_changes_nothing() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.modules.max_bytes = 1 << 20).await;
    let dir = fleet.dir.path();
    let first = module_file(dir, "noop", "0.2.0", &good(6));
    well(&fleet, &["module", "push", &first]).await;
    well(&fleet, &["module", "push", &first]).await;

    let again = module_file(dir, "noop", "0.2.0", &good(7));
    refused(&fleet, &["module", "push", &again], 2, &["noop@0.2.0", "another version"]).await;
    let text = module_file(dir, "text", "1.0.0", b"not wasm");
    refused(&fleet, &["module", "push", &text], 2, &["no WebAssembly"]).await;
    std::fs::write(dir.join("bare.wasm"), good(8)).unwrap();
    let bare = dir.join("bare.wasm").display().to_string();
    refused(&fleet, &["module", "push", &bare], 2, &["bare.json"]).await;
    std::fs::write(dir.join("bare.json"), r#"{"name":"bare","version":"new"}"#).unwrap();
    refused(&fleet, &["module", "push", &bare], 2, &["manifest", "`new`"]).await;
    // Noise does not shrink.
    let noise: Vec<u8> = (0..2 << 20).map(|_| rand::random::<u8>()).collect();
    let large = module_file(dir, "large", "1.0.0", &[b"\0asm", &noise[..]].concat());
    let config = dir.join("config.json");
    std::fs::write(&config, r#"{"modules":{"maxBytes":"1MB"}}"#).unwrap();
    let config = config.display().to_string();
    refused(&fleet, &["--config", &config, "module", "push", &large], 2, &["modules.maxBytes"]).await;
    let fresh = module_file(dir, "fresh", "1.0.0", &good(9));
    refused(&fleet, &["module", "push", &fresh, "--canary", "10"], 2, &["nothing to compare"]).await;
    refused(&fleet, &["module", "promote", "noop@0.2.0", "--canary", "100"], 2, &["1 to 99"]).await;
    refused(&fleet, &["module", "promote", "noop@9.9.9"], 5, &["9.9.9", "0.2.0"]).await;
    refused(&fleet, &["module", "promote", "nope@1.0.0"], 5, &["`nope`", "noop"]).await;
    refused(&fleet, &["module", "promote", "noop"], 2, &["NAME@VERSION"]).await;
    refused(&fleet, &["module", "rollback", "noop"], 2, &["nothing to roll back"]).await;
    refused(&fleet, &["module", "show", "nope"], 5, &["`nope`"]).await;

    // A module that workers cannot load never becomes active.
    let broken = module_file(dir, "broken", "1.0.0", b"\0asm but nothing else");
    refused(&fleet, &["module", "push", &broken, "--activate"], 1, &["broken@1.0.0", "worker "]).await;
    assert_eq!(listed(&fleet).await["broken@1.0.0"]["state"], "stored");

    for version in 3..10 {
        push(&fleet, "noop", &format!("0.{version}.0"), &good(version), &[]).await;
    }
    let ninth = module_file(dir, "noop", "0.10.0", &good(10));
    refused(&fleet, &["module", "push", &ninth], 2, &["8 versions", "booster module rm"]).await;

    well(&fleet, &["module", "promote", "noop@0.2.0"]).await;
    refused(&fleet, &["module", "rm", "noop@0.2.0"], 2, &["noop@0.2.0 is active"]).await;
    let digest = listed(&fleet).await["noop@0.9.0"]["digest"].as_str().unwrap().to_owned();
    well(&fleet, &["module", "rm", "noop@0.9.0"]).await;
    refused(&fleet, &["module", "rm", "noop@0.9.0"], 5, &["0.9.0"]).await;
    let bytes = fleet.client.keys().module(&digest);
    assert_eq!(fleet.redis::<i64>(&["TTL", &bytes]).await, -1, "fresh@1.0.0 has the same bytes");
    well(&fleet, &["module", "rm", "fresh@1.0.0"]).await;
    let ttl: i64 = fleet.redis(&["TTL", &bytes]).await;
    assert!((1..=3600).contains(&ttl), "bytes that nobody names lapse: {ttl}");
    eventually("jobs for a removed version are refused at the door", || async {
        let job = Job::from_json(r#"{"booster":"noop@0.9.0","input":{}}"#).unwrap();
        fleet.client.submit(job).await.err().filter(|error| error.code() == "booster_unknown")
    })
    .await;
    // The place is free again, and the last version takes its name with it.
    well(&fleet, &["module", "push", &ninth]).await;
    well(&fleet, &["module", "rm", "broken@1.0.0"]).await;
    assert_eq!(fleet.redis::<u64>(&["HEXISTS", "swarm:phase-5:modules", "broken"]).await, 0);
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_starts_later_runs_what_is_active_from_its_first_job_on() {
    let mut fleet = Fleet::start(0, Boosters::Small, |config| {
        config.modules.prefer = BTreeMap::from([("wasm-acceleration".to_owned(), "noop".to_owned())]);
    })
    .await;
    push(&fleet, "noop", "0.2.0", &good(11), &["--activate"]).await;
    push(&fleet, "fresh", "1.0.0", &good(12), &["--activate"]).await;
    push(&fleet, "fresh", "2.0.0", &good(13), &[]).await;
    let mut expected = HashMap::new();
    for (job, booster) in [
        (NOOP, "noop@0.2.0"),
        (r#"{"booster":"fresh","input":{}}"#, "fresh@1.0.0"),
        (r#"{"booster":"fresh@2.0.0","input":{}}"#, "fresh@2.0.0"),
        (r#"{"booster":"noop@0.1.0","input":{}}"#, "noop@0.1.0"),
        (r#"{"capability":"made-for-tests","input":{}}"#, "fresh@1.0.0"),
        (r#"{"capability":"wasm-acceleration","input":{}}"#, "noop@0.2.0"),
    ] {
        for _ in 0..20 {
            expected.insert(fleet.submit(job).await, booster);
        }
    }
    fleet.spawn(&[]);
    fleet.ready().await;
    for outcome in fleet.outcomes(expected.keys().cloned().collect()).await {
        assert_eq!(outcome.outcome, OutcomeKind::Done, "{outcome:?}");
        assert_eq!(outcome.booster, expected[&outcome.id]);
    }
    // A damaged record harms nobody: what it said before holds.
    let _: u64 =
        fleet.redis(&["HSET", "swarm:phase-5:modules", "fresh", "nonsense", "/revision", "by-hand"]).await;
    sleep(Duration::from_millis(1500)).await;
    let id = fleet.submit(r#"{"booster":"fresh@1.0.0","input":{}}"#).await;
    assert_eq!(fleet.outcome(&id).await.booster, "fresh@1.0.0");
    refused(&fleet, &["module", "promote", "fresh@2.0.0"], 1, &["record `fresh`"]).await;
    fleet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_module_in_redis_is_replayed_with_it() {
    let fleet = Fleet::start(1, Boosters::Small, |config| config.booster.keep_input = true).await;
    for (version, wasm) in [("1.0.0", good(21)), ("2.0.0", good(22)), ("3.0.0", trapping())] {
        push(&fleet, "told", version, &wasm, &[]).await;
    }
    well(&fleet, &["module", "promote", "told@2.0.0"]).await;
    let mut digests = BTreeSet::new();
    for (id, booster, here) in [
        ("old", "told@1.0.0", "done"),
        ("new", "told", "done"),
        ("bad", "told@3.0.0", "panic"),
        ("directory", "noop", "done"),
    ] {
        let job = format!(r#"{{"id":"{id}","booster":"{booster}","input":{{}},"maxRetries":0}}"#);
        fleet.submit(&job).await;
        fleet.outcome(id).await;
        let output = well(&fleet, &["replay", id, "--json"]).await.json().remove(0);
        assert_eq!((&output["result"], &output["here"]), (&json!("same"), &json!(here)), "{output}");
        digests.insert(output["digest"].as_str().unwrap().to_owned());
    }
    assert_eq!(digests.len(), 4);
    let damaged =
        fleet.redis::<i64>(&["DEL", &format!("swarm:phase-5:module:{}", sha256_hex(good(21)))]).await;
    assert_eq!(damaged, 1);
    refused(&fleet, &["replay", "old"], 1, &[&sha256_hex(good(21)), "bytes are in Redis"]).await;
    fleet.stop().await;
}

async fn post(url: &str, body: &str) -> (StatusCode, Value) {
    let answer = reqwest::Client::new().post(url).body(body.to_owned()).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_lists_promotes_and_rolls_back() {
    let fleet = Fleet::start(1, Boosters::Small, |_| {}).await;
    let url = format!("{}/v1/modules", gateway(&fleet).await);
    push(&fleet, "noop", "0.2.0", &good(14), &[]).await;
    let list: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
    let find = |list: &Value, version: &str| {
        let all = list["modules"].as_array().unwrap().iter();
        all.clone().find(|one| one["name"] == "noop" && one["version"] == version).unwrap().clone()
    };
    assert_eq!(list["modules"].as_array().unwrap().len(), 3);
    let local = find(&list, "0.1.0");
    assert_eq!(
        (&local["state"], &local["pushedAt"], &local["workers"]),
        (&json!("active"), &Value::Null, &json!(1))
    );
    assert_eq!(local["capabilities"], json!(["wasm-acceleration"]));
    assert_eq!(find(&list, "0.2.0")["state"], "stored");

    let (status, list) = post(&format!("{url}/noop/promote"), r#"{"version":"0.2.0"}"#).await;
    assert_eq!((status, &find(&list, "0.2.0")["state"]), (StatusCode::OK, &json!("active")), "{list}");
    assert_eq!(find(&list, "0.1.0")["state"], "stored");
    let id = fleet.submit(NOOP).await;
    assert_eq!(fleet.outcome(&id).await.booster, "noop@0.2.0");
    let (status, list) = post(&format!("{url}/noop/rollback"), "").await;
    assert_eq!((status, &find(&list, "0.1.0")["state"]), (StatusCode::OK, &json!("active")), "{list}");
    for (path, body, status, code) in [
        ("noop/promote", r#"{"version":"9.0.0"}"#, 404, "module_version_unknown"),
        ("nope/promote", r#"{"version":"9.0.0"}"#, 404, "module_unknown"),
        ("noop/promote", "{}", 400, "usage"),
        ("noop/rollback", "", 409, "module_nothing_to_roll_back"),
    ] {
        let (found, problem) = post(&format!("{url}/{path}"), body).await;
        assert_eq!((found.as_u16(), &problem["code"]), (status, &json!(code)), "{problem}");
    }
    fleet.stop().await;
}
