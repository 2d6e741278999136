# ... existing code ...


def _coalesce(*values):
    for value in values:
        if value is not None:
            return value
    return None


def _nullif(value, other):
    return None if value == other else value


SCALARS = {
    "abs": abs,
    "round": round,
    "upper": lambda text: text.upper(),
    "lower": lambda text: text.lower(),
    "length": len,
    "trim": lambda text: text.strip(),
    "substr": _substr,
    "year": _year,
    "nullif": _nullif,
}


# ... existing code ...
