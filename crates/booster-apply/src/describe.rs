//! What a syntax node defines, language by language: its kind, its name, its body.

use tree_sitter::Node;

use crate::language::Language;
use crate::text::squash;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A function, method, constructor or macro-made test.
    Function,
    /// A declaration of a function without a body.
    Prototype,
    /// A class, struct, enum, trait, interface, union or record.
    Class,
    /// A Rust `impl` block.
    Impl,
    /// A module or namespace.
    Module,
    /// A variable, constant, static or field.
    Variable,
    /// A type alias.
    Type,
    /// A macro definition.
    Macro,
    /// An import, include, use or package line.
    Import,
    /// A call statement known by its callee and first string, as tests and routes are.
    Call,
    /// Any other statement or member.
    Statement,
}

impl Kind {
    /// The kind's name in candidates.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Function => "function",
            Kind::Prototype => "declaration",
            Kind::Class => "class",
            Kind::Impl => "impl",
            Kind::Module => "module",
            Kind::Variable => "variable",
            Kind::Type => "type",
            Kind::Macro => "macro",
            Kind::Import => "import",
            Kind::Call => "call",
            Kind::Statement => "statement",
        }
    }

    /// Whether an item of this kind has a name that identifies it.
    pub(crate) fn is_definition(self) -> bool {
        !matches!(self, Kind::Import | Kind::Call | Kind::Statement)
    }

    /// Whether its members are definitions of their own.
    pub(crate) fn is_container(self) -> bool {
        matches!(self, Kind::Class | Kind::Impl | Kind::Module)
    }
}

/// What a node defines.
#[derive(Debug)]
pub(crate) struct Description<'t> {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// A scope named by the definition itself: a Go receiver's type, a C++ qualifier.
    pub(crate) owner: Option<String>,
    pub(crate) body: Option<Node<'t>>,
}

impl<'t> Description<'t> {
    fn new(kind: Kind, name: impl Into<String>, body: Option<Node<'t>>) -> Description<'t> {
        Description { kind, name: name.into(), owner: None, body }
    }
}

/// What `node` defines, if it is a definition, an import or a call known by a string.
pub(crate) fn describe<'t>(language: Language, node: Node<'t>, source: &str) -> Option<Description<'t>> {
    match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => script(node, source),
        Language::Python => python(node, source),
        Language::Rust => rust(node, source),
        Language::Go => go(node, source),
        Language::Java => java(node, source),
        Language::C | Language::Cpp => c_family(node, source),
        Language::Json => json(node, source),
        Language::Yaml => yaml(node, source),
        Language::Toml => toml(node, source),
        Language::Markdown => markdown(node, source),
        Language::Html => html(node, source),
        Language::Css => css(node, source),
        Language::Bash => bash(node, source),
    }
}

/// Whether a node wraps one definition and belongs to it: `export`, decorators, `template <…>`.
pub(crate) fn is_wrapper(kind: &str) -> bool {
    matches!(
        kind,
        "export_statement"
            | "ambient_declaration"
            | "decorated_definition"
            | "template_declaration"
            | "type_declaration_wrapper"
    )
}

/// Whether a node's children count as children of the container around it.
pub(crate) fn is_transparent(kind: &str) -> bool {
    matches!(
        kind,
        "preproc_if"
            | "preproc_ifdef"
            | "preproc_else"
            | "preproc_elif"
            | "preproc_elifdef"
            | "linkage_specification"
            | "ERROR"
            | "enum_body_declarations"
            | "block_node"
    )
}

/// Whether a node lists the members of a file, class, implementation or module.
pub(crate) fn is_member_list(language: Language, kind: &str) -> bool {
    let own: &[&str] = match language {
        Language::Json => &["object"],
        Language::Yaml => &["document", "block_mapping"],
        Language::Toml => &["table", "table_array_element"],
        Language::Markdown => &["section"],
        Language::Html => &["element"],
        Language::Css => &["block", "keyframe_block_list"],
        _ => &[],
    };
    own.contains(&kind) || lists_members(kind)
}

fn lists_members(kind: &str) -> bool {
    matches!(
        kind,
        "program"
            | "module"
            | "source_file"
            | "translation_unit"
            | "class_body"
            | "interface_body"
            | "annotation_type_body"
            | "enum_body"
            | "enum_body_declarations"
            | "declaration_list"
            | "field_declaration_list"
            | "object_type"
    )
}

