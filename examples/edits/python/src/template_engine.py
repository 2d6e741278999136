"""A text template engine with inheritance of blocks.

Syntax in short:

    {{ expression | filter }}          output
    {% if expr %} ... {% else %} ... {% endif %}
    {% for name in expr %} ... {% endfor %}
    {% block name %} ... {% endblock %}
    {% extends "other" %}
    {# a comment #}

Templates are compiled to a tree of nodes once, and rendered as often as
needed. Nodes are immutable after parsing, so one template may be rendered
by several threads.
"""

import html
import re

TAG = re.compile(r"({{.*?}}|{%.*?%}|{#.*?#})", re.DOTALL)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")


class TemplateError(Exception):
    """Base class of everything this module raises."""


class TemplateSyntaxError(TemplateError):
    def __init__(self, message, line):
        super().__init__(f"line {line}: {message}")
        self.line = line


class UndefinedName(TemplateError):
    def __init__(self, name):
        super().__init__(f"{name!r} is not defined")
        self.name = name


class Markup(str):
    """Text that is HTML already and must not be escaped again."""

    def __html__(self):
        return self


# ---------------------------------------------------------------------
# Filters
# ---------------------------------------------------------------------

FILTERS = {}


def filter_function(func):
    """Register a filter under the function's name."""
    FILTERS[func.__name__] = func
    return func


@filter_function
def upper(value):
    return str(value).upper()


@filter_function
def lower(value):
    return str(value).lower()


@filter_function
def title(value):
    return str(value).title()


@filter_function
def length(value):
    return len(value)


@filter_function
def join(value, separator=", "):
    return separator.join(str(item) for item in value)


@filter_function
def default(value, fallback=""):
    """The fallback in place of None or an empty string."""
    return fallback if value is None or value == "" else value


@filter_function
def truncate(value, size=80):
    """Cut long text at a word and put an ellipsis behind."""
    text = str(value)
    if len(text) <= size:
        return text
    cut = text[:size].rsplit(" ", 1)[0]
    return cut + "..."


@filter_function
def safe(value):
    return Markup(value)


@filter_function
def number(value, places=2):
    return f"{float(value):,.{places}f}"


# ---------------------------------------------------------------------
# Scope
# ---------------------------------------------------------------------


class Scope:
    """A stack of name tables; inner names hide outer ones."""

    def __init__(self, values):
        self._frames = [dict(values)]

    def push(self, **values):
        self._frames.append(values)

    def pop(self):
        self._frames.pop()

    def set(self, name, value):
        self._frames[-1][name] = value

    def get(self, name):
        for frame in reversed(self._frames):
            if name in frame:
                return frame[name]
        raise UndefinedName(name)


# ---------------------------------------------------------------------
# Expressions
# ---------------------------------------------------------------------


class Literal:
    def __init__(self, value):
        self.value = value

    def evaluate(self, scope):
        return self.value


class Lookup:
    """A dotted path: keys, attributes and indexes all look alike."""

    def __init__(self, path):
        self.path = path.split(".")

    def evaluate(self, scope):
        value = scope.get(self.path[0])
        for part in self.path[1:]:
            value = self._step(value, part)
        return value

    def _step(self, value, part):
        if isinstance(value, dict):
            if part in value:
                return value[part]
            raise UndefinedName(part)
        if part.isdigit():
            return value[int(part)]
        if part.startswith("_"):
            raise UndefinedName(part)
        return getattr(value, part)


class Not:
    def __init__(self, inner):
        self.inner = inner

    def evaluate(self, scope):
        return not self.inner.evaluate(scope)


class Compare:
    OPERATORS = {
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }

    def __init__(self, left, operator, right):
        self.left = left
        self.operator = operator
        self.right = right

    def evaluate(self, scope):
        test = self.OPERATORS[self.operator]
        return test(self.left.evaluate(scope), self.right.evaluate(scope))


class Filtered:
    """An expression followed by one or more filters."""

    def __init__(self, inner, calls):
        self.inner = inner
        self.calls = calls

    def evaluate(self, scope):
        value = self.inner.evaluate(scope)
        for function, arguments in self.calls:
            values = [argument.evaluate(scope) for argument in arguments]
            value = function(value, *values)
        return value


