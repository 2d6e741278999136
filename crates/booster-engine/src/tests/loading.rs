//! What becomes of a module on its way to being a booster: kept in the cache, refused when it wants too much.

use std::path::Path;

use super::*;
use crate::ModuleCache;

/// Answers with a digit that it counts up in its memory, so that a snapshot shows.
fn counting() -> Vec<u8> {
    component(
        r#"(data (i32.const 1024) "10")"#,
        "(i32.store8 (i32.const 1025) (i32.add (i32.load8_u (i32.const 1025)) (i32.const 1)))
         (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 1024))
         (i32.store (i32.const 24) (i32.const 2)) (i32.const 16)",
    )
}

/// A pool whose modules are kept in `dir`, with a booster that is warmed up `warm_ups` times.
fn kept(dir: &Path, fuel: u64, warm_ups: usize) -> (Bench, Arc<Booster>) {
    let cache = Some(ModuleCache::open(&dir.join("cache"), 1 << 30).unwrap());
    let bench = Bench::with(
        RuntimeConfig { cache, fuel, ..RuntimeConfig::new(1, LIMIT) },
        PoolConfig::new("w", 1, LIMIT),
    );
    let warm_up = vec![serde_json::json!({}); warm_ups];
    let booster = Arc::new(Booster::load(&bench.runtime, manifest(warm_up), &counting()).unwrap());
    assert_eq!(booster.cold_reason(), None);
    (bench, booster)
}

fn compiled_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir.join("cache")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ext| ext == "cwasm")).collect()
}

async fn answers(bench: &Bench, booster: &Arc<Booster>, expected: &str) {
    let run = bench.run(booster, "{}").await;
    assert!(matches!(&run.attempt, Attempt::Done(output) if output.get() == expected), "{:?}", run.attempt);
}

#[tokio::test]
async fn a_module_from_the_cache_is_the_same_booster_and_a_spoilt_file_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (bench, booster) = kept(dir.path(), 0, 2);
    answers(&bench, &booster, "13").await;
    let [file] = &compiled_files(dir.path())[..] else { panic!("one module, one file") };
    let written = std::fs::metadata(file).unwrap().len();
    let (bench, booster) = kept(dir.path(), 0, 2);
    answers(&bench, &booster, "13").await;
    assert_eq!(compiled_files(dir.path()).len(), 1, "it was found");

    // In a place that wasmtime itself does not look at.
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, &bytes).unwrap();
    let (bench, booster) = kept(dir.path(), 0, 2);
    answers(&bench, &booster, "13").await;
    assert_eq!(std::fs::metadata(file).unwrap().len(), written);
    assert_ne!(std::fs::read(file).unwrap(), bytes, "it was compiled anew");
}

#[tokio::test]
async fn what_changes_the_code_changes_the_name_in_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    for (fuel, warm_ups, expected) in [(0, 1, "12"), (0, 2, "13"), (1 << 30, 1, "12")] {
        let (bench, booster) = kept(dir.path(), fuel, warm_ups);
        answers(&bench, &booster, expected).await;
    }
    assert_eq!(compiled_files(dir.path()).len(), 3);
}

#[tokio::test]
async fn a_budget_of_instructions_stops_a_guest_at_the_same_place_every_time() {
    let bench = Bench::with(
        RuntimeConfig { fuel: 100_000, ..RuntimeConfig::new(1, LIMIT) },
        PoolConfig::new("w", 1, LIMIT),
    );
    // Counts down from the number of input bytes times 1,000.
    let wasm = component(
        OK_DATA,
        &format!(
            "(local $n i32) (local.set $n (i32.mul (local.get 1) (i32.const 1000)))
             (loop (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if 0 (local.get $n))) {OK}"
        ),
    );
    let booster = bench.load(&wasm);
    for _ in 0..3 {
        let few = bench.run(&booster, "{}").await;
        assert!(matches!(few.attempt, Attempt::Done(_)), "{:?}", few.attempt);
        let many = bench.run(&booster, &" ".repeat(100)).await;
        let (found, message) = cause(&many);
        assert_eq!(found, FailureCause::Timeout);
        assert!(message.contains("wasm.fuel"), "{message}");
    }
}

#[test]
fn a_component_of_too_many_parts_is_refused() {
    let runtime = Runtime::new(RuntimeConfig::new(1, LIMIT)).unwrap();
    let parts = |count: usize| {
        let text = format!(
            "(component (core module $m) {} {})",
            "(core instance (instantiate $m))".repeat(count),
            r#"(core module $n (memory (export "memory") 1)
                 (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
                 (func (export "apply") (param i32 i32) (result i32) i32.const 16))
               (core instance $i (instantiate $n))
               (func (export "apply") (param "input" string) (result (result string (error string)))
                 (canon lift (core func $i "apply") (memory (core memory $i "memory"))
                   (realloc (core func $i "cabi_realloc"))))"#
        );
        Booster::load(&runtime, manifest(vec![]), &wat::parse_str(text).unwrap())
    };
    assert!(parts(20).is_ok());
    let message = parts(100).unwrap_err().to_string();
    assert!(message.contains("test@1.0.0") && message.contains("instances"), "{message}");
}
