//! The sandbox against guests that mean harm, and against modules that are no boosters.

mod loading;
mod pool;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use booster_core::{Attempt, FailureCause, Isolation, Manifest};

use crate::{
    Booster, EngineNote, EngineObserver, Pool, PoolConfig, Request, Run, Runtime, RuntimeConfig, SlotStatus,
};

const MIB: usize = 1024 * 1024;
const LIMIT: usize = 64 * MIB;

/// A component of the contract around a core module's body. `apply` gets pointer and length of the input and
/// returns where its result lies: a tag (0 ok, 1 refused), a pointer and a length.
fn component(declarations: &str, apply: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
          (core module $m
            (memory (export "memory") 2)
            {declarations}
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
            (func (export "apply") (param i32 i32) (result i32) {apply}))
          (core instance $i (instantiate $m))
          (func (export "apply") (param "input" string) (result (result string (error string)))
            (canon lift (core func $i "apply") (memory (core memory $i "memory"))
              (realloc (core func $i "cabi_realloc")))))"#
    );
    wat::parse_str(text).unwrap()
}

/// Answers `{}`.
const OK: &str = "(i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 1024))
    (i32.store (i32.const 24) (i32.const 2)) (i32.const 16)";
const OK_DATA: &str = r#"(data (i32.const 1024) "{}")"#;

fn manifest(warm_up: Vec<serde_json::Value>) -> Manifest {
    Manifest {
        name: "test".into(),
        version: "1.0.0".into(),
        description: String::new(),
        capabilities: vec![],
        languages: vec![],
        warm_up,
        canary: None,
        isolation: Isolation::Fresh,
        cache: false,
    }
}

#[derive(Default)]
struct Recorder(Mutex<Vec<(String, String)>>);

impl EngineObserver for Recorder {
    fn note(&self, note: &EngineNote<'_>) {
        if let EngineNote::Recovered(recovered) = note {
            let entry = (recovered.old_instance_id.clone(), recovered.instance_id.clone());
            self.0.lock().unwrap().push(entry);
        }
    }
}

struct Bench {
    runtime: Arc<Runtime>,
    pool: Pool,
    recorder: Arc<Recorder>,
}

impl Bench {
    fn new(slots: usize, auto_recovery: bool) -> Self {
        Self::with(
            RuntimeConfig::new(slots, LIMIT),
            PoolConfig { auto_recovery, ..PoolConfig::new("w", slots, LIMIT) },
        )
    }

    fn with(runtime: RuntimeConfig, config: PoolConfig) -> Self {
        let runtime = Runtime::new(runtime).unwrap();
        let recorder = Arc::new(Recorder::default());
        let config = PoolConfig { max_output: MIB, ..config };
        let pool = Pool::start(Arc::clone(&runtime), config, Arc::clone(&recorder) as _).unwrap();
        Self { runtime, pool, recorder }
    }

    fn load(&self, wasm: &[u8]) -> Arc<Booster> {
        Arc::new(Booster::load(&self.runtime, manifest(vec![]), wasm).unwrap())
    }

    async fn run(&self, booster: &Arc<Booster>, input: &str) -> Run {
        self.run_until(booster, input, Duration::from_millis(300), None).await
    }

    async fn run_as(&self, id: &str, booster: &Arc<Booster>, input: &str) -> Run {
        let request = request(id, booster, input, Duration::from_millis(300), None);
        self.pool.run(request).await.unwrap()
    }

    async fn run_until(
        &self,
        booster: &Arc<Booster>,
        input: &str,
        timeout: Duration,
        stop: Option<Arc<AtomicBool>>,
    ) -> Run {
        self.pool.run(request("job", booster, input, timeout, stop)).await.unwrap()
    }
}

fn request(
    id: &str,
    booster: &Arc<Booster>,
    input: &str,
    timeout: Duration,
    stop: Option<Arc<AtomicBool>>,
) -> Request {
    Request {
        id: id.into(),
        booster: Arc::clone(booster),
        input: input.to_owned(),
        timeout,
        stop,
        allocated: Box::new(|_, _| {}),
    }
}

fn cause(run: &Run) -> (FailureCause, &str) {
    match &run.attempt {
        Attempt::Failed { cause, message, .. } => (*cause, message),
        other => panic!("expected a failure, got {other:?}"),
    }
}

