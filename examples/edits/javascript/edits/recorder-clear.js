clear() {
  const entries = this.entries.slice();
  this.entries.length = 0;
  return entries;
}
