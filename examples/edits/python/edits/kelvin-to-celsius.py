# ... existing code ...


def c_to_k(celsius):
    return celsius - ABSOLUTE_ZERO_C


def k_to_c(kelvin):
    return kelvin + ABSOLUTE_ZERO_C


# ... existing code ...
