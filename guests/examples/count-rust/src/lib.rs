//! The example booster `count` in Rust: bytes, lines and words of a text.

use serde_json::{Value, json};

wit_bindgen::generate!({ path: "../../../wit", world: "booster" });

struct Count;

impl Guest for Count {
    fn apply(input: String) -> Result<String, String> {
        let request: Value = serde_json::from_str(&input).unwrap_or_default();
        let Some(text) = request["text"].as_str() else {
            let message = "expected an object with a string `text`";
            let refusal = json!({ "success": false, "reason": "invalid_input", "message": message });
            return Err(refusal.to_string());
        };
        let words = text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).count();
        Ok(json!({ "bytes": text.len(), "lines": text.lines().count(), "words": words }).to_string())
    }
}

export!(Count);
