export class Warehouse {
  /* ... existing methods ... */

  /** Goods have arrived. Only whole units are accepted. */
  receive(sku: Sku, quantity: number, note?: string): Movement {
    this.catalog.find(sku);
    if (!Number.isInteger(quantity) || quantity <= 0) {
      throw new RangeError("quantity must be a positive integer");
    }
    this.stock.set(sku, this.onHand(sku) + quantity);
    return this.record("receipt", sku, quantity, note);
  }

  /* ... existing methods ... */
}
