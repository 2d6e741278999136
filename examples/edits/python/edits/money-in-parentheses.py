def money(amount, width=12):
    if amount < 0:
        return f"({-amount:,.2f})".rjust(width)
    return f"{amount:,.2f} ".rjust(width)
