//! Compiled rules, and the passes over a file.

use std::collections::HashMap;
use std::ops::Range;

use ast_grep_core::matcher::RegexMatcher;
use ast_grep_core::replacer::{Replacer, TemplateFix};
use ast_grep_core::{AstGrep, MatchStrictness, NodeMatch, Pattern};

use super::Change;
use super::grammar::{Document, Grammar};
use super::guard::{Guard, has_comment, takes_any_expression};
use super::rules::Rule;
use crate::error::CodeError;
use crate::input::MAX_BYTES;
use crate::language::Language;
use crate::syntax;

/// Most passes of the shipped rules; every pass of theirs makes the code shorter or simpler, so few are needed.
const MAX_PASSES: usize = 10;
/// Deepest syntax tree that is searched: comparing two nodes goes as deep as they are.
const MAX_DEPTH: usize = 1000;

/// A rule that is ready to run.
pub(super) struct Compiled {
    id: String,
    pattern: Pattern,
    rewrite: TemplateFix,
    conditions: HashMap<String, RegexMatcher>,
    guards: &'static [Guard],
    /// Whether the result binds less tightly than what it replaces, so that parentheses may be needed.
    loose: bool,
    /// Whether a match with comments is left alone.
    keeps_comments: bool,
}

impl Compiled {
    pub(super) fn shipped(rule: &Rule, language: Language) -> Result<Self, CodeError> {
        let (pattern, rewrite) = compile(rule.id, rule.pattern, rule.rewrite, rule.selector, language)?;
        // Otherwise a pattern would also match the beginning of something longer.
        let pattern = pattern.with_strictness(MatchStrictness::Cst);
        let conditions = HashMap::new();
        let (guards, loose) = (rule.guards, rule.loose);
        Ok(Self { id: rule.id.to_owned(), pattern, rewrite, conditions, guards, loose, keeps_comments: true })
    }

    pub(super) fn own(
        id: &str,
        pattern: &str,
        rewrite: &str,
        selector: Option<&str>,
        conditions: Vec<(String, String)>,
        language: Language,
    ) -> Result<Self, CodeError> {
        let (pattern, rewrite) = compile(id, pattern, rewrite, selector, language)?;
        let defined = pattern.defined_vars();
        let mut matchers = HashMap::new();
        for (variable, expression) in conditions {
            let name = variable.trim_start_matches('$').to_owned();
            if !defined.contains(name.as_str()) {
                return Err(invalid(id, format!("`where` names `{variable}`, which is not in the pattern")));
            }
            let matcher = RegexMatcher::try_new(&expression)
                .map_err(|error| invalid(id, format!("the expression on `{variable}`: {error}")))?;
            matchers.insert(name, matcher);
        }
        let id = id.to_owned();
        Ok(Self {
            id,
            pattern,
            rewrite,
            conditions: matchers,
            guards: &[],
            loose: false,
            keeps_comments: false,
        })
    }

    /// What a match becomes; `None` where a condition does not hold.
    fn replacement(&self, found: &mut NodeMatch<'_, Document>, root: &AstGrep<Document>) -> Option<String> {
        let node = found.get_inner_node();
        let source = root.source();
        let all = self.guards.iter().all(|guard| guard.holds(found, root.root().get_inner_node(), source));
        if node.has_error() || !all || self.keeps_comments && has_comment(node) {
            return None;
        }
        if !found.get_env_mut().match_constraints(&self.conditions) {
            return None;
        }
        let text = String::from_utf8(self.rewrite.generate_replacement(found)).ok()?;
        Some(if self.loose && !takes_any_expression(node) { format!("({text})") } else { text })
    }
}

