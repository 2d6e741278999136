def truncate(value, size=80, ending="..."):
    """Cut long text at a word and put an ending behind."""
    text = str(value)
    if len(text) <= size:
        return text
    cut = text[:size].rsplit(" ", 1)[0]
    return cut.rstrip(".,;:") + ending
