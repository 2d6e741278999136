/**
 * Enqueueing straight into Redis, without the gateway. It uses nothing but what `docs/redis-protocol.md` of Booster
 * Fleet promises to any Redis client, and needs the package `redis`.
 */
import { createClient } from "redis";

import { WaitTimeoutError } from "./errors.js";
import { positive, sleep } from "./http.js";
import type { FleetMessage, Job, Json, Outcome } from "./types.js";

/** What is used of a connected client of the package `redis`; that of a cluster will do. */
export interface RedisClient {
  xAdd(key: string, id: string, fields: { job: string }): Promise<unknown>;
  get(key: string): Promise<unknown>;
  duplicate(): RedisListener;
}

/** What is used of its second connection, which listens. */
export interface RedisListener {
  on(event: "error", listener: () => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (text: string) => void): Promise<unknown>;
  destroy(): void;
}

/** What a producer has to know of the fleet. */
export interface RedisProducerOptions {
  /** The fleet's `redis.keyPrefix`; `swarm:phase-5:` when absent. */
  keyPrefix?: string;
  /** The fleet's `redis.maxJobBytes`; 4 MiB when absent. Workers give up what is larger. */
  maxJobBytes?: number;
}

/** A job and the queue that has it. */
export interface JobRef {
  id: string;
  queue: string;
}

/** A job that has been added. */
export interface Enqueued extends JobRef {
  /** Its entry in the queue's stream. */
  entry: string;
}

/** Commands that are sent without waiting for the first one's answer. */
const PIPELINE = 500;
/** How often everything that is still missing is looked up, announced or not. */
const LOOK_EVERY_MS = 2000;
/** How much later for each missing job: a long list must not keep Redis busy. */
const LOOK_EACH_MS = 0.2;
/** How often a new producer tries to reach Redis before it gives up. */
const FIRST_ATTEMPTS = 10;
const NAME = /^[A-Za-z0-9._:-]+$/;

/**
 * Adds jobs by `XADD` and reads their outcomes.
 *
 * There is no check at this door: a job that is wrong, or that no worker has a booster for, ends as `dead` with the
 * reason. A full queue does not refuse it, and tenants take no turns.
 */
export class RedisProducer {
  readonly #client: RedisClient;
  readonly #close: () => Promise<unknown>;
  readonly #prefix: string;
  readonly #maxJobBytes: number;

  /** A producer on a connected client, which stays open when the producer is closed. */
  constructor(
    client: RedisClient,
    options: RedisProducerOptions = {},
    close: () => Promise<unknown> = async () => undefined,
  ) {
    this.#client = client;
    this.#close = close;
    this.#prefix = options.keyPrefix ?? "swarm:phase-5:";
    this.#maxJobBytes = options.maxJobBytes ?? 4 * 1024 * 1024;
  }

  /**
   * A producer with a connection of its own, such as to `redis://127.0.0.1:6379`. It is rejected when Redis cannot be
   * reached in some ten attempts; a connection that is lost later is made again for ever.
   */
  static async connect(url: string, options: RedisProducerOptions = {}): Promise<RedisProducer> {
    let connected = false;
    const reconnectStrategy = (attempts: number, cause: Error): number | Error => {
      return connected || attempts < FIRST_ATTEMPTS ? Math.min(50 * 2 ** attempts, 2000) : cause;
    };
    const client = createClient({ url, socket: { reconnectStrategy } });
    // Without a listener a lost connection would end the process.
    client.on("error", () => undefined);
    await client.connect();
    connected = true;
    return new RedisProducer(client, options, () => client.close());
  }

  /**
   * Adds a job to the queue of its priority, or to `queue`. A job without an `id` gets one here. A call that failed
   * may be repeated with the same `id`: a second entry with an id that the queue knows is dropped.
   */
  async enqueue(job: Job, options: { queue?: string } = {}): Promise<Enqueued> {
    const { id, queue, text } = this.#entry(job, options.queue);
    const entry = await this.#client.xAdd(this.#key(queue, "jobs"), "*", { job: text });
    return { id, queue, entry: String(entry) };
  }

  /** Adds jobs, in the order given. When it fails some may have been added; see `enqueue`. */
  async enqueueMany(jobs: Iterable<Job>, options: { queue?: string } = {}): Promise<Enqueued[]> {
    const whole = [...jobs];
    // All are checked before any is added.
    for (const job of whole) this.#entry(job, options.queue);
    const added: Enqueued[] = [];
    for (let n = 0; n < whole.length; n += PIPELINE) {
      const some = whole.slice(n, n + PIPELINE).map((job) => this.enqueue(job, options));
      added.push(...(await Promise.all(some)));
    }
    return added;
  }

  /** How a job ended; `null` until it has, and when its outcome is no longer kept. */
  async outcome<Output = Json, Refusal = Json>(job: JobRef): Promise<Outcome<Output, Refusal> | null> {
    const text = await this.#client.get(this.#outcomeKey(job));
    return text === null ? null : JSON.parse(String(text));
  }