/// Whether a node stands before a definition and belongs to it.
pub(crate) fn is_attribute(kind: &str) -> bool {
    matches!(kind, "attribute_item" | "decorator" | "attribute_declaration" | "attribute_specifier")
}

/// Whether a node is a comment.
pub(crate) fn is_comment(kind: &str) -> bool {
    matches!(kind, "comment" | "line_comment" | "block_comment" | "html_comment")
}

/// A node's text.
pub(crate) fn text_of<'s>(node: Node<'_>, source: &'s str) -> &'s str {
    source.get(node.byte_range()).unwrap_or_default()
}

fn field_text<'s>(node: Node<'_>, field: &str, source: &'s str) -> Option<&'s str> {
    node.child_by_field_name(field).map(|child| text_of(child, source))
}

fn named<'t>(node: Node<'t>, kind: Kind, source: &str) -> Option<Description<'t>> {
    let name = field_text(node, "name", source)?;
    let body = node.child_by_field_name("body");
    Some(Description::new(kind, name, body))
}

fn script<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    match node.kind() {
        "function_declaration" | "generator_function_declaration" | "method_definition" => {
            named(node, Kind::Function, source)
        }
        "function_signature" | "method_signature" | "abstract_method_signature" => {
            named(node, Kind::Prototype, source)
        }
        "class_declaration" | "abstract_class_declaration" | "interface_declaration" | "enum_declaration" => {
            named(node, Kind::Class, source)
        }
        "module" | "internal_module" => named(node, Kind::Module, source),
        "type_alias_declaration" => named(node, Kind::Type, source),
        "public_field_definition" => script_field(node, "name", source),
        "field_definition" => script_field(node, "property", source),
        "property_signature" => named(node, Kind::Variable, source),
        "lexical_declaration" | "variable_declaration" => script_variable(node, source),
        "expression_statement" => script_expression(node, source),
        "pair" => script_pair(node, source),
        "export_statement" => script_export(node, source),
        "import_statement" => Some(Description::new(Kind::Import, "", None)),
        _ => None,
    }
}

/// The kind and body that a value gives to the name it is assigned to.
fn script_value(value: Option<Node<'_>>) -> (Kind, Option<Node<'_>>) {
    let mut value = value;
    while let Some(node) = value {
        match node.kind() {
            "arrow_function" | "function_expression" | "function" | "generator_function" => {
                return (Kind::Function, node.child_by_field_name("body"));
            }
            "class" => return (Kind::Class, node.child_by_field_name("body")),
            "assignment_expression" => value = node.child_by_field_name("right"),
            "call_expression" => {
                // `memo(() => …)` and `(function () { … })()` still define a function.
                return (Kind::Variable, None);
            }
            "parenthesized_expression" | "as_expression" | "satisfies_expression" => {
                value = node.named_child(0);
            }
            _ => return (Kind::Variable, None),
        }
    }
    (Kind::Variable, None)
}

fn script_field<'t>(node: Node<'t>, field: &str, source: &str) -> Option<Description<'t>> {
    let name = field_text(node, field, source)?;
    let (kind, body) = script_value(node.child_by_field_name("value"));
    Some(Description::new(kind, name, body))
}

fn script_variable<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    let declarator = (0..node.named_child_count() as u32)
        .filter_map(|index| node.named_child(index))
        .find(|child| child.kind() == "variable_declarator")?;
    let name = squash(field_text(declarator, "name", source)?);
    let (kind, body) = script_value(declarator.child_by_field_name("value"));
    Some(Description::new(kind, name, body))
}

fn script_expression<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    let inner = node.named_child(0)?;
    match inner.kind() {
        "assignment_expression" => {
            let left = inner.child_by_field_name("left")?;
            if !matches!(left.kind(), "member_expression" | "identifier" | "subscript_expression") {
                return None;
            }
            let (kind, body) = script_value(inner.child_by_field_name("right"));
            Some(Description::new(kind, squash(text_of(left, source)), body))
        }
        "call_expression" => call(inner, "function", "arguments", source),
        // `namespace X {}` is an expression statement in the grammar.
        "internal_module" => named(inner, Kind::Module, source),
        _ => None,
    }
}

/// A call that its callee and first string argument tell from others: `it("adds", …)`.
fn call<'t>(node: Node<'t>, callee: &str, arguments: &str, source: &str) -> Option<Description<'t>> {
    let function = field_text(node, callee, source)?;
    let first = node.child_by_field_name(arguments)?.named_child(0)?;
    if !matches!(first.kind(), "string" | "template_string" | "string_literal") || function.len() > 80 {
        return None;
    }
    let name = format!("{}({})", squash(function), text_of(first, source));
    Some(Description::new(Kind::Call, name, None))
}

