//! The boosters that read code, natively and in the sandbox.

use std::sync::Arc;

use booster_code::{analyze::analyze_json, rewrite::rewrite_json, scaffold::scaffold_json};
use booster_core::{Attempt, Config, Target};
use booster_engine::{Registry, Runtime, RuntimeConfig, Sandbox, Silent, Task};
use booster_examples::{Expected, boosters, default_dir};
use booster_tests::{LIMIT, modules_dir};
use serde_json::Value;

#[test]
fn guests_answer_as_their_libraries_do_and_rightly() {
    let runtime = Runtime::new(RuntimeConfig::configured(&Config::default(), 1)).unwrap();
    let registry = Registry::load_dir(&runtime, &modules_dir()).unwrap();
    let mut sandbox = Sandbox::new(runtime, Arc::new(Silent));
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
        let task = Task { input: &case.input, timeout: LIMIT, max_output: 4 << 20, stop: None };
        let guest = match sandbox
            .run(registry.resolve(&Target::Booster(case.booster.clone())).unwrap(), &task)
            .attempt
        {
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
