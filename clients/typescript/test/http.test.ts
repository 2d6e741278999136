import assert from "node:assert/strict";
import { test } from "node:test";

import { BoosterFleet, ConnectionError, ProblemError } from "../src/index.js";
import { MessageReader } from "../src/sse.js";
import { problem, serve } from "./helpers.js";

const queues = JSON.stringify({ queues: [] });

test("a full queue is asked again after the time that it names", async (t) => {
  const url = await serve(t, (_, response, count) => {
    if (count === 1) problem(response, 429, "queue_full", { "retry-after": "1" });
    else response.end(queues);
  });
  const begin = Date.now();
  assert.deepEqual(await new BoosterFleet({ url }).queues(), []);
  assert.ok(Date.now() - begin >= 990);
});

test("no more is asked than retries allow, and not when the pause would be too long", async (t) => {
  let asked = 0;
  const url = await serve(t, (_, response, count) => {
    asked = count;
    problem(response, 503, "unreachable");
  });
  const fleet = new BoosterFleet({ url, retries: 2, maxRetryDelayMs: 20 });
  await assert.rejects(fleet.queues(), (error) => error instanceof ProblemError && error.code === "unreachable");
  assert.equal(asked, 3);

  const far = await serve(t, (_, response) => problem(response, 429, "rate", { "retry-after": "3600" }));
  await assert.rejects(new BoosterFleet({ url: far }).queues(), (error) => {
    return error instanceof ProblemError && error.status === 429 && error.retryAfterMs === 3_600_000;
  });
});

test("a wrong request is a typed problem at once", async (t) => {
  let asked = 0;
  const url = await serve(t, (_, response, count) => {
    asked = count;
    problem(response, 400, "job_field_invalid");
  });
  await assert.rejects(new BoosterFleet({ url }).get("a"), (error) => {
    assert.ok(error instanceof ProblemError);
    assert.deepEqual(error.problem, {
      type: "urn:booster:problem:job_field_invalid",
      title: "No",
      status: 400,
      detail: "because",
      code: "job_field_invalid",
    });
    return true;
  });
  assert.equal(asked, 1);
});

test("an answer of something else than the gateway is told as it is", async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(502).end("<h1>no</h1>"));
  await assert.rejects(new BoosterFleet({ url }).pool(), (error) => {
    return error instanceof ProblemError && error.code === "http_502" && error.problem.detail === "<h1>no</h1>";
  });
});

test("a lost connection is made again with the same job id", async (t) => {
  const ids: string[] = [];
  const url = await serve(t, async (request, response, count) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const { id } = JSON.parse(text) as { id: string };
    ids.push(id);
    if (count === 1) request.socket.destroy();
    else response.writeHead(202).end(JSON.stringify({ id, queue: "normal", accepted: true }));
  });
  const submitted = await new BoosterFleet({ url }).submit({ booster: "noop", input: {} });
  assert.deepEqual(ids, [submitted.id, submitted.id]);
});

test("nobody there is a connection error", async () => {
  const fleet = new BoosterFleet({ url: "http://127.0.0.1:1", retries: 0 });
  await assert.rejects(fleet.queues(), (error) => error instanceof ConnectionError && /ECONN|bad port/.test(error.message));
});

test("the key is sent, and a caller who gives up is told with its own reason", async (t) => {
  let key: string | undefined;
  const url = await serve(t, (request) => (key = request.headers.authorization));
  const reason = new Error("enough");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 100);
  const fleet = new BoosterFleet({ url: `${url}/`, apiKey: "secret" });
  await assert.rejects(fleet.queues({ signal: controller.signal }), reason);
  assert.equal(key, "Bearer secret");
});

test("many jobs are sent in requests of at most a thousand", async (t) => {
  const sizes: number[] = [];
  const url = await serve(t, async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const jobs = JSON.parse(text) as { id: string }[];
    sizes.push(jobs.length);
    response.writeHead(202);
    response.end(JSON.stringify({ jobs: jobs.map(({ id }) => ({ id, queue: "normal", accepted: true })) }));
  });
  const jobs = Array.from({ length: 2001 }, (_, n) => ({ id: `j-${n}`, booster: "noop", input: {} }));
  const submitted = await new BoosterFleet({ url }).submitMany(jobs);
  assert.deepEqual(sizes, [1000, 1000, 1]);
  assert.deepEqual(submitted.map(({ id }) => id), jobs.map(({ id }) => id));
  assert.deepEqual(await new BoosterFleet({ url }).submitMany([]), []);
});

test("an event stream goes on where it broke", async (t) => {
  const asked: (string | undefined)[] = [];
  const event = (id: string) =>
    `id: ${id}\nevent: booster.pool.updated\ndata: {"type":"booster.pool.updated","timestamp":1,` +
    `"data":{"workerId":"w","slots":1,"change":"started"}}\n\n`;
  const url = await serve(t, (request, response, count) => {
    asked.push(request.headers["last-event-id"] as string | undefined);
    assert.match(request.url ?? "", /types=booster.pool.updated/);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": hello\n\n");
    response.write(event(`${count}-0`));
    // Half an event, then nothing: it must not be given.
    if (count === 1) response.write("id: 9-9\ndata: {", () => request.socket.destroy());
    if (count === 2) response.end();
    if (count === 3) response.write(event("3-1"));
  });
  const fleet = new BoosterFleet({ url, maxRetryDelayMs: 50 });
  const seen: string[] = [];
  for await (const { id, type } of fleet.events({ types: ["booster.pool.updated"], after: "0-7" })) {
    seen.push(`${type} ${id}`);
    if (id === "3-1") break;
  }
  assert.deepEqual(seen, ["1-0", "2-0", "3-0", "3-1"].map((id) => `booster.pool.updated ${id}`));
  assert.deepEqual(asked, ["0-7", "1-0", "2-0"]);
});

test("an event stream ends with its signal, and fails when the gateway says no", async (t) => {
  const url = await serve(t, (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write(":\n\n");
  });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  for await (const event of new BoosterFleet({ url }).events({ signal: controller.signal })) {
    assert.fail(`${event.id} was never sent`);
  }
  const shut = await serve(t, (_, response) => problem(response, 401, "unauthorized"));
  await assert.rejects(new BoosterFleet({ url: shut }).events().next(), ProblemError);
});

test("messages are read whole however their bytes are cut", () => {
  const text = '\u{1F600}: comment\r\nid: 1\r\nevent: a\r\ndata: {"x":\ndata:"ü"}\r\r\ndata\n\nid: 2\n\ndata: z\n\n';
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new MessageReader();
    const messages = [];
    for (let n = 0; n < bytes.length; n += size) messages.push(...reader.read(bytes.subarray(n, n + size)));
    assert.deepEqual(
      messages,
      [
        { id: "1", event: "a", data: '{"x":\n"ü"}' },
        { id: "1", event: "message", data: "" },
        { id: "2", event: "message", data: "z" },
      ],
      `cut every ${size} bytes`,
    );
  }
  const endless = new MessageReader();
  assert.throws(() => [...endless.read(new Uint8Array(5 * 1024 * 1024).fill(97))], ConnectionError);
});

test("wrong settings are refused with their names", () => {
  assert.throws(() => new BoosterFleet({ url: "ftp://x" }), /ftp:\/\/x: expected http/);
  assert.throws(() => new BoosterFleet({ url: "http://x", retries: 99 }), /retries 99: expected 0 to 20/);
  assert.throws(() => new BoosterFleet({ url: "http://x", timeoutMs: 0 }), /timeoutMs 0/);
});
