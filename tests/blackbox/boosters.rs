//! The boosters that read code, natively and in the sandbox.

use std::sync::Arc;
use std::time::Duration;

use booster_code::{analyze::analyze_json, rewrite::rewrite_json, scaffold::scaffold_json};
use booster_core::{Attempt, Target};
use booster_engine::{Pool, PoolConfig, Registry, Request, Runtime, Silent};
use booster_examples::{Expected, boosters, default_dir};
use booster_tests::modules_dir;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn guests_answer_as_their_libraries_do_and_rightly() {
    let runtime = Runtime::new(2, 512 << 20).unwrap();
    let registry = Registry::load_dir(&runtime, &modules_dir()).unwrap();
    let config = PoolConfig {
        worker: "test".into(),
        slots: 2,
        memory_limit: 512 << 20,
        max_output: 4 << 20,
        auto_recovery: true,
    };
    let pool = Pool::start(runtime, config, Arc::new(Silent)).unwrap();
    for (capability, name) in [
        ("performance-analysis", "analyze"),
        ("code-optimization", "rewrite"),
        ("code-generation", "scaffold"),
    ] {
        let booster = registry.resolve(&Target::Capability(capability.into())).unwrap();
        assert_eq!((booster.manifest().name.as_str(), booster.cold_reason()), (name, None));
    }
    for case in boosters(&default_dir()).unwrap() {
        let native = match case.booster.as_str() {
            "analyze" => analyze_json(&case.input),
            "rewrite" => rewrite_json(&case.input),
            "scaffold" => scaffold_json(&case.input),
            other => panic!("no booster `{other}`"),
        };
        let request = Request {
            id: case.name.clone(),
            booster: Arc::clone(registry.resolve(&Target::Booster(case.booster.clone())).unwrap()),
            input: case.input.clone(),
            timeout: Duration::from_secs(30),
            stop: None,
            allocated: Box::new(|_, _| {}),
        };
        let guest = match pool.run(request).await.unwrap().attempt {
            Attempt::Done(output) => Ok(output.get().to_owned()),
            Attempt::Refused(refusal) => Err(refusal.get().to_owned()),
            other => panic!("{}: {other:?}", case.name),
        };
        assert_eq!(native, guest, "{}", case.name);
        let field = |text: &str, name: &str| serde_json::from_str::<Value>(text).unwrap()[name].clone();
        match (&case.expected, &native) {
            (Expected::Done(file), Ok(output)) => {
                assert_eq!(field(output, "output"), **file, "{}", case.name)
            }
            (Expected::Refused(reason), Err(refusal)) => assert_eq!(field(refusal, "reason"), **reason),
            // The demo compares the measures.
            (Expected::Measured(_), Ok(_)) => {}
            (expected, answer) => panic!("{}: {expected:?}, not {answer:?}", case.name),
        }
    }
}
