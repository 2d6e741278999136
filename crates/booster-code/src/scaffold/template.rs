//! The templates: one for each language and task, with what they are given.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::error::CodeError;
use crate::language::Language;

/// Renders a template.
pub(super) fn render(source: &str, context: &impl Serialize) -> Result<String, CodeError> {
    let broken = |error: minijinja::Error| CodeError::InvalidInput(format!("the template: {error}"));
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = minijinja::syntax::SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .map_err(broken)?;
    environment.set_syntax(syntax);
    environment.add_template("scaffold", source).map_err(broken)?;
    let template = environment.get_template("scaffold").map_err(broken)?;
    template.render(Value::from(Serde(context))).map_err(broken)
}

/// The template of a doc comment.
pub(super) fn docs(language: Language) -> &'static str {
    match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            include_str!("templates/docs_javascript.j2")
        }
        Language::Python => include_str!("templates/docs_python.j2"),
        Language::Rust => include_str!("templates/docs_rust.j2"),
        Language::Go => include_str!("templates/docs_go.j2"),
        Language::Java => include_str!("templates/docs_java.j2"),
        Language::C | Language::Cpp => include_str!("templates/docs_c.j2"),
    }
}

/// The template of a file with tests.
pub(super) fn tests(language: Language) -> &'static str {
    match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            include_str!("templates/tests_javascript.j2")
        }
        Language::Python => include_str!("templates/tests_python.j2"),
        Language::Rust => include_str!("templates/tests_rust.j2"),
        Language::Go => include_str!("templates/tests_go.j2"),
        Language::Java => include_str!("templates/tests_java.j2"),
        Language::C | Language::Cpp => include_str!("templates/tests_c.j2"),
    }
}

/// The template of a body that is not implemented.
pub(super) fn stub(language: Language) -> &'static str {
    match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            "throw new Error(\"{{ name }} is not implemented\");"
        }
        Language::Python => "raise NotImplementedError(\"{{ name }}\")",
        Language::Rust => "todo!(\"{{ name }}\")",
        Language::Go => "panic(\"{{ name }} is not implemented\")",
        Language::Java => "throw new UnsupportedOperationException(\"{{ name }}\");",
        Language::C => "abort(); /* {{ name }} is not implemented; needs <stdlib.h> */",
        Language::Cpp => "throw std::logic_error(\"{{ name }}\"); // needs <stdexcept>",
    }
}
