"""Queries over in-memory tables, written in a small SQL dialect.

    db = Database()
    db.load_csv("trips", open("trips.csv"))
    for row in db.query("SELECT city, COUNT(*) AS n FROM trips GROUP BY city"):
        print(row["city"], row["n"])

The work goes in four steps, each with its own part of this file:

1. the lexer cuts the text into tokens,
2. the parser builds a `Select` from the tokens,
3. the planner turns the `Select` into a chain of operators,
4. the operators are pulled row by row.

Rows are dictionaries. Column names are case-insensitive in queries and
are kept in lower case everywhere.
"""

import csv
import re
from dataclasses import dataclass, field
from datetime import date

# ---------------------------------------------------------------------
# Errors
# ---------------------------------------------------------------------


class QueryError(Exception):
    """Base class; `position` is an offset into the query, or None."""

    def __init__(self, message, position=None):
        super().__init__(message)
        self.position = position


class ParseError(QueryError):
    pass


class UnknownTable(QueryError):
    def __init__(self, name, known=()):
        hint = f"; there are {', '.join(sorted(known))}" if known else ""
        super().__init__(f"no table named {name}{hint}")
        self.name = name


class UnknownColumn(QueryError):
    def __init__(self, name, known):
        super().__init__(f"no column {name}; there are {', '.join(sorted(known))}")
        self.name = name


class EvaluationError(QueryError):
    """An operator met values it cannot work on."""


# ---------------------------------------------------------------------
# Lexer
# ---------------------------------------------------------------------

KEYWORDS = {
    "select", "distinct", "from", "where", "group", "by", "having", "order",
    "asc", "desc", "limit", "offset", "as", "and", "or", "not", "in", "is",
    "null", "like", "between", "join", "left", "on", "true", "false",
}

TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>'(?:[^']|'')*')
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<quoted>"[^"]+")
  | (?P<operator><=|>=|<>|!=|\|\||[-+*/%=<>(),.])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    kind: str
    value: object
    position: int


def lex(text):
    """Cut a query into tokens; the last one has the kind 'end'."""
    tokens = []
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise ParseError(f"unexpected {text[position]!r}", position)
        kind = match.lastgroup
        raw = match.group()
        if kind == "number":
            value = float(raw) if "." in raw else int(raw)
            tokens.append(Token("number", value, position))
        elif kind == "string":
            tokens.append(Token("string", raw[1:-1].replace("''", "'"), position))
        elif kind == "name":
            lowered = raw.lower()
            kind = "keyword" if lowered in KEYWORDS else "name"
            tokens.append(Token(kind, lowered, position))
        elif kind == "quoted":
            tokens.append(Token("name", raw[1:-1].lower(), position))
        elif kind == "operator":
            tokens.append(Token("operator", "<>" if raw == "!=" else raw, position))
        position = match.end()
    tokens.append(Token("end", None, position))
    return tokens


# ---------------------------------------------------------------------
# Expressions
# ---------------------------------------------------------------------


class Expression:
    """Something with a value for each row."""

    def evaluate(self, row):
        raise NotImplementedError

    def children(self):
        return ()

    def has_aggregate(self):
        return any(child.has_aggregate() for child in self.children())


class Constant(Expression):
    def __init__(self, value):
        self.value = value

    def evaluate(self, row):
        return self.value

    def __str__(self):
        return "null" if self.value is None else repr(self.value)


class Column(Expression):
    """A column by name, optionally with the table in front."""

    def __init__(self, name, table=None):
        self.name = name
        self.table = table

    def evaluate(self, row):
        key = f"{self.table}.{self.name}" if self.table else self.name
        if key in row:
            return row[key]
        raise UnknownColumn(key, row)

    def __str__(self):
        return f"{self.table}.{self.name}" if self.table else self.name


