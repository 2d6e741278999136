//! A file of tests, one for each function that can be called from outside.

use std::collections::HashMap;

use serde::Serialize;

use super::docs::words;
use super::{File, Made, Skipped, sample, template};
use crate::error::CodeError;
use crate::functions::{Function, Kind};
use crate::language::Language;
use crate::signature;
use crate::syntax::{child_of_kind, children, text};

/// What a template is given.
#[derive(Serialize)]
struct Context {
    language: &'static str,
    /// The file's name without folders and extension.
    module: String,
    /// The file's name.
    file: String,
    /// The package or namespace that the file names itself; empty without one.
    package: String,
    /// Names that a test file has to import.
    imports: Vec<String>,
    tests: Vec<Test>,
}

/// One test.
#[derive(Serialize)]
struct Test {
    /// The test's own name.
    title: String,
    /// The qualified name of the function.
    subject: String,
    /// How to call it, on `subject` for a method.
    call: String,
    /// The type whose object the call needs; empty for a function.
    owner: String,
    /// What makes that object.
    new: String,
    is_async: bool,
    /// Whether there is a result to look at.
    has_result: bool,
}

pub(super) fn make(file: &File<'_>) -> Result<Made, CodeError> {
    let (mut tests, mut imports, mut items, mut skipped) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut titles: HashMap<String, usize> = HashMap::new();
    for function in &file.functions {
        let subject = function.qualified_name(file.language);
        if let Err(reason) = callable(file, function) {
            skipped.push(Skipped { name: subject, reason });
            continue;
        }
        let mut test = test(file, function);
        // Overloads have one name, tests may not.
        let count = titles.entry(test.title.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            test.title = format!("{}_{count}", test.title);
        }
        let import = function.scope.first().unwrap_or(&function.name);
        if !imports.contains(import) {
            imports.push(import.clone());
        }
        items.push(subject);
        tests.push(test);
    }
    let module = module(file);
    let output = if items.is_empty() {
        String::new()
    } else {
        let file_name = file_name(file);
        let package = package(file);
        let language = file.language.name();
        let context = Context { language, module, file: file_name, package, imports, tests };
        template::render(template::tests(file.language), &context)?
    };
    Ok(Made { output, path: test_path(file), items, skipped })
}

/// Whether a test can call a function.
fn callable(file: &File<'_>, function: &Function<'_>) -> Result<(), &'static str> {
    let modifiers = child_of_kind(function.node, "modifiers").map_or("", |node| text(node, file.code));
    let header = header(file, function);
    match file.language {
        _ if function.kind == Kind::Lambda => Err("it has no name"),
        _ if function.kind == Kind::Constructor => Err("the tests of methods construct the object"),
        _ if function.name == "main" => Err("it is the program's entry"),
        Language::Python if function.name.starts_with('_') => Err("its name says that it is private"),
        Language::JavaScript | Language::TypeScript | Language::Tsx if function.name.starts_with('#') => {
            Err("it is private")
        }
        Language::TypeScript | Language::Tsx
            if header.starts_with("private") || header.starts_with("protected") =>
        {
            Err("it is private")
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx
            if header.starts_with("get ") || header.starts_with("set ") =>
        {
            Err("it is an accessor")
        }
        Language::Java if modifiers.contains("private") => Err("it is private"),
        Language::Java if modifiers.contains("abstract") => Err("it is abstract"),
        Language::Rust if function.scope.len() > 1 => Err("it is in a module of its own"),
        Language::Cpp if function.name.starts_with("operator") || function.name.starts_with('~') => {
            Err("operators and destructors are called by other code")
        }
        _ if function.scope.len() > 2 => Err("it is nested too deeply"),
        _ => Ok(()),
    }
}

fn test(file: &File<'_>, function: &Function<'_>) -> Test {
    let language = file.language;
    let arguments = arguments(file, function);
    let is_static = is_static(file, function);
    // C++ needs the namespace too.
    let owner = match &function.owner {
        Some(_) if language == Language::Cpp => function.scope.join(language.separator()),
        Some(owner) => owner.clone(),
        None => String::new(),
    };
    let needs_object = !owner.is_empty() && !is_static;
    let name =
        if needs_object { format!("subject.{}", function.name) } else { function.qualified_name(language) };
    let call = format!("{name}({})", arguments.join(", "));
    let constructor =
        file.functions.iter().find(|f| f.kind == Kind::Constructor && f.owner == function.owner);
    let made_of = constructor.map(|constructor| self::arguments(file, constructor)).unwrap_or_default();
    Test {
        title: title(function, language),
        subject: function.qualified_name(language),
        call,
        owner: if needs_object { owner } else { String::new() },
        new: made_of.join(", "),
        is_async: is_async(file, function),
        has_result: has_result(file, function),
    }
}

