//! Conditions under which a shipped rule keeps behaviour, beyond what its pattern says.

use ast_grep_core::NodeMatch;
use tree_sitter::Node;

use super::grammar::Document;
use crate::syntax::{child_of_kind, text, walk};

/// A condition on a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// The metavariable is a plain identifier, so that evaluating it has no effect.
    Identifier(&'static str),
    /// The metavariable is a comparison of built-in operands (`<`, `==`, `in`, `instanceof`…), whose value is a
    /// truth value.
    Comparison(&'static str),
    /// The metavariable contains no call, so that no temporary value with a destructor is involved.
    NoCall(&'static str),
    /// `$$$A` stands for at least one node.
    FilledArguments,
    /// The file gives the name no other meaning: it is declared, assigned and imported nowhere.
    Builtin(&'static str),
    /// The match is the condition of an `if`, a loop or a conditional expression, where only truth counts.
    InCondition,
    /// The value of the match is not used.
    ValueUnused,
}

impl Guard {
    /// Whether the condition holds for a match.
    pub(super) fn holds(self, found: &NodeMatch<'_, Document>, root: Node<'_>, source: &str) -> bool {
        let variable = |name| found.get_env().get_match(name).map(|node| node.get_inner_node());
        match self {
            Guard::Identifier(name) => variable(name).is_some_and(|node| node.kind() == "identifier"),
            Guard::Comparison(name) => variable(name).is_some_and(|node| is_comparison(node, source)),
            Guard::NoCall(name) => variable(name).is_some_and(|node| !has_call(node)),
            Guard::FilledArguments => !found.get_env().get_multiple_matches("A").is_empty(),
            Guard::Builtin(name) => !is_rebound(root, name, source),
            Guard::InCondition => is_condition(found.get_inner_node()),
            Guard::ValueUnused => found.get_inner_node().parent().is_some_and(|parent| {
                let update = parent.child_by_field_name("update");
                parent.kind() == "expression_statement" || update == Some(found.get_inner_node())
            }),
        }
    }
}

fn is_comparison(node: Node<'_>, source: &str) -> bool {
    match node.kind() {
        "parenthesized_expression" => node.named_child(0).is_some_and(|inner| is_comparison(inner, source)),
        "instanceof_expression" => true,
        "binary_expression" => node.child_by_field_name("operator").is_some_and(|operator| {
            matches!(
                text(operator, source),
                "==" | "!=" | "===" | "!==" | "<" | ">" | "<=" | ">=" | "instanceof" | "in"
            )
        }),
        _ => false,
    }
}

fn has_call(node: Node<'_>) -> bool {
    let mut found = false;
    walk(node, |node| {
        found |= matches!(node.kind(), "call_expression" | "macro_invocation" | "await_expression" | "block");
        !found
    });
    found
}

/// Whether the file gives a name a meaning of its own, anywhere.
fn is_rebound(root: Node<'_>, name: &str, source: &str) -> bool {
    let mut rebound = false;
    let mut parents = Vec::new();
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        if node.child_count() == 0 && node.is_named() && text(node, source) == name {
            let field = cursor.field_name();
            let kind = parents.last().map_or("", |parent: &Node<'_>| parent.kind());
            rebound |=
                matches!(field, Some("name" | "left" | "pattern" | "alias" | "declarator" | "parameter"))
                    || kind.contains("parameter")
                    || parents.iter().rev().take(3).any(|parent| parent.kind().contains("import"))
                    || kind.contains("pattern")
                    || matches!(kind, "global_statement" | "nonlocal_statement");
        }
        if cursor.goto_first_child() {
            parents.push(node);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return rebound;
            }
            parents.pop();
        }
    }
}

/// Whether only the truth of an expression counts.
fn is_condition(mut node: Node<'_>) -> bool {
    while let Some(parent) = node.parent() {
        match parent.kind() {
            "parenthesized_expression" => node = parent,
            "if_statement" | "while_statement" | "do_statement" | "for_statement" | "ternary_expression" => {
                return parent.child_by_field_name("condition") == Some(node)
                    // Go has the condition of `for` without a field.
                    || parent.kind() == "for_statement" && parent.named_child(0) == Some(node);
            }
            _ => return false,
        }
    }
    false
}

/// Whether a match has comments: they would be lost.
pub(super) fn has_comment(node: Node<'_>) -> bool {
    let mut found = false;
    walk(node, |node| {
        found |= node.is_extra();
        !found
    });
    found
}

/// Whether an expression that binds less tightly may stand where a node stands without parentheses.
pub(super) fn takes_any_expression(node: Node<'_>) -> bool {
    let Some(parent) = node.parent() else { return true };
    match parent.kind() {
        "parenthesized_expression"
        | "arguments"
        | "argument_list"
        | "return_statement"
        | "expression_statement"
        | "variable_declarator"
        | "init_declarator"
        | "expression_list"
        | "let_declaration"
        | "lexical_declaration"
        | "block"
        | "statement_block"
        | "source_file"
        | "program"
        | "module"
        | "translation_unit"
        | "for_clause"
        | "match_arm"
        | "condition_clause"
        | "short_var_declaration"
        | "var_spec" => true,
        "assignment_expression" | "assignment" | "assignment_statement" => {
            parent.child_by_field_name("right") == Some(node)
        }
        "if_statement" | "if_expression" | "while_expression" | "while_statement" | "elif_clause" => {
            parent.child_by_field_name("condition") == Some(node) && child_of_kind(parent, "{").is_none()
        }
        "pair" => parent.child_by_field_name("value") == Some(node),
        // What replaces is a comparison or a negation, which binds more tightly than these in every language here.
        "binary_expression" | "boolean_operator" => parent
            .child_by_field_name("operator")
            .is_some_and(|operator| matches!(operator.kind(), "&&" | "||" | "and" | "or")),
        _ => false,
    }
}
