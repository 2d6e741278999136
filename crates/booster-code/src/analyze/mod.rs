//! Measures of functions: length, nesting, cyclomatic and cognitive complexity, loops and allocations in them.
//!
//! - *Cyclomatic complexity* (McCabe, "A Complexity Measure", 1976) is one more than the number of decisions: `if`
//!   and its like, loops, cases other than the default, handlers of exceptions, conditional expressions, and the
//!   operators that may skip their right side.
//! - *Cognitive complexity* follows G. Ann Campbell, "Cognitive Complexity: a new way of measuring
//!   understandability" (SonarSource, version 1.7, 2023), appendix B. What it leaves to the languages is decided in
//!   [`roles`].
//! - *Nesting* is the deepest level of control structures and lambdas, *loop depth* that of loops alone.
//! - *Allocations in loops* are expressions known to take memory, in a part of a loop that runs more than once.

mod allocations;
mod measure;
mod recursion;
mod roles;

use serde::Serialize;

use crate::error::CodeError;
use crate::functions::{self, Function, Kind};
use crate::input::Fields;
use crate::language::Language;
use crate::{signature, syntax};

pub use allocations::Allocation;
use measure::Measures;

/// Most functions that a report lists; the totals count all.
const MAX_FUNCTIONS: usize = 2000;

/// What was measured of a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    success: bool,
    language: &'static str,
    /// Error and missing nodes of the syntax tree: with any, the measures of the functions around are guesses.
    syntax_errors: usize,
    totals: Totals,
    functions: Vec<FunctionReport>,
}

/// Sums and maxima over all functions of a file.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Totals {
    lines: usize,
    functions: usize,
    /// Functions beyond what the report lists.
    omitted: usize,
    cyclomatic: usize,
    max_cyclomatic: usize,
    max_cognitive: usize,
    max_nesting: usize,
    max_loop_depth: usize,
    allocations_in_loops: usize,
}

/// What was measured of one function.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionReport {
    name: String,
    kind: Kind,
    line: usize,
    end_line: usize,
    lines: usize,
    parameters: usize,
    nesting: usize,
    cyclomatic: usize,
    cognitive: usize,
    loop_depth: usize,
    /// Whether it calls itself, directly or through functions of the same file.
    recursive: bool,
    allocations_in_loops: usize,
    /// The first of them.
    allocations: Vec<Allocation>,
}

/// The booster `analyze`: from `{"code", "language"? | "path"?}` to a report.
///
/// # Errors
/// The JSON of a refusal: [`CodeError::InvalidInput`], [`CodeError::LanguageUnknown`] or [`CodeError::TooLarge`].
pub fn analyze_json(input: &str) -> Result<String, String> {
    let answer = || -> Result<String, CodeError> {
        let (code, language) = Fields::parse(input)?.source()?;
        let report = analyze(&code, language)?;
        serde_json::to_string(&report).map_err(|error| CodeError::InvalidInput(error.to_string()))
    };
    answer().map_err(|error| error.to_json())
}

/// Measures all functions of a file.
///
/// # Errors
/// [`CodeError::SyntaxError`] when the grammar gives no tree at all; a tree with errors is measured.
pub fn analyze(code: &str, language: Language) -> Result<Report, CodeError> {
    let tree = syntax::parse(code, language)?;
    let functions = functions::find(&tree, code, language);
    let recursive = recursion::recursive(&functions, &tree, code, language);
    let measures = measure::measure(&functions, &recursive, &tree, code, language);
    let mut totals = Totals { lines: code.lines().count(), functions: functions.len(), ..Totals::default() };
    let mut reports = Vec::new();
    for ((function, measured), recursive) in functions.iter().zip(measures).zip(recursive) {
        totals.add(&measured);
        if reports.len() < MAX_FUNCTIONS {
            reports.push(report(function, measured, recursive, code, language));
        } else {
            totals.omitted += 1;
        }
    }
    let syntax_errors = syntax::count_errors(&tree);
    Ok(Report { success: true, language: language.name(), syntax_errors, totals, functions: reports })
}

impl Totals {
    fn add(&mut self, one: &Measures) {
        self.cyclomatic += one.cyclomatic;
        self.max_cyclomatic = self.max_cyclomatic.max(one.cyclomatic);
        self.max_cognitive = self.max_cognitive.max(one.cognitive);
        self.max_nesting = self.max_nesting.max(one.nesting);
        self.max_loop_depth = self.max_loop_depth.max(one.loop_depth);
        self.allocations_in_loops += one.allocations_in_loops;
    }
}

fn report(
    function: &Function<'_>,
    measured: Measures,
    recursive: bool,
    code: &str,
    language: Language,
) -> FunctionReport {
    let (line, end_line) = (syntax::first_line(function.node), syntax::last_line(function.node));
    FunctionReport {
        name: function.qualified_name(language),
        kind: function.kind,
        line,
        end_line,
        lines: end_line + 1 - line,
        parameters: signature::parameters(function, code, language).len(),
        nesting: measured.nesting,
        cyclomatic: measured.cyclomatic,
        cognitive: measured.cognitive,
        loop_depth: measured.loop_depth,
        recursive,
        allocations_in_loops: measured.allocations_in_loops,
        allocations: measured.allocations,
    }
}
