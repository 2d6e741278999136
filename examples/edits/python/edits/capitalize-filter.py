# ... existing code ...


@filter_function
def title(value):
    return str(value).title()


@filter_function
def capitalize(value):
    return str(value).capitalize()


# ... existing code ...
