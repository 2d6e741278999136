# ... existing code ...


def parse_amount(text, line):
    """'1,250.00' or '1250.-' to a Decimal."""
    try:
        return Decimal(text.replace(",", "").removesuffix(".-"))
    except InvalidOperation:
        raise JournalError(line, f"bad amount {text!r}") from None


# ... existing code ...


def check_roots(transactions, roots=ROOTS):
    """Accounts whose first part is not one of the roots."""
    return sorted(
        {
            posting.account
            for transaction in transactions
            for posting in transaction.postings
            if posting.root not in roots
        }
    )
