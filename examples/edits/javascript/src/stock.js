'use strict';

class OutOfStockError extends Error {
  constructor(sku, wanted, available) {
    super(`${sku}: wanted ${wanted}, have ${available}`);
    this.name = 'OutOfStockError';
    Object.assign(this, { sku, wanted, available });
  }
}

/** One shelf: counts by article number. */
class Shelf {
  constructor(name, capacity) {
    this.name = name;
    this.capacity = capacity;
    this.counts = new Map();
  }

  get used() {
    let sum = 0;
    for (const count of this.counts.values()) {
      sum += count;
    }
    return sum;
  }

  count(sku) {
    return this.counts.get(sku) ?? 0;
  }

  add(sku, quantity) {
    this.counts.set(sku, this.count(sku) + quantity);
  }

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
  }
}

/** All shelves of one building. */
class Warehouse {
  constructor(shelves) {
    this.shelves = shelves;
    this.log = [];
  }

  count(sku) {
    return this.shelves.reduce((sum, shelf) => sum + shelf.count(sku), 0);
  }

  /** Put goods on the shelf with the most room. */
  add(sku, quantity) {
    const shelf = this.shelves.reduce((best, candidate) =>
      candidate.capacity - candidate.used > best.capacity - best.used ? candidate : best,
    );
    shelf.add(sku, quantity);
    this.log.push({ type: 'in', sku, quantity, shelf: shelf.name });
  }

  remove(sku, quantity) {
    const available = this.count(sku);
    if (available < quantity) {
      throw new OutOfStockError(sku, quantity, available);
    }
    let open = quantity;
    for (const shelf of this.shelves) {
      const part = Math.min(open, shelf.count(sku));
      if (part > 0) {
        shelf.remove(sku, part);
        this.log.push({ type: 'out', sku, quantity: part, shelf: shelf.name });
      }
      open -= part;
    }
  }
}

/** What to order: articles below their minimum, with the missing number. */
function reorderList(warehouse, minimums) {
  return Object.entries(minimums)
    .map(([sku, minimum]) => ({ sku, missing: minimum - warehouse.count(sku) }))
    .filter((entry) => entry.missing > 0);
}

module.exports = { OutOfStockError, Shelf, Warehouse, reorderList };
