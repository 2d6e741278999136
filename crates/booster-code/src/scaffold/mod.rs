//! Tests, doc comments and stubs from the signatures of a file's functions.
//!
//! Nothing is invented about what a function does: a generated test calls it with sample arguments of the right
//! types and is skipped until somebody writes down what is expected, a doc comment has the words of the name and the
//! parameters, a stub says that it is not implemented.

mod docs;
mod sample;
mod stubs;
mod template;
mod tests;

use serde::Serialize;
use serde_json::Value;
use tree_sitter::Tree;

use crate::error::CodeError;
use crate::functions::{self, Function};
use crate::input::{Fields, expected};
use crate::language::Language;
use crate::syntax;

/// Most names in `symbols`.
const MAX_SYMBOLS: usize = 200;
/// Most functions that one request writes something for.
const MAX_ITEMS: usize = 500;

/// What was written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scaffold {
    success: bool,
    language: &'static str,
    what: What,
    /// For `tests` a new file, else the whole file with what was added or replaced.
    pub output: String,
    /// Where the output belongs, when it is a new file and the request named the file's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The functions that something was written for, by their qualified names.
    pub items: Vec<String>,
    /// The functions that were passed over, and why.
    skipped: Vec<Skipped>,
}

/// A function that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Skipped {
    name: String,
    reason: &'static str,
}

/// What is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Tests,
    Docs,
    Stubs,
}

/// A parsed file with its functions.
struct File<'a> {
    code: &'a str,
    language: Language,
    path: Option<&'a str>,
    tree: &'a Tree,
    functions: Vec<Function<'a>>,
}

/// What a generator made.
struct Made {
    output: String,
    path: Option<String>,
    items: Vec<String>,
    skipped: Vec<Skipped>,
}

/// The booster `scaffold`: from `{"code", "language"? | "path"?, "what", "symbols"?}` to a [`Scaffold`].
///
/// `what` is `tests`, `docs` or `stubs`; `symbols` names the functions, simply or qualified, all without it.
///
/// # Errors
/// The JSON of a refusal: a [`CodeError`] that names the field and what would be right.
pub fn scaffold_json(input: &str) -> Result<String, String> {
    let answer = || -> Result<String, CodeError> {
        let mut fields = Fields::parse(input)?;
        let path = fields.text_kept("path")?;
        let (code, language) = fields.source()?;
        let what = what(fields.take("what"))?;
        let symbols = fields.texts("symbols", MAX_SYMBOLS)?;
        let scaffold = scaffold(&code, language, path.as_deref(), what, symbols.as_deref())?;
        serde_json::to_string(&scaffold).map_err(|error| CodeError::InvalidInput(error.to_string()))
    };
    answer().map_err(|error| error.to_json())
}

fn what(value: Option<Value>) -> Result<What, CodeError> {
    const CHOICES: &str = "`tests`, `docs` or `stubs`";
    match value {
        None => Err(CodeError::InvalidInput(format!("field `what` is missing, expected {CHOICES}"))),
        Some(Value::String(text)) => match text.as_str() {
            "tests" => Ok(What::Tests),
            "docs" => Ok(What::Docs),
            "stubs" => Ok(What::Stubs),
            _ => Err(CodeError::InvalidInput(format!("field `what` is `{text}`, expected {CHOICES}"))),
        },
        Some(other) => Err(expected("what", &other, CHOICES)),
    }
}

fn scaffold(
    code: &str,
    language: Language,
    path: Option<&str>,
    what: What,
    symbols: Option<&[String]>,
) -> Result<Scaffold, CodeError> {
    let tree = syntax::parse(code, language)?;
    let errors = syntax::count_errors(&tree);
    let mut functions = functions::find(&tree, code, language);
    // What is inside a function cannot be called from outside, and belongs to that function's documentation.
    functions.retain(|function| function.parent.is_none() && !function.node.has_error());
    if let Some(symbols) = symbols {
        select(&mut functions, symbols, language)?;
    }
    if functions.len() > MAX_ITEMS {
        let count = functions.len();
        let message = format!("{count} functions; at most {MAX_ITEMS} at once, name some in `symbols`");
        return Err(CodeError::TooLarge(message));
    }
    let file = File { code, language, path, tree: &tree, functions };
    let made = match what {
        What::Tests => tests::make(&file)?,
        What::Docs => docs::make(&file)?,
        What::Stubs => stubs::make(&file)?,
    };
    if made.items.is_empty() {
        return Err(CodeError::NothingToDo(nothing(what, &made.skipped)));
    }
    let after = syntax::count_errors(&syntax::parse(&made.output, language)?);
    if after > errors {
        return Err(CodeError::SyntaxError(format!(
            "the result would have {after} syntax errors, the original has {errors}"
        )));
    }
    let Made { output, path, items, skipped } = made;
    Ok(Scaffold { success: true, language: language.name(), what, output, path, items, skipped })
}

/// Keeps the named functions.
fn select(
    functions: &mut Vec<Function<'_>>,
    symbols: &[String],
    language: Language,
) -> Result<(), CodeError> {
    let is = |function: &Function<'_>, symbol: &String| {
        function.name == *symbol || function.qualified_name(language) == *symbol
    };
    if let Some(missing) = symbols.iter().find(|symbol| !functions.iter().any(|f| is(f, symbol))) {
        let known: Vec<String> = functions.iter().take(20).map(|f| f.qualified_name(language)).collect();
        let message = format!("no function `{missing}` in the code; the first are {}", known.join(", "));
        return Err(CodeError::SymbolUnknown(message));
    }
    functions.retain(|function| symbols.iter().any(|symbol| is(function, symbol)));
    Ok(())
}

fn nothing(what: What, skipped: &[Skipped]) -> String {
    let task = match what {
        What::Tests => "a test",
        What::Docs => "a doc comment",
        What::Stubs => "a stub",
    };
    match skipped.first() {
        None => format!("the code has no function to write {task} for"),
        Some(Skipped { name, reason }) => {
            format!("no function to write {task} for; of {} passed over, `{name}`: {reason}", skipped.len())
        }
    }
}

/// One text that goes into a file: at a place, or instead of a range.
struct Insertion {
    range: std::ops::Range<usize>,
    text: String,
}

/// A text with insertions, which are in order of the text; one inside another is left out.
fn insert(code: &str, insertions: Vec<Insertion>) -> String {
    let mut result = String::with_capacity(code.len());
    let mut at = 0;
    for insertion in insertions {
        if insertion.range.start < at {
            continue;
        }
        result.push_str(code.get(at..insertion.range.start).unwrap_or_default());
        result.push_str(&insertion.text);
        at = insertion.range.end;
    }
    result.push_str(code.get(at..).unwrap_or_default());
    result
}

/// The line end of a file.
fn line_end(code: &str) -> &'static str {
    if code.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The blanks that the line of a byte begins with, when nothing but blanks is before it.
fn indentation(code: &str, at: usize) -> Option<&str> {
    let line = code.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let before = code.get(line..at)?;
    before.chars().all(|c| matches!(c, ' ' | '\t')).then_some(before)
}
