export function applyDiscount(total: number, percent: number): number {
  if (percent < 0 || percent > 100) {
    throw new RangeError(`percent out of range: ${percent}`);
  }
  const discounted = total - (total * percent) / 100;
  return Math.max(0, Math.round(discounted));
}
