class Supplier {
  // ... existing code ...

  quote(sku) {
    return this.prices.get(sku) * (1 + this.markup);
  }

  // ... existing code ...
}
