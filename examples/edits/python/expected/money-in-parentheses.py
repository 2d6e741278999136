"""Double-entry bookkeeping on plain text journals.

A journal looks like this:

    2024-03-01 Rent for March
        expenses:rent        850.00
        assets:bank

One posting of a transaction may go without amount; it takes what is
missing to zero.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

HEADER = re.compile(r"^(\d{4})-(\d{2})-(\d{2})\s+(.*)$")
POSTING = re.compile(r"^\s+(\S+)(?:\s+(-?[\d.,]+))?\s*$")

ROOTS = ("assets", "liabilities", "equity", "income", "expenses")


class JournalError(ValueError):
    """Something is wrong in line `line` of the journal."""

    def __init__(self, line, message):
        super().__init__(f"line {line}: {message}")
        self.line = line


@dataclass
class Posting:
    account: str
    amount: Decimal = None

    @property
    def root(self):
        return self.account.split(":", 1)[0]


@dataclass
class Transaction:
    day: date
    text: str
    line: int
    postings: list = field(default_factory=list)

    def total(self):
        return sum((p.amount for p in self.postings if p.amount is not None), Decimal(0))

    def balance(self):
        """Fill in the one open amount, or complain."""
        open_postings = [p for p in self.postings if p.amount is None]
        if len(open_postings) > 1:
            raise JournalError(self.line, "more than one posting without amount")
        if open_postings:
            open_postings[0].amount = -self.total()
        if self.total() != 0:
            raise JournalError(self.line, f"off by {self.total()}")


# ---------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------


def parse_amount(text, line):
    """'1,250.00' to a Decimal."""
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise JournalError(line, f"bad amount {text!r}") from None


def parse_journal(text):
    """Parse a whole journal into a list of balanced transactions."""
    transactions = []
    current = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split(";", 1)[0].rstrip()
        if not line:
            continue
        header = HEADER.match(line)
        if header:
            year, month, day, title = header.groups()
            try:
                when = date(int(year), int(month), int(day))
            except ValueError as error:
                raise JournalError(number, str(error)) from None
            current = Transaction(when, title, number)
            transactions.append(current)
            continue
        posting = POSTING.match(line)
        if not posting:
            raise JournalError(number, "neither a date nor a posting")
        if current is None:
            raise JournalError(number, "posting before the first transaction")
        account, amount_text = posting.groups()
        amount = parse_amount(amount_text, number) if amount_text else None
        current.postings.append(Posting(account, amount))
    for transaction in transactions:
        transaction.balance()
    return transactions


# ---------------------------------------------------------------------
# Accounts
# ---------------------------------------------------------------------


class Account:
    """A node in the tree of accounts."""

    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
        self.children = OrderedDict()
        self.own = Decimal(0)

    def child(self, name):
        if name not in self.children:
            self.children[name] = Account(name, self)
        return self.children[name]

    def total(self):
        """Own amount and that of all accounts below."""
        return self.own + sum((c.total() for c in self.children.values()), Decimal(0))

    @property
    def full_name(self):
        if self.parent is None or not self.parent.name:
            return self.name
        return f"{self.parent.full_name}:{self.name}"

    def walk(self, depth=0):
        """Yield (depth, account) of this account and all below."""
        yield depth, self
        for name in sorted(self.children):
            yield from self.children[name].walk(depth + 1)


class Ledger:
    """All accounts with their balances."""

    def __init__(self, transactions=()):
        self.root = Account("")
        self.count = 0
        for transaction in transactions:
            self.post(transaction)

    def post(self, transaction):
        for posting in transaction.postings:
            self.account(posting.account).own += posting.amount
        self.count += 1

    def account(self, name):
        """Find an account by its full name, making it if need be."""
        node = self.root
        for part in name.split(":"):
            node = node.child(part)
        return node

    def balance(self, name):
        return self.account(name).total()

    def is_balanced(self):
        return self.root.total() == 0

    def net_worth(self):
        return self.balance("assets") + self.balance("liabilities")


# ---------------------------------------------------------------------
# Reports
# ---------------------------------------------------------------------


def money(amount, width=12):
    if amount < 0:
        return f"({-amount:,.2f})".rjust(width)
    return f"{amount:,.2f} ".rjust(width)


def balance_report(ledger, max_depth=None):
    """The tree of accounts, indented, with totals at the right."""
    lines = []
    for depth, account in ledger.root.walk():
        if depth == 0:
            continue
        if max_depth is not None and depth > max_depth:
            continue
        indent = "  " * (depth - 1)
        lines.append(f"{indent}{account.name}".ljust(32) + money(account.total()))
    return "\n".join(lines)


def income_statement(transactions, start, end):
    """Income, expenses and what is left, for start <= day < end."""
    period = [t for t in transactions if start <= t.day < end]
    ledger = Ledger(period)
    income = -ledger.balance("income")
    expenses = ledger.balance("expenses")
    return {
        "income": income,
        "expenses": expenses,
        "result": income - expenses,
    }


def register(transactions, account_name):
    """All postings to one account, with the running balance."""
    running = Decimal(0)
    lines = []
    for transaction in sorted(transactions, key=lambda t: t.day):
        for posting in transaction.postings:
            if posting.account != account_name:
                continue
            running += posting.amount
            text = transaction.text[:30].ljust(30)
            lines.append(f"{transaction.day} {text} {money(posting.amount)} {money(running)}")
    return "\n".join(lines)


def check_roots(transactions):
    """Accounts whose first part is not one of the five roots."""
    bad = set()
    for transaction in transactions:
        for posting in transaction.postings:
            if posting.root not in ROOTS:
                bad.add(posting.account)
    return sorted(bad)
