export function parseDuration(text: string): number {
  const input = text.trim();
  const negative = input.startsWith("-");
  // ... existing code ...
  if (total === 0) {
    throw new SyntaxError(`not a duration: "${text}"`);
  }
  if (!Number.isSafeInteger(total)) {
    throw new RangeError(`duration is too long: "${text}"`);
  }
  return negative ? -total : total;
}
