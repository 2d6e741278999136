//! The definitions and other members of a file, in order, with their ranges and nesting.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use crate::describe::{Kind, describe, is_attribute, is_comment, is_member_list, is_transparent, is_wrapper};
use crate::language::Language;
use crate::output::Candidate;
use crate::text::{Lines, is_word, squash};

/// One definition or other member.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// The grammar's number for the definition's node.
    pub(crate) node_kind: u16,
    /// The scope that the definition names itself (receiver, qualifier).
    pub(crate) owner: Option<String>,
    /// The definition's own node.
    pub(crate) core: Range<usize>,
    /// The node with what wraps it: `export`, decorators, `template <…>`.
    pub(crate) outer: Range<usize>,
    /// Where the definition begins without annotations and decorators that its own node holds.
    pub(crate) bare: usize,
    /// Comments directly above, without a blank line between.
    pub(crate) comments: Option<Range<usize>>,
    /// Attributes and decorators above that are nodes of their own.
    pub(crate) attributes: Option<Range<usize>>,
    pub(crate) body: Option<Range<usize>>,
    /// The preprocessor conditions around it, from the outside in.
    pub(crate) branch: Vec<String>,
    /// The item around this one.
    pub(crate) parent: Option<usize>,
    /// Whether it stands in a file, class or module and not in a function's body.
    pub(crate) is_member: bool,
}

impl Item {
    /// First byte of the item with its comments and attributes.
    pub(crate) fn lead(&self) -> usize {
        let comments = self.comments.as_ref().map_or(self.outer.start, |r| r.start);
        let attributes = self.attributes.as_ref().map_or(self.outer.start, |r| r.start);
        comments.min(attributes).min(self.outer.start)
    }

    /// The header: everything before the body, or the whole definition.
    pub(crate) fn header(&self) -> Range<usize> {
        let end = self.body.as_ref().map_or(self.core.end, |body| body.start);
        self.core.start..end.max(self.core.start)
    }
}

/// The members of a file.
#[derive(Debug)]
pub(crate) struct Outline<'a> {
    pub(crate) text: &'a str,
    pub(crate) lines: Lines<'a>,
    pub(crate) items: Vec<Item>,
}

struct Frame<'t> {
    node: Node<'t>,
    item: Option<usize>,
    /// Whether this node's children are members rather than statements.
    lists_members: bool,
    /// Comments and attributes directly before the current child, the nearest last. A node's own way to its previous
    /// sibling leads over all of them, which makes long files slow.
    above: Vec<Node<'t>>,
    /// Whether the current child is what they stand above, so that they do not stand above the next one.
    used: bool,
}

