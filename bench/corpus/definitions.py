"""Definitions of a source file, found with tree-sitter's grammars and nothing of the edit engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module

from tree_sitter import Language, Node, Parser

_GRAMMARS = {
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "python": ("tree_sitter_python", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}

_FUNCTIONS = {
    "arrow_function",
    "constructor_declaration",
    "function_declaration",
    "function_definition",
    "function_expression",
    "function_item",
    "generator_function",
    "generator_function_declaration",
    "method_declaration",
    "method_definition",
}

_TYPES = {
    "abstract_class_declaration",
    "class_declaration",
    "class_definition",
    "class_specifier",
    "enum_declaration",
    "enum_item",
    "impl_item",
    "interface_declaration",
    "namespace_definition",
    "mod_item",
    "struct_item",
    "struct_specifier",
    "trait_item",
    "type_alias_declaration",
    "type_declaration",
}

# What stands around a definition and belongs to it.
_WRAPPERS = {"decorated_definition", "export_statement", "template_declaration"}

_COMMENTS = {"attribute_item", "block_comment", "comment", "line_comment"}


@dataclass(frozen=True)
class Definition:
    """One function, method or type: whole lines of its file."""

    #: Its name with those of what it stands in, and which of its namesakes it is.
    key: tuple[str, int]
    #: Byte range, from its first character to its last; the indentation of its first line is not part of it.
    start: int
    end: int
    #: Where the comments and attributes directly above it begin; `start` without any.
    documented: int
    #: The definition that it stands in, if any.
    parent: "Definition | None"
    #: Whether it is a function.
    function: bool
    #: Its parameters' text, by which overloads differ.
    parameters: str

    @property
    def label(self) -> str:
        """Its key as text."""
        name, number = self.key
        return name if number == 1 else f"{name}#{number}"


def parser(language: str) -> Parser:
    """The parser of a language."""
    module, function = _GRAMMARS[language]
    return Parser(Language(getattr(import_module(module), function)()))


def definitions(parse: Parser, source: bytes) -> list[Definition] | None:
    """The definitions of a file in their order, None when it does not parse."""
    tree = parse.parse(source)
    if tree.root_node.has_error:
        return None
    found: list[Definition] = []
    seen: dict[str, int] = {}
    _collect(tree.root_node, None, source, found, seen)
    return _overloads(found)


def _overloads(found: list[Definition]) -> list[Definition]:
    """The definitions, those of one name told apart by their parameters where they can be."""
    signatures: dict[str, list[str]] = {}
    for definition in found:
        signatures.setdefault(definition.key[0], []).append(definition.parameters)
    return [
        replace(definition, key=(f"{definition.key[0]}({definition.parameters})", 1))
        if 1 < len(same := signatures[definition.key[0]]) == len(set(same))
        else definition
        for definition in found
    ]


def _collect(
    node: Node, parent: Definition | None, source: bytes, found: list[Definition], seen: dict[str, int]
) -> None:
    for child in node.named_children:
        definition = _definition(child, parent, source, seen)
        if definition is not None:
            found.append(definition)
        _collect(child, definition or parent, source, found, seen)


def _definition(
    node: Node, parent: Definition | None, source: bytes, seen: dict[str, int]
) -> Definition | None:
    if node.parent is not None and node.parent.type in _WRAPPERS:
        return None
    inner = _unwrapped(node)
    kind = _kind(inner)
    name = _name(inner)
    if kind is None or name is None or not _whole_lines(node, source):
        return None
    path = f"{parent.key[0]}.{name}" if parent else name
    seen[path] = seen.get(path, 0) + 1
    parameters = " ".join(_text(inner.child_by_field_name("parameters")).split())
    span = node.start_byte, node.end_byte, _documented(node, source)
    return Definition((path, seen[path]), *span, parent, kind, parameters)


def _unwrapped(node: Node) -> Node:
    while node.type in _WRAPPERS:
        inner = node.child_by_field_name("definition") or node.child_by_field_name("declaration")
        if inner is None:
            inner = node.named_children[-1] if node.named_children else None
        if inner is None:
            return node
        node = inner
    return node


def _value(node: Node) -> Node | None:
    """The function that a declaration or an assignment gives a name."""
    if node.type in {"lexical_declaration", "variable_declaration"} and node.named_child_count == 1:
        value = node.named_children[0].child_by_field_name("value")
    elif node.type == "expression_statement" and node.named_children[:1]:
        assignment = node.named_children[0]
        value = assignment.child_by_field_name("right") if assignment.type == "assignment_expression" else None
    else:
        return None
    return value if value is not None and value.type in _FUNCTIONS else None


def _kind(node: Node) -> bool | None:
    if node.type in _FUNCTIONS or _value(node) is not None:
        return True
    return False if node.type in _TYPES else None


def _name(node: Node) -> str | None:
    """A name that is the same in both versions of a file."""
    if node.type == "impl_item":
        header = [node.child_by_field_name(field) for field in ("trait", "type")]
        return "impl " + " for ".join(_text(part) for part in header if part is not None)
    if _value(node) is not None:
        first = node.named_children[0]
        named = first.child_by_field_name("name") or first.child_by_field_name("left")
        return None if named is None else _text(named)
    named = node.child_by_field_name("name")
    receiver = node.child_by_field_name("receiver")
    if named is not None:
        return f"{_receiver(receiver)}.{_text(named)}" if receiver is not None else _text(named)
    declarator = node.child_by_field_name("declarator")
    while declarator is not None and declarator.type not in {"identifier", "field_identifier"}:
        inner = declarator.child_by_field_name("declarator") or declarator.child_by_field_name("name")
        if inner is None:
            return " ".join(_text(declarator).split())
        declarator = inner
    if declarator is not None:
        return _text(declarator)
    specs = [child for child in node.named_children if child.type == "type_spec"]
    return _text(specs[0].child_by_field_name("name")) if len(specs) == 1 else None


def _receiver(node: Node) -> str:
    """A Go receiver's type without pointers and type parameters."""
    words = _text(node).strip("()").split("[")[0].replace("*", " ").split()
    return words[-1] if words else ""


def _text(node: Node | None) -> str:
    return node.text.decode() if node is not None and node.text is not None else ""


def _whole_lines(node: Node, source: bytes) -> bool:
    """Whether nothing else stands on a node's lines."""
    end = node.start_byte + len(source[node.start_byte : node.end_byte].rstrip())
    before = source[source.rfind(b"\n", 0, node.start_byte) + 1 : node.start_byte]
    return not before.strip() and not source[end:].split(b"\n", 1)[0].strip()


def _documented(node: Node, source: bytes) -> int:
    start = node.start_byte
    above = node.prev_sibling
    while above is not None and above.type in _COMMENTS and _whole_lines(above, source):
        if source[above.start_byte : start].replace(_text(above).rstrip().encode(), b"", 1).count(b"\n") > 1:
            break
        start = above.start_byte
        above = above.prev_sibling
    return start
