//! One walk over the tree that measures every function.

use std::collections::HashMap;

use tree_sitter::{Node, Tree, TreeCursor};

use super::allocations::{self, Allocation};
use super::roles::{Role, has_bare_else, operator, role};
use crate::functions::Function;
use crate::language::Language;
use crate::syntax::{child_of_kind, children};

/// Most allocations that are listed of one function; the count has all.
const MAX_ALLOCATIONS: usize = 20;

/// What was measured of a function.
#[derive(Debug, Default)]
pub(super) struct Measures {
    pub(super) nesting: usize,
    pub(super) cyclomatic: usize,
    pub(super) cognitive: usize,
    pub(super) loop_depth: usize,
    pub(super) allocations_in_loops: usize,
    pub(super) allocations: Vec<Allocation>,
    cost: Cost,
}

/// Parts of a cognitive complexity that can be added up for functions inside functions.
#[derive(Debug, Default, Clone, Copy)]
struct Cost {
    /// One for every break in the linear flow.
    breaks: usize,
    /// How many of them cost more when nested.
    structures: usize,
    /// Their nesting, added up, counted from the function.
    nesting: usize,
}

/// What holds at a place in the tree.
#[derive(Debug, Clone, Copy, Default)]
struct Place<'t> {
    parent: Option<Node<'t>>,
    function: Option<usize>,
    /// Levels of control structures and lambdas, counted from the function.
    nesting: usize,
    /// Levels to add for those children that are no part of the structure's head.
    deeper: usize,
    loops: usize,
    /// Loops to add for those children that run more than once.
    repeats: usize,
    /// Whether this is an operand of `&&`, `||` or their like.
    in_condition: bool,
}

/// Measures all functions; one value for each, in their order.
pub(super) fn measure(
    functions: &[Function<'_>],
    recursive: &[bool],
    tree: &Tree,
    source: &str,
    language: Language,
) -> Vec<Measures> {
    let by_node = functions.iter().enumerate().map(|(index, function)| (function.node.id(), index)).collect();
    let mut walk = Walk {
        by_node,
        source,
        language,
        measures: functions.iter().map(|_| Measures { cyclomatic: 1, ..Measures::default() }).collect(),
        entered_at: vec![0; functions.len()],
    };
    walk.run(tree.walk());
    walk.add_up(functions, recursive);
    walk.measures
}

struct Walk<'a> {
    by_node: HashMap<usize, usize>,
    source: &'a str,
    language: Language,
    measures: Vec<Measures>,
    /// The nesting of each function inside the function around it.
    entered_at: Vec<usize>,
}

impl Walk<'_> {
    fn run<'t>(&mut self, mut cursor: TreeCursor<'t>) {
        let mut places: Vec<Place<'t>> = vec![Place::default()];
        loop {
            let outer = places.last().copied().unwrap_or_default();
            let node = cursor.node();
            let inner = self.visit(node, entering(&cursor, outer));
            if cursor.goto_first_child() {
                places.push(Place { parent: Some(node), ..inner });
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                places.pop();
            }
        }
    }

    /// Counts a node and says what holds for its children.
    fn visit<'t>(&mut self, node: Node<'t>, mut place: Place<'t>) -> Place<'t> {
        self.count_allocation(node, place);
        if let Some(&index) = self.by_node.get(&node.id()) {
            let levels = usize::from(!is_decorator(node, place, self.language));
            self.entered_at[index] = place.nesting + levels;
            return Place { function: Some(index), ..Place::default() };
        }
        let Some(index) = place.function else { return Place::default() };
        let role = role(node, place.parent, self.source, self.language);
        let measures = &mut self.measures[index];
        measures.cyclomatic += decisions(role, node);
        measures.cost.count(role, node, place, self.source);
        place.deeper += usize::from(matches!(
            role,
            Role::If | Role::Ternary | Role::Switch | Role::Loop | Role::Catch | Role::Lambda
        ));
        match role {
            Role::Loop => place.repeats = 1,
            Role::Comprehension => place.repeats = clauses(node),
            _ => {}
        }
        place.in_condition =
            role == Role::Logical || place.in_condition && node.kind() == "parenthesized_expression";
        measures.nesting = measures.nesting.max(place.nesting + place.deeper);
        measures.loop_depth = measures.loop_depth.max(place.loops + place.repeats);
        place
    }

    fn count_allocation(&mut self, node: Node<'_>, place: Place<'_>) {
        let Some(index) = place.function.filter(|_| place.loops > 0) else { return };
        let Some(what) = allocations::what(node, self.source, self.language) else { return };
        let measures = &mut self.measures[index];
        measures.allocations_in_loops += 1;
        if measures.allocations.len() < MAX_ALLOCATIONS {
            measures.allocations.push(Allocation::new(node, what, place.loops));
        }
    }

    /// Adds what is nested in a function to it, from the inside out: a function stands before those inside it.
    fn add_up(&mut self, functions: &[Function<'_>], recursive: &[bool]) {
        for index in (0..functions.len()).rev() {
            let mut cost = self.measures[index].cost;
            cost.breaks += usize::from(recursive[index]);
            self.measures[index].cognitive = cost.breaks + cost.nesting;
            if let Some(parent) = functions[index].parent {
                let outer = &mut self.measures[parent].cost;
                outer.breaks += cost.breaks;
                outer.structures += cost.structures;
                outer.nesting += cost.nesting + cost.structures * self.entered_at[index];
            }
        }
    }
}