def parse_operand(text, line):
    """A literal or a dotted name."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return Literal(text[1:-1])
    if NUMBER.match(text):
        return Literal(float(text) if "." in text else int(text))
    if text in ("true", "false"):
        return Literal(text == "true")
    if text == "none":
        return Literal(None)
    first = text.split(".", 1)[0]
    if not NAME.match(first):
        raise TemplateSyntaxError(f"bad expression {text!r}", line)
    return Lookup(text)


def parse_filters(inner, parts, line):
    calls = []
    for part in parts:
        name, _, argument_text = part.strip().partition(":")
        if name not in FILTERS:
            raise TemplateSyntaxError(f"unknown filter {name!r}", line)
        arguments = []
        if argument_text:
            arguments.append(parse_operand(argument_text.strip(), line))
        calls.append((FILTERS[name], arguments))
    return Filtered(inner, calls)


def parse_expression(text, line):
    """Parse `[not] a [op b] [| filter ...]`."""
    head, *filters = text.split("|")
    words = head.split()
    if not words:
        raise TemplateSyntaxError("empty expression", line)
    negate = words[0] == "not"
    if negate:
        words = words[1:]
    if len(words) == 1:
        expression = parse_operand(words[0], line)
    elif len(words) == 3 and words[1] in Compare.OPERATORS:
        left = parse_operand(words[0], line)
        right = parse_operand(words[2], line)
        expression = Compare(left, words[1], right)
    else:
        raise TemplateSyntaxError(f"cannot parse {head.strip()!r}", line)
    if negate:
        expression = Not(expression)
    if filters:
        expression = parse_filters(expression, filters, line)
    return expression


# ---------------------------------------------------------------------
# Nodes
# ---------------------------------------------------------------------


class Node:
    def render(self, scope, blocks):
        raise NotImplementedError


class Text(Node):
    def __init__(self, text):
        self.text = text

    def render(self, scope, blocks):
        return self.text


class Output(Node):
    def __init__(self, expression):
        self.expression = expression

    def render(self, scope, blocks):
        value = self.expression.evaluate(scope)
        if value is None:
            return ""
        if hasattr(value, "__html__"):
            return value.__html__()
        return html.escape(str(value))


class Sequence(Node):
    def __init__(self, nodes):
        self.nodes = nodes

    def render(self, scope, blocks):
        return "".join(node.render(scope, blocks) for node in self.nodes)


class If(Node):
    def __init__(self, condition, yes, no):
        self.condition = condition
        self.yes = yes
        self.no = no

    def render(self, scope, blocks):
        branch = self.yes if self.condition.evaluate(scope) else self.no
        return branch.render(scope, blocks)


class For(Node):
    def __init__(self, name, expression, body):
        self.name = name
        self.expression = expression
        self.body = body

    def render(self, scope, blocks):
        items = list(self.expression.evaluate(scope))
        pieces = []
        for index, item in enumerate(items):
            loop = {
                "index": index + 1,
                "first": index == 0,
                "last": index == len(items) - 1,
            }
            scope.push(**{self.name: item, "loop": loop})
            try:
                pieces.append(self.body.render(scope, blocks))
            finally:
                scope.pop()
        return "".join(pieces)


class Block(Node):
    """A named part that a child template may replace."""

    def __init__(self, name, body):
        self.name = name
        self.body = body

    def render(self, scope, blocks):
        body = blocks.get(self.name, self.body)
        return body.render(scope, blocks)


# ---------------------------------------------------------------------
# Parser
# ---------------------------------------------------------------------


class Parser:
    """Turns the source into nodes, by recursive descent over the tags."""

    def __init__(self, source):
        self._pieces = TAG.split(source)
        self._index = 0
        self._line = 1
        self.parent = None
        self.blocks = {}

    def parse(self):
        body, end = self._sequence(())
        if end:
            raise TemplateSyntaxError(f"unexpected {end!r}", self._line)
        return body

    def _next(self):
        if self._index >= len(self._pieces):
            return None
        piece = self._pieces[self._index]
        self._index += 1
        self._line += piece.count("\n")
        return piece

    def _sequence(self, ends):
        """Nodes until one of the tags in `ends`; returns that tag too."""
        nodes = []
        while True:
            piece = self._next()
            if piece is None:
                if ends:
                    raise TemplateSyntaxError(f"missing {ends[-1]!r}", self._line)
                return Sequence(nodes), ""
            if piece.startswith("{{"):
                nodes.append(Output(parse_expression(piece[2:-2], self._line)))
            elif piece.startswith("{#"):
                continue
            elif piece.startswith("{%"):
                words = piece[2:-2].split()
                if not words:
                    raise TemplateSyntaxError("empty tag", self._line)
                if words[0] in ends:
                    return Sequence(nodes), words[0]
                node = self._tag(words)
                if node is not None:
                    nodes.append(node)
            elif piece:
                nodes.append(Text(piece))

    def _tag(self, words):
        handler = getattr(self, "_tag_" + words[0], None)
        if handler is None:
            raise TemplateSyntaxError(f"unknown tag {words[0]!r}", self._line)
        return handler(words[1:])

    def _tag_if(self, words):
        condition = parse_expression(" ".join(words), self._line)
        yes, end = self._sequence(("else", "endif"))
        no = Sequence([])
        if end == "else":
            no, _ = self._sequence(("endif",))
        return If(condition, yes, no)

    def _tag_for(self, words):
        if len(words) < 3 or words[1] != "in":
            raise TemplateSyntaxError("for needs 'name in expression'", self._line)
        expression = parse_expression(" ".join(words[2:]), self._line)
        body, _ = self._sequence(("endfor",))
        return For(words[0], expression, body)

    def _tag_block(self, words):
        if len(words) != 1:
            raise TemplateSyntaxError("block needs one name", self._line)
        name = words[0]
        if name in self.blocks:
            raise TemplateSyntaxError(f"block {name!r} twice", self._line)
        body, _ = self._sequence(("endblock",))
        self.blocks[name] = body
        return Block(name, body)

    def _tag_extends(self, words):
        if self.parent is not None:
            raise TemplateSyntaxError("extends twice", self._line)
        self.parent = words[0].strip("\"'")
        return None


# ---------------------------------------------------------------------
# Templates and where they come from
# ---------------------------------------------------------------------


class Template:
    def __init__(self, source, environment=None):
        parser = Parser(source)
        self.body = parser.parse()
        self.blocks = parser.blocks
        self.parent = parser.parent
        self.environment = environment

    def render(self, **values):
        return self._render(Scope(values), {})

    def _render(self, scope, blocks):
        merged = {**self.blocks, **blocks}
        if self.parent is None:
            return self.body.render(scope, merged)
        if self.environment is None:
            raise TemplateError("extends needs an environment")
        parent = self.environment.get(self.parent)
        return parent._render(scope, merged)


class DictLoader:
    """Templates from a dictionary, mostly for tests."""

    def __init__(self, sources):
        self.sources = sources

    def load(self, name):
        if name not in self.sources:
            raise TemplateError(f"no template {name!r}")
        return self.sources[name]


class FolderLoader:
    """Templates from a folder; names may not leave it."""

    def __init__(self, folder):
        self.folder = folder

    def load(self, name):
        if ".." in name.split("/") or name.startswith("/"):
            raise TemplateError(f"bad template name {name!r}")
        path = f"{self.folder}/{name}"
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            raise TemplateError(f"no template {name!r}") from None


class Environment:
    """Loads templates by name and keeps them compiled."""

    def __init__(self, loader):
        self.loader = loader
        self._compiled = {}

    def get(self, name):
        if name not in self._compiled:
            source = self.loader.load(name)
            self._compiled[name] = Template(source, self)
        return self._compiled[name]

    def render(self, name, **values):
        return self.get(name).render(**values)

    def forget(self, name=None):
        """Drop one compiled template, or all of them."""
        if name is None:
            self._compiled.clear()
        else:
            self._compiled.pop(name, None)
