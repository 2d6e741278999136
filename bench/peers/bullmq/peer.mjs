// BullMQ as a contender of the queue benchmark: one program that is either the worker or the submitter.
//
// `node peer.mjs worker URL CONCURRENCY` and `node peer.mjs submitter URL CONCURRENCY`. The protocol on standard
// input and output is described in bench/src/queue/process.rs. All options but the concurrency are BullMQ's
// defaults: finished jobs are kept, events are on.
import { createInterface } from "node:readline";
import { Queue, QueueEvents, Worker } from "bullmq";

const QUEUE = "bench";
const BATCH = 500;
const HOLD_MS = 600_000;

const [role, url, concurrency] = process.argv.slice(2);
const connection = { url };
const say = (line) => process.stdout.write(`${line}\n`);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function work(job) {
  if (job.data.hold) {
    say("running");
    await sleep(HOLD_MS);
  }
  return {};
}

async function worker() {
  const running = new Worker(QUEUE, work, { connection, concurrency: Number(concurrency) });
  running.on("error", (error) => console.error(error));
  await running.waitUntilReady();
  say("ready");
}

async function fill(queue, count, bytes) {
  const data = { hold: false, data: "x".repeat(bytes) };
  for (let sent = 0; sent < count; sent += BATCH) {
    const batch = Math.min(BATCH, count - sent);
    await queue.addBulk(Array.from({ length: batch }, () => ({ name: "noop", data })));
  }
}

async function singles(queue, count, bytes, seconds) {
  const events = new QueueEvents(QUEUE, { connection });
  await events.waitUntilReady();
  const data = { hold: false, data: "x".repeat(bytes) };
  const times = [];
  const end = performance.now() + seconds * 1000;
  while (times.length < count && performance.now() < end) {
    await sleep(5);
    const begin = performance.now();
    const job = await queue.add("noop", data);
    await job.waitUntilFinished(events, seconds * 1000);
    times.push(performance.now() - begin);
  }
  await events.close();
  return times;
}

async function submitter() {
  const queue = new Queue(QUEUE, { connection });
  await queue.waitUntilReady();
  say("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const [request, ...numbers] = line.split(" ");
    const [count, bytes, seconds] = numbers.map(Number);
    if (request === "fill") {
      await fill(queue, count, bytes);
      say("filled 0");
    } else if (request === "singles") {
      say(`singles ${JSON.stringify(await singles(queue, count, bytes, seconds))}`);
    } else if (request === "hold") {
      await queue.add("hold", { hold: true, data: "" });
      say("held");
    } else {
      throw new Error(`unknown request ${line}`);
    }
  }
  await queue.close();
}

if (role === "worker") await worker();
else if (role === "submitter") await submitter();
else throw new Error("usage: peer.mjs worker|submitter URL CONCURRENCY");
