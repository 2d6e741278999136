//! What the nodes of nine grammars mean for complexity.
//!
//! Where the definition of cognitive complexity leaves room, this is what is counted: Rust's `match`, Go's `select`
//! and Python's `match` are switches; `let … else` is an `if`; `else` of a Python loop or `try` is an `else`;
//! comprehensions are loops for cyclomatic complexity and loop depth but no break in the linear flow; `??`, `?.` and
//! Rust's `?` are shorthands and cost nothing there; conditional compilation inside a function is an `if`.

use tree_sitter::Node;

use crate::functions::is_lambda;
use crate::language::Language;
use crate::syntax::{child_of_kind, field_text, text};

/// What a node does to the measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    Plain,
    /// `if`, and what is like it.
    If,
    /// `if` behind an `else`, or `elif`: a decision that continues another.
    ElseIf,
    /// `else` with its block.
    Else,
    /// A conditional expression.
    Ternary,
    /// `switch`, `match`, `select`.
    Switch,
    /// A case of a switch that is not the default.
    Case,
    /// A loop statement.
    Loop,
    /// A loop inside an expression.
    Comprehension,
    /// A condition inside a comprehension, or a guard of a case.
    Guard,
    /// A handler of exceptions.
    Catch,
    /// A jump to a label.
    Jump,
    /// `&&`, `||` and their like.
    Logical,
    /// `??`, which decides but reads as one.
    Coalescing,
    /// A function without a name.
    Lambda,
}

/// What a node means.
pub(super) fn role(node: Node<'_>, parent: Option<Node<'_>>, source: &str, language: Language) -> Role {
    if !node.is_named() {
        return Role::Plain;
    }
    match node.kind() {
        "if_statement" | "if_expression" if continues_else(node, parent) => Role::ElseIf,
        "if_statement" | "if_expression" | "preproc_if" | "preproc_ifdef" => Role::If,
        "let_declaration" if node.child_by_field_name("alternative").is_some() => Role::If,
        "elif_clause" | "preproc_elif" | "preproc_elifdef" => Role::ElseIf,
        // The clause is counted as the `else if` that it holds.
        "else_clause" if holds_if(node) => Role::Plain,
        "else_clause" | "preproc_else" => Role::Else,
        "ternary_expression" | "conditional_expression" => Role::Ternary,
        "switch_statement"
        | "switch_expression"
        | "match_statement"
        | "match_expression"
        | "expression_switch_statement"
        | "type_switch_statement"
        | "select_statement" => Role::Switch,
        "switch_case" | "expression_case" | "type_case" | "communication_case" => Role::Case,
        "switch_label" if !text(node, source).starts_with("default") => Role::Case,
        "case_statement" if node.child_by_field_name("value").is_some() => Role::Case,
        "case_clause" if !is_wildcard(child_of_kind(node, "case_pattern"), source) => Role::Case,
        "match_arm" if !is_wildcard(node.child_by_field_name("pattern"), source) => Role::Case,
        "for_statement"
        | "for_in_statement"
        | "enhanced_for_statement"
        | "for_range_loop"
        | "for_expression"
        | "while_statement"
        | "while_expression"
        | "do_statement"
        | "loop_expression" => Role::Loop,
        "list_comprehension" | "set_comprehension" | "dictionary_comprehension" | "generator_expression" => {
            Role::Comprehension
        }
        "if_clause" | "guard" => Role::Guard,
        "match_pattern" if node.child_by_field_name("condition").is_some() => Role::Guard,
        "catch_clause" | "except_clause" | "except_group_clause" => Role::Catch,
        "goto_statement" => Role::Jump,
        "break_statement" | "continue_statement" | "break_expression" | "continue_expression"
            if has_label(node) =>
        {
            Role::Jump
        }
        "boolean_operator" | "let_chain" => Role::Logical,
        "binary_expression" => match operator(node, source) {
            "&&" | "||" => Role::Logical,
            "and" | "or" if language == Language::Cpp => Role::Logical,
            "??" => Role::Coalescing,
            _ => Role::Plain,
        },
        _ if is_lambda(node) => Role::Lambda,
        _ => Role::Plain,
    }
}

/// The operator of a binary expression.
pub(super) fn operator<'a>(node: Node<'_>, source: &'a str) -> &'a str {
    field_text(node, "operator", source).unwrap_or_default()
}

/// Whether an `if` is the alternative of another.
fn continues_else(node: Node<'_>, parent: Option<Node<'_>>) -> bool {
    parent.is_some_and(|parent| match parent.kind() {
        "else_clause" => true,
        "if_statement" => parent.child_by_field_name("alternative").is_some_and(|other| other == node),
        _ => false,
    })
}

/// Whether an `if` has an `else` that is no node of its own: Go's and Java's grammars have only its statement.
pub(super) fn has_bare_else(node: Node<'_>) -> bool {
    let other = node.child_by_field_name("alternative");
    node.kind() == "if_statement"
        && other.is_some_and(|other| !matches!(other.kind(), "if_statement" | "else_clause" | "elif_clause"))
}

fn holds_if(clause: Node<'_>) -> bool {
    ["if_statement", "if_expression"].into_iter().any(|kind| child_of_kind(clause, kind).is_some())
}

fn is_wildcard(pattern: Option<Node<'_>>, source: &str) -> bool {
    pattern.is_none_or(|pattern| text(pattern, source).trim() == "_")
}

fn has_label(node: Node<'_>) -> bool {
    let labels = ["label", "label_name", "identifier", "statement_identifier"];
    // Rust's `break value` has an expression where others have a label.
    let labels = if node.kind().ends_with("_expression") { &labels[..1] } else { &labels[..] };
    labels.iter().any(|label| child_of_kind(node, label).is_some())
}
