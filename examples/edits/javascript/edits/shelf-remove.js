  remove(sku, quantity) {
    const left = this.count(sku) - quantity;
    if (left < 0) {
      throw new OutOfStockError(sku, quantity, this.count(sku));
    }
    if (left === 0) {
      this.counts.delete(sku);
    } else {
      this.counts.set(sku, left);
    }
    return left;
  }
