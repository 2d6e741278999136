class Sheet {
  // ... existing methods ...

  /** The value of a cell, the code of its error, or null when empty. */
  get(address) {
    const key = formatAddress(parseAddress(address));
    const cell = this.cells.get(key);
    if (!cell) {
      return null;
    }
    return cell.error ? String(cell.error.code ?? cell.error) : cell.value;
  }

  // ... existing methods ...
}
