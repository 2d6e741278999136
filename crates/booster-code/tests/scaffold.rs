//! What is generated, text for text: `tests/scaffold` has small files, and beside each what `docs`, `stubs` and `tests`
//! have to make of it.

use std::path::{Path, PathBuf};

use booster_code::scaffold::scaffold_json;
use serde_json::{Value, json};

const FILES: [&str; 9] =
    ["cart.py", "cart.js", "cart.ts", "card.tsx", "cart.rs", "cart.go", "Cart.java", "cart.c", "cart.cpp"];

fn scaffold(input: Value) -> Result<Value, Value> {
    let read = |text: String| serde_json::from_str(&text).expect("the answer is JSON");
    scaffold_json(&input.to_string()).map(read).map_err(read)
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scaffold").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_language_and_task_gives_the_expected_text() {
    for file in FILES {
        for what in ["docs", "stubs", "tests"] {
            let answer = scaffold(json!({ "path": file, "code": read(file), "what": what }));
            let answer = answer.unwrap_or_else(|refusal| panic!("{file} {what}: {refusal}"));
            let expected = read(&format!("{file}.{what}"));
            assert_eq!(answer["output"].as_str(), Some(expected.as_str()), "{file} {what}");
        }
    }
}

#[test]
fn documenting_twice_adds_nothing() {
    for file in FILES {
        let once = read(&format!("{file}.docs"));
        let refusal = scaffold(json!({ "path": file, "code": once, "what": "docs" }));
        assert_eq!(refusal.expect_err(file)["reason"], "nothing_to_do", "{file}");
    }
}

#[test]
fn symbols_say_which_functions_are_meant_and_line_ends_are_kept() {
    let code = "def a():\r\n    return 1\r\n\r\n\r\ndef b(x: int):\r\n    return x\r\n";
    let answer = scaffold(json!({ "language": "python", "code": code, "what": "docs", "symbols": ["b"] }));
    let answer = answer.expect("done");
    assert_eq!(answer["items"], json!(["b"]));
    let output = answer["output"].as_str().expect("a text");
    assert!(output.starts_with("def a():\r\n    return 1\r\n"), "{output}");
    assert!(
        output.contains("def b(x: int):\r\n    \"\"\"B.\r\n\r\n    Args:\r\n        x (int): Required.\r\n")
    );
    assert!(!output.replace("\r\n", "").contains('\n'));
    assert_eq!(answer.get("path"), None);
}

#[test]
fn overloads_get_tests_with_names_of_their_own() {
    let code = "class A {\n  int f(int a) { return a; }\n  int f(String a) { return 1; }\n}\n";
    let answer = scaffold(json!({ "path": "src/A.java", "code": code, "what": "tests" })).expect("done");
    let output = answer["output"].as_str().expect("a text");
    assert!(output.contains("void aFWorks()") && output.contains("void aFWorks_2()"), "{output}");
    assert_eq!(answer["path"], "src/ATest.java");
}

#[test]
fn wrong_input_is_refused_with_its_reason() {
    let long = "def f():\n    pass\n".repeat(501);
    for (input, reason) in [
        (json!({ "code": "", "language": "python" }), "invalid_input"),
        (json!({ "code": "", "language": "python", "what": "poems" }), "invalid_input"),
        (json!({ "code": "", "language": "python", "what": 1 }), "invalid_input"),
        (json!({ "code": "", "language": "python", "what": "docs", "symbols": "f" }), "invalid_input"),
        (json!({ "code": "", "language": "cobol", "what": "docs" }), "language_unknown"),
        (json!({ "code": "x = 1\n", "language": "python", "what": "docs" }), "nothing_to_do"),
        (
            json!({ "code": "def f():\n    pass\n", "language": "python", "what": "tests", "symbols": ["g"] }),
            "symbol_unknown",
        ),
        (json!({ "code": "def f(): pass\n", "language": "python", "what": "docs" }), "nothing_to_do"),
        (json!({ "code": long, "language": "python", "what": "docs" }), "too_large"),
    ] {
        let refusal = scaffold(input.clone()).expect_err(&input.to_string());
        assert_eq!(refusal["reason"], reason, "{input} {refusal}");
    }
}
