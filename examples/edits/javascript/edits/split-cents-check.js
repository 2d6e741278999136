function splitCents(cents, parts) {
  if (!Number.isInteger(parts) || parts < 1) {
    throw new RangeError(`cannot split into ${parts} parts`);
  }
  const share = Math.floor(cents / parts);
  const left = cents - share * parts;
  return Array.from({ length: parts }, (_, i) => share + (i < left ? 1 : 0));
}