impl<'t> Frame<'t> {
    fn new(node: Node<'t>, item: Option<usize>, lists_members: bool) -> Frame<'t> {
        Frame { node, item, lists_members, above: Vec::new(), used: false }
    }

    /// Goes on to the next child.
    fn pass(&mut self, child: Node<'t>) {
        if self.used {
            self.above.clear();
        }
        self.used = !is_comment(child.kind()) && !is_attribute(child.kind());
        if !self.used {
            self.above.push(child);
        }
    }
}

impl<'a> Outline<'a> {
    /// Finds the members of a parsed file.
    pub(crate) fn new(text: &'a str, tree: &Tree, language: Language) -> Outline<'a> {
        let mut builder =
            Builder { text, language, lines: Lines::new(text), items: Vec::new(), frames: Vec::new() };
        builder.run(tree.root_node());
        Outline { text, lines: builder.lines, items: builder.items }
    }

    /// The item's scope from the outside in, its own `owner` included.
    pub(crate) fn scope(&self, index: usize) -> Vec<&str> {
        let mut scope: Vec<&str> = Vec::new();
        let Some(item) = self.items.get(index) else {
            return scope;
        };
        scope.extend(item.owner.as_deref());
        let mut at = item.parent;
        while let Some(parent) = at.and_then(|index| self.items.get(index)) {
            if parent.kind.is_definition() && !parent.name.is_empty() {
                scope.push(&parent.name);
            }
            scope.extend(parent.owner.as_deref());
            at = parent.parent;
        }
        scope.reverse();
        scope
    }

    /// The header in a form that compares across layouts.
    pub(crate) fn signature(&self, item: &Item) -> String {
        let text = self.text.get(item.header()).unwrap_or_default();
        squash(text).trim_end_matches(|c: char| !is_word(c) && c != ')').to_owned()
    }

    /// An item as it is shown to the caller.
    pub(crate) fn candidate(&self, index: usize) -> Option<Candidate> {
        let item = self.items.get(index)?;
        let mut name = self.scope(index).join("::");
        if !name.is_empty() {
            name.push_str("::");
        }
        name.push_str(&item.name);
        Some(Candidate {
            name,
            kind: item.kind.name(),
            line: self.lines.line_of(item.outer.start) + 1,
            end_line: self.lines.line_of(item.outer.end.saturating_sub(1).max(item.outer.start)) + 1,
        })
    }
}

struct Builder<'a, 't> {
    text: &'a str,
    language: Language,
    lines: Lines<'a>,
    items: Vec<Item>,
    frames: Vec<Frame<'t>>,
}

impl<'t> Builder<'_, 't> {
    /// Walks the tree with a cursor and a stack of its own: hostile nesting must not reach the call stack.
    fn run(&mut self, root: Node<'t>) {
        let mut cursor = root.walk();
        self.frames.push(Frame::new(root, None, true));
        if !cursor.goto_first_child() {
            return;
        }
        loop {
            let node = cursor.node();
            let frame = self.enter(node);
            if node.child_count() > 0 && cursor.goto_first_child() {
                self.frames.push(frame);
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                self.frames.pop();
                if self.frames.is_empty() {
                    return;
                }
            }
        }
    }

