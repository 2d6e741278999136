get(key: K): V | undefined {
  if (!this.entries.has(key)) {
    return undefined;
  }
  const value = this.entries.get(key) as V;
  // Move the entry to the end: it is the youngest now.
  this.entries.delete(key);
  this.entries.set(key, value);
  return value;
}
