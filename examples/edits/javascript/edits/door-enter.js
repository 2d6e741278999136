class Door {
  // ... existing code ...

  #enter(next) {
    const previous = this.#state;
    if (previous === next) {
      return;
    }
    this.#state = next;
    for (const listener of this.#listeners) {
      listener(next, previous);
    }
  }
}
