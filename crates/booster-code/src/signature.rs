//! Parameters and result of a function.

use tree_sitter::Node;

use crate::functions::{Function, Kind, function_declarator};
use crate::language::Language;
use crate::syntax::{child_of_kind, children, field_text, text};

/// One parameter, the receiver (`self`, `this`) not among them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Parameter {
    /// Its name, or a made one (`arg2`) for a pattern and for a parameter without a name.
    pub(crate) name: String,
    /// Its type as written; empty where none is.
    #[serde(rename = "type")]
    pub(crate) ty: String,
    /// Whether a call may leave it out.
    pub(crate) optional: bool,
    /// Whether it takes any number of arguments.
    pub(crate) variadic: bool,
}

/// The parameters of a function.
pub(crate) fn parameters(function: &Function<'_>, source: &str, language: Language) -> Vec<Parameter> {
    let node = function.node;
    if let Some(single) = node.child_by_field_name("parameter") {
        return vec![parameter(text(single, source), "", 0)];
    }
    let list = match language {
        Language::C | Language::Cpp => {
            let holder = function_declarator(node).or_else(|| {
                let declarator = node.child_by_field_name("declarator")?;
                (declarator.kind() == "abstract_function_declarator").then_some(declarator)
            });
            holder.and_then(|holder| holder.child_by_field_name("parameters"))
        }
        _ => node.child_by_field_name("parameters"),
    };
    let Some(list) = list else { return Vec::new() };
    let mut found = Vec::new();
    for child in children(list) {
        read(child, source, language, &mut found);
    }
    let receiver = language == Language::Python && function.owner.is_some() && function.kind != Kind::Lambda;
    if receiver && !is_static(node, source) && !found.is_empty() {
        found.remove(0);
    }
    found
}

/// Whether a Python method is decorated as one without a receiver.
fn is_static(node: Node<'_>, source: &str) -> bool {
    let decorated = node.parent().filter(|parent| parent.kind() == "decorated_definition");
    decorated
        .is_some_and(|parent| children(parent).iter().any(|child| text(*child, source) == "@staticmethod"))
}

fn parameter(name: &str, ty: &str, position: usize) -> Parameter {
    let name = name.trim_start_matches(['*', '&', ' ']);
    let simple = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'));
    let name = if simple { name.to_owned() } else { format!("arg{}", position + 1) };
    Parameter { name, ty: squash(ty), optional: false, variadic: false }
}

