import assert from "node:assert/strict";
import { after, test } from "node:test";

import { createClient } from "redis";

import { WaitTimeoutError } from "../src/index.js";
import { RedisProducer } from "../src/redis.js";
import { fleetAddresses, unique } from "./helpers.js";

const producer = await RedisProducer.connect(fleetAddresses().redis);
after(() => producer.close());

const edit = { code: "def a():\n    return 1\n", edit: "def a():\n    return 2\n", language: "python" };

test("a job is added, known by its entry, and its outcome comes", async () => {
  const job = await producer.enqueue({ booster: "apply", input: edit, priority: "high" });
  assert.equal(job.queue, "high");
  assert.match(job.entry, /^\d+-\d+$/);
  const outcome = await producer.wait<{ output: string }>(job);
  assert.ok(outcome.outcome === "done");
  assert.equal(outcome.output.output, "def a():\n    return 2\n");
  assert.deepEqual(await producer.outcome(job), outcome);
});

test("many outcomes come, however the jobs end, each once", async () => {
  const jobs = Array.from({ length: 600 }, (_, n) => ({
    booster: n % 100 === 0 ? "faulty" : "noop",
    input: n % 200 === 0 ? { do: "panic" } : { do: "refuse" },
    maxRetries: 0,
  }));
  const added = await producer.enqueueMany(jobs);
  const client = await createClient({ url: fleetAddresses().redis }).connect();
  for (const noise of ["?", "null", "{}"]) setTimeout(() => client.publish("swarm:phase-5:booster", noise), 20);
  const counts = new Map<string, number>();
  const ids = new Set<string>();
  for await (const outcome of producer.waitEach(added, { timeoutMs: 120_000 })) {
    counts.set(outcome.outcome, (counts.get(outcome.outcome) ?? 0) + 1);
    ids.add(outcome.id);
  }
  assert.deepEqual(Object.fromEntries(counts), { done: 594, refused: 3, dead: 3 });
  await client.close();
  assert.deepEqual([...ids].sort(), added.map(({ id }) => id).sort());
});

test("the same id is one job", async () => {
  const id = unique("ts-redis");
  const first = await producer.enqueue({ id, booster: "noop", input: {} });
  await producer.enqueue({ id, booster: "noop", input: {} });
  const outcome = await producer.wait(first);
  assert.equal(outcome.id, id);
});

test("what is wrong at the door is dead with the reason", async () => {
  const job = await producer.enqueue({ booster: "no-such-booster", input: {} });
  const outcome = await producer.wait(job);
  assert.ok(outcome.outcome === "dead");
  assert.equal(outcome.error.code, "booster_unknown");
});

test("a waiter that gives up names what is missing", async () => {
  const job = await producer.enqueue({ booster: "noop", input: {}, runAt: Date.now() + 3000 });
  await assert.rejects(producer.wait(job, { timeoutMs: 300 }), (error) => {
    return error instanceof WaitTimeoutError && error.ids[0] === job.id;
  });
  assert.equal(await producer.outcome(job), null);
  await assert.rejects(producer.wait(job, { signal: AbortSignal.timeout(100) }), { name: "TimeoutError" });
  assert.equal((await producer.wait(job)).outcome, "done");
});

test("a Redis that is not there is an error, not an endless wait", async () => {
  await assert.rejects(RedisProducer.connect("redis://127.0.0.1:1"), /ECONNREFUSED|connect/);
});

test("what could not work is refused before anything is added", async () => {
  const noop = { booster: "noop", input: {} };
  await assert.rejects(producer.enqueue({ ...noop, id: "a b" }), /id a b: expected 1 to 128/);
  await assert.rejects(producer.enqueue(noop, { queue: "{x}" }), /queue \{x\}: expected 1 to 64/);
  await assert.rejects(producer.enqueue({ ...noop, idempotencyKey: "k" }), /idempotencyKey: not looked at/);
  const client = await createClient({ url: fleetAddresses().redis }).connect();
  const small = new RedisProducer(client, { maxJobBytes: 100 });
  await assert.rejects(small.enqueueMany([noop, { ...noop, input: "x".repeat(100) }]), /expected at most 100/);
  // The connection is the caller's, and still open.
  await small.close();
  const job = await small.enqueue(noop);
  assert.equal((await small.wait(job)).outcome, "done");
  await client.close();
});
