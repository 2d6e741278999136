//! Which functions call themselves, directly or through others of the same file.
//!
//! Only calls that surely mean a function of this file count: by its bare name, or on `self`, `this`, the type's own
//! name or a Go method's receiver. A call of `get` on another object is no recursion of `get`.

use std::collections::HashMap;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use tree_sitter::{Node, Tree};

use crate::functions::Function;
use crate::language::Language;
use crate::syntax::{children, field_text, text};

/// Says of each function whether it lies on a cycle of calls.
pub(super) fn recursive(
    functions: &[Function<'_>],
    tree: &Tree,
    source: &str,
    language: Language,
) -> Vec<bool> {
    let mut graph = DiGraph::<(), ()>::with_capacity(functions.len(), functions.len());
    let nodes: Vec<NodeIndex> = functions.iter().map(|_| graph.add_node(())).collect();
    for (caller, callee) in calls(functions, tree, source, language) {
        graph.update_edge(nodes[caller], nodes[callee], ());
    }
    let mut recursive = vec![false; functions.len()];
    for component in kosaraju_scc(&graph) {
        let cycle = match component[..] {
            [one] => graph.contains_edge(one, one),
            _ => true,
        };
        for node in component.iter().filter(|_| cycle) {
            recursive[node.index()] = true;
        }
    }
    recursive
}

/// Pairs of caller and callee.
fn calls(functions: &[Function<'_>], tree: &Tree, source: &str, language: Language) -> Vec<(usize, usize)> {
    let by_node: HashMap<usize, usize> =
        functions.iter().enumerate().map(|(i, f)| (f.node.id(), i)).collect();
    // Of several with one name the last stands for all; overloads cannot be told apart without types.
    let by_name: HashMap<(Option<&str>, &str), usize> = functions
        .iter()
        .enumerate()
        .map(|(index, function)| ((function.owner.as_deref(), function.name.as_str()), index))
        .collect();
    let mut found = Vec::new();
    let mut inside: Vec<Option<usize>> = vec![None];
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let here = by_node.get(&node.id()).copied().or(inside.last().copied().flatten());
        if let Some(caller) = here
            && let Some(callee) = callee(node, &functions[caller], &by_name, source, language)
        {
            found.push((caller, callee));
        }
        if cursor.goto_first_child() {
            inside.push(here);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
            inside.pop();
        }
    }
}

/// The function of this file that a call means, where that is certain.
fn callee(
    node: Node<'_>,
    caller: &Function<'_>,
    by_name: &HashMap<(Option<&str>, &str), usize>,
    source: &str,
    language: Language,
) -> Option<usize> {
    let owner = caller.owner.as_deref();
    let known = |owner: Option<&str>, name: &str| by_name.get(&(owner, name)).copied();
    if node.kind() == "method_invocation" {
        let object = field_text(node, "object", source);
        let own = object.is_none_or(|object| object == "this" || Some(object) == owner);
        return own.then(|| known(owner, field_text(node, "name", source)?)).flatten();
    }
    if !matches!(node.kind(), "call" | "call_expression") {
        return None;
    }
    let whole = text(node.child_by_field_name("function")?, source);
    let Some(at) = whole.rfind(['.', ':', '>']) else {
        // Inside a C++ class a bare name means the method beside it before it means a function.
        let method = owner.filter(|_| language == Language::Cpp).and_then(|owner| known(Some(owner), whole));
        return method.or_else(|| known(None, whole));
    };
    let (object, name) = (whole[..at].trim_end_matches([':', '-']), &whole[at + 1..]);
    let own = matches!(object, "self" | "this" | "Self" | "cls")
        || Some(object) == owner
        || receiver(caller, source).is_some_and(|receiver| receiver == object);
    (own && owner.is_some()).then(|| known(owner, name)).flatten()
}

/// The name of a Go method's receiver.
fn receiver<'a>(function: &Function<'_>, source: &'a str) -> Option<&'a str> {
    let receiver = *children(function.node.child_by_field_name("receiver")?).first()?;
    field_text(receiver, "name", source)
}
