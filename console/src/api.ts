import { Setting, Store } from "./store";
import type { DeadJob, JobSummary, JobView, Module, Point, Pool, Queue, Slot, Worker } from "./types";

/** Longest time a request may take: a promotion waits a minute for the workers. */
const TIMEOUT_MS = 90_000;

/** The gateway wants an API key that this page does not have. */
export const loginNeeded = new Store(false);
/** Whether there is a session to end. The cookie itself is out of a page's sight. */
export const loggedIn = new Setting("console.session", ["yes", "no"], "no");
/** When the gateway last answered anything. */
export const lastAnswer = new Store(0);

/** An error as the gateway's problem documents tell it, or a request that got no answer (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

interface Options {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Sends a request and throws what is no success as a {@link Problem}. */
export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const init: RequestInit = { method, credentials: "same-origin", cache: "no-store" };
  init.signal = options.signal ?? AbortSignal.timeout(TIMEOUT_MS);
  init.headers = { ...options.headers };
  if (options.body !== undefined) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new Problem(0, late ? "timeout" : "unreachable", late ? "The gateway took too long." : "The gateway cannot be reached.");
  }
  lastAnswer.set(Date.now());
  if (response.status === 401) {
    loginNeeded.set(true);
    loggedIn.set("no");
  }
  if (!response.ok) throw await problem(response);
  return response;
}

async function problem(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as { code?: string; detail?: string; title?: string };
    return new Problem(response.status, body.code ?? "", body.detail ?? body.title ?? response.statusText);
  } catch {
    return new Problem(response.status, "", `${response.status} ${response.statusText}`.trim());
  }
}

async function json<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await send(method, path, body === undefined ? {} : { body });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const id = encodeURIComponent;

/** A query string of those values that say something. */
function query(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return given.length === 0 ? "" : `?${given.map(([name, value]) => `${name}=${id(String(value))}`).join("&")}`;
}

/** Gives the key for a cookie; `operator` is whether it may see the whole fleet. */
export const logIn = (key: string) => json<{ operator: boolean }>("POST", "/v1/session", { key });
export const logOut = () => json<void>("DELETE", "/v1/session");

export const history = async (minutes: number) =>
  json<{ stepS: number; points: Point[] }>("GET", `/v1/metrics/history${query({ minutes })}`);

export const queues = async () => (await json<{ queues: Queue[] }>("GET", "/v1/queues")).queues;
export const steerQueue = (name: string, action: "pause" | "resume" | "drain") =>
  json<unknown>("POST", `/v1/queues/${id(name)}/${action}`);

export interface JobFilter {
  queue?: string;
  state?: string;
  booster?: string;
  q?: string;
}
export const jobs = (filter: JobFilter, cursor?: string) =>
  json<{ jobs: JobSummary[]; cursor: string | null }>("GET", `/v1/jobs${query({ ...filter, limit: 100, cursor })}`);
export const job = (name: string) => json<JobView>("GET", `/v1/jobs/${id(name)}?input=true`);
export const retryJob = (name: string) => json<unknown>("POST", `/v1/jobs/${id(name)}/retry`);
export const cancelJob = (name: string) => json<{ cancellation: string }>("DELETE", `/v1/jobs/${id(name)}`);

export const dead = (queueName: string, cursor?: string) =>
  json<{ dead: DeadJob[]; cursor: string | null }>("GET", `/v1/dead${query({ queue: queueName, limit: 100, cursor })}`);
export const retryDead = (name: string) => json<unknown>("POST", `/v1/dead/${id(name)}/retry`);
export const retryAllDead = (queueName: string) =>
  json<{ retried: number }>("POST", `/v1/dead/retry${query({ queue: queueName })}`);
export const dropDead = (name: string) => json<unknown>("DELETE", `/v1/dead/${id(name)}`);

export const modules = async () => (await json<{ modules: Module[] }>("GET", "/v1/modules")).modules;
export const promote = (name: string, version: string) =>
  json<unknown>("POST", `/v1/modules/${id(name)}/promote`, { version });
export const rollback = (name: string) => json<unknown>("POST", `/v1/modules/${id(name)}/rollback`);

export async function pool(): Promise<Pool> {
  const answer = await json<{ workers: Worker[]; slots: RawSlot[] }>("GET", "/v1/pool");
  return { workers: answer.workers, slots: answer.slots.map(slot) };
}

interface RawSlot extends Omit<Slot, "tasks" | "meanLatencyMs" | "job"> {
  performanceMetrics: { tasks?: number; meanLatencyMs?: number };
}

/** Keeps what the page shows, so that 5000 task histories need not stay in memory. */
function slot(raw: RawSlot): Slot {
  const { boosterId, instanceId, status, lastActivity, memoryUsage, errorCount, health } = raw;
  const { tasks = 0, meanLatencyMs = 0 } = raw.performanceMetrics;
  const kept: Slot = { boosterId, instanceId, status, lastActivity, memoryUsage, errorCount, tasks, meanLatencyMs };
  if (health) kept.health = health;
  return kept;
}