class Unary(Expression):
    def __init__(self, operator, operand):
        self.operator = operator
        self.operand = operand

    def children(self):
        return (self.operand,)

    def evaluate(self, row):
        value = self.operand.evaluate(row)
        if value is None:
            return None
        if self.operator == "not":
            return not value
        return -value

    def __str__(self):
        return f"{self.operator} {self.operand}"


def _divide(a, b):
    # Like the big databases do it in their lenient mode.
    return None if b == 0 else a / b


BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "%": lambda a, b: None if b == 0 else a % b,
    "||": lambda a, b: str(a) + str(b),
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class Binary(Expression):
    """Arithmetic and comparison; null on either side gives null."""

    def __init__(self, operator, left, right):
        self.operator = operator
        self.left = left
        self.right = right

    def children(self):
        return (self.left, self.right)

    def evaluate(self, row):
        left = self.left.evaluate(row)
        right = self.right.evaluate(row)
        if left is None or right is None:
            return None
        try:
            return BINARY[self.operator](left, right)
        except TypeError:
            raise EvaluationError(
                f"cannot compute {left!r} {self.operator} {right!r}"
            ) from None

    def __str__(self):
        return f"({self.left} {self.operator} {self.right})"


class Logic(Expression):
    """AND and OR with three-valued logic."""

    def __init__(self, operator, left, right):
        self.operator = operator
        self.left = left
        self.right = right

    def children(self):
        return (self.left, self.right)

    def evaluate(self, row):
        decisive = self.operator == "or"
        left = self.left.evaluate(row)
        if left is decisive:
            return decisive
        right = self.right.evaluate(row)
        if right is decisive:
            return decisive
        if left is None or right is None:
            return None
        return not decisive

    def __str__(self):
        return f"({self.left} {self.operator} {self.right})"


class InList(Expression):
    def __init__(self, operand, options):
        self.operand = operand
        self.options = options

    def children(self):
        return (self.operand, *self.options)

    def evaluate(self, row):
        value = self.operand.evaluate(row)
        if value is None:
            return None
        return any(option.evaluate(row) == value for option in self.options)


class Like(Expression):
    """Pattern match with % and _; the case does not matter."""

    def __init__(self, operand, pattern):
        self.operand = operand
        self.pattern = pattern
        pieces = []
        for char in pattern:
            if char == "%":
                pieces.append(".*")
            elif char == "_":
                pieces.append(".")
            else:
                pieces.append(re.escape(char))
        self._regex = re.compile("".join(pieces) + r"\Z", re.IGNORECASE | re.DOTALL)

    def children(self):
        return (self.operand,)

    def evaluate(self, row):
        value = self.operand.evaluate(row)
        if value is None:
            return None
        return self._regex.match(str(value)) is not None


class IsNull(Expression):
    def __init__(self, operand, negated):
        self.operand = operand
        self.negated = negated

    def children(self):
        return (self.operand,)

    def evaluate(self, row):
        return (self.operand.evaluate(row) is None) != self.negated


# ---------------------------------------------------------------------
# Functions
# ---------------------------------------------------------------------


def _year(value):
    return value.year if isinstance(value, date) else int(str(value)[:4])


def _substr(text, start, length=None):
    """One-based, as SQL has it."""
    begin = start - 1
    end = None if length is None else begin + length
    return text[begin:end]


def _coalesce(*values):
    for value in values:
        if value is not None:
            return value
    return None


SCALARS = {
    "abs": abs,
    "round": round,
    "upper": lambda text: text.upper(),
    "lower": lambda text: text.lower(),
    "length": len,
    "trim": lambda text: text.strip(),
    "substr": _substr,
    "year": _year,
}


