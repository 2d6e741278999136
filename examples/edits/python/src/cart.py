"""Pricing helpers for the shop's cart page."""

from decimal import Decimal, ROUND_HALF_UP

CENT = Decimal("0.01")


def subtotal(lines):
    """Sum of unit price times quantity over all lines."""
    return sum((line.price * line.quantity for line in lines), Decimal(0))


# Discounts are given in whole percent, as the back office enters them.
def apply_discount(amount, percent):
    """Return `amount` reduced by `percent`."""
    reduced = amount * (100 - percent) / 100
    return reduced.quantize(CENT)


def with_tax(amount, rate):
    """Add sales tax and round to a cent."""
    return (amount * (1 + rate)).quantize(CENT, rounding=ROUND_HALF_UP)