#[tokio::test]
async fn each_way_to_fail_has_its_own_cause_and_the_slot_goes_on() {
    let bench = Bench::new(1, true);
    let cases = [
        (component("", "unreachable"), FailureCause::Panic, "unreachable"),
        (component("", "(loop (br 0)) (i32.const 0)"), FailureCause::Timeout, "300 ms"),
        (component("(func $r (call $r))", "(call $r) (i32.const 0)"), FailureCause::Trap, "stack"),
        (component("", "(i32.load (i32.const 0x7fffffff))"), FailureCause::Trap, "out of bounds"),
        (component("", "(i32.div_u (i32.const 1) (i32.const 0))"), FailureCause::Trap, "divide by zero"),
        // Grows until it is refused, then gives up as Rust's allocator does.
        (
            component(
                "",
                "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable",
            ),
            FailureCause::Memory,
            "64 MiB",
        ),
        (component("", "(i32.const 0x7ffffff0)"), FailureCause::Trap, ""),
        // More elements than a table may have.
        (
            component(
                "(table $t 1 funcref)",
                "(if (i32.eq (table.grow $t (ref.null func) (i32.const 30000)) (i32.const -1)) (then unreachable))
                 (i32.const 16)",
            ),
            FailureCause::Panic,
            "unreachable",
        ),
        (component(r#"(data (i32.const 1024) "no")"#, OK), FailureCause::Panic, "not JSON"),
    ];
    for (place, (wasm, expected, word)) in cases.iter().enumerate() {
        let booster = bench.load(wasm);
        let run = bench.run(&booster, "{}").await;
        let (found, message) = cause(&run);
        assert_eq!(found, *expected, "case {place}: {message}");
        assert!(message.contains(word), "case {place}: {message}");
    }
    let good = bench.load(&component(OK_DATA, OK));
    let run = bench.run(&good, "{}").await;
    assert!(matches!(&run.attempt, Attempt::Done(output) if output.get() == "{}"), "{:?}", run.attempt);
    let view = &bench.pool.views()[0];
    assert_eq!((view.errors, view.tasks), (cases.len() as u64, cases.len() as u64 + 1));
    // Each failure cost the slot its instance, and each replacement was announced.
    let recovered = bench.recorder.0.lock().unwrap().clone();
    assert_eq!(recovered.len(), cases.len());
    assert_eq!(recovered[0], ("w-s1-i1".to_owned(), "w-s1-i2".to_owned()));
    assert_eq!(view.instance_id, recovered.last().unwrap().1);
}

#[tokio::test]
async fn a_start_function_that_never_ends_is_stopped_like_any_guest() {
    let bench = Bench::new(1, true);
    let wasm = component("(func $s (loop (br 0))) (start $s)", "(i32.const 16)");
    let run = bench.run(&bench.load(&wasm), "{}").await;
    assert_eq!(cause(&run).0, FailureCause::Timeout);
}

#[tokio::test]
async fn a_guest_sees_nothing_of_an_earlier_job() {
    let bench = Bench::new(1, true);
    // Answers with a digit that it counts up in its memory.
    let wasm = component(
        r#"(data (i32.const 1024) "10")"#,
        "(i32.store8 (i32.const 1025) (i32.add (i32.load8_u (i32.const 1025)) (i32.const 1)))
         (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 1024))
         (i32.store (i32.const 24) (i32.const 2)) (i32.const 16)",
    );
    let booster = bench.load(&wasm);
    for _ in 0..5 {
        let run = bench.run(&booster, "{}").await;
        assert!(matches!(&run.attempt, Attempt::Done(output) if output.get() == "11"), "{:?}", run.attempt);
    }
    // Warmed up twice, the snapshot starts every instance where the second warm-up ended.
    let warm = manifest(vec![serde_json::json!({}), serde_json::json!({})]);
    let warm = Arc::new(Booster::load(&bench.runtime, warm, &wasm).unwrap());
    assert_eq!(warm.cold_reason(), None);
    for _ in 0..5 {
        let run = bench.run(&warm, "{}").await;
        assert!(matches!(&run.attempt, Attempt::Done(output) if output.get() == "13"), "{:?}", run.attempt);
    }
}

#[tokio::test]
async fn a_module_that_cannot_be_warmed_up_runs_cold_and_says_why() {
    let bench = Bench::new(1, true);
    let wasm = component("", "unreachable");
    let booster = Booster::load(&bench.runtime, manifest(vec![serde_json::json!({})]), &wasm).unwrap();
    assert!(booster.cold_reason().unwrap().contains("unreachable"), "{:?}", booster.cold_reason());
    let run = bench.run(&Arc::new(booster), "{}").await;
    assert_eq!(cause(&run).0, FailureCause::Panic);
}

#[tokio::test]
async fn an_answer_above_the_limit_is_no_answer() {
    let bench = Bench::new(1, true);
    // Two MiB of spaces around nothing.
    let wasm = component(
        "",
        "(drop (memory.grow (i32.const 64))) (memory.fill (i32.const 65536) (i32.const 32) (i32.const 2097152))
         (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 65536))
         (i32.store (i32.const 24) (i32.const 2097152)) (i32.const 16)",
    );
    let run = bench.run(&bench.load(&wasm), "{}").await;
    assert!(
        matches!(&run.attempt, Attempt::Invalid { code, message } if code == "output_too_large" && message.contains("1048576")),
        "{:?}",
        run.attempt
    );
}

