import { ConnectionError, ProblemError } from "./errors.js";
import type { Problem } from "./types.js";

/** How a client reaches the gateway. */
export interface HttpOptions {
  /** Address of the gateway, such as `http://127.0.0.1:8080`. */
  url: string;
  /** Sent as `Authorization: Bearer …`. */
  apiKey?: string;
  /** Time for the answer to one request, beside what it waits for a job; 30000 when absent. */
  timeoutMs?: number;
  /** How often a request is sent again, 5 when absent and at most 20. */
  retries?: number;
  /**
   * Longest pause before a request is sent again, 30000 when absent. A gateway that asks for a longer one with
   * `Retry-After` is not asked again: its problem is thrown at once.
   */
  maxRetryDelayMs?: number;
  /** Instead of the global `fetch`. */
  fetch?: typeof fetch;
}

/** One request. */
export interface RequestOptions {
  /** The body's JSON text. */
  json?: string;
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  /** Time that the gateway may hold the request, beside `timeoutMs`. */
  holdMs?: number;
  /** Whether the request may be sent again when its fate is not known; so when absent. */
  repeatable?: boolean;
  signal?: AbortSignal | undefined;
}

/** First pause before a request is sent again; it doubles. */
const FIRST_DELAY_MS = 250;
const MAX_RETRIES = 20;

/** Requests to one gateway, sent again where that helps. */
export class Http {
  readonly #base: string;
  readonly #apiKey: string | undefined;
  readonly #fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly maxRetryDelayMs: number;

  constructor(options: HttpOptions) {
    const url = new URL(options.url);
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw new TypeError(`url ${options.url}: expected http:// or https://`);
    }
    this.#base = url.href.replace(/\/+$/, "");
    this.#apiKey = options.apiKey;
    this.#fetch = options.fetch ?? fetch;
    this.timeoutMs = positive("timeoutMs", options.timeoutMs ?? 30_000);
    this.retries = options.retries ?? 5;
    this.maxRetryDelayMs = positive("maxRetryDelayMs", options.maxRetryDelayMs ?? 30_000);
    if (!Number.isInteger(this.retries) || this.retries < 0 || this.retries > MAX_RETRIES) {
      throw new RangeError(`retries ${this.retries}: expected 0 to ${MAX_RETRIES}`);
    }
  }

  /** Sends a request and reads the JSON that comes back; sends it again on 429, 503 and lost connections. */
  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once<T>(method, path, options);
      } catch (error) {
        const delay = this.delay(error, attempt, options.repeatable ?? true);
        if (delay === undefined) throw error;
        await sleep(delay, options.signal);
      }
    }
  }

  /** How long to pause before the next attempt; nothing when there should be none. */
  delay(error: unknown, attempt: number, repeatable = true): number | undefined {
    if (attempt >= this.retries) return undefined;
    const backOff = Math.min(FIRST_DELAY_MS * 2 ** attempt, this.maxRetryDelayMs) * (0.5 + Math.random() / 2);
    if (error instanceof ConnectionError) return repeatable ? backOff : undefined;
    if (!(error instanceof ProblemError) || (error.status !== 429 && error.status !== 503)) return undefined;
    const asked = error.retryAfterMs ?? 0;
    return asked > this.maxRetryDelayMs ? undefined : Math.max(asked, backOff);
  }

  /** Sends one request and gives the response as soon as its head is there. */
  async open(method: string, path: string, options: RequestOptions, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { accept: "application/json", ...options.headers };
    if (this.#apiKey !== undefined) headers["authorization"] = `Bearer ${this.#apiKey}`;
    const init: RequestInit = { method, headers, signal, redirect: "error" };
    if (options.json !== undefined) {
      headers["content-type"] = "application/json";
      init.body = options.json;
    }
    const response = await this.#guard(options.signal, () => this.#fetch(this.#url(path, options), init));
    if (response.ok) return response;
    throw problemOf(response, await this.#guard(options.signal, () => response.text()));
  }

  async #once<T>(method: string, path: string, options: RequestOptions): Promise<T> {
    const limit = AbortSignal.timeout(this.timeoutMs + (options.holdMs ?? 0));
    const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
    const response = await this.open(method, path, options, signal);
    const text = await this.#guard(options.signal, () => response.text());
    try {
      return (text === "" ? undefined : JSON.parse(text)) as T;
    } catch (cause) {
      throw new ConnectionError(`${method} ${path}: the answer is no JSON`, { cause });
    }
  }

  /** Turns what `fetch` throws into an error of ours, except when the caller gave up. */
  async #guard<T>(caller: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      caller?.throwIfAborted();
      throw new ConnectionError(`${this.#base}: ${reason(cause)}`, { cause });
    }
  }

  #url(path: string, { query = {} }: RequestOptions): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) parameters.set(name, String(value));
    }
    const text = parameters.toString();
    return this.#base + path + (text === "" ? "" : `?${text}`);
  }
}

/** Sleeps; rejects with the signal's reason when it is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const wake = () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    };
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(wake, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** A positive number of milliseconds. */
export function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`${name} ${value}: expected a positive number of milliseconds`);
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // `fetch` says "fetch failed" and keeps what happened in its cause.
  return cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message;
}

function problemOf(response: Response, text: string): ProblemError {
  let problem: Partial<Problem> = {};
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === "object" && read !== null) problem = read;
  } catch {
    // Something before the gateway has answered in its own words.
  }
  const whole = {
    type: "about:blank",
    title: response.statusText,
    detail: text.slice(0, 500),
    code: `http_${response.status}`,
    ...problem,
    status: response.status,
  };
  return new ProblemError(whole, retryAfter(response.headers.get("retry-after")));
}

function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}