fn arguments(file: &File<'_>, function: &Function<'_>) -> Vec<String> {
    sample::arguments(&signature::parameters(function, file.code, file.language), file.language)
}

fn header<'a>(file: &File<'a>, function: &Function<'_>) -> &'a str {
    let body = function.node.child_by_field_name("body");
    let end = body.map_or(function.node.end_byte(), |body| body.start_byte());
    file.code.get(function.node.start_byte()..end).unwrap_or_default()
}

fn is_async(file: &File<'_>, function: &Function<'_>) -> bool {
    let header = header(file, function);
    header.split_whitespace().take(4).any(|word| word == "async")
}

/// Whether a method needs no object.
fn is_static(file: &File<'_>, function: &Function<'_>) -> bool {
    let header = header(file, function);
    match file.language {
        Language::Python => {
            let decorated = function.node.parent().filter(|parent| parent.kind() == "decorated_definition");
            let is_free = |text: &str| matches!(text, "@staticmethod" | "@classmethod");
            decorated
                .is_some_and(|parent| children(parent).iter().any(|child| is_free(text(*child, file.code))))
        }
        Language::Rust => {
            let parameters = function.node.child_by_field_name("parameters");
            parameters.is_none_or(|list| child_of_kind(list, "self_parameter").is_none())
        }
        Language::Go => false,
        // A definition outside of its class does not say whether it is static; most are not.
        _ => header
            .split(['(', '{'])
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .any(|word| word == "static"),
    }
}

fn has_result(file: &File<'_>, function: &Function<'_>) -> bool {
    match file.language {
        Language::JavaScript => true,
        Language::Python | Language::TypeScript | Language::Tsx => {
            let declared = function.node.child_by_field_name("return_type");
            declared.is_none() || !signature::returns(function.node, file.code, file.language).is_empty()
        }
        _ => !signature::returns(function.node, file.code, file.language).is_empty(),
    }
}

/// The test's name in the language's manner.
fn title(function: &Function<'_>, language: Language) -> String {
    let mut all: Vec<String> = function.scope.iter().flat_map(|part| words(part)).collect();
    all.extend(words(&function.name));
    let capital = |word: &String| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    match language {
        Language::Go => format!("Test{}", all.iter().map(capital).collect::<String>()),
        Language::Java => {
            let (first, rest) = all.split_first().map_or((String::new(), &[][..]), |(f, r)| (f.clone(), r));
            format!("{first}{}Works", rest.iter().map(capital).collect::<String>())
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx => function.qualified_name(language),
        _ => all.join("_"),
    }
}

fn file_name(file: &File<'_>) -> String {
    let name = file.path.and_then(|path| path.rsplit(['/', '\\']).next()).filter(|name| is_plain(name));
    name.map_or_else(|| format!("code.{}", extension(file.language)), ToOwned::to_owned)
}

/// Whether a file's name can stand in a string or an import of any language.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

fn module(file: &File<'_>) -> String {
    let name = file_name(file);
    name.rsplit_once('.').map_or(name.clone(), |(stem, _)| stem.to_owned())
}

fn extension(language: Language) -> &'static str {
    match language {
        Language::JavaScript => "js",
        Language::TypeScript => "ts",
        Language::Tsx => "tsx",
        Language::Python => "py",
        Language::Rust => "rs",
        Language::Go => "go",
        Language::Java => "java",
        Language::C => "c",
        Language::Cpp => "cpp",
    }
}

/// Where the tests of a file belong.
fn test_path(file: &File<'_>) -> Option<String> {
    let path = file.path?;
    let folder = path.len() - path.rsplit(['/', '\\']).next().unwrap_or(path).len();
    let (folder, module) = (path.get(..folder).unwrap_or_default(), module(file));
    let extension = extension(file.language);
    Some(match file.language {
        // Rust's unit tests are a module at the end of the file itself.
        Language::Rust => path.to_owned(),
        Language::Python => format!("{folder}test_{module}.py"),
        Language::Go => format!("{folder}{module}_test.go"),
        Language::Java => format!("{folder}{module}Test.java"),
        Language::C | Language::Cpp => format!("{folder}{module}_test.{extension}"),
        _ => format!("{folder}{module}.test.{extension}"),
    })
}

/// The package that a Go or Java file names.
fn package(file: &File<'_>) -> String {
    let root = file.tree.root_node();
    let clause = children(root)
        .into_iter()
        .find(|node| matches!(node.kind(), "package_clause" | "package_declaration"));
    clause
        .and_then(|clause| children(clause).last().copied())
        .map_or_else(String::new, |name| text(name, file.code).to_owned())
}
