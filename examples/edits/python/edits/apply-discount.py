def apply_discount(amount, percent):
    """Return `amount` reduced by `percent`, never below zero."""
    reduced = amount * (100 - percent) / 100
    return max(reduced, Decimal(0)).quantize(CENT, rounding=ROUND_HALF_UP)
