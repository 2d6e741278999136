import { useEffect } from "preact/hooks";
import { loginNeeded, Problem } from "./api";
import { Store, useStore } from "./store";

export interface Loaded<T> {
  data?: T;
  /** When `data` came, Unix milliseconds. */
  at: number;
  /** Why the last try failed; absent after one that worked. */
  problem?: Problem;
}

/** How many times as long as a request took is waited before the next, so that a large fleet sets its own pace. */
const PACE = 8;
/** Longest pause between two requests, ms. */
const SLOWEST = 30_000;

/** Something of the gateway that is asked for again and again while a visible component shows it. */
export class Resource<T> {
  readonly state = new Store<Loaded<T>>({ at: 0 });
  private users = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private loading = false;
  private stale = false;
  private failures = 0;

  constructor(
    private readonly load: () => Promise<T>,
    private readonly everyMs: number,
  ) {}

  /** Asks now, or once more after the request that is under way. */
  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    if (this.loading) {
      this.stale = true;
      return;
    }
    this.loading = true;
    const began = performance.now();
    try {
      const data = await this.load();
      this.failures = 0;
      this.state.set({ data, at: Date.now() });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.failures += 1;
      this.state.set({ ...this.state.value, problem: error });
    } finally {
      this.loading = false;
    }
    if (this.stale) {
      this.stale = false;
      void this.refresh();
    } else {
      const slowed = Math.max(this.everyMs, PACE * (performance.now() - began)) * 2 ** Math.min(this.failures, 4);
      this.plan(Math.min(slowed, SLOWEST));
    }
  }

  use(): Loaded<T> {
    useEffect(() => {
      const wake = () => this.wake();
      const forget = loginNeeded.watch(wake);
      document.addEventListener("visibilitychange", wake);
      this.users += 1;
      if (this.users === 1) wake();
      return () => {
        forget();
        document.removeEventListener("visibilitychange", wake);
        this.users -= 1;
        if (this.users === 0) clearTimeout(this.timer);
      };
    }, [this]);
    return useStore(this.state);
  }

  private wake(): void {
    if (this.users > 0 && !document.hidden && !loginNeeded.value) void this.refresh();
  }

  private plan(pauseMs: number): void {
    clearTimeout(this.timer);
    if (this.users > 0 && !document.hidden && !loginNeeded.value) {
      this.timer = setTimeout(() => void this.refresh(), pauseMs);
    }
  }
}
