import assert from "node:assert/strict";
import { test } from "node:test";

import { BoosterFleet, OutcomeError, ProblemError, WaitTimeoutError, type FleetEvent } from "../src/index.js";
import { fleetAddresses, unique } from "./helpers.js";

const { url } = fleetAddresses();
const fleet = new BoosterFleet({ url, ...(process.env["BOOSTER_API_KEY"] && { apiKey: process.env["BOOSTER_API_KEY"] }) });

test("an edit is applied", async () => {
  const result = await fleet.apply("def a():\n    return 1\n", "def a():\n    return 2\n", { language: "python" });
  assert.equal(result.output, "def a():\n    return 2\n");
  assert.equal(result.success, true);
  assert.ok(result.confidence > 0.5);
  assert.match(result.diff, /^\+    return 2$/m);
});

test("an edit that the booster refuses is an error with its reason", async () => {
  await assert.rejects(fleet.apply("def a(): pass\n", "def ((", { path: "a.py" }), (error) => {
    assert.ok(error instanceof OutcomeError);
    assert.equal(error.outcome.outcome, "refused");
    assert.equal(error.outcome.refusal.success, false);
    assert.equal(typeof error.outcome.refusal.reason, "string");
    return true;
  });
});

test("a job is accepted once, waited for and looked up", async () => {
  const id = unique("ts");
  const job = { id, booster: "noop", input: {}, priority: "high" } as const;
  assert.deepEqual(await fleet.submit(job), { id, queue: "high", accepted: true });
  assert.deepEqual(await fleet.submit(job), { id, queue: "high", accepted: false });
  const outcome = await fleet.wait(id);
  assert.equal(outcome.outcome, "done");
  assert.ok(outcome.outcome === "done" && typeof outcome.output === "object");
  const view = await fleet.get(id);
  assert.deepEqual([view.id, view.queue, view.state, view.outcome?.id], [id, "high", "done", id]);
});

test("many jobs come back in their order", async () => {
  const ids = Array.from({ length: 1200 }, (_, n) => unique(`many-${n}`));
  const submitted = await fleet.submitMany(ids.map((id) => ({ id, booster: "noop", input: {} })));
  assert.deepEqual(submitted.map((one) => one.id), ids);
  assert.ok(submitted.every((one) => one.accepted));
  const last = await fleet.wait(ids.at(-1)!, { timeoutMs: 120_000 });
  assert.equal(last.outcome, "done");
});

test("a dead job's outcome tells why", async () => {
  const { id } = await fleet.submit({ booster: "faulty", input: { do: "panic" }, maxRetries: 0 });
  const outcome = await fleet.wait(id);
  assert.ok(outcome.outcome === "dead");
  assert.equal(outcome.error.code, "panic");
});

test("wrong jobs and unknown ids are problems with their codes", async () => {
  await assert.rejects(fleet.submit({ booster: "no-such-booster", input: {} }), (error) => {
    return error instanceof ProblemError && error.status === 400 && error.code === "booster_unknown";
  });
  await assert.rejects(fleet.get(unique("nobody")), (error) => {
    return error instanceof ProblemError && error.status === 404 && error.code === "job_unknown";
  });
});

test("a job that takes longer than its waiter goes on", async () => {
  const { id } = await fleet.submit({ booster: "noop", input: {}, runAt: Date.now() + 4000 });
  await assert.rejects(fleet.wait(id, { timeoutMs: 1000 }), (error) => {
    return error instanceof WaitTimeoutError && error.ids[0] === id;
  });
  assert.equal((await fleet.wait(id)).outcome, "done");
});

test("a waiting job and a running one are cancelled", async () => {
  const waiting = await fleet.submit({ booster: "noop", input: {}, runAt: Date.now() + 600_000 });
  assert.equal((await fleet.cancel(waiting.id)).cancellation, "cancelled");
  assert.equal((await fleet.wait(waiting.id)).outcome, "cancelled");
  const running = await fleet.submit({ booster: "faulty", input: { do: "loop" }, timeoutMs: 60_000 });
  while ((await fleet.get(running.id)).state !== "running") await new Promise((done) => setTimeout(done, 50));
  await fleet.cancel(running.id);
  assert.equal((await fleet.wait(running.id)).outcome, "cancelled");
});

