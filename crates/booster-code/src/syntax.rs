//! Parsing, and walking a tree without recursion: a hostile file's nesting must not reach the stack.

use tree_sitter::{Node, Parser, Tree};

use crate::error::CodeError;
use crate::language::Language;

/// Parses a text.
pub(crate) fn parse(text: &str, language: Language) -> Result<Tree, CodeError> {
    let failed = || CodeError::SyntaxError(format!("the code could not be parsed as {}", language.name()));
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).map_err(|_| failed())?;
    parser.parse(text, None).ok_or_else(failed)
}

/// How many error and missing nodes a tree has.
pub(crate) fn count_errors(tree: &Tree) -> usize {
    let mut errors = 0;
    walk(tree.root_node(), |node| {
        errors += usize::from(node.is_error() || node.is_missing());
        node.has_error()
    });
    errors
}

/// Calls `visit` for every node in order of the text; a `false` skips the node's children.
pub(crate) fn walk<'t>(root: Node<'t>, mut visit: impl FnMut(Node<'t>) -> bool) {
    let mut cursor = root.walk();
    loop {
        if visit(cursor.node()) && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// How many levels a tree has.
pub(crate) fn depth(tree: &Tree) -> usize {
    let (mut depth, mut deepest) = (1, 1);
    let mut cursor = tree.walk();
    loop {
        if cursor.goto_first_child() {
            depth += 1;
            deepest = deepest.max(depth);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return deepest;
            }
            depth -= 1;
        }
    }
}

/// A node's text; empty where a grammar's range does not lie on character boundaries.
pub(crate) fn text<'a>(node: Node<'_>, source: &'a str) -> &'a str {
    source.get(node.byte_range()).unwrap_or_default()
}

/// The text of a node's field.
pub(crate) fn field_text<'a>(node: Node<'_>, field: &str, source: &'a str) -> Option<&'a str> {
    node.child_by_field_name(field).map(|child| text(child, source))
}

/// The named children that are no comments.
pub(crate) fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !child.is_extra()).collect()
}

/// The child with a kind.
pub(crate) fn child_of_kind<'t>(node: Node<'t>, kind: &str) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).find(|child| child.kind() == kind)
}

/// A node's first line, counted from 1.
pub(crate) fn first_line(node: Node<'_>) -> usize {
    node.start_position().row + 1
}

/// A node's last line, counted from 1.
pub(crate) fn last_line(node: Node<'_>) -> usize {
    let end = node.end_position();
    // A node that ends behind a line feed ends on the line before.
    if end.column == 0 && end.row > node.start_position().row { end.row } else { end.row + 1 }
}
