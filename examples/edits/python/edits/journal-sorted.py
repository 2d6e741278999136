# ... existing code ...


def parse_journal(text):
    """Parse a whole journal into a list of balanced transactions."""
    transactions = []
    current = None
    # ... existing code ...
    for transaction in transactions:
        transaction.balance()
    transactions.sort(key=lambda transaction: transaction.day)
    return transactions


# ... existing code ...
