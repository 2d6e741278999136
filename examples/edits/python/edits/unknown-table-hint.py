# ... existing code ...


class UnknownTable(QueryError):
    def __init__(self, name, known=()):
        hint = f"; there are {', '.join(sorted(known))}" if known else ""
        super().__init__(f"no table named {name}{hint}")
        self.name = name


# ... existing code ...


class Database:
    # ... existing code ...

    def table(self, name):
        try:
            return self._tables[name.lower()]
        except KeyError:
            raise UnknownTable(name, self._tables) from None

    # ... existing code ...


# ... existing code ...
