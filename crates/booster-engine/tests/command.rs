//! WASI commands as boosters.

use std::sync::Arc;
use std::time::Duration;

use booster_core::{Attempt, FailureCause, Manifest};
use booster_engine::{Booster, Runtime, RuntimeConfig, Sandbox, Silent, Task};

const MEMORY: usize = 64 << 20;
const OUTPUT: usize = 8 << 20;

/// A command: the imports that all have, and what `_start` does. Address 0 is for lists of buffers, 64 for counts, and
/// buffers begin at 1024.
fn command(more: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          {more}
          (memory (export "memory") 17)
          (func $say (param $fd i32) (param $at i32) (param $len i32)
            (i32.store (i32.const 0) (local.get $at))
            (i32.store (i32.const 4) (local.get $len))
            (if (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 64)) (then unreachable)))
          (func $hear (param $at i32) (param $len i32) (result i32)
            (i32.store (i32.const 0) (local.get $at))
            (i32.store (i32.const 4) (local.get $len))
            (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 64)) (then unreachable))
            (i32.load (i32.const 64)))
          (func (export "_start") {body}))"#
    );
    wat::parse_str(text).unwrap()
}

fn load(runtime: &Arc<Runtime>, wasm: &[u8]) -> Result<Arc<Booster>, String> {
    let manifest: Manifest = serde_json::from_str(r#"{"name":"command","version":"1.0.0"}"#).unwrap();
    Booster::load(runtime, manifest, wasm).map(Arc::new).map_err(|error| error.to_string())
}

/// Runs a command twice, each time in a fresh instance, and returns what both came to.
fn run(wasm: &[u8], input: &str) -> Attempt {
    let runtime = Runtime::new(RuntimeConfig::new(1, MEMORY)).unwrap();
    let booster = load(&runtime, wasm).unwrap();
    let mut sandbox = Sandbox::new(runtime, Arc::new(Silent));
    let task = Task { input, timeout: Duration::from_secs(20), max_output: OUTPUT, stop: None };
    let first = sandbox.run(&booster, &task).attempt;
    let second = sandbox.run(&booster, &task).attempt;
    assert_eq!(format!("{first:?}"), format!("{second:?}"), "the same input gives the same result");
    second
}

/// Reads everything, a few bytes at a time, and writes it again.
const ECHO: &str = "(local $n i32)
    (loop $next
      (local.set $n (call $hear (i32.const 1024) (i32.const 7)))
      (if (local.get $n)
        (then (call $say (i32.const 1) (i32.const 1024) (local.get $n)) (br $next))))";

#[test]
fn a_command_reads_its_input_and_writes_its_output() {
    let input = format!(r#"{{"text":"{}"}}"#, "é and more ".repeat(100_000));
    match run(&command("", ECHO), &input) {
        Attempt::Done(output) => assert_eq!(output.get(), input),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_output_that_says_no_success_is_a_refusal() {
    for refusal in [r#"{"success":false,"reason":"no"}"#, "\n{ \"success\" :\tfalse }"] {
        match run(&command("", ECHO), refusal) {
            Attempt::Refused(answer) => assert_eq!(answer.get().trim(), refusal.replace('\n', " ").trim()),
            other => panic!("{other:?}"),
        }
    }
    for output in [r#"{"success":true}"#, r#"{"successful":false}"#, "{}", "[false]", "7"] {
        assert!(matches!(run(&command("", ECHO), output), Attempt::Done(_)), "{output}");
    }
}

#[test]
fn clocks_files_and_environment_are_not_there_and_random_bytes_are_zeros() {
    // Writes four digits: the errors of the clock and of opening a folder, how many variables and arguments there
    // are, and a random byte.
    let more = r#"
      (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#;
    let digit =
        |at: usize, value: &str| format!("(i32.store8 (i32.const {at}) (i32.add (i32.const 49) {value}))");
    let body = [
        digit(1024, "(i32.eq (call $clock (i32.const 0) (i64.const 0) (i32.const 96)) (i32.const 52))"),
        digit(1025, "(i32.eq (call $prestat (i32.const 3) (i32.const 96)) (i32.const 8))"),
        digit(1026, "(i32.add (call $environ (i32.const 96) (i32.const 100)) (i32.load (i32.const 96)))"),
        "(i32.store8 (i32.const 104) (i32.const 255))".to_owned(),
        digit(1027, "(i32.add (call $random (i32.const 104) (i32.const 1)) (i32.load8_u (i32.const 104)))"),
        // What is written to standard error is dropped.
        "(call $say (i32.const 2) (i32.const 1024) (i32.const 4))".to_owned(),
        "(call $say (i32.const 1) (i32.const 1024) (i32.const 4))".to_owned(),
    ];
    match run(&command(more, &body.concat()), "{}") {
        Attempt::Done(output) => assert_eq!(output.get(), "2211"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn leaving_otherwise_than_by_returning_is_a_failed_attempt() {
    let more = r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))"#;
    let attempt = run(&command(more, "(call $exit (i32.const 0))"), "{}");
    assert!(matches!(attempt, Attempt::Failed { cause: FailureCause::Panic, .. }), "{attempt:?}");
    // Nothing written is no JSON.
    let attempt = run(&command("", ""), "{}");
    assert!(matches!(attempt, Attempt::Failed { cause: FailureCause::Panic, .. }), "{attempt:?}");
}

#[test]
fn what_is_no_command_or_wants_more_is_refused_with_the_reason() {
    let runtime = Runtime::new(RuntimeConfig::new(1, MEMORY)).unwrap();
    let reason = |wasm: &[u8]| load(&runtime, wasm).unwrap_err();
    let network = r#"(import "env" "connect" (func (param i32) (result i32)))"#;
    assert!(reason(&command(network, "")).contains("imports `env.connect`"));
    let unknown = r#"(import "wasi_snapshot_preview1" "fd_magic" (func (param i32) (result i32)))"#;
    assert!(reason(&command(unknown, "")).contains("fd_magic"));
    let no_memory = wat::parse_str(r#"(module (func (export "_start")))"#).unwrap();
    assert!(reason(&no_memory).contains("exports no memory"));
    assert!(reason(&wat::parse_str("(module)").unwrap()).contains("exports `_start`"));
    let memory = wat::parse_str(
        r#"(module (import "env" "table" (table 1 funcref)) (memory (export "memory") 1) (func (export "_start")))"#,
    );
    assert!(reason(&memory.unwrap()).contains("env.table"));
    let mut cut = command("", ECHO);
    cut.truncate(cut.len() / 2);
    assert!(reason(&cut).contains("command@1.0.0"));
}
