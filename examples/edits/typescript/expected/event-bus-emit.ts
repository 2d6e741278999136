/* A typed event bus. The type parameter maps event names to payloads:
 *
 *   interface Events { saved: { id: string }; closed: void }
 *   const bus = new EventBus<Events>();
 */

export type Callback<P> = (payload: P) => void;
export type Unsubscribe = () => void;

interface Subscription<P> {
  callback: Callback<P>;
  once: boolean;
}

export class EventBus<E extends object> {
  private subscriptions: { [N in keyof E]?: Subscription<E[N]>[] } = {};
  private muted = false;

  /** Calls `callback` for each event until it is unsubscribed. */
  on<N extends keyof E>(name: N, callback: Callback<E[N]>): Unsubscribe {
    return this.subscribe(name, { callback, once: false });
  }

  once<N extends keyof E>(name: N, callback: Callback<E[N]>): Unsubscribe {
    return this.subscribe(name, { callback, once: true });
  }

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

  /** Runs `action` while no event is delivered. */
  silently<R>(action: () => R): R {
    this.muted = true;
    try {
      return action();
    } finally {
      this.muted = false;
    }
  }

  private subscribe<N extends keyof E>(name: N, subscription: Subscription<E[N]>): Unsubscribe {
    const list = (this.subscriptions[name] ??= []);
    list.push(subscription);
    return () => {
      const current = this.subscriptions[name] ?? [];
      this.subscriptions[name] = current.filter((s) => s !== subscription);
    };
  }
}

export class EventRecorder<P> {
  private items: P[] = [];

  record(payload: P): void {
    this.items.push(payload);
  }

  last(): P | undefined {
    return this.items[this.items.length - 1];
  }

  reset(): void {
    this.items = [];
  }
}

export class ErrorRecorder {
  private items: Error[] = [];

  guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.items.push(error instanceof Error ? error : new Error(String(error)));
    }
  }

  get failed(): boolean {
    return this.items.length > 0;
  }

  reset(): void {
    this.items = [];
  }
}

/** Resolves with the payload of the next event of that name. */
export function nextEvent<E extends object, N extends keyof E>(
  bus: EventBus<E>,
  name: N,
): Promise<E[N]> {
  return new Promise((resolve) => {
    bus.once(name, resolve);
  });
}
