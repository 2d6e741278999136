class Backpack {
  // ... existing code ...

  take(type) {
    const stack = this.items.find((item) => item.type === type);
    if (!stack) {
      return null;
    }
    stack.count -= 1;
    if (stack.count === 0) {
      this.items.splice(this.items.indexOf(stack), 1);
    }
    return new Item(type);
  }

  has(type) {
    return this.items.some((item) => item.type === type);
  }

  // ... existing code ...
}
