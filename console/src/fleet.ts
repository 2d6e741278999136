/** What views share: the polled parts of the gateway, and what events say about slots in between. */

import * as api from "./api";
import { Resource } from "./resource";
import { CALM, Setting, Store } from "./store";
import { onEvents } from "./stream";
import type { FleetEvent, Module, Point, Pool, Queue, Slot } from "./types";

/** Minutes that the graphs can show. */
export const SPANS = ["5", "15", "60"] as const;
export const span = new Setting("console.span", SPANS, "15");

export const history = new Resource<Point[]>(async () => (await api.history(Number(span.value))).points, 5_000);
export const queues = new Resource<Queue[]>(api.queues, 2_000);
export const modules = new Resource<Module[]>(api.modules, 10_000);
export const pool = new Resource<Pool>(async () => {
  const answer = await api.pool();
  slots = new Map(answer.slots.map((slot) => [slot.boosterId, slot]));
  for (const [id, job] of jobs) {
    const slot = slots.get(id);
    if (!slot) free(id);
    else if (slot.status === "busy") slot.job ??= job;
  }
  return answer;
}, 2_000);
span.watch(() => void history.refresh());

/** Counts changes that events have made to the slots of `pool`. */
export const slotChanges = new Store(0, CALM);
let slots = new Map<string, Slot>();
/** What events say of slots: the job in each that is busy, and the way back. */
const jobs = new Map<string, string>();
const places = new Map<string, string>();
/** Slots remembered at most; workers come and go while nobody looks at the pool. */
const MAX_SLOTS = 20_000;

function occupy(id: string, job: string): void {
  free(id);
  const oldest = jobs.size < MAX_SLOTS ? undefined : jobs.keys().next().value;
  if (oldest !== undefined) free(oldest);
  jobs.set(id, job);
  places.set(job, id);
}

function free(id: string): void {
  places.delete(jobs.get(id) ?? "");
  jobs.delete(id);
}

onEvents((batch) => {
  let changed = false;
  for (const event of batch) changed = apply(event) || changed;
  if (changed) slotChanges.set(slotChanges.value + 1);
});

/** Changes the slot that an event tells of, unless what is known of it is newer. */
function apply({ type, timestamp, data }: FleetEvent): boolean {
  const job = String(data.jobId ?? "");
  const id = String(data.boosterId ?? places.get(job) ?? "");
  const slot = slots.get(id);
  const newer = slot !== undefined && timestamp >= slot.lastActivity;
  switch (type) {
    case "booster.allocated":
      occupy(id, job);
      if (newer) Object.assign(slot, { status: "busy", job });
      break;
    case "booster.task.completed":
    case "booster.error":
      free(id);
      if (newer) Object.assign(slot, { status: "ready", job: undefined, tasks: slot.tasks + 1 });
      if (newer && type === "booster.error") slot.errorCount += 1;
      break;
    case "booster.recovered":
      free(id);
      if (newer) Object.assign(slot, { status: "recovered", instanceId: data.instanceId, job: undefined });
      break;
    default:
      return false;
  }
  if (newer) slot.lastActivity = timestamp;
  return newer;
}
