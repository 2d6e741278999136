//! Parsing, and what the engine asks of a tree as a whole.

use tree_sitter::{InputEdit, Node, Parser, Point, Tree};

use crate::language::Language;
use crate::output::{Reason, Refusal};
use crate::splice::Splice;
use crate::text::Lines;

/// Parses a text.
pub(crate) fn parse(text: &str, language: Language) -> Result<Tree, Refusal> {
    parse_with(text, language, None)
}

fn parse_with(text: &str, language: Language, old: Option<&Tree>) -> Result<Tree, Refusal> {
    let failed = || Refusal::new(Reason::TooLarge, "the text could not be parsed");
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).map_err(|_| failed())?;
    parser.parse(text, old).ok_or_else(failed)
}

/// Parses the result of splices, reusing what did not change of the original's tree.
pub(crate) fn reparse(
    tree: &Tree,
    before: &str,
    after: &str,
    splices: &[Splice],
    language: Language,
) -> Result<Tree, Refusal> {
    let mut old = tree.clone();
    let lines = Lines::new(before);
    // From the last to the first, so that earlier offsets stay valid.
    for splice in splices.iter().rev() {
        let start_position = point(&lines, splice.range.start);
        old.edit(&InputEdit {
            start_byte: splice.range.start,
            old_end_byte: splice.range.end,
            new_end_byte: splice.range.start + splice.text.len(),
            start_position,
            old_end_position: point(&lines, splice.range.end),
            new_end_position: advance(start_position, &splice.text),
        });
    }
    parse_with(after, language, Some(&old))
}

fn point(lines: &Lines<'_>, offset: usize) -> Point {
    let row = lines.line_of(offset);
    Point { row, column: offset.saturating_sub(lines.start(row)) }
}

fn advance(from: Point, text: &str) -> Point {
    match text.rfind('\n') {
        Some(last) => Point {
            row: from.row + text.bytes().filter(|&b| b == b'\n').count(),
            column: text.len() - last - 1,
        },
        None => Point { row: from.row, column: from.column + text.len() },
    }
}

/// Calls `visit` for every node in order of the text; a `false` skips the node's children.
///
/// A cursor instead of recursion: the depth of a hostile tree must not reach the stack.
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

/// How many error and missing nodes a tree has.
pub(crate) fn count_errors(tree: &Tree) -> usize {
    let mut errors = 0;
    walk(tree.root_node(), |node| {
        if !node.has_error() {
            return false;
        }
        if node.is_error() || node.is_missing() {
            errors += 1;
        }
        true
    });
    errors
}

/// How many bytes of the text lie in the outermost error nodes.
pub(crate) fn error_bytes(tree: &Tree) -> usize {
    let mut bytes = 0;
    walk(tree.root_node(), |node| {
        if node.is_error() {
            bytes += node.end_byte().saturating_sub(node.start_byte());
            return false;
        }
        node.has_error()
    });
    bytes
}

/// How the brackets of a text stand at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    /// Brackets opened and not closed.
    pub(crate) open: usize,
    /// Brackets closed and not opened.
    pub(crate) surplus: usize,
}

/// Counts brackets among the tree's tokens, so that those in strings and comments do not count.
pub(crate) fn balance(tree: &Tree) -> Balance {
    let mut balance = Balance::default();
    walk(tree.root_node(), |node| {
        if node.child_count() > 0 || node.is_missing() {
            return true;
        }
        match node.kind() {
            "{" | "(" | "[" | "${" | "#{" => balance.open += 1,
            "}" | ")" | "]" if balance.open > 0 => balance.open -= 1,
            "}" | ")" | "]" => balance.surplus += 1,
            _ => {}
        }
        true
    });
    balance
}
