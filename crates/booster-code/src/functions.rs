//! The functions of a file: methods, constructors, functions held in variables, and lambdas at the file's level.

use std::rc::Rc;

use tree_sitter::{Node, Tree};

use crate::language::Language;
use crate::syntax::{child_of_kind, children, field_text, text};

/// What a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A function that belongs to no type.
    Function,
    /// A function of a class, an `impl`, a trait or an interface.
    Method,
    /// What makes a new object.
    Constructor,
    /// A function without a name.
    Lambda,
}

/// A function with its place in the file.
#[derive(Debug, Clone)]
pub(crate) struct Function<'t> {
    pub(crate) node: Node<'t>,
    /// Its simple name; `<lambda>` without one.
    pub(crate) name: String,
    /// The types, modules and functions around it, from the outside in.
    pub(crate) scope: Vec<String>,
    /// The type that it belongs to, where it is a method.
    pub(crate) owner: Option<String>,
    pub(crate) kind: Kind,
    /// The function around it.
    pub(crate) parent: Option<usize>,
}

impl Function<'_> {
    /// The name with its scope.
    pub(crate) fn qualified_name(&self, language: Language) -> String {
        let mut parts: Vec<&str> = self.scope.iter().map(String::as_str).collect();
        parts.push(&self.name);
        parts.join(language.separator())
    }
}

/// Most levels of a qualified name; what lies deeper repeats the outer ones.
const MAX_SCOPE: usize = 16;

/// Most characters of a name; a computed property's name may be any expression.
const MAX_NAME: usize = 120;

/// Whether a node is a function's definition, with a name or without.
pub(crate) fn is_function(language: Language, node: Node<'_>) -> bool {
    match node.kind() {
        "function_definition" => !language.is_c_like() || node.child_by_field_name("body").is_some(),
        "function_declaration"
        | "generator_function_declaration"
        | "method_definition"
        | "function_item"
        | "method_declaration"
        | "constructor_declaration"
        | "compact_constructor_declaration" => true,
        _ => is_lambda(node),
    }
}

/// Whether a node is a function's definition that has no name of its own.
pub(crate) fn is_lambda(node: Node<'_>) -> bool {
    node.is_named()
        && matches!(
            node.kind(),
            "arrow_function"
                | "function_expression"
                | "generator_function"
                | "lambda"
                | "closure_expression"
                | "func_literal"
                | "lambda_expression"
        )
}

/// A frame of the walk: what holds for a node's children.
#[derive(Default)]
struct Frame {
    scope: Vec<String>,
    owner: Option<String>,
    function: Option<usize>,
}

/// The functions of a parsed file, in order of the text. A lambda inside another function is part of that one,
/// unless a variable or a field names it.
pub(crate) fn find<'t>(tree: &'t Tree, source: &str, language: Language) -> Vec<Function<'t>> {
    let mut found: Vec<Function<'t>> = Vec::new();
    // The walk keeps the parents: asking a node for its parent costs as much as the node is deep.
    let mut frames: Vec<(Rc<Frame>, Option<Node<'t>>)> = vec![(Rc::default(), None)];
    let mut cursor = tree.walk();
    loop {
        let (outer, parent) = frames.last().cloned().unwrap_or_default();
        let node = cursor.node();
        let inner = enter((node, parent), &outer, &mut found, source, language);
        if cursor.goto_first_child() {
            frames.push((inner.map_or(outer, Rc::new), Some(node)));
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
            frames.pop();
        }
    }
}

/// Records a function, and says what holds inside of a node where that is something else than outside.
fn enter<'t>(
    (node, parent): (Node<'t>, Option<Node<'t>>),
    frame: &Frame,
    found: &mut Vec<Function<'t>>,
    source: &str,
    language: Language,
) -> Option<Frame> {
    if let Some((name, is_type)) = container(node, source) {
        let owner = is_type.then(|| name.clone());
        let mut scope = frame.scope.clone();
        push(&mut scope, name);
        return Some(Frame { scope, owner, function: frame.function });
    }
    if !is_function(language, node) {
        return None;
    }
    let function = describe((node, parent), frame, source, language)?;
    let mut scope = function.scope.clone();
    push(&mut scope, function.name.clone());
    found.push(function);
    Some(Frame { scope, owner: None, function: Some(found.len() - 1) })
}

fn push(scope: &mut Vec<String>, name: String) {
    if scope.len() < MAX_SCOPE {
        scope.push(name);
    }
}

fn describe<'t>(
    (node, parent): (Node<'t>, Option<Node<'t>>),
    frame: &Frame,
    source: &str,
    language: Language,
) -> Option<Function<'t>> {
    let (mut scope, mut owner) = (frame.scope.clone(), frame.owner.clone());
    let (name, named_by) = match own_name(node, source) {
        Some(mut path) => {
            let name = path.pop()?;
            for part in path {
                owner = Some(part.clone());
                push(&mut scope, part);
            }
            (name, true)
        }
        None => match parent.and_then(|parent| name_by_place(node, parent, source)) {
            Some(name) => (name, true),
            None => ("<lambda>".to_owned(), false),
        },
    };
    if !named_by && frame.function.is_some() {
        return None;
    }
    if let Some(receiver) = receiver_type(node, source) {
        push(&mut scope, receiver.clone());
        owner = Some(receiver);
    }
    let kind = match &owner {
        _ if !named_by => Kind::Lambda,
        Some(owner) if is_constructor(node, &name, owner, language) => Kind::Constructor,
        Some(_) => Kind::Method,
        None => Kind::Function,
    };
    Some(Function { node, name, scope, owner, kind, parent: frame.function })
}

