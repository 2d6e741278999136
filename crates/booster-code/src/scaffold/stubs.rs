//! Stubs: every body becomes one that says it is not implemented; signatures and everything else stay.

use serde::Serialize;
use tree_sitter::Node;

use super::{File, Insertion, Made, Skipped, indentation, insert, line_end, template};
use crate::error::CodeError;
use crate::functions::{Function, Kind};
use crate::language::Language;

#[derive(Serialize)]
struct Context<'a> {
    name: &'a str,
}

pub(super) fn make(file: &File<'_>) -> Result<Made, CodeError> {
    let (mut insertions, mut items, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for function in &file.functions {
        let name = function.qualified_name(file.language);
        match body(function) {
            Ok(body) => {
                let context = Context { name: &name };
                let statement = template::render(template::stub(file.language), &context)?;
                insertions
                    .push(Insertion { range: body.byte_range(), text: stub(file, function, &statement) });
                items.push(name);
            }
            Err(reason) => skipped.push(Skipped { name, reason }),
        }
    }
    Ok(Made { output: insert(file.code, insertions), path: None, items, skipped })
}

/// The body of a function, where it is a block.
fn body<'t>(function: &Function<'t>) -> Result<Node<'t>, &'static str> {
    if function.kind == Kind::Constructor {
        return Err("a constructor has to set up its object");
    }
    let body = function.node.child_by_field_name("body").ok_or("it has no body")?;
    match body.kind() {
        "block" | "statement_block" | "compound_statement" | "constructor_body" => Ok(body),
        _ => Err("its body is an expression"),
    }
}

/// The new body, in the layout of the file.
fn stub(file: &File<'_>, function: &Function<'_>, statement: &str) -> String {
    let end = line_end(file.code);
    // The line of the definition may begin with what wraps it (`export`), so its blanks are counted from the left.
    let start = function.node.start_byte();
    let line = file.code.get(..start).unwrap_or_default().rfind('\n').map_or(0, |at| at + 1);
    let line = file.code.get(line..).unwrap_or_default();
    let outer = line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default();
    match file.language {
        Language::Python => statement.to_owned(),
        _ => format!("{{{end}{outer}{}{statement}{end}{outer}}}", unit(file)),
    }
}

/// One level of indentation: that of the first indented line.
pub(super) fn unit(file: &File<'_>) -> String {
    let indented = file.code.lines().find_map(|line| {
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        let inside = blanks > 0 && !line.trim().is_empty() && !line.trim_start().starts_with('*');
        inside.then(|| line.get(..blanks).unwrap_or_default())
    });
    match indented {
        Some(blanks) if blanks.starts_with('\t') => "\t".to_owned(),
        Some(blanks) if blanks.len() <= 8 => blanks.to_owned(),
        _ if file.language == Language::Go => "\t".to_owned(),
        _ if file.language.is_script() => "  ".to_owned(),
        _ => "    ".to_owned(),
    }
}

/// The blanks in front of a node that begins its line.
pub(super) fn indent_of<'a>(file: &File<'a>, node: Node<'_>) -> Option<&'a str> {
    indentation(file.code, node.start_byte())
}
