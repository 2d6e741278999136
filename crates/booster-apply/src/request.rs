//! What the caller asks for: the typed request and its JSON form.

use serde_json::{Map, Value};

use crate::output::{Reason, Refusal};

/// The largest original file and the largest edit that are accepted, in bytes each.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Results below this confidence are refused when the request names no other bound.
pub const DEFAULT_MIN_CONFIDENCE: f64 = 0.5;

/// One edit to apply.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The whole original file.
    pub code: &'a str,
    /// The edit as the agent wrote it.
    pub edit: &'a str,
    /// The language's name, if the caller knows it (aliases are accepted).
    pub language: Option<&'a str>,
    /// The file's path; only its extension is looked at.
    pub path: Option<&'a str>,
    /// The edit's format, if the caller knows it; otherwise it is recognised.
    pub format: Option<&'a str>,
    /// The lowest confidence (0 to 1) that counts as success; [`DEFAULT_MIN_CONFIDENCE`] if absent.
    pub min_confidence: Option<f64>,
}

/// The JSON input after validation; it owns its strings.
#[derive(Debug)]
pub(crate) struct Input {
    code: String,
    edit: String,
    language: Option<String>,
    path: Option<String>,
    format: Option<String>,
    min_confidence: Option<f64>,
}

impl Input {
    /// Reads the JSON input; unknown fields are ignored.
    pub(crate) fn from_json(text: &str) -> Result<Input, Refusal> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| invalid(format!("the input is not valid JSON: {error}")))?;
        let Value::Object(mut fields) = value else {
            return Err(invalid(format!(
                "the input is {}, expected an object with `code` and `edit`",
                describe(&value)
            )));
        };
        Ok(Input {
            code: required_string(&mut fields, "code")?,
            edit: required_string(&mut fields, "edit")?,
            language: optional_string(&mut fields, "language")?,
            path: optional_string(&mut fields, "path")?,
            format: optional_string(&mut fields, "format")?,
            min_confidence: optional_share(&fields, "minConfidence")?,
        })
    }

    /// The request this input stands for.
    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            code: &self.code,
            edit: &self.edit,
            language: self.language.as_deref(),
            path: self.path.as_deref(),
            format: self.format.as_deref(),
            min_confidence: self.min_confidence,
        }
    }
}

fn invalid(message: String) -> Refusal {
    Refusal::new(Reason::InvalidInput, message)
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn required_string(fields: &mut Map<String, Value>, name: &str) -> Result<String, Refusal> {
    match fields.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(invalid(format!("field `{name}` is {}, expected a string", describe(&other)))),
        None => Err(invalid(format!("field `{name}` is missing, expected a string"))),
    }
}

fn optional_string(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            Err(invalid(format!("field `{name}` is {}, expected a string or nothing", describe(&other))))
        }
    }
}

fn optional_share(fields: &Map<String, Value>, name: &str) -> Result<Option<f64>, Refusal> {
    let value = match fields.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    match value.as_f64() {
        Some(share) if (0.0..=1.0).contains(&share) => Ok(Some(share)),
        Some(share) => Err(invalid(format!("field `{name}` is {share}, expected a number from 0 to 1"))),
        None => Err(invalid(format!("field `{name}` is {}, expected a number from 0 to 1", describe(value)))),
    }
}