/// The place of the cursor's node inside its parent's: a loop repeats its body, condition and step, not what it
/// begins with, and only what is no part of its head is nested in it.
fn entering<'t>(cursor: &TreeCursor<'t>, mut place: Place<'t>) -> Place<'t> {
    let (field, kind) = (cursor.field_name(), cursor.node().kind());
    if kind == "for_clause" {
        // Go's head of a loop; its own fields say what is repeated.
        return Place { deeper: 0, ..place };
    }
    let repeated = match field {
        Some(field) => matches!(field, "body" | "condition" | "update" | "increment"),
        None => kind == "if_clause",
    };
    let head = match field {
        Some(field) => matches!(
            field,
            "condition" | "initializer" | "init" | "update" | "increment" | "left" | "right" | "value"
        ),
        None => matches!(kind, "range_clause" | "parenthesized_expression"),
    };
    place.loops += if repeated { place.repeats } else { 0 };
    place.nesting += if head { 0 } else { place.deeper };
    Place { deeper: 0, repeats: 0, ..place }
}

impl Cost {
    fn count(&mut self, role: Role, node: Node<'_>, place: Place<'_>, source: &str) {
        match role {
            Role::If | Role::Ternary | Role::Switch | Role::Loop | Role::Catch => {
                self.breaks += 1;
                self.structures += 1;
                self.nesting += place.nesting;
            }
            Role::ElseIf | Role::Else | Role::Jump => self.breaks += 1,
            // A part of a condition was counted with the whole.
            Role::Logical if !place.in_condition => self.breaks += runs(node, source),
            _ => {}
        }
        self.breaks += usize::from(matches!(role, Role::If | Role::ElseIf) && has_bare_else(node));
    }
}

/// What a node adds to cyclomatic complexity.
fn decisions(role: Role, node: Node<'_>) -> usize {
    match role {
        Role::If | Role::ElseIf | Role::Ternary | Role::Case | Role::Loop | Role::Catch | Role::Guard => 1,
        Role::Logical if node.kind() == "let_chain" => children(node).len().saturating_sub(1),
        Role::Logical | Role::Coalescing => 1,
        Role::Comprehension => clauses(node),
        _ => 0,
    }
}

/// The loops of a comprehension.
fn clauses(node: Node<'_>) -> usize {
    children(node).iter().filter(|child| child.kind() == "for_in_clause").count()
}

/// How many sequences of one operator a condition has: `a && b && c || d` has two.
fn runs(node: Node<'_>, source: &str) -> usize {
    // The operators from left to right, with a stack because conditions may be long.
    let (mut runs, mut last) = (0, "");
    let mut stack = vec![Step::Visit(node)];
    while let Some(step) = stack.pop() {
        match step {
            Step::Operator(operator) if operator != last => {
                runs += 1;
                last = operator;
            }
            Step::Operator(_) => {}
            Step::Visit(node) => match node.kind() {
                "parenthesized_expression" => stack.extend(children(node).first().map(|n| Step::Visit(*n))),
                "let_chain" => {
                    for (position, child) in children(node).into_iter().enumerate().rev() {
                        stack.push(Step::Visit(child));
                        stack.extend((position > 0).then_some(Step::Operator("&&")));
                    }
                }
                "binary_expression" | "boolean_operator" if is_logical(node, source) => {
                    let side = |name| node.child_by_field_name(name).map(Step::Visit);
                    stack.extend(side("right"));
                    stack.push(Step::Operator(operator(node, source)));
                    stack.extend(side("left"));
                }
                _ => {}
            },
        }
    }
    runs
}

enum Step<'t, 'a> {
    Visit(Node<'t>),
    Operator(&'a str),
}

fn is_logical(node: Node<'_>, source: &str) -> bool {
    matches!(operator(node, source), "&&" | "||" | "and" | "or")
}

/// Whether a function is all that the Python function around it has, but for a `return`: the definition lets a
/// decorator cost nothing.
fn is_decorator(node: Node<'_>, place: Place<'_>, language: Language) -> bool {
    if language != Language::Python || place.nesting > 0 || place.function.is_none() {
        return false;
    }
    let definition = node.parent().filter(|parent| parent.kind() == "decorated_definition").unwrap_or(node);
    definition.parent().filter(|block| block.kind() == "block").is_some_and(|block| {
        children(block).iter().all(|statement| {
            statement.id() == definition.id()
                || statement.kind() == "return_statement"
                || statement.kind() == "expression_statement" && child_of_kind(*statement, "string").is_some()
        })
    })
}