class Call(Expression):
    """A call of a scalar function."""

    def __init__(self, name, arguments):
        self.name = name
        self.arguments = arguments

    def children(self):
        return self.arguments

    def evaluate(self, row):
        values = [argument.evaluate(row) for argument in self.arguments]
        if self.name == "coalesce":
            return _coalesce(*values)
        if any(value is None for value in values):
            return None
        try:
            return SCALARS[self.name](*values)
        except (TypeError, AttributeError) as error:
            raise EvaluationError(f"{self.name}: {error}") from None

    def __str__(self):
        return f"{self.name}({', '.join(map(str, self.arguments))})"


class Accumulator:
    """Collects the values of one group."""

    def __init__(self):
        self.count = 0
        self.sum = 0
        self.low = None
        self.high = None

    def add(self, value):
        if value is None:
            return
        self.count += 1
        if isinstance(value, (int, float)):
            self.sum += value
        if self.low is None or value < self.low:
            self.low = value
        if self.high is None or value > self.high:
            self.high = value


AGGREGATES = {
    "count": lambda acc: acc.count,
    "sum": lambda acc: acc.sum if acc.count else None,
    "avg": lambda acc: acc.sum / acc.count if acc.count else None,
    "min": lambda acc: acc.low,
    "max": lambda acc: acc.high,
}


class Aggregate(Expression):
    """COUNT, SUM and the like; reads what the grouping stored."""

    def __init__(self, name, argument, distinct=False):
        self.name = name
        self.argument = argument
        self.distinct = distinct

    def has_aggregate(self):
        return True

    @property
    def key(self):
        inner = "*" if self.argument is None else str(self.argument)
        distinct = "distinct " if self.distinct else ""
        return f"{self.name}({distinct}{inner})"

    def collect(self, rows):
        accumulator = Accumulator()
        seen = set()
        for row in rows:
            value = 1 if self.argument is None else self.argument.evaluate(row)
            if self.distinct:
                if value in seen:
                    continue
                seen.add(value)
            accumulator.add(value)
        return AGGREGATES[self.name](accumulator)

    def evaluate(self, row):
        return row[self.key]

    def __str__(self):
        return self.key


def find_aggregates(expression):
    """All aggregate nodes in an expression, outermost first."""
    if isinstance(expression, Aggregate):
        yield expression
        return
    for child in expression.children():
        yield from find_aggregates(child)


# ---------------------------------------------------------------------
# The parsed query
# ---------------------------------------------------------------------


@dataclass
class Output:
    expression: Expression
    alias: str


@dataclass
class Source:
    table: str
    alias: str


@dataclass
class Join:
    source: Source
    condition: Expression
    outer: bool = False


@dataclass
class Ordering:
    expression: Expression
    descending: bool = False


@dataclass
class Select:
    outputs: list
    source: Source
    star: bool = False
    joins: list = field(default_factory=list)
    where: Expression = None
    group_by: list = field(default_factory=list)
    having: Expression = None
    order_by: list = field(default_factory=list)
    limit: int = None
    offset: int = 0


