// ... existing code ...

export class EventBus<E extends object> {
  // ... existing code ...

  emit<N extends keyof E>(name: N, payload: E[N]): number {
    if (this.muted) {
      return 0;
    }
    const list = this.subscriptions[name] ?? [];
    this.subscriptions[name] = list.filter((s) => !s.once);
    let delivered = 0;
    for (const subscription of list) {
      try {
        subscription.callback(payload);
        delivered++;
      } catch (error) {
        console.error(`listener of ${String(name)} failed`, error);
      }
    }
    return delivered;
  }

  // ... existing code ...
}

// ... existing code ...