#[tokio::test]
async fn modules_that_are_no_boosters_are_refused_with_the_reason() {
    let runtime = Runtime::new(RuntimeConfig::new(1, LIMIT)).unwrap();
    let load = |wasm: &[u8]| Booster::load(&runtime, manifest(vec![]), wasm).unwrap_err().to_string();
    let good = component(OK_DATA, OK);
    let importing = wat::parse_str(r#"(component (import "clock" (func)))"#).unwrap();
    let other_export = wat::parse_str("(component)").unwrap();
    let other_type = wat::parse_str(
        r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
            (func (export "apply") (canon lift (core func $i "f"))))"#,
    )
    .unwrap();
    let too_large =
        wat::parse_str("(component (core module $m (memory 2000)) (core instance (instantiate $m)))")
            .unwrap();
    for (wasm, word) in [
        (&b"not wasm at all"[..], ""),
        (&[][..], ""),
        (&good[..good.len() / 2], ""),
        (&wat::parse_str("(module)").unwrap(), ""),
        (&importing, "imports clock"),
        (&other_export, "apply: func(input: string)"),
        (&other_type, "apply: func(input: string)"),
        (&too_large, ""),
    ] {
        let message = load(wasm);
        assert!(message.contains("test@1.0.0") && message.contains(word), "{message}");
    }
}

#[tokio::test]
async fn a_job_that_nobody_wants_any_more_is_stopped() {
    let bench = Bench::new(1, true);
    let endless = bench.load(&component("", "(loop (br 0)) (i32.const 0)"));
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        flag.store(true, Ordering::Relaxed);
    });
    let start = Instant::now();
    let run = bench.run_until(&endless, "{}", Duration::from_secs(20), Some(stop)).await;
    assert!(matches!(run.attempt, Attempt::HandBack), "{:?}", run.attempt);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(bench.pool.views()[0].errors, 0, "stopping is no failure");
}

#[tokio::test]
async fn without_automatic_recovery_a_failed_slot_stays_out_of_service() {
    let bench = Bench::new(2, false);
    let bad = bench.load(&component("", "unreachable"));
    bench.run(&bad, "{}").await;
    while bench.pool.in_service() != 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(bench.pool.count(SlotStatus::Error), 1);
    let good = bench.load(&component(OK_DATA, OK));
    assert!(matches!(bench.run(&good, "{}").await.attempt, Attempt::Done(_)));
    bench.run(&bad, "{}").await;
    while bench.pool.in_service() != 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let request = request("job", &good, "{}", Duration::from_secs(1), None);
    assert_eq!(bench.pool.run(request).await.unwrap_err().code(), "pool_closed");
}

#[tokio::test]
async fn all_slots_work_at_the_same_time() {
    let bench = Bench::new(4, true);
    let endless = bench.load(&component("", "(loop (br 0)) (i32.const 0)"));
    let runs = (0..4).map(|_| bench.run_until(&endless, "{}", Duration::from_secs(2), None));
    let all_busy = async {
        while bench.pool.count(SlotStatus::Busy) < 4 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let (runs, ()) = tokio::join!(futures_util::future::join_all(runs), all_busy);
    assert!(runs.iter().all(|run| cause(run).0 == FailureCause::Timeout));
}
