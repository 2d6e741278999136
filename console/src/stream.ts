import { loginNeeded, Problem, send } from "./api";
import { CALM, Store } from "./store";
import type { FleetEvent } from "./types";

/** Events kept; the oldest go first. */
export const MAX_EVENTS = 5000;
/** How far past the limit the list may grow before it is cut, so that not every event moves the whole list. */
const SLACK = 500;
/** A gateway sends at least a comment every 15 s; after twice that and a little the connection counts as dead, ms. */
const SILENCE = 35_000;
/** How far back the page looks when it opens, ms. */
const PAST = 10 * 60_000;
/** Longest text without a line's end, characters: more than any event has. */
const MAX_LINE = 1 << 20;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

export type Connection =
  | { state: "connecting" }
  | { state: "open" }
  /** `retryAt` is when the next try begins. */
  | { state: "lost"; retryAt: number; why: string };

export const connection = new Store<Connection>({ state: "connecting" });
/** When the stream last said anything, heartbeats included. */
export const lastHeard = new Store(0, CALM);
/** The latest events, oldest first. The array is replaced only when it is cut. */
export const events = new Store<FleetEvent[]>([], CALM);
/** Events received since the page was opened. */
export let received = 0;

type Listener = (batch: FleetEvent[]) => void;
const listeners = new Set<Listener>();

/** Hears of new events in batches, in order. */
export function onEvents(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let lastId = "";
let pause = FIRST_PAUSE;
let hurry: (() => void) | undefined;

/** Ends the pause before the next try. */
export function reconnectNow(): void {
  pause = FIRST_PAUSE;
  hurry?.();
}

/** Receives events for as long as the page lives. */
export async function follow(): Promise<never> {
  loginNeeded.watch(() => loginNeeded.value || reconnectNow());
  window.addEventListener("online", reconnectNow);
  for (;;) {
    let why = "The gateway ended the event stream.";
    try {
      await receive();
    } catch (error) {
      why = error instanceof Problem ? error.message : "The event stream broke off.";
    }
    // Half of the pause is random, so that a restarted gateway is not asked by everybody at once.
    const delay = pause * (0.5 + Math.random() / 2);
    connection.set({ state: "lost", retryAt: Date.now() + delay, why });
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    await new Promise<void>((resolve) => {
      hurry = resolve;
      // Without a key there is no use in trying.
      if (!loginNeeded.value) setTimeout(resolve, delay);
    });
    connection.set({ state: "connecting" });
  }
}

async function receive(): Promise<void> {
  const abort = new AbortController();
  let watchdog = setTimeout(() => abort.abort(), SILENCE);
  try {
    const since = Date.now() - PAST;
    const path = lastId ? "/v1/events" : `/v1/events?since=${since}`;
    const headers = { Accept: "text/event-stream", ...(lastId && { "Last-Event-ID": lastId }) };
    const response = await send("GET", path, { headers, signal: abort.signal });
    if (!response.body) return;
    connection.set({ state: "open" });
    pause = FIRST_PAUSE;
    const parser = new Parser();
    const decoder = new TextDecoder();
    for (const reader = response.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(() => abort.abort(), SILENCE);
      lastHeard.set(Date.now());
      keep(parser.push(decoder.decode(value, { stream: true })));
    }
  } finally {
    clearTimeout(watchdog);
    abort.abort();
  }
}

function keep(batch: FleetEvent[]): void {
  if (batch.length === 0) return;
  received += batch.length;
  const list = events.value;
  for (const event of batch) list.push(event);
  if (list.length > MAX_EVENTS + SLACK) events.set(list.slice(-MAX_EVENTS));
  else events.changed();
  for (const listener of listeners) listener(batch);
}

/** Reads the lines of a `text/event-stream`; an event ends with an empty line. */
class Parser {
  private rest = "";
  private data = "";
  private id = "";

  push(text: string): FleetEvent[] {
    const batch: FleetEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n/);
    this.rest = lines.pop() ?? "";
    if (this.rest.length > MAX_LINE) throw new Problem(0, "line_too_long", "The event stream is not readable.");
    for (const line of lines) {
      if (line === "") this.finish(batch);
      else if (line.startsWith("data:")) this.data += line.slice(5);
      else if (line.startsWith("id:")) this.id = line.slice(3).trim();
    }
    return batch;
  }

  private finish(batch: FleetEvent[]): void {
    if (this.id) lastId = this.id;
    if (this.data) {
      try {
        const { type, timestamp, data } = JSON.parse(this.data) as FleetEvent;
        batch.push({ n: received + batch.length, type, timestamp, data: data ?? {} });
      } catch {
        // One text that is no JSON says nothing about the next.
      }
    }
    this.data = "";
  }
}
