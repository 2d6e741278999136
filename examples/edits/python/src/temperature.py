"""Temperature conversion used by the sensor dashboard."""

ABSOLUTE_ZERO_C = -273.15


def c_to_f(celsius):
    return celsius * 9 / 5 + 32


def f_to_c(fahrenheit):
    return (fahrenheit - 32) * 5 / 9


def c_to_k(celsius):
    return celsius - ABSOLUTE_ZERO_C


def describe(celsius):
    """A word for the dashboard tile."""
    if celsius < 0:
        return "freezing"
    if celsius < 15:
        return "cool"
    if celsius < 25:
        return "mild"
    return "hot"