fn script_pair<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    let (kind, body) = script_value(node.child_by_field_name("value"));
    if kind != Kind::Function {
        return None;
    }
    let name = field_text(node, "key", source)?.trim_matches(['"', '\'']);
    Some(Description::new(kind, name, body))
}

fn script_export<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    if node.child_by_field_name("declaration").is_some() {
        return None;
    }
    if let Some(value) = node.child_by_field_name("value") {
        let (kind, body) = script_value(Some(value));
        return Some(Description::new(kind, "default", body));
    }
    if node.child_by_field_name("source").is_some() {
        return Some(Description::new(Kind::Import, squash(text_of(node, source)), None));
    }
    None
}

fn python<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    match node.kind() {
        "function_definition" => named(node, Kind::Function, source),
        "class_definition" => named(node, Kind::Class, source),
        "import_statement" | "import_from_statement" | "future_import_statement" => {
            Some(Description::new(Kind::Import, "", None))
        }
        "type_alias_statement" => {
            let name = squash(field_text(node, "left", source)?);
            Some(Description::new(Kind::Type, name, None))
        }
        "expression_statement" => {
            let inner = node.named_child(0)?;
            match inner.kind() {
                "assignment" => {
                    let left = squash(field_text(inner, "left", source)?);
                    Some(Description::new(Kind::Variable, left, None))
                }
                "call" => call(inner, "function", "arguments", source),
                _ => None,
            }
        }
        _ => None,
    }
}

fn rust<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    match node.kind() {
        "function_item" => named(node, Kind::Function, source),
        "function_signature_item" => named(node, Kind::Prototype, source),
        "struct_item" | "enum_item" | "union_item" | "trait_item" => named(node, Kind::Class, source),
        "mod_item" => named(node, Kind::Module, source),
        "const_item" | "static_item" | "field_declaration" | "enum_variant" => {
            named(node, Kind::Variable, source)
        }
        "type_item" | "associated_type" => named(node, Kind::Type, source),
        "macro_definition" => named(node, Kind::Macro, source),
        "impl_item" => rust_impl(node, source),
        "use_declaration" | "extern_crate_declaration" => Some(Description::new(Kind::Import, "", None)),
        _ => None,
    }
}

fn rust_impl<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    let target = squash(field_text(node, "type", source)?);
    let name = match field_text(node, "trait", source) {
        Some(of) => format!("{} for {target}", squash(of)),
        None => target,
    };
    Some(Description::new(Kind::Impl, name, node.child_by_field_name("body")))
}

fn go<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    match node.kind() {
        "function_declaration" => named(node, Kind::Function, source),
        "method_declaration" => {
            let mut description = named(node, Kind::Function, source)?;
            description.owner = go_receiver(node, source);
            Some(description)
        }
        "method_elem" => named(node, Kind::Prototype, source),
        "type_declaration" => {
            let spec = node.named_child(0)?;
            let kind = match spec.child_by_field_name("type").map(|t| t.kind()) {
                Some("struct_type" | "interface_type") => Kind::Class,
                _ => Kind::Type,
            };
            let name = field_text(spec, "name", source)?;
            Some(Description::new(kind, name, spec.child_by_field_name("type")))
        }
        "const_declaration" | "var_declaration" => {
            let mut spec = node.named_child(0)?;
            if spec.kind() == "var_spec_list" {
                spec = spec.named_child(0)?;
            }
            let name = field_text(spec, "name", source)?;
            Some(Description::new(Kind::Variable, name, None))
        }
        "import_declaration" => Some(Description::new(Kind::Import, "", None)),
        "package_clause" => Some(Description::new(Kind::Import, "package", None)),
        _ => None,
    }
}

/// The receiver's type without pointer and type parameters.
fn go_receiver(node: Node<'_>, source: &str) -> Option<String> {
    let receiver = node.child_by_field_name("receiver")?.named_child(0)?;
    let text = field_text(receiver, "type", source)?;
    let bare = text.trim_start_matches(['*', '(', ' ']);
    let end = bare.find(['[', ')']).unwrap_or(bare.len());
    Some(bare.get(..end).unwrap_or(bare).trim().to_owned())
}