class Parser:
    """Recursive descent; each method eats what it is named after."""

    def __init__(self, text):
        self._tokens = lex(text)
        self._index = 0

    # -- helpers ------------------------------------------------------

    @property
    def _current(self):
        return self._tokens[self._index]

    def _accept(self, kind, *values):
        token = self._current
        if token.kind != kind or (values and token.value not in values):
            return None
        self._index += 1
        return token

    def _expect(self, kind, *values):
        token = self._accept(kind, *values)
        if token is None:
            wanted = " or ".join(map(str, values)) or kind
            found = self._current.value or "the end"
            raise ParseError(f"expected {wanted}, found {found}", self._current.position)
        return token

    def _keyword(self, *words):
        return self._accept("keyword", *words)

    def _operator(self, *symbols):
        return self._accept("operator", *symbols)

    # -- clauses ------------------------------------------------------

    def parse(self):
        self._expect("keyword", "select")
        select = Select([], None)
        if self._operator("*"):
            select.star = True
        else:
            select.outputs = self._comma_list(self._output)
        self._expect("keyword", "from")
        select.source = self._source()
        select.joins = self._joins()
        if self._keyword("where"):
            select.where = self._expression()
        if self._keyword("group"):
            self._expect("keyword", "by")
            select.group_by = self._comma_list(self._expression)
        if self._keyword("having"):
            select.having = self._expression()
        if self._keyword("order"):
            self._expect("keyword", "by")
            select.order_by = self._comma_list(self._ordering)
        if self._keyword("limit"):
            select.limit = self._expect("number").value
        if self._keyword("offset"):
            select.offset = self._expect("number").value
        self._expect("end")
        return select

    def _comma_list(self, item):
        items = [item()]
        while self._operator(","):
            items.append(item())
        return items

    def _output(self):
        expression = self._expression()
        if self._keyword("as"):
            alias = self._expect("name").value
        elif isinstance(expression, Column):
            alias = expression.name
        else:
            alias = str(expression)
        return Output(expression, alias)

    def _source(self):
        table = self._expect("name").value
        alias = self._accept("name")
        return Source(table, alias.value if alias else table)

    def _joins(self):
        joins = []
        while True:
            outer = self._keyword("left") is not None
            if outer:
                self._expect("keyword", "join")
            elif not self._keyword("join"):
                return joins
            source = self._source()
            self._expect("keyword", "on")
            joins.append(Join(source, self._expression(), outer))

    def _ordering(self):
        expression = self._expression()
        direction = self._keyword("asc", "desc")
        return Ordering(expression, direction is not None and direction.value == "desc")

    # -- expressions, loosest binding first ---------------------------

    def _expression(self):
        left = self._conjunction()
        while self._keyword("or"):
            left = Logic("or", left, self._conjunction())
        return left

    def _conjunction(self):
        left = self._negation()
        while self._keyword("and"):
            left = Logic("and", left, self._negation())
        return left

    def _negation(self):
        if self._keyword("not"):
            return Unary("not", self._negation())
        return self._comparison()

    def _comparison(self):
        left = self._sum()
        operator = self._operator("=", "<>", "<", "<=", ">", ">=")
        if operator:
            return Binary(operator.value, left, self._sum())
        if self._keyword("is"):
            negated = self._keyword("not") is not None
            self._expect("keyword", "null")
            return IsNull(left, negated)
        negated = self._keyword("not") is not None
        if self._keyword("in"):
            self._expect("operator", "(")
            test = InList(left, self._comma_list(self._expression))
            self._expect("operator", ")")
        elif self._keyword("like"):
            test = Like(left, self._expect("string").value)
        elif self._keyword("between"):
            low = self._sum()
            self._expect("keyword", "and")
            high = self._sum()
            test = Logic("and", Binary(">=", left, low), Binary("<=", left, high))
        elif negated:
            raise ParseError("expected in, like or between", self._current.position)
        else:
            return left
        return Unary("not", test) if negated else test

    def _sum(self):
        left = self._product()
        while True:
            operator = self._operator("+", "-", "||")
            if operator is None:
                return left
            left = Binary(operator.value, left, self._product())

    def _product(self):
        left = self._factor()
        while True:
            operator = self._operator("*", "/", "%")
            if operator is None:
                return left
            left = Binary(operator.value, left, self._factor())

    def _factor(self):
        if self._operator("-"):
            return Unary("-", self._factor())
        if self._operator("("):
            inner = self._expression()
            self._expect("operator", ")")
            return inner
        literal = self._accept("number") or self._accept("string")
        if literal:
            return Constant(literal.value)
        word = self._keyword("null", "true", "false")
        if word:
            return Constant({"null": None, "true": True, "false": False}[word.value])
        name = self._expect("name")
        if self._operator("("):
            return self._call(name)
        if self._operator("."):
            return Column(self._expect("name").value, name.value)
        return Column(name.value)

    def _call(self, name):
        if name.value in AGGREGATES:
            distinct = self._keyword("distinct") is not None
            argument = None if self._operator("*") else self._expression()
            self._expect("operator", ")")
            return Aggregate(name.value, argument, distinct)
        if name.value not in SCALARS and name.value != "coalesce":
            raise ParseError(f"unknown function {name.value}", name.position)
        arguments = []
        if not self._operator(")"):
            arguments = self._comma_list(self._expression)
            self._expect("operator", ")")
        return Call(name.value, arguments)


