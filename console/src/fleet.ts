/** What views share: the polled parts of the gateway, and what events say about slots in between. */

import * as api from "./api";
import { Resource } from "./resource";
import { Setting, Store } from "./store";
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
  running = new Map();
  for (const slot of answer.slots) if (slot.job) running.set(slot.job, slot);
  return answer;
}, 2_000);
span.watch(() => void history.refresh());

/** Counts changes that events have made to the slots of `pool`. */
export const slotChanges = new Store(0);
let slots = new Map<string, Slot>();
/** Slots by the job that they run; bounded, since each slot runs one. */
let running = new Map<string, Slot>();

onEvents((batch) => {
  let changed = false;
  for (const event of batch) changed = apply(event) || changed;
  if (changed) slotChanges.set(slotChanges.value + 1);
});

/** Changes the slot that an event tells of, unless what is known of it is newer. */
function apply({ type, timestamp, data }: FleetEvent): boolean {
  const job = String(data.jobId ?? "");
  const slot = data.boosterId === undefined ? running.get(job) : slots.get(String(data.boosterId));
  if (!slot || timestamp < slot.lastActivity) return false;
  if (type === "booster.allocated") {
    if (slot.job) running.delete(slot.job);
    running.set(job, slot);
    Object.assign(slot, { status: "busy", job });
  } else if (type === "booster.task.completed" || type === "booster.error") {
    running.delete(job);
    slot.tasks += 1;
    slot.errorCount += type === "booster.error" ? 1 : 0;
    Object.assign(slot, { status: "ready", job: undefined });
  } else if (type === "booster.recovered") {
    Object.assign(slot, { status: "recovered", instanceId: data.instanceId, job: undefined });
  } else {
    return false;
  }
  slot.lastActivity = timestamp;
  return true;
}