/// A text on one line.
fn squash(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn read(node: Node<'_>, source: &str, language: Language, found: &mut Vec<Parameter>) {
    let at = found.len();
    let field = |name: &str| field_text(node, name, source).unwrap_or_default();
    let typed = |name: &str| parameter(field(name), field("type").trim_start_matches([':', ' ']), at);
    let first = || children(node).first().map_or("", |child| text(*child, source));
    let one = match node.kind() {
        // JavaScript and TypeScript
        "assignment_pattern" => Parameter { optional: true, ..parameter(field("left"), "", at) },
        "rest_pattern" => Parameter { variadic: true, ..parameter(first(), "", at) },
        "required_parameter" if field("pattern") == "this" => return,
        "required_parameter" => {
            let variadic = field("pattern").starts_with("...");
            let name = field("pattern").trim_start_matches("...");
            let ty = field("type").trim_start_matches([':', ' ']);
            let optional = node.child_by_field_name("value").is_some();
            Parameter { optional, variadic, ..parameter(name, ty, at) }
        }
        "optional_parameter" => Parameter { optional: true, ..typed("pattern") },
        // Python
        "default_parameter" | "typed_default_parameter" => Parameter { optional: true, ..typed("name") },
        "typed_parameter" => {
            let variadic = first().starts_with('*');
            Parameter { variadic, ..parameter(first(), field("type"), at) }
        }
        "list_splat_pattern" | "dictionary_splat_pattern" => {
            Parameter { variadic: true, ..parameter(first(), "", at) }
        }
        "keyword_separator" | "positional_separator" => return,
        // Rust
        "self_parameter" | "attribute_item" => return,
        "parameter" => {
            let name = field("pattern").trim_start_matches("mut ");
            parameter(name, field("type"), at)
        }
        // Go, and C and C++ below
        "parameter_declaration" if language == Language::Go => return go_names(node, source, false, found),
        "variadic_parameter_declaration" if language == Language::Go => {
            return go_names(node, source, true, found);
        }
        // Java
        "formal_parameter" => typed("name"),
        "spread_parameter" => {
            let name = child_of_kind(node, "variable_declarator").map_or("", |child| text(child, source));
            let ty =
                children(node).into_iter().find(|c| !matches!(c.kind(), "modifiers" | "variable_declarator"));
            let ty = ty.map_or("", |child| text(child, source));
            Parameter { variadic: true, ..parameter(name, ty, at) }
        }
        "receiver_parameter" => return,
        "parameter_declaration" | "optional_parameter_declaration" => match c_parameter(node, source, at) {
            Some(one) => one,
            None => return,
        },
        "variadic_parameter" | "variadic_parameter_declaration" => {
            Parameter { variadic: true, ..parameter("", "...", at) }
        }
        "identifier" | "object_pattern" | "array_pattern" => parameter(text(node, source), "", at),
        _ => return,
    };
    found.push(one);
}

/// Go writes a type once for several names, and may leave the names out.
fn go_names(node: Node<'_>, source: &str, variadic: bool, found: &mut Vec<Parameter>) {
    let ty = field_text(node, "type", source).unwrap_or_default();
    let mut cursor = node.walk();
    let names: Vec<&str> =
        node.children_by_field_name("name", &mut cursor).map(|n| text(n, source)).collect();
    let names = if names.is_empty() { vec![""] } else { names };
    for name in names {
        let at = found.len();
        found.push(Parameter { variadic, ..parameter(name, ty, at) });
    }
}

/// A C or C++ parameter; `None` for the `void` of an empty list.
fn c_parameter(node: Node<'_>, source: &str, at: usize) -> Option<Parameter> {
    let declarator = node.child_by_field_name("declarator");
    let whole = text(node, source);
    let mut inner = declarator;
    while let Some(next) = inner.and_then(|node| node.child_by_field_name("declarator")) {
        inner = Some(next);
    }
    let mut inner = inner.unwrap_or(node);
    if inner.kind() == "reference_declarator" {
        inner = children(inner).first().copied().unwrap_or(inner);
    }
    let named = matches!(inner.kind(), "identifier" | "field_identifier");
    if declarator.is_none() && whole.trim() == "void" {
        return None;
    }
    let optional = node.kind() == "optional_parameter_declaration";
    if !named {
        return Some(Parameter { optional, ..parameter("", whole, at) });
    }
    let name = text(inner, source);
    // The type is what remains of the parameter without its name and default.
    let from = inner.start_byte() - node.start_byte();
    let end = declarator.map_or(node.end_byte(), |d| d.end_byte()) - node.start_byte();
    let before = whole.get(..from).unwrap_or_default();
    let after = whole.get(from + name.len()..end).unwrap_or_default();
    Some(Parameter { optional, ..parameter(name, &format!("{before}{after}"), at) })
}

/// The type of the result as written; empty where none is, or where it says that there is no result.
pub(crate) fn returns(node: Node<'_>, source: &str, language: Language) -> String {
    let ty = match language {
        Language::Go => field_text(node, "result", source),
        Language::Java => field_text(node, "type", source),
        Language::C | Language::Cpp => return c_returns(node, source),
        _ => field_text(node, "return_type", source),
    };
    let ty = squash(ty.unwrap_or_default().trim_start_matches([':', ' ']));
    if matches!(ty.as_str(), "void" | "()" | "None" | "undefined") { String::new() } else { ty }
}

/// The type in front of a C function with the pointers and references that its declarator adds.
fn c_returns(node: Node<'_>, source: &str) -> String {
    let ty = field_text(node, "type", source).unwrap_or_default();
    let stars = match (node.child_by_field_name("declarator"), function_declarator(node)) {
        (Some(outer), Some(inner)) => {
            source.get(outer.start_byte()..inner.start_byte()).unwrap_or_default().trim().to_owned()
        }
        _ => String::new(),
    };
    let trailing = function_declarator(node)
        .and_then(|declarator| child_of_kind(declarator, "trailing_return_type"))
        .map(|ty| text(ty, source).trim_start_matches(['-', '>', ' ']).to_owned());
    let whole = squash(&trailing.unwrap_or_else(|| format!("{ty} {stars}")));
    if matches!(whole.as_str(), "void" | "") { String::new() } else { whole }
}
