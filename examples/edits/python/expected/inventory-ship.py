"""Stock keeping for a small workshop."""

from collections import defaultdict
from dataclasses import dataclass


class OutOfStock(Exception):
    def __init__(self, sku, wanted, available):
        super().__init__(f"{sku}: wanted {wanted}, have {available}")
        self.sku = sku
        self.wanted = wanted
        self.available = available


@dataclass
class Item:
    sku: str
    name: str
    reorder_level: int = 0
    bin: str = ""


class Inventory:
    """Counts of items, and reservations against them."""

    def __init__(self):
        self._items = {}
        self._counts = defaultdict(int)
        self._reserved = defaultdict(int)

    def register(self, item):
        if item.sku in self._items:
            raise KeyError(f"duplicate sku {item.sku}")
        self._items[item.sku] = item

    def receive(self, sku, quantity):
        """Goods came in."""
        self._require(sku)
        self._counts[sku] += quantity

    def available(self, sku):
        """What can still be promised to a customer."""
        self._require(sku)
        return self._counts[sku] - self._reserved[sku]

    def reserve(self, sku, quantity):
        free = self.available(sku)
        if quantity > free:
            raise OutOfStock(sku, quantity, free)
        self._reserved[sku] += quantity

    def release(self, sku, quantity):
        """Give back a reservation that was not used."""
        self._require(sku)
        self._reserved[sku] = max(0, self._reserved[sku] - quantity)

    def ship(self, sku, quantity):
        """Reserved goods leave the house."""
        self._require(sku)
        if quantity > self._reserved[sku]:
            raise OutOfStock(sku, quantity, self._reserved[sku])
        self._reserved[sku] -= quantity
        self._counts[sku] -= quantity

    def _require(self, sku):
        if sku not in self._items:
            raise KeyError(f"unknown sku {sku}")


def reorder_list(inventory):
    """Items at or below their reorder level, lowest stock first."""
    low = [
        item
        for item in inventory._items.values()
        if inventory.available(item.sku) <= item.reorder_level
    ]
    return sorted(low, key=lambda item: inventory.available(item.sku))


def pick_list(order):
    """Group the lines of an order by storage bin.

    `order` is a list of (item, quantity) pairs. The bins come in the
    order of their names, which is the order of the aisles.
    """
    bins = defaultdict(list)
    for item, quantity in order:
        bins[item.bin].append((item.sku, quantity))
    return sorted(bins.items())


def format_pick_list(order):
    lines = []
    for name, entries in pick_list(order):
        lines.append(f"bin {name}")
        for sku, quantity in entries:
            lines.append(f"  {quantity:>4} x {sku}")
    return "\n".join(lines)
