// A stand-in for the gateway, for developing the console and for fleets larger than this machine can run.
//
//   node test/mock-server.mjs [--port 8081] [--workers 2] [--slots 10] [--rate 20] [--key KEY]
//
// It keeps jobs, queues and slots in memory and moves them as a fleet would, and serves the built bundle with the
// gateway's own headers. It imitates the interface, not the fleet: nothing is run.

import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { parseArgs } from "node:util";

const BUNDLE = new URL("../../producer/src/gateway/console/", import.meta.url).pathname;
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".md": "text/plain; charset=utf-8" };
const QUEUES = ["high", "normal", "low"];
const BOOSTERS = ["apply@1.2.0", "analyze@1.0.1", "rewrite@1.0.0", "scaffold@1.0.0"];
const TENANTS = ["acme", "globex", "initech", undefined];
const MAX_JOBS = 3000;
const MAX_EVENTS = 10_000;
const STEP_S = 5;

const CODE = `import math


def area(radius):
    return 3.14 * radius * radius


def volume(radius, height):
    return area(radius) * height


def main():
    print(volume(2, 10))


if __name__ == "__main__":
    main()
`;
const EDIT = `def area(radius: float) -> float:
    """Area of a circle."""
    if radius < 0:
        raise ValueError("radius is negative")
    return math.pi * radius**2
`;
const EDITED = CODE.replace("def area(radius):\n    return 3.14 * radius * radius\n", EDIT);
const DIFF = `--- a/file
+++ b/file
@@ -1,8 +1,11 @@
 import math
 
 
-def area(radius):
-    return 3.14 * radius * radius
${EDIT.replace(/^(?=.)/gm, "+")} 
 
 def volume(radius, height):
`;
const BACKTRACE =
  "the booster panicked: error while executing at wasm backtrace:     0:  0x1f3a - core::panicking::panic_fmt     " +
  "1:  0x0c21 - apply::locate::definition     2:  0x0411 - booster::edit::apply: wasm trap: wasm `unreachable` instruction executed";

