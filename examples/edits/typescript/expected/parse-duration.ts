/** Milliseconds per unit letter. */
const UNITS: { [unit: string]: number } = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Parses texts such as "1h30m" or "-45s" into milliseconds. */
export function parseDuration(text: string): number {
  const input = text.trim();
  const negative = input.startsWith("-");
  const pattern = /(\d+)([smhd])/g;
  let total = 0;
  let match: RegExpExecArray | null;
  while ((match = pattern.exec(input)) !== null) {
    total += Number(match[1]) * UNITS[match[2]];
  }
  if (total === 0) {
    throw new SyntaxError(`not a duration: "${text}"`);
  }
  if (!Number.isSafeInteger(total)) {
    throw new RangeError(`duration is too long: "${text}"`);
  }
  return negative ? -total : total;
}

/** The opposite of parseDuration, with the largest units first. */
export function formatDuration(ms: number): string {
  let rest = Math.abs(ms);
  let out = ms < 0 ? "-" : "";
  for (const unit of ["d", "h", "m", "s"]) {
    const amount = Math.floor(rest / UNITS[unit]);
    rest -= amount * UNITS[unit];
    if (amount > 0) out += `${amount}${unit}`;
  }
  return out || "0s";
}
