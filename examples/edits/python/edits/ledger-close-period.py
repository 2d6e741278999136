def close_period(books, until):
    """Carry the results of a period forward."""
    opened = books.opening_entries(until)
    # ... existing code ...
    books.lock(until)
    return opened
