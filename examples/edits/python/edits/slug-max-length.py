# ... imports and strip_accents unchanged ...


def slugify(title, max_length=60):
    """Make a slug of a title, cut at a dash when it gets too long.

    >>> slugify("Crème brûlée, für alle!")
    'creme-brulee-fur-alle'
    """
    text = strip_accents(title).lower()
    text = _SEPARATORS.sub("-", text)
    text = _FORBIDDEN.sub("", text).strip("-")
    if len(text) > max_length:
        text = text[: max_length + 1].rpartition("-")[0] or text[:max_length]
    return text


# ... rest of the file ...