/** Starts one on a free port, or the port asked for. */
export async function startMock({ port = 0, workers = 2, slots = 10, rate = 20, key = "" } = {}) {
  const fleet = new Fleet(workers, slots, rate);
  const streams = new Set();
  fleet.publish = (event) => {
    const text = encode(event);
    for (const stream of streams) stream.write(text);
  };
  const server = createServer((request, response) => {
    answer(fleet, streams, { key }, request, response).catch((error) => {
      if (!response.headersSent) problem(response, 500, "internal", String(error));
      else response.destroy();
    });
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const ticks = setInterval(() => fleet.tick(), 100);
  const beats = setInterval(() => streams.forEach((stream) => stream.write(": still here\n\n")), 15_000);
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    fleet,
    streams,
    /** Sends so many events as fast as the readers take them; returns the last one's job. */
    async burst(count) {
      let last;
      for (let sent = 0; sent < count; sent += 500) {
        const events = Array.from({ length: Math.min(500, count - sent) }, () => fleet.remember(fleet.noise()));
        last = events.at(-1).data.jobId;
        const text = events.map(encode).join("");
        for (const stream of streams) {
          if (!stream.write(text)) await new Promise((resolve) => stream.once("drain", resolve));
        }
      }
      return last;
    },
    /** Breaks off every event stream, and answers 503 until told otherwise. */
    breakOff(broken) {
      fleet.broken = broken;
      if (broken) for (const stream of streams) stream.destroy();
    },
    async stop() {
      clearInterval(ticks);
      clearInterval(beats);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const encode = ({ id, type, timestamp, data }) => `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ type, timestamp, data })}\n\n`;

class Fleet {
  constructor(workers, slots, rate) {
    const now = Date.now();
    this.rate = rate;
    this.broken = false;
    this.count = 0;
    this.events = [];
    this.jobs = new Map();
    this.publish = () => {};
    this.queues = QUEUES.map((name) => ({ name, waiting: 0, delayed: 0, running: 0, done: 0, refused: 0, dead: 0, cancelled: 0, oldestAgeMs: 0, mode: "open" }));
    this.workers = Array.from({ length: workers }, (_, i) => ({
      id: `worker-${String(i + 1).padStart(3, "0")}`,
      host: `node-${(i % 40) + 1}.example`,
      version: "0.1.0",
      startedAt: now - 3_600_000 * (1 + (i % 30)),
      boosters: BOOSTERS,
    }));
    this.slots = this.workers.flatMap(({ id }, w) =>
      Array.from({ length: slots }, (_, s) => ({
        boosterId: `${id}-s${s}`,
        instanceId: `${id}-s${s}-i1`,
        status: "ready",
        lastActivity: now - 1000 * ((w * 7 + s * 13) % 300),
        memoryUsage: (3 + ((w * 31 + s * 17) % 60)) * 1_048_576,
        errorCount: 0,
        health: "healthy",
        taskHistory: [],
        performanceMetrics: { tasks: (w * 101 + s * 37) % 900, errors: 0, busyMs: 0, meanLatencyMs: 0.4 + ((w + s) % 9) / 10 },
      })),
    );
    this.modules = BOOSTERS.flatMap((full, i) => {
      const [name, version] = full.split("@");
      const of = (v, state, more = {}) => ({
        name, version: v, state, digest: `sha256:${(i * 7 + v.length + v.charCodeAt(2)).toString(16).repeat(32).slice(0, 64)}`, size: 700_000 + i * 310_000,
        capabilities: [["code-generation"], ["performance-analysis"], ["code-optimization"], ["code-generation"]][i], pushedAt: now - 86_400_000 * (i + 1), workers, ...more,
      });
      return i === 0 ? [of("1.3.0", "canary", { canaryPercent: 10 }), of(version, "active"), of("1.1.0", "stored", { workers: 0 })] : [of(version, "active")];
    });
    this.points = [];
    for (let t = now - 3_600_000; t <= now; t += STEP_S * 1000) this.points.push(this.point(t));
    for (let i = 0; i < 260; i += 1) this.finish(this.submit(now - 600_000 + i * 2200), now - 600_000 + i * 2200 + 40);
    this.lastPoint = now;
  }

  random(below) {
    this.seed = (Math.imul(this.seed ?? 42, 1103515245) + 12345) & 0x7fffffff;
    return (this.seed >>> 8) % below;
  }

  point(t) {
    const wave = Math.sin(t / 240_000) + Math.sin(t / 61_000) / 2;
    const busy = Math.round(this.slots.length * (0.45 + wave / 5) + this.random(3));
    return {
      t,
      throughput: Math.max(0, this.rate * (1 + wave / 3) + this.random(100) / 40),
      failed: this.random(9) === 0 ? this.random(30) / 10 : this.random(4) / 10,
      waiting: Math.max(0, Math.round(30 + wave * 25 + this.random(9))),
      running: Math.min(busy, this.slots.length),
      waitP50Ms: 2 + this.random(20) / 10,
      waitP99Ms: 9 + wave * 4 + this.random(60) / 5,
      busy: Math.min(busy, this.slots.length),
      slots: this.slots.length,
    };
  }

  remember(event) {
    event.id = `${event.timestamp}-${this.count++}`;
    this.events.push(event);
    if (this.events.length > MAX_EVENTS + 1000) this.events.splice(0, 1000);
    return event;
  }

  say(type, data, timestamp = Date.now()) {
    this.publish(this.remember({ type: `booster.${type}`, timestamp, data }));
  }

  queue(name) {
    return this.queues.find((queue) => queue.name === name);
  }

  submit(at = Date.now()) {
    const job = {
      id: `edit-${(0x3a7f00 + this.count * 7).toString(36)}-${this.random(46656).toString(36).padStart(3, "0")}`,
      queue: QUEUES[[1, 1, 1, 0, 2][this.random(5)]],
      state: "waiting",
      booster: BOOSTERS[this.random(10) < 7 ? 0 : this.random(4)],
      enqueuedAt: at,
      attempts: 0,
      tenant: TENANTS[this.random(4)],
    };
    this.add(job, at);
    return job;
  }

  add(job, at) {
    this.jobs.set(job.id, job);
    for (const [id, old] of this.jobs) {
      if (this.jobs.size <= MAX_JOBS) break;
      if (old.outcome) this.jobs.delete(id);
    }
    this.queue(job.queue)[job.state] += 1;
    this.say("requested", { jobId: job.id, queue: job.queue, booster: job.booster.split("@")[0] }, at);
  }

  move(job, state) {
    const queue = this.queue(job.queue);
    queue[job.state] -= 1;
    queue[state] += 1;
    job.state = state;
  }

  start(job, slot) {
    this.move(job, "running");
    job.slot = slot;
    Object.assign(slot, { status: "busy", job: job.id, lastActivity: Date.now() });
    this.say("allocated", { jobId: job.id, queue: job.queue, boosterId: slot.boosterId, instanceId: slot.instanceId, workerId: slot.boosterId.replace(/-s\d+$/, ""), attempt: job.attempts + 1, waitMs: this.random(12) });
  }

  finish(job, at = Date.now()) {
    const { slot } = job;
    const worker = (slot?.boosterId ?? "worker-001-s0").replace(/-s\d+$/, "");
    const dice = { dead: 0, refused: 1, done: 9 }[job.fate] ?? this.random(120);
    const latencyMs = 0.3 + this.random(400) / 100;
    const state = dice === 0 ? "dead" : dice < 3 ? "refused" : "done";
    this.move(job, state);
    job.outcome = { outcome: state, attempts: 0, crashes: 0, latencyMs, waitMs: this.random(12), worker, booster: job.booster, enqueuedAt: job.enqueuedAt, finishedAt: at };
    if (state === "done") job.outcome.output = { output: EDITED, success: true, confidence: 0.9812, strategy: "replace_definition", language: "python", tokens: 132, edits: [{ start: 13, end: 62 }], diff: DIFF };
    if (state === "refused") job.outcome.refusal = { success: false, reason: "ambiguous", message: "two definitions fit the edit equally well", candidates: ["area", "Circle.area"] };
    if (state === "dead") {
      job.attempts = job.outcome.attempts = 4;
      job.outcome.error = { code: "panic", message: BACKTRACE };
      this.say("error", { jobId: job.id, queue: job.queue, booster: job.booster, cause: "panic", error: { code: "panic", message: "wasm trap: unreachable" }, attempts: 4, latencyMs, dead: true, workerId: worker }, at);
    } else {
      this.say("task.completed", { jobId: job.id, queue: job.queue, booster: job.booster, outcome: state, workerId: worker, latencyMs }, at);
    }
    if (!slot) return;
    job.slot = undefined;
    Object.assign(slot, { status: "ready", job: undefined, lastActivity: at });
    slot.performanceMetrics.tasks += 1;
    if (state === "dead") {
      slot.errorCount += 1;
      slot.status = "recovered";
      const old = slot.instanceId;
      slot.instanceId = old.replace(/\d+$/, (n) => String(Number(n) + 1));
      this.say("recovered", { boosterId: slot.boosterId, oldInstanceId: old, instanceId: slot.instanceId, workerId: worker, cause: "panic", recoveryMs: 0.2 }, at);
    }
  }

  tick() {
    const now = Date.now();
    for (const job of this.jobs.values()) if (job.state === "running" && this.random(2) === 0) this.finish(job);
    const due = Math.floor((now * this.rate) / 1000) - Math.floor(((now - 100) * this.rate) / 1000);
    for (let i = 0; i < due; i += 1) if (this.queue("normal").mode !== "draining") this.submit();
    const free = this.slots.filter((slot) => slot.status !== "busy" && slot.status !== "error");
    for (const job of this.jobs.values()) {
      if (free.length === 0) break;
      if (job.state === "waiting" && this.queue(job.queue).mode !== "paused") this.start(job, free.splice(this.random(free.length), 1)[0]);
    }
    if (now - this.lastPoint >= STEP_S * 1000) {
      this.points.push(this.point(now));
      this.points.shift();
      this.lastPoint = now;
    }
  }

  noise() {
    const slot = this.slots[this.random(this.slots.length)];
    const jobId = `burst-${this.count}`;
    const workerId = slot.boosterId.replace(/-s\d+$/, "");
    return { type: "booster.allocated", timestamp: Date.now(), data: { jobId, queue: "normal", boosterId: slot.boosterId, instanceId: slot.instanceId, workerId, attempt: 1, waitMs: 3 } };
  }
}

async function answer(fleet, streams, { key }, request, response) {
  const url = new URL(request.url, "http://gateway");
  const parts = url.pathname.split("/").slice(1).map(decodeURIComponent);
  if (parts[0] !== "v1") return asset(response, url.pathname === "/" ? "/index.html" : url.pathname);
  if (fleet.broken) return problem(response, 503, "unreachable", "the queue cannot be reached at the moment; the same request may succeed later");
  const route = `${request.method} /${parts.slice(1).join("/")}`;
  if (route === "POST /session") {
    const given = JSON.parse(await text(request)).key;
    if (given !== key) return problem(response, 401, "unauthorized", "the API key is not known");
    response.setHeader("Set-Cookie", `booster_session=${encodeURIComponent(key)}; HttpOnly; SameSite=Strict; Path=/`);
    return response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ name: "console", operator: true }));
  }
  if (route === "DELETE /session") {
    response.setHeader("Set-Cookie", "booster_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    return response.writeHead(204).end();
  }
  if (key && !(request.headers.cookie ?? "").includes(`booster_session=${encodeURIComponent(key)}`)) {
    return problem(response, 401, "unauthorized", "an API key is needed");
  }
  const [, kind, name, verb] = parts;
  const query = url.searchParams;
  const send = (value, status = 200) => response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
  if (route === "GET /events") return follow(fleet, streams, request, query, response);
  if (route === "GET /metrics/history") {
    const from = Date.now() - Number(query.get("minutes") ?? 15) * 60_000;
    return send({ stepS: STEP_S, points: fleet.points.filter((point) => point.t >= from) });
  }
  if (route === "GET /queues") return send({ queues: fleet.queues.map(queueView) });
  if (kind === "queues" && verb) {
    const queue = fleet.queue(name);
    queue.mode = { pause: "paused", resume: "open", drain: "draining" }[verb];
    return send(queueView(queue));
  }
  if (route === "GET /pool") return send({ workers: fleet.workers, slots: fleet.slots.map(({ job, ...slot }) => slot) });
  if (route === "POST /jobs") return submit(fleet, JSON.parse(await text(request)), send);
  if (route === "GET /jobs") return send(page("jobs", [...fleet.jobs.values()].reverse().filter(wanted(query)).map(summary), query));
  if (kind === "jobs" || kind === "dead") return onJob(fleet, { route, kind, name, verb, query, send, response });
  if (kind === "modules") return onModule(fleet, { name, verb, send, body: request.method === "POST" ? await text(request) : "" });
  return problem(response, 404, "not_found", "no such path");
}

/** Takes one job. What the booster `faulty` is told to do, is what becomes of it. */
function submit(fleet, { id, booster, priority = "normal", runAt = 0, tenant, input }, send) {
  const accepted = !fleet.jobs.has(id);
  const later = runAt > Date.now();
  if (accepted) {
    const fate = { panic: "dead", refuse: "refused" }[input.do] ?? "done";
    fleet.add({ id, queue: priority, state: later ? "delayed" : "waiting", booster: `${booster}@1.0.0`, enqueuedAt: Date.now(), attempts: 0, tenant, fate }, Date.now());
  }
  return send({ id, queue: priority, accepted }, 202);
}

const queueView = ({ mode, ...queue }) => ({ ...queue, paused: mode === "paused", draining: mode === "draining" });
const summary = ({ outcome, slot, job, fate, ...rest }) => rest;
const wanted = (query) => (job) =>
  ["queue", "state"].every((field) => !query.get(field) || job[field] === query.get(field)) &&
  (!query.get("booster") || job.booster.startsWith(query.get("booster"))) &&
  (!query.get("q") || job.id.includes(query.get("q")));

function page(name, rows, query) {
  const from = Number(query.get("cursor") ?? 0);
  const limit = Number(query.get("limit") ?? 50);
  return { [name]: rows.slice(from, from + limit), cursor: from + limit < rows.length ? String(from + limit) : null };
}

function onJob(fleet, { route, kind, name, verb, query, send, response }) {
  const again = (job) => {
    fleet.move(job, "waiting");
    Object.assign(job, { outcome: undefined, attempts: 0 });
  };
  if (route === "GET /dead") {
    const rows = [...fleet.jobs.values()].reverse().filter((job) => job.state === "dead" && (!query.get("queue") || job.queue === query.get("queue")));
    return send(page("dead", rows.map(({ id, queue, outcome }) => ({ id, queue, reason: outcome.error.code, attempts: outcome.attempts, error: outcome.error.message, at: outcome.finishedAt })), query));
  }
  if (route === "POST /dead/retry") {
    const jobs = [...fleet.jobs.values()].filter((job) => job.state === "dead" && (!query.get("queue") || job.queue === query.get("queue")));
    jobs.forEach(again);
    return send({ retried: jobs.length });
  }
  const job = fleet.jobs.get(name);
  if (!job) return problem(response, 404, "job_unknown", `no job with the id \`${name}\` is known`);
  if (verb === "retry") {
    again(job);
    return send({ id: name, retried: true }, 202);
  }
  if (route.startsWith("DELETE") && kind === "dead") {
    fleet.queue(job.queue).dead -= 1;
    fleet.jobs.delete(name);
    return response.writeHead(204).end();
  }
  if (route.startsWith("DELETE")) {
    fleet.move(job, "cancelled");
    job.outcome = { outcome: "cancelled", attempts: 0, latencyMs: 0, booster: "", finishedAt: Date.now() };
    return send({ id: name, cancellation: "cancelled" });
  }
  const { slot, fate, ...view } = job;
  // The input is forgotten once a job is done.
  if (job.state === "done") return send(view);
  return send({ ...view, job: { id: name, booster: job.booster.split("@")[0], tenant: job.tenant, input: { code: CODE, edit: EDIT, language: "python" } } });
}

function onModule(fleet, { name, verb, send, body }) {
  const mine = fleet.modules.filter((module) => module.name === name);
  const activate = (version) => {
    for (const module of mine) {
      module.state = module.version === version ? "active" : "stored";
      delete module.canaryPercent;
    }
  };
  if (verb === "promote") activate(JSON.parse(body).version);
  if (verb === "rollback") activate(mine.find((module) => module.state !== "active").version);
  return send({ modules: name ? mine : fleet.modules });
}

function follow(fleet, streams, request, query, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const last = request.headers["last-event-id"];
  const since = Number(query.get("since") ?? Infinity);
  const after = last ? fleet.events.findIndex((event) => event.id === last) + 1 : -1;
  const past = last ? fleet.events.slice(after) : fleet.events.filter((event) => event.timestamp >= since);
  response.write(`: hello\n\n${past.map(encode).join("")}`);
  streams.add(response);
  response.on("close", () => streams.delete(response));
}

function problem(response, status, code, detail) {
  const body = JSON.stringify({ type: `urn:booster:problem:${code}`, title: "Error", status, detail, code });
  response.writeHead(status, { "Content-Type": "application/problem+json" }).end(body);
}

function asset(response, path) {
  const file = join(BUNDLE, path);
  if (!/^\/(index\.html|assets\/[\w.-]+)$/.test(path) || !existsSync(file)) return problem(response, 404, "path_unknown", "no such path");
  response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff" });
  return createReadStream(file).pipe(response);
}

async function text(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8081" },
      workers: { type: "string", default: "2" },
      slots: { type: "string", default: "10" },
      rate: { type: "string", default: "20" },
      key: { type: "string", default: "" },
    },
  });
  const { url } = await startMock({
    port: Number(values.port), workers: Number(values.workers), slots: Number(values.slots),
    rate: Number(values.rate), key: values.key,
  });
  console.log(url);
}