fn compile(
    id: &str,
    pattern: &str,
    rewrite: &str,
    selector: Option<&str>,
    language: Language,
) -> Result<(Pattern, TemplateFix), CodeError> {
    let grammar = Grammar(language);
    let compiled = match selector {
        Some(selector) => Pattern::contextual(pattern, selector, grammar),
        None => Pattern::try_new(pattern, grammar),
    };
    let compiled = compiled.map_err(|error| invalid(id, error.to_string()))?;
    if compiled.has_error() {
        return Err(invalid(id, format!("the pattern is no valid {}", language.name())));
    }
    if compiled.fixed_string().is_empty() {
        return Err(invalid(id, "the pattern has nothing but metavariables"));
    }
    let rewrite = TemplateFix::try_new(rewrite, &grammar).map_err(|error| invalid(id, error.to_string()))?;
    let defined = compiled.defined_vars();
    // The smallest, so that the message does not depend on the order in a hash table.
    if let Some(unknown) = rewrite.used_vars().into_iter().filter(|used| !defined.contains(used)).min() {
        return Err(invalid(id, format!("the rewriting uses `${unknown}`, which is not in the pattern")));
    }
    Ok((compiled, rewrite))
}

fn invalid(id: &str, detail: impl std::fmt::Display) -> CodeError {
    CodeError::RuleInvalid(format!("rule `{id}`: {detail}"))
}

/// Runs the caller's rules once and the shipped rules until nothing changes.
pub(super) fn run(
    code: &str,
    language: Language,
    own: &[Compiled],
    shipped: &[Compiled],
) -> Result<(String, Vec<Change>), CodeError> {
    let tree = syntax::parse(code, language)?;
    let errors = syntax::count_errors(&tree);
    if syntax::depth(&tree) > MAX_DEPTH {
        return Err(CodeError::TooLarge(format!("the code is nested more than {MAX_DEPTH} levels deep")));
    }
    let mut text = code.to_owned();
    let mut changes = Vec::new();
    for pass in 0..MAX_PASSES {
        let rules: Vec<&Compiled> =
            if pass == 0 { own.iter().chain(shipped).collect() } else { shipped.iter().collect() };
        let edits = edits(&text, language, &rules)?;
        if edits.is_empty() {
            break;
        }
        text = perform(&text, edits, &mut changes)?;
    }
    let after = syntax::count_errors(&syntax::parse(&text, language)?);
    if after > errors {
        let message = format!("the result would have {after} syntax errors, the original has {errors}");
        return Err(CodeError::SyntaxError(message));
    }
    Ok((text, changes))
}

/// A place, what shall stand there, and the rule that says so.
struct Edit<'r> {
    range: Range<usize>,
    text: String,
    rule: &'r str,
}

/// The edits of one pass, in order of the text and without overlaps.
fn edits<'r>(text: &str, language: Language, rules: &[&'r Compiled]) -> Result<Vec<Edit<'r>>, CodeError> {
    let root = AstGrep::try_new(text, Grammar(language)).map_err(CodeError::SyntaxError)?;
    let mut found = Vec::new();
    for rule in rules {
        for mut place in root.root().find_all(&rule.pattern) {
            let range = rule.rewrite.get_replaced_range(&place, &rule.pattern);
            let Some(replacement) = rule.replacement(&mut place, &root) else { continue };
            if text.get(range.clone()).is_some_and(|before| before != replacement) {
                found.push(Edit { range, text: replacement, rule: &rule.id });
            }
        }
    }
    // The sort is stable: of two rules for one place the first goes.
    found.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    let mut end = 0;
    found.retain(|edit| {
        let free = edit.range.start >= end;
        end = if free { edit.range.end } else { end };
        free
    });
    Ok(found)
}

fn perform(text: &str, edits: Vec<Edit<'_>>, changes: &mut Vec<Change>) -> Result<String, CodeError> {
    let mut result = String::with_capacity(text.len());
    let (mut at, mut line) = (0, 1);
    for edit in edits {
        let between = text.get(at..edit.range.start).unwrap_or_default();
        let before = text.get(edit.range.clone()).unwrap_or_default();
        line += between.matches('\n').count();
        result.push_str(between);
        result.push_str(&edit.text);
        at = edit.range.end;
        changes.push(Change {
            rule: edit.rule.to_owned(),
            line,
            before: before.to_owned(),
            after: edit.text,
        });
        line += before.matches('\n').count();
        if result.len() > MAX_BYTES {
            return Err(CodeError::TooLarge(format!("the result would have more than {MAX_BYTES} bytes")));
        }
    }
    result.push_str(text.get(at..).unwrap_or_default());
    Ok(result)
}
