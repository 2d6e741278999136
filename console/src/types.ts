/** What the gateway's HTTP interface answers; see /openapi.json. Times are Unix milliseconds, sizes bytes. */

export const JOB_STATES = ["waiting", "delayed", "running", "done", "refused", "dead", "cancelled"] as const;
export type JobState = (typeof JOB_STATES)[number];

export const SLOT_STATUSES = ["busy", "ready", "recovered", "initializing", "error"] as const;
export type SlotStatus = (typeof SLOT_STATUSES)[number];

export const EVENT_TYPES = [
  "booster.requested",
  "booster.allocated",
  "booster.task.completed",
  "booster.error",
  "booster.recovered",
  "booster.pool.updated",
  "booster.module.updated",
] as const;

export interface Worker {
  id: string;
  host: string;
  version: string;
  startedAt: number;
  boosters: string[];
}

export interface Slot {
  boosterId: string;
  instanceId: string;
  status: SlotStatus;
  lastActivity: number;
  memoryUsage: number;
  errorCount: number;
  /** Absent when the instance was replaced a moment ago. */
  health?: string;
  tasks: number;
  meanLatencyMs: number;
  /** The job that it runs, as far as it is known. */
  job?: string;
}

export interface Pool {
  workers: Worker[];
  slots: Slot[];
}

export interface Queue {
  name: string;
  waiting: number;
  delayed: number;
  running: number;
  done: number;
  refused: number;
  dead: number;
  cancelled: number;
  oldestAgeMs: number;
  paused: boolean;
  draining: boolean;
}

export interface JobSummary {
  id: string;
  queue: string;
  state: JobState;
  booster?: string;
  enqueuedAt?: number;
  attempts?: number;
}

export interface ErrorDetail {
  code: string;
  message: string;
}

export interface Outcome {
  outcome: JobState;
  output?: unknown;
  refusal?: unknown;
  error?: ErrorDetail;
  cause?: string;
  attempts: number;
  crashes?: number;
  latencyMs: number;
  waitMs?: number;
  worker?: string;
  booster: string;
  finishedAt?: number;
  usedFallback?: boolean;
}

export interface JobView {
  id: string;
  queue: string;
  state: JobState;
  enqueuedAt: number;
  attempts: number;
  outcome?: Outcome;
  job?: { input?: unknown; booster?: string; capability?: string; tenant?: string; [field: string]: unknown };
}

export interface DeadJob {
  id: string;
  queue: string;
  reason: string;
  attempts: number;
  error: string;
  at: number;
}

export interface Module {
  name: string;
  version: string;
  digest: string;
  size: number;
  capabilities: string[];
  state: "active" | "canary" | "stored";
  canaryPercent?: number;
  pushedAt?: number;
  /** Those of workers' directories cannot be steered. */
  source?: "redis" | "directory";
  workers: number;
}

export interface Point {
  t: number;
  throughput: number;
  failed: number;
  waiting: number;
  running: number;
  waitP50Ms: number | null;
  waitP99Ms: number | null;
  busy: number;
  slots: number;
}

export interface FleetEvent {
  /** Position in this page's life, so that lists have stable keys. */
  n: number;
  type: string;
  timestamp: number;
  data: Record<string, unknown>;
}
