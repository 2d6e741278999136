import { randomUUID } from "node:crypto";

/** Stock keeping unit, e.g. "MUG-BLUE-03". */
export type Sku = string;

export interface Product {
  sku: Sku;
  name: string;
  /** Price in cents. */
  price: number;
  /** Below this quantity the product should be ordered again. */
  reorderLevel: number;
}

export type MovementKind = "receipt" | "issue" | "transfer" | "correction";

export interface Movement {
  id: string;
  kind: MovementKind;
  sku: Sku;
  quantity: number;
  at: Date;
  note?: string;
}

export class OutOfStockError extends Error {
  constructor(
    readonly sku: Sku,
    readonly wanted: number,
    readonly available: number,
  ) {
    super(`${sku}: wanted ${wanted}, only ${available} available`);
  }
}

export class UnknownProductError extends Error {
  constructor(readonly sku: Sku) {
    super(`unknown product {${sku}}`);
  }
}

const SKU_PATTERN = /^[A-Z]{2,5}(-[A-Z0-9]{2,8}){1,3}$/;

/** True if the text looks like one of our SKUs. */
export function isValidSku(text: string): boolean {
  return SKU_PATTERN.test(text);
}

/* ------------------------------------------------------------------ */
/* Catalog                                                            */
/* ------------------------------------------------------------------ */

/** All products we know, whether or not they are in stock. */
export class Catalog {
  private readonly products = new Map<Sku, Product>();

  add(product: Product): void {
    if (!isValidSku(product.sku)) {
      throw new TypeError(`bad SKU "${product.sku}"`);
    }
    this.products.set(product.sku, product);
  }

  find(sku: Sku): Product {
    const product = this.products.get(sku);
    if (!product) {
      throw new UnknownProductError(sku);
    }
    return product;
  }

  /** Products whose name contains the text; upper and lower case are the same. */
  search(text: string): Product[] {
    const needle = text.toLowerCase();
    return [...this.products.values()].filter((p) => p.name.toLowerCase().includes(needle));
  }

  get count(): number {
    return this.products.size;
  }
}

/* ------------------------------------------------------------------ */
/* Stock                                                              */
/* ------------------------------------------------------------------ */

/** The stock of one building. */
export class Warehouse {
  private readonly stock = new Map<Sku, number>();
  private readonly reserved = new Map<Sku, number>();
  private readonly history: Movement[] = [];

  constructor(
    readonly name: string,
    private readonly catalog: Catalog,
  ) {}

  onHand(sku: Sku): number {
    return this.stock.get(sku) ?? 0;
  }

  available(sku: Sku): number {
    return this.onHand(sku) - (this.reserved.get(sku) ?? 0);
  }

  /** Goods have arrived. Only whole units are accepted. */
  receive(sku: Sku, quantity: number, note?: string): Movement {
    this.catalog.find(sku);
    if (!Number.isInteger(quantity) || quantity <= 0) {
      throw new RangeError("quantity must be a positive integer");
    }
    this.stock.set(sku, this.onHand(sku) + quantity);
    return this.record("receipt", sku, quantity, note);
  }

  /** Goods leave the building. */
  issue(sku: Sku, quantity: number, note?: string): Movement {
    const available = this.available(sku);
    if (quantity > available) {
      throw new OutOfStockError(sku, quantity, available);
    }
    this.stock.set(sku, this.onHand(sku) - quantity);
    return this.record("issue", sku, -quantity, note);
  }

  /** Holds goods back for an order. Returns a function that releases them. */
  reserve(sku: Sku, quantity: number): () => void {
    const available = this.available(sku);
    if (quantity > available) {
      throw new OutOfStockError(sku, quantity, available);
    }
    this.reserved.set(sku, (this.reserved.get(sku) ?? 0) + quantity);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.reserved.set(sku, (this.reserved.get(sku) ?? 0) - quantity);
    };
  }

  /** Corrects the stock after somebody has counted it. */
  correct(sku: Sku, counted: number): Movement | null {
    const difference = counted - this.onHand(sku);
    if (difference === 0) {
      return null;
    }
    this.stock.set(sku, counted);
    return this.record("correction", sku, difference, "stocktaking");
  }

  /** Movements of one product, oldest first. */
  find(sku: Sku, since: Date): Movement[] {
    return this.history.filter((m) => m.sku === sku && m.at >= since);
  }

  /** Products that should be ordered again. */
  lowStock(): Product[] {
    const low: Product[] = [];
    for (const [sku, quantity] of this.stock) {
      const product = this.catalog.find(sku);
      if (quantity < product.reorderLevel) {
        low.push(product);
      }
    }
    return low;
  }

  /** Value of everything in the building, in cents. */
  totalValue(): number {
    let value = 0;
    for (const [sku, quantity] of this.stock) {
      value += this.catalog.find(sku).price * quantity;
    }
    return value;
  }

  private record(kind: MovementKind, sku: Sku, quantity: number, note?: string): Movement {
    const movement: Movement = { id: randomUUID(), kind, sku, quantity, at: new Date(), note };
    this.history.push(movement);
    return movement;
  }
}

/** Moves goods from one building to another. */
export function transfer(from: Warehouse, to: Warehouse, sku: Sku, quantity: number): void {
  from.issue(sku, quantity, `to ${to.name}`);
  to.receive(sku, quantity, `from ${from.name}`);
}

/* ------------------------------------------------------------------ */
/* Reports                                                            */
/* ------------------------------------------------------------------ */

interface ReportLine {
  sku: Sku;
  name: string;
  quantity: number;
  value: string;
}

function money(cents: number): string {
  return (cents / 100).toFixed(2);
}

export function stockReport(warehouse: Warehouse, products: Product[]): ReportLine[] {
  return products
    .map((product) => {
      const quantity = warehouse.onHand(product.sku);
      return {
        sku: product.sku,
        name: product.name,
        quantity,
        value: money(quantity * product.price),
      };
    })
    .sort((a, b) => a.sku.localeCompare(b.sku));
}

/** The report as text with aligned columns. */
export function renderReport(lines: ReportLine[]): string {
  const header = ["SKU", "Name", "Qty", "Value"];
  const rows = lines.map((l) => [l.sku, l.name, String(l.quantity), l.value]);
  const widths = header.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i].length)),
  );
  const format = (cells: string[]) => cells.map((cell, i) => cell.padEnd(widths[i])).join("  ");
  return [format(header), ...rows.map(format)].join("\n");
}