  /**
   * Waits for a job's end, however it ends.
   *
   * @throws {WaitTimeoutError} when it has not ended within `timeoutMs`, 60000 when absent
   */
  async wait<Output = Json, Refusal = Json>(
    job: JobRef,
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<Outcome<Output, Refusal>> {
    for await (const outcome of this.waitEach<Output, Refusal>([job], options)) return outcome;
    throw new WaitTimeoutError([job.id], options.timeoutMs ?? 60_000);
  }

  /**
   * Gives the outcomes of jobs as they come. It listens to the fleet's events on a connection of its own, and looks
   * at what is missing every few seconds too, since a message may be missed.
   *
   * @throws {WaitTimeoutError} with the jobs that have not ended within `timeoutMs`, 60000 when absent
   */
  async *waitEach<Output = Json, Refusal = Json>(
    jobs: Iterable<JobRef>,
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<Outcome<Output, Refusal>, void, undefined> {
    const timeoutMs = positive("timeoutMs", options.timeoutMs ?? 60_000);
    const deadline = Date.now() + timeoutMs;
    const missing = new Map([...jobs].map((job) => [this.#outcomeKey(job), job]));
    const ended = new Announced(missing);
    const listener = this.#client.duplicate();
    listener.on("error", () => undefined);
    await listener.connect();
    try {
      await listener.subscribe(`${this.#prefix}booster`, (text) =>
        ended.hear(text, (job) => this.#outcomeKey(job)),
      );
      let looked = 0;
      while (missing.size > 0) {
        const due = Date.now() - looked >= LOOK_EVERY_MS + LOOK_EACH_MS * missing.size;
        if (due) looked = Date.now();
        const announced = ended.take();
        for await (const [key, text] of this.#read(due ? [...missing.keys()] : announced)) {
          missing.delete(key);
          yield JSON.parse(text);
        }
        if (missing.size === 0) return;
        if (Date.now() >= deadline) {
          throw new WaitTimeoutError([...missing.values()].map((job) => job.id), timeoutMs);
        }
        await ended.next(Math.min(deadline - Date.now(), LOOK_EVERY_MS), options.signal);
      }
    } finally {
      listener.destroy();
    }
  }

  /** Closes the connection, if it is the producer's own. */
  async close(): Promise<void> {
    await this.#close();
  }

  /** Those of these outcomes that are there. */
  async *#read(keys: string[]): AsyncGenerator<[string, string]> {
    for (let n = 0; n < keys.length; n += PIPELINE) {
      // Single commands, since the keys of several queues may be on several servers.
      const some = keys.slice(n, n + PIPELINE);
      const texts = await Promise.all(some.map((key) => this.#client.get(key)));
      for (const [place, text] of texts.entries()) {
        if (text !== null) yield [some[place]!, String(text)];
      }
    }
  }

  #entry(job: Job, named: string | undefined): { id: string; queue: string; text: string } {
    const queue = named ?? job.priority ?? "normal";
    const id = job.id ?? crypto.randomUUID();
    if (!NAME.test(queue) || queue.length > 64) {
      throw new RangeError(`queue ${queue}: expected 1 to 64 characters of A-Z a-z 0-9 . _ : -`);
    }
    if (!NAME.test(id) || id.length > 128) {
      throw new RangeError(`id ${id}: expected 1 to 128 characters of A-Z a-z 0-9 . _ : -`);
    }
    if (job.idempotencyKey !== undefined) {
      throw new TypeError("idempotencyKey: not looked at without the gateway; give the job an id instead");
    }
    const text = JSON.stringify({ ...job, id });
    const size = Buffer.byteLength(text);
    if (size > this.#maxJobBytes) {
      throw new RangeError(`job ${id}: ${size} bytes; expected at most ${this.#maxJobBytes}`);
    }
    return { id, queue, text };
  }

  #key(queue: string, name: string): string {
    return `${this.#prefix}{${queue}}:${name}`;
  }

  #outcomeKey(job: JobRef): string {
    return this.#key(job.queue, `job:${job.id}`);
  }
}

/** Which of the missing jobs have been said to have ended. */
class Announced {
  #keys = new Set<string>();
  #wake: () => void = () => undefined;

  constructor(readonly missing: ReadonlyMap<string, JobRef>) {}

  hear(text: string, keyOf: (job: JobRef) => string): void {
    const { type, data } = parsed(text);
    const last = type === "booster.task.completed" || (type === "booster.error" && data.dead);
    if (!last) return;
    const key = keyOf({ id: data.jobId, queue: data.queue });
    if (!this.missing.has(key)) return;
    this.#keys.add(key);
    this.#wake();
  }

  take(): string[] {
    const keys = [...this.#keys];
    this.#keys.clear();
    return keys;
  }

  /** Waits for the next announcement, at most `ms`. */
  async next(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#keys.size > 0) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const stop = signal ? AbortSignal.any([woken.signal, signal]) : woken.signal;
    await sleep(Math.max(ms, 0), stop).catch(() => signal?.throwIfAborted());
  }
}

/** A message of the channel, on which anybody may say anything. */
function parsed(text: string): FleetMessage | { type: undefined; data: undefined } {
  try {
    const message = JSON.parse(text) as FleetMessage | null;
    if (message?.data) return message;
  } catch {
    // Nothing that the fleet has said.
  }
  return { type: undefined, data: undefined };
}
