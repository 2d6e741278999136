/** What the gateway takes and gives, as JSON. Times are Unix milliseconds. Readers ignore fields they do not know. */

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The queue that a job takes. */
export type Priority = "high" | "normal" | "low";

/** What every job may carry, whatever it asks for. */
export interface JobOptions {
  /** 1 to 128 of `A-Z a-z 0-9 . _ : -`; made by the client when absent. A second job with the same id is a no-op. */
  id?: string;
  /** `normal` when absent. */
  priority?: Priority;
  /** Deadline of one attempt, 1 to 3600000. */
  timeoutMs?: number;
  /** Retries of a failed attempt, 0 to 100. */
  maxRetries?: number;
  /** Earliest start. */
  runAt?: number;
  /** A second job with the same key and tenant gets the same id. */
  idempotencyKey?: string;
  /** On whose behalf: tenants take turns. */
  tenant?: string;
  /** Who asks; repeated in the job's events. */
  agentId?: string;
  /** Kept with the job. */
  traceparent?: string;
  /** Free for the producer. */
  meta?: Json;
}

/** A job: a booster by name (`apply`, `apply@1.0.0`) or by capability, and its input. */
export type Job = JobOptions & { input: Json } & (
    | { booster: string; capability?: never }
    | { capability: string; booster?: never }
  );

/** The answer to a submit. */
export interface Submitted {
  id: string;
  queue: string;
  /** `false` when a job with this id was known already; nothing was added then. */
  accepted: boolean;
}

/** A stable code and a sentence for people. */
export interface ErrorDetail {
  code: string;
  message: string;
}

/** What every outcome tells. */
export interface OutcomeBase {
  id: string;
  /** Failed attempts. */
  attempts: number;
  /** Attempts that took their process with them. */
  crashes: number;
  /** Time of the last attempt in the sandbox. */
  latencyMs: number;
  /** From enqueueing, or the end of a deliberate delay, to the last attempt's start. */
  waitMs: number;
  /** Who settled it; empty when it was cancelled before it ran. */
  worker: string;
  /** `name@version` that ran, or `agent`; empty when none did. */
  booster: string;
  enqueuedAt: number;
  finishedAt: number;
  /** Whether something other than a worker did the job. */
  usedFallback: boolean;
}

/** How a job ended. */
export type Outcome<Output = Json, Refusal = Json> = OutcomeBase &
  (
    | { outcome: "done"; output: Output }
    | { outcome: "refused"; refusal: Refusal }
    | { outcome: "dead"; error: ErrorDetail }
    | { outcome: "cancelled" }
  );

/** Where a job is, or how it ended. */
export type JobState =
  | "waiting"
  | "parked"
  | "delayed"
  | "running"
  | "done"
  | "refused"
  | "dead"
  | "cancelled";

/** What is known of a job. */
export interface JobView {
  id: string;
  queue: string;
  state: JobState;
  enqueuedAt: number;
  attempts: number;
  /** Absent until the job has ended. */
  outcome?: Outcome;
  /** The job with its input, when it was asked for and is kept. */
  job?: Job;
}

/** What became of the wish to cancel. */
export interface Cancelled {
  id: string;
  /** It will not run, its worker has been told to stop it, or it had ended. */
  cancellation: "cancelled" | "requested" | "ended";
  /** How it had ended. */
  state?: JobState;
}

/** One queue. */
export interface Queue {
  name: string;
  waiting: number;
  delayed: number;
  running: number;
  /** Counted since the queue began, as the next three. */
  done: number;
  refused: number;
  dead: number;
  cancelled: number;
  /** Dropped because their id was known. */
  deduplicated: number;
  /** Dead jobs that are still kept. */
  deadKept: number;
  /** Age of the oldest waiting job in milliseconds. */
  oldestAgeMs: number;
  mode: "open" | "paused" | "draining";
}

/** A worker process. */
export interface Worker {
  id: string;
  host: string;
  version: string;
  startedAt: number;
  boosters: string[];
  /** The queues that it serves. */
  queues: string[];
}

/** One slot of a worker's pool. */
export interface Slot {
  boosterId: string;
  instanceId: string;
  status: "initializing" | "ready" | "busy" | "error" | "recovered";
  /** When the state last changed. */
  lastActivity: number;
  /** Most memory of the last job's instance in bytes. */
  memoryUsage: number;
  /** Failed tasks. */
  errorCount: number;
  /** Absent when the instance was replaced meanwhile. */
  health?: "healthy" | "degraded" | "unhealthy";
  /** The last tasks, at most 20; none without `booster.performanceTracking`. */
  taskHistory: { taskId: string; booster: string; result: string; latencyMs: number; at: number }[];
  /** Empty without `booster.performanceTracking`. */
  performanceMetrics: { tasks?: number; errors?: number; busyMs?: number; meanLatencyMs?: number };
}

/** Workers and their slots. */
export interface Pool {
  workers: Worker[];
  slots: Slot[];
}

/** A dead job. */
export interface DeadJob {
  id: string;
  queue: string;
  /** A stable code. */
  reason: string;
  /** Failed attempts. */
  attempts: number;
  /** What happened. */
  error: string;
  /** When it died. */
  at: number;
}

/** A page of dead jobs, the latest first; `cursor` is `null` on the last one. */
export interface DeadPage {
  dead: DeadJob[];
  cursor: string | null;
}

/** What the `apply` booster answers. */
export interface ApplyOutput {
  /** The new file. */
  output: string;
  success: boolean;
  /** A measured share of right results, 0 to 1. */
  confidence: number;
  /** How the place was found. */
  strategy: string;
  language: string;
  tokens: Json;
  /** Byte ranges of the code and what replaces them. */
  edits: Json[];
  /** The change as a unified diff. */
  diff: string;
}

/** Why the `apply` booster would not edit. */
export interface ApplyRefusal {
  success: false;
  reason: string;
  message: string;
  /** The definitions that the edit may have meant. */
  candidates?: Json[];
}

/** What happened in the fleet, by type. */
export interface EventData {
  "booster.requested": { jobId: string; queue: string; booster: string; agentId?: string };
  "booster.allocated": {
    jobId: string;
    queue: string;
    boosterId: string;
    instanceId: string;
    workerId: string;
    attempt: number;
    waitMs: number;
  };
  "booster.task.completed": {
    jobId: string;
    queue: string;
    booster: string;
    outcome: "done" | "refused" | "cancelled";
    workerId: string;
    latencyMs: number;
    agentId?: string;
  };
  "booster.error": {
    jobId: string;
    queue: string;
    booster: string;
    cause?: string;
    error: ErrorDetail;
    attempts: number;
    latencyMs: number;
    dead: boolean;
    retryAt?: number;
    workerId: string;
    agentId?: string;
  };
  "booster.recovered": {
    boosterId: string;
    oldInstanceId: string;
    instanceId: string;
    workerId: string;
    cause: string;
    recoveryMs: number;
  };
  "booster.pool.updated": { workerId: string; slots: number; change: string };
}

/** The types of events. */
export type EventType = keyof EventData;

/** An event, as it was published. */
export type FleetMessage = {
  [Type in EventType]: { type: Type; timestamp: number; data: EventData[Type] };
}[EventType];

/** An event with its place in the stream, at which `events` can go on. */
export type FleetEvent = FleetMessage & { id: string };

/** An error as the gateway tells it (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Stable and machine-readable. */
  code: string;
}
