//! Expressions that are known to take memory when they run.
//!
//! The list is short on purpose: what is named here nearly always allocates. A call of an unknown function may
//! allocate too; only its author can say.

use serde::Serialize;
use tree_sitter::Node;

use crate::language::Language;
use crate::syntax::{child_of_kind, field_text, first_line, text};

/// An allocation inside a loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Allocation {
    /// The line, counted from 1.
    pub line: usize,
    /// What is made: `list`, `object`, `closure`, or the function that is called.
    pub what: String,
    /// How many loops of the function are around it.
    pub loop_depth: usize,
}

impl Allocation {
    pub(super) fn new(node: Node<'_>, what: &str, loop_depth: usize) -> Self {
        Self { line: first_line(node), what: what.to_owned(), loop_depth }
    }
}

/// What a node allocates, if it does.
pub(super) fn what<'a>(node: Node<'_>, source: &'a str, language: Language) -> Option<&'a str> {
    if !node.is_named() {
        return None;
    }
    let kind = node.kind();
    match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => match kind {
            "object" => Some("object"),
            "array" => Some("array"),
            "regex" => Some("regex"),
            "new_expression" => Some("new"),
            "arrow_function" | "function_expression" => Some("closure"),
            "template_string" if child_of_kind(node, "template_substitution").is_some() => Some("string"),
            _ => None,
        },
        Language::Python => match kind {
            "list" | "list_comprehension" => Some("list"),
            "dictionary" | "dictionary_comprehension" => Some("dict"),
            "set" | "set_comprehension" => Some("set"),
            "generator_expression" => Some("generator"),
            "lambda" => Some("closure"),
            "string" if child_of_kind(node, "interpolation").is_some() => Some("string"),
            "call" => called(node, "function", source).filter(|name| is_python_maker(name)),
            _ => None,
        },
        Language::Rust => match kind {
            "macro_invocation" => {
                field_text(node, "macro", source).filter(|m| matches!(*m, "vec" | "format"))
            }
            "call_expression" => called(node, "function", source).filter(|name| is_rust_maker(name)),
            _ => None,
        },
        Language::Go => match kind {
            "composite_literal" => Some("composite literal"),
            "func_literal" => Some("closure"),
            "call_expression" => called(node, "function", source)
                .filter(|name| matches!(*name, "make" | "new" | "append") || is_go_maker(name)),
            _ => None,
        },
        Language::Java => match kind {
            "object_creation_expression" => Some("new"),
            "array_creation_expression" | "array_initializer" => Some("array"),
            "lambda_expression" => Some("closure"),
            "method_invocation" => {
                let object = field_text(node, "object", source);
                let name = field_text(node, "name", source)?;
                let makes = object == Some("String") && matches!(name, "format" | "join" | "valueOf");
                makes.then_some(name)
            }
            _ => None,
        },
        Language::C | Language::Cpp => match kind {
            "new_expression" => Some("new"),
            "call_expression" => called(node, "function", source).filter(|name| is_c_maker(name)),
            _ => None,
        },
    }
}

/// The function that is called, as far as it is a name: `foo`, `a.b`, `A::b`; of a method on anything, the method.
fn called<'a>(node: Node<'_>, field: &str, source: &'a str) -> Option<&'a str> {
    let mut function = node.child_by_field_name(field)?;
    // Rust's `f::<T>()`.
    if function.kind() == "generic_function" {
        function = function.child_by_field_name("function").unwrap_or(function);
    }
    let whole = text(function, source);
    let simple = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.');
    if whole.len() <= 60 && whole.chars().all(simple) {
        return Some(whole);
    }
    let name = ["field", "attribute", "name"].iter().find_map(|part| field_text(function, part, source))?;
    // C++'s `f<T>()`.
    name.split('<').next()
}

fn last<'a>(name: &'a str, separators: &[char]) -> &'a str {
    name.rsplit(separators).next().unwrap_or(name)
}

fn is_python_maker(name: &str) -> bool {
    let simple = last(name, &['.']);
    // Classes are written in CapWords (PEP 8), so calling such a name makes an object.
    let is_class =
        simple.chars().next().is_some_and(char::is_uppercase) && simple.chars().any(char::is_lowercase);
    is_class
        || matches!(
            simple,
            "list" | "dict" | "set" | "tuple" | "frozenset" | "bytearray" | "sorted" | "copy" | "deepcopy"
        )
        || name == "re.compile"
}

fn is_rust_maker(name: &str) -> bool {
    let method = last(name, &['.', ':']);
    matches!(
        method,
        "to_string" | "to_owned" | "to_vec" | "clone" | "collect" | "with_capacity" | "into_boxed_slice"
    ) || matches!(name, "Box::new" | "Rc::new" | "Arc::new" | "String::from" | "Vec::from")
}

fn is_go_maker(name: &str) -> bool {
    matches!(
        name,
        "fmt.Sprintf"
            | "fmt.Sprint"
            | "fmt.Sprintln"
            | "fmt.Errorf"
            | "errors.New"
            | "strings.Repeat"
            | "strings.Split"
            | "strings.Join"
            | "regexp.MustCompile"
            | "regexp.Compile"
    )
}

fn is_c_maker(name: &str) -> bool {
    matches!(
        last(name, &[':', '.']),
        "malloc"
            | "calloc"
            | "realloc"
            | "aligned_alloc"
            | "strdup"
            | "strndup"
            | "make_unique"
            | "make_shared"
            | "to_string"
    )
}
