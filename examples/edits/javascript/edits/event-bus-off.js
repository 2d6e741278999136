class EventBus {
  // ... existing code ...

  off(pattern, listener) {
    const set = this.listeners.get(pattern);
    if (!set?.delete(listener)) {
      return false;
    }
    if (set.size === 0) {
      this.listeners.delete(pattern);
    }
    return true;
  }

  // ... existing code ...
}
