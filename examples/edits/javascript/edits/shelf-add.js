class Shelf {
  // ... existing code ...

  add(sku, quantity) {
    if (this.used + quantity > this.capacity) {
      throw new RangeError(`shelf ${this.name} is full`);
    }
    this.counts.set(sku, this.count(sku) + quantity);
  }

  // ... existing code ...
}