    /// Records what a node defines and says how its children are to be read.
    fn enter(&mut self, node: Node<'t>) -> Frame<'t> {
        if let Some(frame) = self.frames.last_mut() {
            frame.pass(node);
        }
        let inherited = self.frames.last().and_then(|f| f.item);
        let plain = Frame::new(node, inherited, false);
        if !node.is_named() || node.is_extra() && is_comment(node.kind()) {
            return plain;
        }
        let kind = node.kind();
        let in_members = self.frames.last().is_some_and(|f| f.lists_members);
        if let Some(index) = self.define(node, in_members) {
            let lists_members = self.language.is_data() && is_member_list(self.language, kind);
            return Frame::new(node, Some(index), lists_members);
        }
        let passes = in_members && (is_transparent(kind) || is_wrapper(kind));
        let python_body = self.language.is_python() && kind == "block" && self.parent_is_class();
        let script_body = self.language.is_script() && kind == "statement_block" && self.parent_is_module();
        let lists = is_member_list(self.language, kind);
        Frame { lists_members: passes || lists || python_body || script_body, ..plain }
    }

    fn parent_is_class(&self) -> bool {
        self.frames.last().is_some_and(|f| f.node.kind() == "class_definition")
    }

    fn parent_is_module(&self) -> bool {
        self.frames.last().is_some_and(|f| matches!(f.node.kind(), "module" | "internal_module"))
    }

    fn define(&mut self, node: Node<'t>, in_members: bool) -> Option<usize> {
        let described = describe(self.language, node, self.text);
        let wrappers = self.wrappers();
        let outer = self.frames.get(self.frames.len() - wrappers).map_or(node, |frame| frame.node);
        let (kind, name, owner, body) = match described {
            Some(d) if d.kind.is_definition() || in_members => (d.kind, d.name, d.owner, d.body),
            None if in_members && is_plain_member(self.language, node) => {
                (Kind::Statement, String::new(), None, None)
            }
            _ => return None,
        };
        let local = !in_members && !matches!(kind, Kind::Function | Kind::Class | Kind::Impl | Kind::Module);
        if local || self.is_inner_of_same(node, kind) {
            return None;
        }
        let (comments, attributes) = self.above(outer, wrappers);
        self.items.push(Item {
            kind,
            name,
            node_kind: node.kind_id(),
            owner,
            core: trimmed(node, self.text),
            outer: trimmed(outer, self.text),
            bare: bare_start(node),
            comments,
            attributes,
            body: body.map(|b| b.byte_range()),
            branch: self.branch(),
            parent: self.frames.last().and_then(|f| f.item),
            is_member: in_members,
        });
        Some(self.items.len() - 1)
    }

    /// Whether the node repeats the definition around it: the struct in `typedef struct x { … } x;`.
    fn is_inner_of_same(&self, node: Node<'t>, kind: Kind) -> bool {
        let Some(frame) = self.frames.last() else {
            return false;
        };
        kind == Kind::Class
            && matches!(frame.node.kind(), "type_definition" | "field_declaration")
            && frame.node.child_by_field_name("type") == Some(node)
            && frame.item.is_some()
    }

    /// How many of the innermost frames wrap a definition.
    fn wrappers(&self) -> usize {
        self.frames.iter().rev().take_while(|frame| is_wrapper(frame.node.kind())).count()
    }

    /// The first lines of the preprocessor conditions around the current node.
    fn branch(&self) -> Vec<String> {
        let conditions = self.frames.iter().filter(|frame| frame.node.kind().starts_with("preproc_"));
        conditions.map(|frame| squash(self.lines.get(self.lines.line_of(frame.node.start_byte())))).collect()
    }

    /// Comments and attributes directly above a node that is wrapped so often.
    fn above(&self, node: Node<'t>, wrappers: usize) -> (Option<Range<usize>>, Option<Range<usize>>) {
        let mut comments: Option<Range<usize>> = None;
        let mut attributes: Option<Range<usize>> = None;
        let mut first_line = self.lines.line_of(node.start_byte());
        let around = self.frames.len().checked_sub(wrappers + 1).and_then(|index| self.frames.get(index));
        for &previous in around.into_iter().flat_map(|frame| frame.above.iter().rev()) {
            let range = trimmed(previous, self.text);
            let comment = is_comment(previous.kind());
            let ends = self.lines.line_of(range.end.saturating_sub(1).max(range.start));
            let distance = first_line.saturating_sub(ends);
            let own_line = self.lines.begins_line(range.start);
            if distance > 1 || (comment && !own_line) {
                break;
            }
            first_line = self.lines.line_of(range.start);
            let slot = if comment { &mut comments } else { &mut attributes };
            let end = slot.as_ref().map_or(range.end, |r| r.end);
            *slot = Some(range.start..end);
        }
        (comments, attributes)
    }
}

/// Where a definition begins after its own annotations or decorators.
fn bare_start(node: Node<'_>) -> usize {
    let mut start = node.start_byte();
    let Some(mut child) = node.child(0) else {
        return start;
    };
    if child.kind() == "modifiers" {
        let Some(first) = child.child(0) else {
            return start;
        };
        child = first;
    }
    let annotates = |kind| {
        matches!(kind, "marker_annotation" | "annotation" | "decorator" | "attribute_declaration")
            || is_comment(kind)
    };
    while annotates(child.kind()) {
        // The last annotation may be all there is in the list of modifiers.
        let next = child.next_sibling().or_else(|| child.parent()?.next_sibling());
        let Some(next) = next else {
            return start;
        };
        start = next.start_byte();
        child = next;
    }
    start
}

/// A node's range without blanks at its end: preprocessor lines and some comments end in their line feed.
fn trimmed(node: Node<'_>, text: &str) -> Range<usize> {
    let range = node.byte_range();
    let length = text.get(range.clone()).map_or(range.len(), |t| t.trim_end().len());
    range.start..range.start + length
}

/// Whether a member is one of its own and not part of another's syntax.
fn is_plain_member(language: Language, node: Node<'_>) -> bool {
    let kind = node.kind();
    !is_comment(kind)
        && !is_attribute(kind)
        && !is_transparent(kind)
        && !is_wrapper(kind)
        && !is_member_list(language, kind)
        && !matches!(
            kind,
            "identifier"
                | "type_identifier"
                | "string_literal"
                | "template_parameter_list"
                | "access_specifier"
                | "storage_class_specifier"
                | "bare_key"
                | "dotted_key"
                | "quoted_key"
                | "atx_heading"
                | "setext_heading"
                | "start_tag"
                | "end_tag"
        )
}
