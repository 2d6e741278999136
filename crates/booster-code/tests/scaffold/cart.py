class Cart:
    def __init__(self, items: list[int], rate: float = 0.2):
        self.items = items

    def total(self) -> float:
        return sum(self.items)

    @staticmethod
    def of(*items: int) -> "Cart":
        """A cart of items."""
        return Cart(list(items))


def parse_line(text: str, sep=","):
    return text.split(sep)
