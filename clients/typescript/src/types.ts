/**
 * What the gateway takes and gives, as JSON. Times are Unix milliseconds. Readers ignore fields they do not know.
 *
 * `openapi.ts` is generated from the gateway's OpenAPI document; here its types get the names that callers use, and
 * what the document cannot say: which fields an outcome has by its kind, what a booster answers, what an event tells.
 */

import type { components } from "./openapi.js";

type Schemas = components["schemas"];
/** The gateway leaves out what it has nothing to say of; it sends no null in its place. */
type Present<T> = { [Field in keyof T]: Exclude<T[Field], null> };

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The queue that a job takes. */
export type Priority = Schemas["Priority"];

/** What every job may carry, whatever it asks for. */
export type JobOptions = Present<Omit<Schemas["Job"], "booster" | "capability" | "input" | "meta">> & {
  /** Free for the producer. */
  meta?: Json;
};

/** A job: a booster by name (`apply`, `apply@1.0.0`) or by capability, and its input. */
export type Job = JobOptions & { input: Json } & (
    | { booster: string; capability?: never }
    | { capability: string; booster?: never }
  );

/** The answer to a submit. */
export type Submitted = Present<Schemas["Accepted"]>;

/** A stable code and a sentence for people. */
export type ErrorDetail = Schemas["Failure"];

/** What every outcome tells. */
export type OutcomeBase = Present<Omit<Schemas["Outcome"], "outcome" | "output" | "refusal" | "error" | "cached">> & {
  /** Whether it is that of an earlier job with the same module and input. */
  cached?: boolean;
};

/** How a job ended. */
export type Outcome<Output = Json, Refusal = Json> = OutcomeBase &
  (
    | { outcome: "done"; output: Output }
    | { outcome: "refused"; refusal: Refusal }
    | { outcome: "dead"; error: ErrorDetail }
    | { outcome: "cancelled" }
  );

/** Where a job is, or how it ended. */
export type JobState = Schemas["JobState"];

/** What is known of a job. */
export type JobView = Omit<Schemas["JobView"], "outcome" | "job"> & {
  /** Absent until the job has ended. */
  outcome?: Outcome;
  /** The job with its input, when it was asked for and is kept. */
  job?: Job;
};

/** What became of the wish to cancel. */
export type Cancelled = Present<Schemas["Cancelled"]>;

/** One queue. */
export type Queue = Schemas["QueueView"];

/** A worker process. */
export type Worker = Schemas["WorkerView"];

/** One slot of a worker's pool. */
export type Slot = Present<Schemas["SlotView"]>;

/** Workers and their slots. */
export type Pool = { workers: Worker[]; slots: Slot[] };

/** A dead job. */
export type DeadJob = Schemas["DeadJob"];

/** A page of dead jobs, the latest first; without a `cursor` it is the last one. */
export type DeadPage = Schemas["DeadPage"];

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
  "booster.requested": { jobId: string; queue: string; booster: string; tenant?: string; agentId?: string };
  "booster.allocated": {
    jobId: string;
    queue: string;
    boosterId: string;
    instanceId: string;
    workerId: string;
    attempt: number;
    waitMs: number;
    tenant?: string;
  };
  "booster.task.completed": {
    jobId: string;
    queue: string;
    booster: string;
    outcome: "done" | "refused" | "cancelled";
    attempt: number;
    workerId: string;
    latencyMs: number;
    usedFallback?: boolean;
    cached?: boolean;
    tenant?: string;
    agentId?: string;
  };
  "booster.error": {
    jobId: string;
    queue: string;
    booster: string;
    cause?: string;
    error: ErrorDetail;
    attempt: number;
    attempts: number;
    latencyMs: number;
    dead: boolean;
    retryAt?: number;
    workerId: string;
    tenant?: string;
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
  "booster.module.updated": {
    name: string;
    version: string;
    change: "pushed" | "promoted" | "canary" | "rolled_back" | "removed";
    percent?: number;
    reason?: string;
    workerId?: string;
  };
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
export type Problem = Present<Schemas["Problem"]>;