# ---------------------------------------------------------------------
# Operators: each one is an iterable of rows
# ---------------------------------------------------------------------


class Scan:
    """All rows of a table, with plain and qualified column names."""

    def __init__(self, table, alias):
        self.table = table
        self.alias = alias

    def __iter__(self):
        for values in self.table.rows:
            row = dict(zip(self.table.columns, values))
            for column in self.table.columns:
                row[f"{self.alias}.{column}"] = row[column]
            yield row


class NestedLoop:
    """Join by trying every pair; good enough for small tables."""

    def __init__(self, left, right, condition, outer):
        self.left = left
        self.right = right
        self.condition = condition
        self.outer = outer

    def __iter__(self):
        inner = list(self.right)
        empty = {key: None for key in self._right_keys()}
        for left in self.left:
            found = False
            for right in inner:
                row = {**right, **left}
                if self.condition.evaluate(row) is True:
                    found = True
                    yield row
            if self.outer and not found:
                yield {**empty, **left}

    def _right_keys(self):
        for column in self.right.table.columns:
            yield column
            yield f"{self.right.alias}.{column}"


class Filter:
    def __init__(self, rows, condition):
        self.rows = rows
        self.condition = condition

    def __iter__(self):
        for row in self.rows:
            if self.condition.evaluate(row) is True:
                yield row


class Group:
    """Gathers rows with equal keys and computes the aggregates."""

    def __init__(self, rows, keys, aggregates):
        self.rows = rows
        self.keys = keys
        self.aggregates = aggregates

    def __iter__(self):
        groups = {}
        for row in self.rows:
            key = tuple(expression.evaluate(row) for expression in self.keys)
            groups.setdefault(key, []).append(row)
        if not groups and not self.keys:
            groups[()] = []
        for members in groups.values():
            result = dict(members[0]) if members else {}
            for aggregate in self.aggregates:
                result[aggregate.key] = aggregate.collect(members)
            yield result


class Sort:
    def __init__(self, rows, orderings):
        self.rows = rows
        self.orderings = orderings

    def __iter__(self):
        rows = list(self.rows)
        # The sort is stable, so the least important key goes first.
        for ordering in reversed(self.orderings):
            rows.sort(
                key=lambda row: self._key(ordering.expression.evaluate(row)),
                reverse=ordering.descending,
            )
        return iter(rows)

    @staticmethod
    def _key(value):
        # Nulls sort below everything.
        return (value is not None, value)


class Project:
    def __init__(self, rows, outputs):
        self.rows = rows
        self.outputs = outputs

    def __iter__(self):
        for row in self.rows:
            yield {out.alias: out.expression.evaluate(row) for out in self.outputs}


class Slice:
    """LIMIT and OFFSET."""

    def __init__(self, rows, limit, offset):
        self.rows = rows
        self.limit = limit
        self.offset = offset

    def __iter__(self):
        for index, row in enumerate(self.rows):
            if index < self.offset:
                continue
            if self.limit is not None and index >= self.offset + self.limit:
                return
            yield row


# ---------------------------------------------------------------------
# Planner
# ---------------------------------------------------------------------