fn is_constructor(node: Node<'_>, name: &str, owner: &str, language: Language) -> bool {
    match language {
        Language::Python => name == "__init__",
        Language::Java => node.kind().ends_with("constructor_declaration"),
        Language::Cpp => name == owner,
        _ => language.is_script() && name == "constructor",
    }
}

/// The name of a type, module or object around functions, and whether it is a type.
fn container(node: Node<'_>, source: &str) -> Option<(String, bool)> {
    if !node.is_named() {
        return None;
    }
    let named = |is_type| Some((plain(field_text(node, "name", source)?), is_type));
    match node.kind() {
        "class_declaration"
        | "abstract_class_declaration"
        | "class"
        | "class_definition"
        | "trait_item"
        | "interface_declaration"
        | "enum_declaration"
        | "record_declaration"
        | "class_specifier"
        | "struct_specifier"
        | "union_specifier" => named(true),
        "impl_item" => Some((plain(field_text(node, "type", source)?), true)),
        "mod_item" | "namespace_definition" | "internal_module" | "module" => named(false),
        "variable_declarator" if node.child_by_field_name("value")?.kind() == "object" => named(true),
        _ => None,
    }
}

/// A name without type arguments, quotes and line breaks, of bounded length.
fn plain(name: &str) -> String {
    let name = if name.starts_with("operator") { name } else { name.split('<').next().unwrap_or(name) };
    let name = name.split('\n').next().unwrap_or(name).trim().trim_matches(['"', '\'']);
    name.chars().take(MAX_NAME).collect()
}

/// The name that a definition carries, with the scopes it names itself (`Shape::area`).
fn own_name(node: Node<'_>, source: &str) -> Option<Vec<String>> {
    if let Some(name) = node.child_by_field_name("name") {
        return Some(vec![plain(text(name, source))]);
    }
    let declarator = function_declarator(node)?.child_by_field_name("declarator")?;
    let path: Vec<String> = split_path(text(declarator, source)).into_iter().map(plain).collect();
    path.iter().all(|part| !part.is_empty()).then_some(path)
}

/// The parts of `a::b<c::d>::e`.
fn split_path(path: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in path.char_indices() {
        match c {
            // `operator<` and its like are names, not brackets.
            _ if path.get(start..).is_some_and(|rest| rest.starts_with("operator")) => {}
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            ':' if depth == 0 && path.get(at..).is_some_and(|rest| rest.starts_with("::")) => {
                parts.push(path.get(start..at).unwrap_or_default());
                start = at + 2;
            }
            _ => {}
        }
    }
    parts.push(path.get(start..).unwrap_or_default());
    // A leading `::` means the global scope.
    parts.retain(|part| !part.is_empty());
    parts
}

/// The declarator that holds the parameters of a C or C++ function, inside pointers and references.
pub(crate) fn function_declarator<'t>(node: Node<'t>) -> Option<Node<'t>> {
    let mut at = node.child_by_field_name("declarator")?;
    loop {
        if at.kind() == "function_declarator" {
            return Some(at);
        }
        let inner = at.child_by_field_name("declarator");
        at = inner.or_else(|| child_of_kind(at, "function_declarator"))?;
    }
}

/// The name of the variable, field or property that a lambda is given to.
fn name_by_place(node: Node<'_>, parent: Node<'_>, source: &str) -> Option<String> {
    let (value, name) = match parent.kind() {
        "variable_declarator" if parent.child_by_field_name("declarator").is_none() => ("value", "name"),
        "init_declarator" => ("value", "declarator"),
        "pair" => ("value", "key"),
        "assignment_expression" | "assignment" => ("right", "left"),
        "field_definition" => ("value", "property"),
        "public_field_definition" => ("value", "name"),
        "let_declaration" => ("value", "pattern"),
        _ => return None,
    };
    let is_value = parent.child_by_field_name(value).is_some_and(|child| child.id() == node.id());
    let name = field_text(parent, name, source)?;
    let simple = name.len() <= 80 && !name.contains(['(', '{', '[', '\n']);
    (is_value && simple).then(|| plain(name))
}

/// The type of a Go method's receiver.
fn receiver_type(node: Node<'_>, source: &str) -> Option<String> {
    let receiver = *children(node.child_by_field_name("receiver")?).first()?;
    let ty = text(receiver.child_by_field_name("type")?, source).trim_start_matches('*');
    Some(ty.split('[').next().unwrap_or(ty).trim().to_owned())
}