fn java<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    match node.kind() {
        "method_declaration" => {
            let described = named(node, Kind::Function, source)?;
            Some(match described.body {
                Some(_) => described,
                None => Description { kind: Kind::Prototype, ..described },
            })
        }
        "constructor_declaration" | "compact_constructor_declaration" => named(node, Kind::Function, source),
        "class_declaration"
        | "interface_declaration"
        | "enum_declaration"
        | "record_declaration"
        | "annotation_type_declaration" => named(node, Kind::Class, source),
        "annotation_type_element_declaration" => named(node, Kind::Prototype, source),
        "enum_constant" => named(node, Kind::Variable, source),
        "field_declaration" | "constant_declaration" => {
            let declarator = node.child_by_field_name("declarator")?;
            let name = field_text(declarator, "name", source)?;
            Some(Description::new(Kind::Variable, name, None))
        }
        "static_initializer" => Some(Description::new(Kind::Function, "static", node.named_child(0))),
        "import_declaration" => Some(Description::new(Kind::Import, "", None)),
        "package_declaration" => Some(Description::new(Kind::Import, "package", None)),
        _ => None,
    }
}

fn c_family<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    match node.kind() {
        "function_definition" => c_declared(node, Kind::Function, source),
        "declaration" | "field_declaration" => c_declaration(node, source),
        "struct_specifier" | "class_specifier" | "union_specifier" | "enum_specifier" => {
            let body = node.child_by_field_name("body")?;
            let name = squash(field_text(node, "name", source)?);
            Some(Description::new(Kind::Class, name, Some(body)))
        }
        "type_definition" => c_typedef(node, source),
        "alias_declaration" | "concept_definition" => named(node, Kind::Type, source),
        "namespace_definition" => {
            let name = field_text(node, "name", source).unwrap_or_default();
            Some(Description::new(Kind::Module, name, node.child_by_field_name("body")))
        }
        "preproc_def" | "preproc_function_def" => named(node, Kind::Macro, source),
        "preproc_include" | "using_declaration" => Some(Description::new(Kind::Import, "", None)),
        "enumerator" => None,
        _ => None,
    }
}

fn json<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    let name = (node.kind() == "pair").then(|| field_text(node, "key", source))??;
    let value = node.child_by_field_name("value")?;
    Some(entry(name.trim_matches('"'), (value.kind() == "object").then_some(value)))
}

/// A key with a value that is one, or a list of further keys.
fn entry<'t>(name: &str, keys: Option<Node<'t>>) -> Description<'t> {
    Description::new(if keys.is_some() { Kind::Class } else { Kind::Variable }, name, keys)
}

fn yaml<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    let name = (node.kind() == "block_mapping_pair").then(|| field_text(node, "key", source))??;
    let value = node.child_by_field_name("value");
    let keys = value.and_then(|value| child_of_kind(value, &["block_mapping"]));
    Some(entry(name.trim_matches(['"', '\'']), keys))
}

fn toml<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    let kind = match node.kind() {
        "pair" => Kind::Variable,
        "table" | "table_array_element" => Kind::Class,
        _ => return None,
    };
    let key = child_of_kind(node, &["bare_key", "dotted_key", "quoted_key"])?;
    Some(Description::new(kind, squash(text_of(key, source)), None))
}

/// A section is known by its heading.
fn markdown<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    let heading = (node.kind() == "section")
        .then(|| child_of_kind(node, &["atx_heading", "setext_heading"]))
        .flatten()?;
    let name = field_text(heading, "heading_content", source)?.trim();
    Some(Description::new(Kind::Class, name, None))
}

/// An element is known by its tag and its `id`.
fn html<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    if !matches!(node.kind(), "element" | "script_element" | "style_element") {
        return None;
    }
    let tag = child_of_kind(node, &["start_tag", "self_closing_tag"])?;
    let name = text_of(child_of_kind(tag, &["tag_name"])?, source);
    let attributes = (0..tag.named_child_count() as u32).filter_map(|index| tag.named_child(index));
    let id = attributes.map(|attribute| text_of(attribute, source)).find_map(|text| text.strip_prefix("id="));
    let id = id.map(|id| format!("#{}", id.trim_matches(['"', '\'']))).unwrap_or_default();
    Some(Description::new(Kind::Class, format!("{name}{id}"), None))
}

