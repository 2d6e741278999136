# ... existing code ...


def subtotal(lines):
    """Sum of unit price times quantity over all lines, gifts left out."""
    paid = (line for line in lines if not line.is_gift)
    return sum((line.price * line.quantity for line in paid), Decimal(0))


# ... existing code ...


def with_tax(amount, rate):
    """Add sales tax and round to a cent."""
    if rate < 0:
        raise ValueError("rate must not be negative")
    return (amount * (1 + rate)).quantize(CENT, rounding=ROUND_HALF_UP)
