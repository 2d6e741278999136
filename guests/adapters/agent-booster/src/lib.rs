//! The adapter of npm's `agent-booster` 0.2.2: gives its published module the contract of `wit/booster.wit`.
//!
//! Input: `{"code", "edit", "language"?, "path"?, "compat"?}`. Output, as the package's own JavaScript returns it but
//! for `latency`: `{"output", "success", "confidence", "strategy", "tokens"}`. What the package reports as no success
//! is a refusal with the same fields, a `reason` and a `message`.
//!
//! The module takes the language as a number. It gets the right one; with `"compat": "dist"` it gets what the
//! package's JavaScript passes, which is the language's name, so that everything is read as JavaScript.

mod javascript;
mod module;
mod values;

use serde_json::{Map, Value, json};

wit_bindgen::generate!({ path: "../../../wit", world: "booster" });

/// Confidence above which the package reports success.
const THRESHOLD: f64 = 0.5;

struct AgentBooster;

impl Guest for AgentBooster {
    fn apply(input: String) -> Result<String, String> {
        let request = Request::read(&input)?;
        if request.dist && javascript::is_vague(&request.edit) {
            return Err(request.failed("invalid_input", "the package takes the edit for no code"));
        }
        let Some(language) = request.language else {
            return Err(request.failed("language_unknown", "the package does not know the language"));
        };
        match module::apply_edit(&request.code, &request.edit, language) {
            Ok(result) => request.answer(&result),
            Err(message) => Err(request.failed("failed", &message)),
        }
    }
}

export!(AgentBooster);

struct Request {
    code: String,
    edit: String,
    /// The number that the module gets; `None` where it would throw.
    language: Option<i32>,
    /// Whether the package's JavaScript is to be imitated in everything.
    dist: bool,
}

impl Request {
    fn read(input: &str) -> Result<Self, String> {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(input) else {
            return Err(refusal("invalid_input", "the input is no JSON object with `code` and `edit`"));
        };
        let code = text(&mut fields, "code")?.ok_or_else(|| missing("code"))?;
        let edit = text(&mut fields, "edit")?.ok_or_else(|| missing("edit"))?;
        let (name, path) = (text(&mut fields, "language")?, text(&mut fields, "path")?);
        let dist = match text(&mut fields, "compat")?.as_deref() {
            None => false,
            Some("dist") => true,
            Some(other) => {
                let message = format!("field `compat` is `{other}`, expected `dist` or nothing");
                return Err(refusal("invalid_input", &message));
            }
        };
        let language = if dist {
            // An empty name is replaced too.
            let name = name.filter(|name| !name.is_empty());
            let number = javascript::to_int32(name.as_deref().unwrap_or("javascript"));
            (0..=7).contains(&number).then_some(number)
        } else {
            Some(number_of(name.as_deref(), path.as_deref())?)
        };
        Ok(Self { code, edit, language, dist })
    }

    /// The answer for a result of the module.
    fn answer(&self, result: &module::EditResult) -> Result<String, String> {
        let confidence = f64::from(result.confidence);
        let tokens = |text: &str| text.encode_utf16().count().div_ceil(4);
        let success = confidence > THRESHOLD;
        let mut answer = json!({
            "output": result.merged_code,
            "success": success,
            "confidence": javascript::number(confidence),
            "strategy": strategy(result.strategy),
            "tokens": { "input": tokens(&self.code), "output": tokens(&result.merged_code) },
        });
        if success {
            return Ok(answer.to_string());
        }
        answer["reason"] = "low_confidence".into();
        answer["message"] = format!("confidence {confidence} is not above {THRESHOLD}").into();
        Err(answer.to_string())
    }

    /// What the package returns when anything throws.
    fn failed(&self, reason: &str, message: &str) -> String {
        json!({
            "output": self.code,
            "success": false,
            "confidence": 0,
            "strategy": "failed",
            "tokens": { "input": 0, "output": 0 },
            "reason": reason,
            "message": message,
        })
        .to_string()
    }
}

fn refusal(reason: &str, message: &str) -> String {
    json!({ "success": false, "reason": reason, "message": message }).to_string()
}

fn missing(name: &str) -> String {
    refusal("invalid_input", &format!("field `{name}` is missing, expected a string"))
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(refusal("invalid_input", &format!("field `{name}` is no string"))),
    }
}

/// The module's number of a language; without name and path it is JavaScript, as in the package.
fn number_of(name: Option<&str>, path: Option<&str>) -> Result<i32, String> {
    use booster_apply::Language;
    let found = match (name, path) {
        (Some(name), _) => Language::from_name(name),
        (None, Some(path)) => Language::from_path(path),
        (None, None) => return Ok(0),
    };
    let number = match found.map(Language::name) {
        Some("javascript") => 0,
        Some("typescript" | "tsx") => 1,
        Some("python") => 2,
        Some("rust") => 3,
        Some("go") => 4,
        Some("java") => 5,
        Some("c") => 6,
        Some("cpp") => 7,
        _ => {
            let known = "javascript, typescript, python, rust, go, java, c, cpp";
            return Err(refusal("language_unknown", &format!("the language is none of {known}")));
        }
    };
    Ok(number)
}

fn strategy(number: i32) -> &'static str {
    match number {
        0 => "exact_replace",
        1 => "fuzzy_replace",
        2 => "insert_after",
        3 => "insert_before",
        4 => "append",
        _ => "unknown",
    }
}