fn css<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    match node.kind() {
        "declaration" => {
            let name = text_of(child_of_kind(node, &["property_name"])?, source);
            Some(Description::new(Kind::Variable, name, None))
        }
        "import_statement" | "charset_statement" => Some(Description::new(Kind::Import, "", None)),
        "rule_set"
        | "media_statement"
        | "keyframes_statement"
        | "supports_statement"
        | "at_rule"
        | "keyframe_block" => {
            let body = child_of_kind(node, &["block", "keyframe_block_list"])?;
            let name = squash(source.get(node.start_byte()..body.start_byte())?);
            Some(Description::new(Kind::Class, name, Some(body)))
        }
        _ => None,
    }
}

fn bash<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    match node.kind() {
        "function_definition" => named(node, Kind::Function, source),
        "variable_assignment" => {
            Some(Description::new(Kind::Variable, field_text(node, "name", source)?, None))
        }
        "declaration_command" => {
            let assigned = child_of_kind(node, &["variable_assignment"])?;
            Some(Description::new(Kind::Variable, field_text(assigned, "name", source)?, None))
        }
        _ => None,
    }
}

/// The first child of one of these kinds.
fn child_of_kind<'t>(node: Node<'t>, kinds: &[&str]) -> Option<Node<'t>> {
    (0..node.named_child_count() as u32)
        .filter_map(|index| node.named_child(index))
        .find(|child| kinds.contains(&child.kind()))
}

fn c_typedef<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    let declarator = node.child_by_field_name("declarator")?;
    let (name, _) = c_name(declarator, source)?;
    let body = node.child_by_field_name("type").and_then(|t| t.child_by_field_name("body"));
    let kind = if body.is_some() { Kind::Class } else { Kind::Type };
    Some(Description::new(kind, name, body))
}

fn c_declaration<'t>(node: Node<'t>, source: &str) -> Option<Description<'t>> {
    if let Some(declarator) = node.child_by_field_name("declarator") {
        let kind = if declares_function(declarator) { Kind::Prototype } else { Kind::Variable };
        return c_declared(node, kind, source);
    }
    // A class inside a class is a field declaration without declarator.
    let inner = node.child_by_field_name("type")?;
    let body = inner.child_by_field_name("body")?;
    let name = squash(field_text(inner, "name", source)?);
    Some(Description::new(Kind::Class, name, Some(body)))
}

fn c_declared<'t>(node: Node<'t>, kind: Kind, source: &str) -> Option<Description<'t>> {
    let declarator = node.child_by_field_name("declarator")?;
    let (name, owner) = c_name(declarator, source)?;
    let mut description = Description::new(kind, name, node.child_by_field_name("body"));
    description.owner = owner;
    Some(description)
}

fn declares_function(declarator: Node<'_>) -> bool {
    let mut node = declarator;
    loop {
        match node.kind() {
            "function_declarator" => {
                // `int (*callback)(int)` declares a variable.
                return node
                    .child_by_field_name("declarator")
                    .is_none_or(|inner| inner.kind() != "parenthesized_declarator");
            }
            "init_declarator" => return false,
            _ => {}
        }
        match inner_declarator(node) {
            Some(inner) => node = inner,
            None => return false,
        }
    }
}

fn inner_declarator(node: Node<'_>) -> Option<Node<'_>> {
    if let Some(inner) = node.child_by_field_name("declarator") {
        return Some(inner);
    }
    let nests = matches!(
        node.kind(),
        "reference_declarator"
            | "parenthesized_declarator"
            | "attributed_declarator"
            | "pointer_type_declarator"
            | "variadic_declarator"
    );
    if !nests {
        return None;
    }
    (0..node.named_child_count() as u32)
        .rev()
        .filter_map(|index| node.named_child(index))
        .find(|child| child.kind().ends_with("declarator") || child.kind().ends_with("identifier"))
}

/// The declared name and the scope it is qualified with, template arguments left out.
fn c_name(declarator: Node<'_>, source: &str) -> Option<(String, Option<String>)> {
    let mut node = declarator;
    while let Some(inner) = inner_declarator(node) {
        node = inner;
    }
    let mut scopes: Vec<String> = Vec::new();
    while node.kind() == "qualified_identifier" {
        if let Some(scope) = node.child_by_field_name("scope") {
            let text = squash(text_of(scope, source));
            let end = text.find('<').unwrap_or(text.len());
            scopes.push(text.get(..end).unwrap_or_default().to_owned());
        }
        node = node.child_by_field_name("name")?;
    }
    let name = squash(text_of(node, source));
    if name.is_empty() || name.contains(['{', ';']) {
        return None;
    }
    let owner = (!scopes.is_empty()).then(|| scopes.join("::"));
    Some((name, owner))
}
