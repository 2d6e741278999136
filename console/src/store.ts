import { useEffect, useReducer } from "preact/hooks";

/** A value that components can watch. Watchers hear of changes at most once a frame. */
export class Store<T> {
  private watchers = new Set<() => void>();
  private scheduled = false;

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    if (value === this.current) return;
    this.current = value;
    this.changed();
  }

  /** Tells the watchers that the value has changed within. */
  changed(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    nextFrame(() => {
      this.scheduled = false;
      for (const watcher of [...this.watchers]) watcher();
    });
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}

/** Hidden pages get no frames, so that a timer stands in. */
function nextFrame(task: () => void): void {
  if (document.hidden) setTimeout(task, 250);
  else requestAnimationFrame(task);
}

export function useStore<T>(store: Store<T>): T {
  const [, rerender] = useReducer<number, void>((count) => count + 1, 0);
  useEffect(() => {
    rerender();
    return store.watch(() => rerender());
  }, [store]);
  return store.value;
}

/** The time, once a second. */
export const clock = new Store(Date.now());
setInterval(() => clock.set(Date.now()), 1000);

/** A choice that outlives the page. */
export class Setting<T extends string> extends Store<T> {
  constructor(
    private readonly key: string,
    choices: readonly T[],
    fallback: T,
  ) {
    const stored = read(key) as T | null;
    super(stored !== null && choices.includes(stored) ? stored : fallback);
  }

  override set(value: T): void {
    try {
      localStorage.setItem(this.key, value);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
    super.set(value);
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