test("a job's input can be read back", async () => {
  const { id } = await fleet.submit({ booster: "noop", input: { x: [1] }, runAt: Date.now() + 600_000 });
  const view = await fleet.get(id, { input: true });
  assert.deepEqual(view.job?.input, { x: [1] });
  await fleet.cancel(id);
});

test("events tell a job's life, and go on after any of them", async () => {
  const id = unique("events");
  const life: FleetEvent[] = [];
  const since = Date.now() - 1000;
  await fleet.submit({ id, booster: "noop", input: {}, agentId: "tester" });
  for await (const event of fleet.events({ since, signal: AbortSignal.timeout(30_000) })) {
    if ("jobId" in event.data && event.data.jobId === id) life.push(event);
    if (life.at(-1)?.type === "booster.task.completed") break;
  }
  const types = ["booster.requested", "booster.allocated", "booster.task.completed"];
  assert.deepEqual(life.map((event) => event.type), types);
  const again: string[] = [];
  const options = { after: life[0]!.id, types: ["booster.task.completed"] as const, signal: AbortSignal.timeout(30_000) };
  for await (const event of fleet.events({ ...options, types: [...options.types] })) {
    assert.equal(event.type, "booster.task.completed");
    if (event.data.jobId === id) {
      again.push(event.id);
      break;
    }
  }
  assert.deepEqual(again, [life[2]!.id]);
});

test("queues and pool tell what there is", async () => {
  const queues = await fleet.queues();
  for (const name of ["high", "normal", "low"]) {
    const queue = queues.find((one) => one.name === name);
    assert.ok(queue, name);
    for (const count of [queue.waiting, queue.delayed, queue.running, queue.done]) assert.equal(typeof count, "number");
    assert.equal(queue.mode, "open");
  }
  const pool = await fleet.pool();
  assert.ok(pool.workers.length >= 1 && pool.workers.every((worker) => worker.boosters.some((name) => /^apply@/.test(name))));
  assert.ok(pool.slots.length >= pool.workers.length);
  for (const slot of pool.slots) {
    assert.ok(slot.boosterId && slot.instanceId.startsWith(slot.boosterId) && slot.status);
    assert.ok(slot.lastActivity > 0 && slot.errorCount >= 0 && Array.isArray(slot.taskHistory));
  }
});

test("dead jobs are listed, shown, retried and dropped", async () => {
  const { id } = await fleet.submit({ booster: "faulty", input: { do: "panic" }, maxRetries: 0, priority: "low" });
  assert.equal((await fleet.wait(id)).outcome, "dead");
  const listed: string[] = [];
  for await (const dead of fleet.dead.list({ queue: "low" })) listed.push(dead.id);
  assert.ok(listed.includes(id));
  assert.equal((await fleet.dead.page({ limit: 1 })).dead.length, 1);
  const shown = await fleet.dead.get(id);
  assert.deepEqual([shown.id, shown.queue, shown.state], [id, "low", "dead"]);
  assert.deepEqual(shown.job?.input, { do: "panic" });
  await fleet.dead.retry(id);
  assert.equal((await fleet.wait(id)).outcome, "dead");
  assert.ok((await fleet.dead.retryAll({ queue: "low" })) >= 1);
  assert.equal((await fleet.wait(id)).outcome, "dead");
  await fleet.dead.drop(id);
  await assert.rejects(fleet.dead.get(id), (error) => error instanceof ProblemError && error.status === 404);
});

test("any other route can be asked", async () => {
  const { schedules } = await fleet.request<{ schedules: unknown[] }>("GET", "/v1/schedules");
  assert.ok(Array.isArray(schedules));
});
