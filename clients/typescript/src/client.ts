import { ConnectionError, OutcomeError, WaitTimeoutError } from "./errors.js";
import { Http, positive, sleep, type HttpOptions, type RequestOptions } from "./http.js";
import { MessageReader } from "./sse.js";
import type {
  ApplyOutput,
  ApplyRefusal,
  Cancelled,
  DeadJob,
  DeadPage,
  EventType,
  FleetEvent,
  FleetMessage,
  Job,
  JobOptions,
  JobView,
  Json,
  Outcome,
  Pool,
  Queue,
  Submitted,
} from "./types.js";

/** Most jobs of one request; `submitMany` sends as many requests as it needs. */
const MAX_JOBS = 1000;
/** Size of such a request beyond which the next one is begun, characters. */
const MAX_BODY = 8 * 1024 * 1024;
/** Longest time for which one request waits for a job; `wait` repeats it. Below the limits of usual proxies. */
const HOLD_S = 30;
/** Silence after which an event stream counts as lost; the gateway says something every 15 s. */
const SILENCE_MS = 45_000;

/** What every call takes. */
export interface CallOptions {
  signal?: AbortSignal;
}

/** What calls take that wait for a job. */
export interface WaitOptions extends CallOptions {
  /** How long to wait for the end; 60000 when absent. */
  timeoutMs?: number;
}

/** What `apply` takes beside code and edit. */
export interface ApplyOptions extends WaitOptions {
  language?: string;
  /** Whose extension tells the language where none is given. */
  path?: string;
  /** `snippet`, `markers`, `search_replace`, `unified_diff`, `apply_patch` or `whole_file`; else the edit shows it. */
  format?: string;
  /** Confidence below which the edit is refused, 0 to 1. */
  minConfidence?: number;
  /** Another booster with the same input and output; `apply` when absent. */
  booster?: string;
  /** The job's other fields. */
  job?: JobOptions;
}

/** Which events to give. */
export interface EventOptions extends CallOptions {
  /** Only these. */
  types?: EventType[];
  /** Those after this one: the `id` of an event. */
  after?: string;
  /** Those from this time on, Unix milliseconds; with neither, those that come from now on. */
  since?: number;
}

/** A fleet, over its HTTP gateway. */
export class BoosterFleet {
  readonly #http: Http;
  /** The dead jobs. */
  readonly dead: DeadJobs;

