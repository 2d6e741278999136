  minArgs(): number {
    // Nothing is also fine.
    return 0;
  }
