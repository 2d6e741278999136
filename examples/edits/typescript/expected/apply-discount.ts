/** One line of a shopping cart. Prices are in cents. */
export interface CartLine {
  sku: string;
  unitPrice: number;
  quantity: number;
}

/** Adds up all lines before any discount. */
export function subtotal(lines: CartLine[]): number {
  return lines.reduce((sum, line) => sum + line.unitPrice * line.quantity, 0);
}

/**
 * Applies a percentage discount.
 * The result is never negative.
 */
export function applyDiscount(total: number, percent: number): number {
  if (percent < 0 || percent > 100) {
    throw new RangeError(`percent out of range: ${percent}`);
  }
  const discounted = total - (total * percent) / 100;
  return Math.max(0, Math.round(discounted));
}

// Shipping is free from this amount on.
const FREE_SHIPPING_FROM = 5000;

export function shipping(total: number): number {
  return total >= FREE_SHIPPING_FROM ? 0 : 490;
}

/** What the customer pays in the end. */
export function checkoutTotal(lines: CartLine[], percent = 0): number {
  const total = applyDiscount(subtotal(lines), percent);
  return total + shipping(total);
}
