import { useEffect, useReducer } from "preact/hooks";

/** Pause between two redrawings of what changes all the time, ms: people read no faster. */
export const CALM = 200;

/** A value that components can watch. Watchers hear of changes once a frame, or once in `pauseMs`. */
export class Store<T> {
  private watchers = new Set<() => void>();
  private scheduled = false;

  constructor(
    private current: T,
    private readonly pauseMs = 0,
  ) {}

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
    const tell = () => {
      this.scheduled = false;
      for (const watcher of [...this.watchers]) watcher();
    };
    // Hidden pages get no frames.
    if (this.pauseMs > 0 || document.hidden) setTimeout(tell, this.pauseMs || CALM);
    else requestAnimationFrame(tell);
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
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
