def ship(self, sku, quantity):
    """Reserved goods leave the house."""
    self._require(sku)
    if quantity > self._reserved[sku]:
        raise OutOfStock(sku, quantity, self._reserved[sku])
    self._reserved[sku] -= quantity
    self._counts[sku] -= quantity
