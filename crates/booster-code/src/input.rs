//! Reading a booster's JSON input. Unknown fields are ignored.

use serde_json::{Map, Value};

use crate::error::CodeError;
use crate::language::Language;

/// The largest source text that is accepted, in bytes (4 MiB).
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The fields of an input that have not been read yet.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl From<Map<String, Value>> for Fields {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

impl Fields {
    /// The fields of a JSON object.
    pub(crate) fn parse(text: &str) -> Result<Self, CodeError> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| CodeError::InvalidInput(format!("the input is not valid JSON: {error}")))?;
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            other => Err(CodeError::InvalidInput(format!(
                "the input is {}, expected an object with `code` and `language` or `path`",
                describe(&other)
            ))),
        }
    }

    /// Takes a field; a JSON `null` counts as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a text that may be absent.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, CodeError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(expected(name, &other, "a string")),
        }
    }

    /// Reads a text that may be absent and leaves it there.
    pub(crate) fn text_kept(&mut self, name: &str) -> Result<Option<String>, CodeError> {
        let text = self.text(name)?;
        if let Some(text) = &text {
            self.0.insert(name.to_owned(), Value::String(text.clone()));
        }
        Ok(text)
    }

    /// Takes a text that must be there.
    pub(crate) fn required(&mut self, name: &str) -> Result<String, CodeError> {
        let missing = || CodeError::InvalidInput(format!("field `{name}` is missing, expected a string"));
        self.text(name)?.ok_or_else(missing)
    }

    /// Takes a list of texts that may be absent, of at most `most` entries.
    pub(crate) fn texts(&mut self, name: &str, most: usize) -> Result<Option<Vec<String>>, CodeError> {
        let Some(list) = self.list(name, most)? else { return Ok(None) };
        let text = |value| match value {
            Value::String(text) => Ok(text),
            other => Err(expected(name, &other, "a list of strings")),
        };
        list.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// Takes a list that may be absent, of at most `most` entries.
    pub(crate) fn list(&mut self, name: &str, most: usize) -> Result<Option<Vec<Value>>, CodeError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(list)) if list.len() <= most => Ok(Some(list)),
            Some(Value::Array(list)) => Err(CodeError::InvalidInput(format!(
                "field `{name}` has {} entries, at most {most} are accepted",
                list.len()
            ))),
            Some(other) => Err(expected(name, &other, "a list")),
        }
    }

    /// Takes `code` with the language that `language` or `path` says.
    pub(crate) fn source(&mut self) -> Result<(String, Language), CodeError> {
        let code = self.required("code")?;
        if code.len() > MAX_BYTES {
            let size = code.len();
            let message = format!("`code` has {size} bytes; at most {MAX_BYTES} are accepted");
            return Err(CodeError::TooLarge(message));
        }
        let (name, path) = (self.text("language")?, self.text("path")?);
        Ok((code, Language::of(name.as_deref(), path.as_deref())?))
    }
}

/// The refusal of a field with a value of the wrong type.
pub(crate) fn expected(name: &str, found: &Value, what: &str) -> CodeError {
    CodeError::InvalidInput(format!("field `{name}` is {}, expected {what}", describe(found)))
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
