//! Structural search and replace with ast-grep: shipped rules that keep behaviour, and the caller's own rules.
//!
//! A pattern is code with metavariables: `$A` stands for one node, `$$$A` for any number of them
//! (<https://ast-grep.github.io/guide/pattern-syntax.html>). In one pass no two replacements overlap, and an outer
//! match goes before those inside it. The caller's rules run in the first pass only; shipped rules go on until
//! nothing changes. A result with more syntax errors than the original is refused.

mod grammar;
mod guard;
mod rules;
mod run;

use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use crate::error::CodeError;
use crate::input::{Fields, expected};
use crate::language::Language;

pub use rules::{Rule, shipped};
use run::Compiled;

/// Most rules of the caller.
const MAX_OWN_RULES: usize = 50;
/// Most bytes of a pattern, a rewriting or an expression on a metavariable: matching goes as deep as a pattern.
const MAX_RULE_BYTES: usize = 1000;
/// Most changes that are listed; the count has all.
const MAX_LISTED: usize = 500;

/// What became of a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rewritten {
    success: bool,
    language: &'static str,
    /// The whole new file.
    pub output: String,
    /// How many places were changed.
    pub replacements: usize,
    /// The first of them, pass by pass and in order of the text.
    pub changes: Vec<Change>,
    /// The changes as a unified diff with three lines of context.
    pub diff: String,
}

/// One changed place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The rule's name.
    pub rule: String,
    /// The line, counted from 1, in the text as it was before the pass.
    pub line: usize,
    /// The code that was there.
    pub before: String,
    /// The code that is there now.
    pub after: String,
}

/// The booster `rewrite`: from `{"code", "language"? | "path"?, "rules"?, "own"?}` to the new file.
///
/// `rules` names the shipped rules to use, all of the language without it. `own` lists the caller's:
/// `{"id"?, "pattern", "rewrite", "selector"?, "where"?}`; see [`Rewritten`] for the answer.
///
/// # Errors
/// The JSON of a refusal: a [`CodeError`] that names the field or the rule and says what is wrong.
pub fn rewrite_json(input: &str) -> Result<String, String> {
    let answer = || -> Result<String, CodeError> {
        let mut fields = Fields::parse(input)?;
        let (code, language) = fields.source()?;
        let named = fields.texts("rules", MAX_OWN_RULES)?;
        let own = fields.list("own", MAX_OWN_RULES)?.unwrap_or_default();
        let own = own.into_iter().enumerate().map(|(at, rule)| own_rule(rule, at, language));
        let own: Vec<Compiled> = own.collect::<Result<_, _>>()?;
        let rewritten = rewrite(&code, language, named.as_deref(), &own)?;
        serde_json::to_string(&rewritten).map_err(|error| CodeError::InvalidInput(error.to_string()))
    };
    answer().map_err(|error| error.to_json())
}

fn rewrite(
    code: &str,
    language: Language,
    named: Option<&[String]>,
    own: &[Compiled],
) -> Result<Rewritten, CodeError> {
    let shipped = chosen(language, named)?;
    let shipped: Vec<Compiled> =
        shipped.into_iter().map(|rule| Compiled::shipped(rule, language)).collect::<Result<_, _>>()?;
    let (output, mut changes) = run::run(code, language, own, &shipped)?;
    let replacements = changes.len();
    changes.truncate(MAX_LISTED);
    let diff = TextDiff::from_lines(code, &output);
    let diff = diff.unified_diff().context_radius(3).header("a/file", "b/file").to_string();
    Ok(Rewritten { success: true, language: language.name(), output, replacements, changes, diff })
}

/// The shipped rules of a language that are named, or all.
fn chosen(language: Language, named: Option<&[String]>) -> Result<Vec<&'static Rule>, CodeError> {
    let known = || shipped().iter().filter(|rule| rule.languages.contains(&language));
    let Some(named) = named else { return Ok(known().collect()) };
    let find = |name: &String| {
        known().find(|rule| rule.id == name).ok_or_else(|| {
            let names: Vec<&str> = known().map(|rule| rule.id).collect();
            let (language, names) = (language.name(), names.join(", "));
            CodeError::RuleInvalid(format!("no rule `{name}` for {language}; known are {names}"))
        })
    };
    named.iter().map(find).collect()
}

/// Reads one rule of the caller.
fn own_rule(rule: Value, position: usize, language: Language) -> Result<Compiled, CodeError> {
    let Value::Object(fields) = rule else { return Err(expected("own", &rule, "a list of objects")) };
    let mut fields = Fields::from(fields);
    let id = fields.text("id")?.unwrap_or_else(|| format!("own-{}", position + 1));
    let mut bounded = |name: &str| -> Result<Option<String>, CodeError> {
        let text = fields.text(name)?;
        match &text {
            Some(text) if text.len() > MAX_RULE_BYTES => Err(CodeError::RuleInvalid(format!(
                "rule `{id}`: `{name}` has {} bytes; at most {MAX_RULE_BYTES} are accepted",
                text.len()
            ))),
            _ => Ok(text),
        }
    };
    let missing = |name: &str| CodeError::RuleInvalid(format!("rule `{id}`: `{name}` is missing"));
    let pattern = bounded("pattern")?.ok_or_else(|| missing("pattern"))?;
    let rewrite = bounded("rewrite")?.ok_or_else(|| missing("rewrite"))?;
    let selector = bounded("selector")?;
    let conditions = match fields.take("where") {
        None => Vec::new(),
        Some(Value::Object(conditions)) => conditions.into_iter().collect(),
        Some(other) => return Err(expected("where", &other, "an object from metavariable to expression")),
    };
    let conditions = conditions.into_iter().map(|(variable, expression)| match expression {
        Value::String(expression) if expression.len() <= MAX_RULE_BYTES => Ok((variable, expression)),
        Value::String(_) => {
            Err(CodeError::RuleInvalid(format!("rule `{id}`: the expression on `{variable}` is too long")))
        }
        other => Err(expected(&variable, &other, "a regular expression")),
    });
    let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
    Compiled::own(&id, &pattern, &rewrite, selector.as_deref(), conditions, language)
}
