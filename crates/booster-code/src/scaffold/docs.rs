//! Doc comments for functions that have none.

use serde::Serialize;
use tree_sitter::Node;

use super::stubs::indent_of;
use super::{File, Insertion, Made, Skipped, insert, line_end, template};
use crate::error::CodeError;
use crate::functions::{Function, Kind};
use crate::language::Language;
use crate::signature::{self, Parameter};
use crate::syntax::{child_of_kind, children, text};

/// What a template is given.
#[derive(Serialize)]
struct Context<'a> {
    name: &'a str,
    summary: String,
    parameters: Vec<Parameter>,
    returns: String,
    throws: Vec<&'a str>,
    language: &'static str,
}

pub(super) fn make(file: &File<'_>) -> Result<Made, CodeError> {
    let (mut insertions, mut items, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for function in &file.functions {
        let name = function.qualified_name(file.language);
        match place(file, function) {
            Ok(place) => {
                let comment = template::render(template::docs(file.language), &context(file, function))?;
                insertions.push(Insertion { range: place.at..place.at, text: place.lay_out(&comment, file) });
                items.push(name);
            }
            Err(reason) => skipped.push(Skipped { name, reason }),
        }
    }
    insertions.sort_by_key(|insertion| insertion.range.start);
    Ok(Made { output: insert(file.code, insertions), path: None, items, skipped })
}

fn context<'a>(file: &File<'a>, function: &'a Function<'a>) -> Context<'a> {
    let returns = match function.kind {
        Kind::Constructor => String::new(),
        _ => signature::returns(function.node, file.code, file.language),
    };
    let throws = child_of_kind(function.node, "throws").map(children).unwrap_or_default();
    Context {
        name: &function.name,
        summary: summary(function),
        parameters: signature::parameters(function, file.code, file.language),
        returns,
        throws: throws.into_iter().map(|node| text(node, file.code)).collect(),
        language: file.language.name(),
    }
}

/// The words of the name as a sentence.
fn summary(function: &Function<'_>) -> String {
    if function.kind == Kind::Constructor {
        let owner = function.owner.as_deref().unwrap_or("object");
        return format!("Makes a new {owner}.");
    }
    let words = words(&function.name);
    let mut sentence = words.join(" ");
    if let Some(first) = sentence.get(..1) {
        let first = first.to_uppercase();
        sentence.replace_range(..1, &first);
    }
    sentence.push('.');
    sentence
}

/// The words of `getUserName`, `get_user_name` and `HTTPServer`, in small letters.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let letters: Vec<char> = name.chars().collect();
    for (at, &c) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let begins = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_numeric())
                || before.is_some_and(char::is_uppercase)
                    && letters.get(at + 1).is_some_and(|a| a.is_lowercase()));
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Where a comment goes.
struct Place<'a> {
    at: usize,
    indent: &'a str,
    /// Whether the comment follows its line's blanks that are there already.
    inside: bool,
}

impl Place<'_> {
    /// The comment with its indentation, so that what stood here follows on a line of its own.
    fn lay_out(&self, comment: &str, file: &File<'_>) -> String {
        let end = line_end(file.code);
        let lines = comment.trim_end().lines();
        let mut laid_out = String::new();
        for (number, line) in lines.enumerate() {
            if (number > 0 || !self.inside) && !line.is_empty() {
                laid_out.push_str(self.indent);
            }
            laid_out.push_str(line.trim_end());
            laid_out.push_str(end);
        }
        if self.inside {
            laid_out.push_str(self.indent);
        }
        laid_out
    }
}

fn place<'a>(file: &File<'a>, function: &Function<'_>) -> Result<Place<'a>, &'static str> {
    if function.kind == Kind::Lambda {
        return Err("it has no name");
    }
    if file.language == Language::Python {
        return python_place(file, function);
    }
    let outer = outermost(function.node);
    if outer.prev_sibling().is_some_and(|before| is_doc(before, outer, file.code)) {
        return Err("it has a comment");
    }
    let indent = indent_of(file, outer).ok_or("it does not begin its line")?;
    Ok(Place { at: outer.start_byte(), indent, inside: true })
}

/// A docstring is the first statement of the body.
fn python_place<'a>(file: &File<'a>, function: &Function<'_>) -> Result<Place<'a>, &'static str> {
    let body = function.node.child_by_field_name("body").ok_or("it has no body")?;
    let first = body.named_child(0).ok_or("it has no body")?;
    let string = first.kind() == "string"
        || first.kind() == "expression_statement" && child_of_kind(first, "string").is_some();
    if string {
        return Err("it has a docstring");
    }
    let indent = indent_of(file, first).ok_or("its body does not begin a line")?;
    Ok(Place { at: first.start_byte(), indent, inside: true })
}

/// The definition with what belongs to it in front: `export`, templates, attributes, the variable's declaration.
fn outermost(node: Node<'_>) -> Node<'_> {
    let mut outer = node;
    while let Some(parent) = outer.parent() {
        let wraps = matches!(
            parent.kind(),
            "export_statement"
                | "template_declaration"
                | "variable_declarator"
                | "lexical_declaration"
                | "variable_declaration"
                | "field_definition"
                | "public_field_definition"
                | "pair"
                | "assignment_expression"
                | "expression_statement"
                | "decorated_definition"
        );
        if !wraps {
            break;
        }
        outer = parent;
    }
    while let Some(before) = outer.prev_sibling().filter(|before| is_attribute(before.kind())) {
        outer = before;
    }
    outer
}

fn is_attribute(kind: &str) -> bool {
    matches!(kind, "attribute_item" | "decorator")
}

/// Whether a node is a comment directly above another.
fn is_doc(before: Node<'_>, node: Node<'_>, code: &str) -> bool {
    let between = code.get(before.end_byte()..node.start_byte()).unwrap_or_default();
    // Rust's line comments end behind their line feed.
    let feeds = between.matches('\n').count() + usize::from(text(before, code).ends_with('\n'));
    before.kind().contains("comment") && feeds <= 1
}
