// ... existing code ...

export class Sheet {
  // ... existing code ...

  set(address: string, input: string): void {
    const key = CellRef.parse(address).key;
    if ((this.cells.get(key)?.input ?? "") === input) {
      return;
    }
    this.unlink(key);
    if (input === "") {
      this.cells.delete(key);
    } else {
      this.cells.set(key, this.read(input));
      this.link(key);
    }
    this.recalculate(key);
  }

  // ... existing code ...
}

// ... existing code ...