class Planner:
    def __init__(self, database):
        self.database = database

    def plan(self, select):
        """Build the chain of operators of a query."""
        rows = self._scan(select.source)
        for join in select.joins:
            rows = NestedLoop(rows, self._scan(join.source), join.condition, join.outer)
        if select.where is not None:
            if select.where.has_aggregate():
                raise QueryError("aggregates are not allowed in where")
            rows = Filter(rows, select.where)
        aggregates = self._aggregates(select)
        if aggregates or select.group_by:
            rows = Group(rows, select.group_by, aggregates)
        if select.having is not None:
            rows = Filter(rows, select.having)
        if select.order_by:
            rows = Sort(rows, self._resolve(select))
        rows = Project(rows, self._outputs(select))
        if select.limit is not None or select.offset:
            rows = Slice(rows, select.limit, select.offset)
        return rows

    def _scan(self, source):
        return Scan(self.database.table(source.table), source.alias)

    def _aggregates(self, select):
        expressions = [output.expression for output in select.outputs]
        expressions.extend(ordering.expression for ordering in self._resolve(select))
        if select.having is not None:
            expressions.append(select.having)
        found = {}
        for expression in expressions:
            for aggregate in find_aggregates(expression):
                found[aggregate.key] = aggregate
        return list(found.values())

    def _resolve(self, select):
        """Replace aliases in ORDER BY by what they stand for."""
        aliases = {output.alias: output.expression for output in select.outputs}
        resolved = []
        for ordering in select.order_by:
            expression = ordering.expression
            if isinstance(expression, Column) and expression.table is None:
                expression = aliases.get(expression.name, expression)
            resolved.append(Ordering(expression, ordering.descending))
        return resolved

    def _outputs(self, select):
        if not select.star:
            return select.outputs
        outputs = []
        sources = [select.source] + [join.source for join in select.joins]
        for source in sources:
            for column in self.database.table(source.table).columns:
                outputs.append(Output(Column(column, source.alias), column))
        return outputs


# ---------------------------------------------------------------------
# Tables and the database
# ---------------------------------------------------------------------


def convert(text):
    """Guess the type of a CSV cell: int, float, date, or text."""
    text = text.strip()
    if not text:
        return None
    for kind in (int, float, date.fromisoformat):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class Table:
    def __init__(self, name, columns, rows=()):
        self.name = name
        self.columns = [column.lower() for column in columns]
        self.rows = []
        for row in rows:
            self.insert(row)

    def insert(self, row):
        if isinstance(row, dict):
            row = [row.get(column) for column in self.columns]
        if len(row) != len(self.columns):
            raise QueryError(f"{self.name} has {len(self.columns)} columns, got {len(row)}")
        self.rows.append(tuple(row))

    def __len__(self):
        return len(self.rows)


class Database:
    """Named tables, and queries over them."""

    def __init__(self):
        self._tables = {}

    def create(self, name, columns, rows=()):
        key = name.lower()
        if key in self._tables:
            raise QueryError(f"table {name} exists")
        self._tables[key] = Table(key, columns, rows)
        return self._tables[key]

    def drop(self, name):
        self.table(name)
        del self._tables[name.lower()]

    def table(self, name):
        try:
            return self._tables[name.lower()]
        except KeyError:
            raise UnknownTable(name, self._tables) from None

    def load_csv(self, name, lines):
        """Read a table from CSV lines whose first one has the names."""
        reader = csv.reader(lines)
        table = self.create(name, next(reader))
        for cells in reader:
            table.insert([convert(cell) for cell in cells])
        return table

    def query(self, text):
        select = Parser(text).parse()
        return list(Planner(self).plan(select))


def format_rows(rows):
    """A plain text table, for the command line."""
    if not rows:
        return "(no rows)"
    names = list(rows[0])
    cells = [[("" if row[n] is None else str(row[n])) for n in names] for row in rows]
    widths = [max(len(n), *(len(c[i]) for c in cells)) for i, n in enumerate(names)]
    lines = [" | ".join(n.ljust(w) for n, w in zip(names, widths)).rstrip()]
    lines.append("-+-".join("-" * w for w in widths))
    for row in cells:
        lines.append(" | ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip())
    return "\n".join(lines)
