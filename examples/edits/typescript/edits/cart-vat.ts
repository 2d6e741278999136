// ... existing code ...

export function shipping(total: number): number {
  return total >= FREE_SHIPPING_FROM ? 0 : 490;
}

/** The tax that is contained in a gross amount. */
export function includedVat(gross: number, rate = 19): number {
  return Math.round(gross - gross / (1 + rate / 100));
}

// ... existing code ...
