def lex(text):
    """Cut a query into tokens; the last one has the kind 'end'."""
    tokens = []
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            line = text.count("\n", 0, position) + 1
            raise ParseError(f"unexpected {text[position]!r} in line {line}", position)
        kind = match.lastgroup
        raw = match.group()
        # ... existing code ...
        position = match.end()
    tokens.append(Token("end", None, position))
    return tokens