  constructor(options: HttpOptions) {
    this.#http = new Http(options);
    this.dead = new DeadJobs(this.#http);
  }

  /** Submits one job. A job without an `id` gets one here, so that sending it again adds nothing. */
  async submit(job: Job, options: CallOptions = {}): Promise<Submitted> {
    return this.#http.request("POST", "/v1/jobs", { json: JSON.stringify(identified(job)), ...options });
  }

  /**
   * Submits jobs, in the order given, at most 1000 in one request. When a later request fails, the jobs of earlier
   * ones have been accepted: with ids of your own you can submit all of them again.
   */
  async submitMany(jobs: Iterable<Job>, options: CallOptions = {}): Promise<Submitted[]> {
    const submitted: Submitted[] = [];
    for (const json of batches(jobs)) {
      const answer = await this.#http.request<{ jobs: Submitted[] }>("POST", "/v1/jobs", { json, ...options });
      submitted.push(...answer.jobs);
    }
    return submitted;
  }

  /** What is known of a job, with `input` also the job itself where it is kept. */
  async get(id: string, options: CallOptions & { input?: boolean } = {}): Promise<JobView> {
    const query = { input: options.input || undefined };
    return this.#http.request("GET", jobPath(id), { query, signal: options.signal });
  }

  /**
   * Waits for a job's end, however it ends.
   *
   * @throws {WaitTimeoutError} when it has not ended in time
   * @throws {ProblemError} with the code `job_unknown` when nobody knows it
   */
  async wait<Output = Json, Refusal = Json>(
    id: string,
    options: WaitOptions = {},
  ): Promise<Outcome<Output, Refusal>> {
    const timeoutMs = positive("timeoutMs", options.timeoutMs ?? 60_000);
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const hold = holdSeconds(deadline);
      const view = await this.#http.request<JobView>("GET", jobPath(id), {
        query: { wait: hold },
        holdMs: hold * 1000,
        signal: options.signal,
      });
      if (view.outcome) return view.outcome as unknown as Outcome<Output, Refusal>;
      if (Date.now() >= deadline) throw new WaitTimeoutError([id], timeoutMs);
    }
  }

  /** Cancels a job: at once while it waits, else by telling the worker that runs it. */
  async cancel(id: string, options: CallOptions = {}): Promise<Cancelled> {
    return this.#http.request("DELETE", jobPath(id), options);
  }

  /**
   * Has an edit applied and gives the new file.
   *
   * @throws {OutcomeError} when the booster refused the edit, or the job died or was cancelled
   * @throws {WaitTimeoutError} when it has not ended in time; it goes on
   */
  async apply(code: string, edit: string, options: ApplyOptions = {}): Promise<ApplyOutput> {
    const { timeoutMs = 60_000, signal, booster = "apply", job = {}, ...more } = options;
    const deadline = Date.now() + positive("timeoutMs", timeoutMs);
    const hold = holdSeconds(deadline);
    const whole = identified({ ...job, booster, input: { code, edit, ...more } });
    const answer = await this.#http.request<Submitted | JobView>("POST", "/v1/jobs", {
      json: JSON.stringify(whole),
      headers: { prefer: `wait=${hold}` },
      holdMs: hold * 1000,
      signal,
    });
    const ended = "outcome" in answer ? (answer.outcome as Outcome<unknown, unknown>) : undefined;
    const left = { timeoutMs: Math.max(deadline - Date.now(), 1), ...(signal && { signal }) };
    const outcome = (ended ?? (await this.wait(answer.id, left))) as Outcome<ApplyOutput, ApplyRefusal>;
    if (outcome.outcome === "done") return outcome.output;
    throw new OutcomeError<ApplyRefusal>(outcome);
  }

  /**
   * The fleet's events as they come, until the loop over them is left or `signal` is aborted. A lost connection is
   * made again, and nothing is missed that the gateway still keeps: leave with an event's `id` and go on `after` it.
   *
   * @throws {BoosterError} when the gateway says no, or cannot be reached `retries` times in a row
   */
  async *events(options: EventOptions = {}): AsyncGenerator<FleetEvent, void, undefined> {
    const place: Place = { after: options.after, since: options.since };
    for (let failures = 0; ; ) {
      try {
        for await (const event of this.#listen(options, place)) {
          failures = 0;
          if (event.id !== "") place.after = event.id;
          yield event;
        }
        // The gateway has ended the stream, such as for its own restart.
        await sleep(Math.min(1000, this.#http.maxRetryDelayMs), options.signal);
      } catch (error) {
        if (options.signal?.aborted) return;
        const delay = this.#http.delay(error, failures++);
        if (delay === undefined) throw error;
        await sleep(delay, options.signal).catch(() => undefined);
      }
      if (options.signal?.aborted) return;
    }
  }

  /** One connection's events. */
  async *#listen(options: EventOptions, place: Place): AsyncGenerator<FleetEvent> {
    const stop = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
    const silent = () => stop.abort(new ConnectionError(`the event stream was silent for ${SILENCE_MS} ms`));
    let watchdog = setTimeout(silent, SILENCE_MS);
    try {
      const response = await this.#http.open("GET", "/v1/events", eventRequest(options, place), signal);
      // Should this connection end before its first event, the next one begins where this one did.
      place.since ??= Date.parse(response.headers.get("date") ?? "") || Date.now();
      const reader = new MessageReader();
      for await (const bytes of body(response)) {
        clearTimeout(watchdog);
        for (const message of reader.read(bytes)) {
          yield { ...(JSON.parse(message.data) as FleetMessage), id: message.id };
        }
        // Time in which the caller was busy with an event is not the gateway's silence.
        watchdog = setTimeout(silent, SILENCE_MS);
      }
    } finally {
      clearTimeout(watchdog);
      stop.abort();
    }
  }

  /** All queues. */
  async queues(options: CallOptions = {}): Promise<Queue[]> {
    return (await this.#http.request<{ queues: Queue[] }>("GET", "/v1/queues", options)).queues;
  }

  /** Workers and their slots. */
  async pool(options: CallOptions = {}): Promise<Pool> {
    return this.#http.request("GET", "/v1/pool", options);
  }

  /**
   * Any other request of the gateway's interface, with this client's key, time limits and repeats.
   *
   * @param options.repeatable `false` when sending the request twice would do harm
   */
  async request<T = Json>(
    method: string,
    path: string,
    options: CallOptions & { body?: unknown } & Pick<RequestOptions, "query" | "headers" | "holdMs" | "repeatable"> = {},
  ): Promise<T> {
    const { body, ...more } = options;
    return this.#http.request(method, path, body === undefined ? more : { ...more, json: JSON.stringify(body) });
  }
}

/** Dead jobs: those whose retries are used up, that are invalid, or that crashed their workers. */
export class DeadJobs {
  readonly #http: Http;

  /** @internal */
  constructor(http: Http) {
    this.#http = http;
  }

  /** One page, the latest first. */
  async page(
    options: CallOptions & { queue?: string; limit?: number; cursor?: string } = {},
  ): Promise<DeadPage> {
    const { queue, limit, cursor, signal } = options;
    return this.#http.request("GET", "/v1/dead", { query: { queue, limit, cursor }, signal });
  }

  /** All of them, page by page. */
  async *list(options: CallOptions & { queue?: string } = {}): AsyncGenerator<DeadJob, void, undefined> {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await this.page(cursor === undefined ? options : { ...options, cursor });
      yield* page.dead;
      cursor = page.cursor ?? null;
    }
  }

  /** What is known of one, with the job. */
  async get(id: string, options: CallOptions = {}): Promise<JobView> {
    return this.#http.request("GET", deadPath(id), options);
  }

  /** Lets one run again. */
  async retry(id: string, options: CallOptions = {}): Promise<void> {
    await this.#http.request("POST", `${deadPath(id)}/retry`, options);
  }

  /** Lets all run again, or all of one queue; how many. */
  async retryAll(options: CallOptions & { queue?: string } = {}): Promise<number> {
    const { queue, signal } = options;
    const request = { query: { queue }, signal };
    return (await this.#http.request<{ retried: number }>("POST", "/v1/dead/retry", request)).retried;
  }

  /** Forgets one. */
  async drop(id: string, options: CallOptions = {}): Promise<void> {
    await this.#http.request("DELETE", deadPath(id), options);
  }
}

/** Where a stream of events begins. */
interface Place {
  after: string | undefined;
  since: number | undefined;
}

function eventRequest({ types }: EventOptions, { after, since }: Place): RequestOptions {
  const query = { types: types?.join(","), since: after === undefined ? since : undefined };
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (after !== undefined) headers["last-event-id"] = after;
  return { query, headers };
}

/** The bytes of a response as they come. */
async function* body(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw cause instanceof ConnectionError ? cause : new ConnectionError(`the event stream broke: ${cause}`, { cause });
  } finally {
    reader.releaseLock();
  }
}

function identified(job: Job): Job {
  return job.id === undefined && job.idempotencyKey === undefined ? { ...job, id: crypto.randomUUID() } : job;
}

/** Bodies of requests with at most so many jobs, and so many characters. */
function* batches(jobs: Iterable<Job>): Generator<string> {
  let texts: string[] = [];
  let size = 0;
  for (const job of jobs) {
    const text = JSON.stringify(identified(job));
    if (texts.length === MAX_JOBS || (texts.length > 0 && size + text.length > MAX_BODY)) {
      yield `[${texts.join(",")}]`;
      texts = [];
      size = 0;
    }
    texts.push(text);
    size += text.length;
  }
  if (texts.length > 0) yield `[${texts.join(",")}]`;
}

/** Whole seconds until the deadline, at least one and at most what one request may wait. */
function holdSeconds(deadline: number): number {
  return Math.min(Math.max(Math.ceil((deadline - Date.now()) / 1000), 1), HOLD_S);
}

function jobPath(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}

function deadPath(id: string): string {
  return `/v1/dead/${encodeURIComponent(id)}`;
}

