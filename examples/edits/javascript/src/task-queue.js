'use strict';

/**
 * A queue of asynchronous tasks with priorities, dependencies, retries and
 * a limit on how many run at the same time.
 *
 *     const queue = new TaskQueue({ concurrency: 4 });
 *     queue.add('fetch', () => download(url), { retries: 2 });
 *     queue.add('parse', () => parse(), { after: ['fetch'] });
 *     await queue.drain();
 */

const STATES = Object.freeze({
  WAITING: 'waiting',
  RUNNING: 'running',
  DONE: 'done',
  FAILED: 'failed',
  SKIPPED: 'skipped',
});

class TaskError extends Error {
  constructor(task, cause) {
    super(`task ${task.name} failed: ${cause.message}`);
    this.name = 'TaskError';
    this.task = task.name;
    this.cause = cause;
  }
}

/** Thrown when tasks wait for each other in a circle. */
class CycleError extends Error {
  constructor(path) {
    super(`tasks depend on each other: ${path.join(' -> ')}`);
    this.name = 'CycleError';
    this.path = path;
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Pause before retry number `attempt`, doubling from `base`. */
function backoff(attempt, base) {
  return base * 2 ** (attempt - 1);
}

class Task {
  constructor(name, action, options = {}) {
    this.name = name;
    this.action = action;
    this.priority = options.priority ?? 0;
    this.retries = options.retries ?? 0;
    this.after = options.after ?? [];
    this.timeout = options.timeout ?? 0;
    this.state = STATES.WAITING;
    this.attempts = 0;
    this.result = undefined;
    this.error = null;
  }

  get isSettled() {
    return (
      this.state === STATES.DONE ||
      this.state === STATES.FAILED ||
      this.state === STATES.SKIPPED
    );
  }

  /** Run the action, again and again while there are retries left. */
  async run(retryDelay) {
    this.state = STATES.RUNNING;
    for (;;) {
      this.attempts += 1;
      try {
        this.result = await withTimeout(this.action(), this.timeout);
        this.state = STATES.DONE;
        return;
      } catch (error) {
        if (this.attempts > this.retries) {
          this.error = new TaskError(this, error);
          this.state = STATES.FAILED;
          return;
        }
      }
      await sleep(backoff(this.attempts, retryDelay));
    }
  }
}

/** Reject when the promise takes longer than `ms`; 0 means no limit. */
function withTimeout(promise, ms) {
  if (!ms) {
    return promise;
  }
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out after ${ms} ms`)), ms);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/** A binary heap; `before(a, b)` says whether a comes out before b. */
class Heap {
  constructor(before) {
    this.before = before;
    this.items = [];
  }

  get size() {
    return this.items.length;
  }

  push(item) {
    this.items.push(item);
    this.siftUp(this.items.length - 1);
  }

  pop() {
    const top = this.items[0];
    const last = this.items.pop();
    if (this.items.length > 0) {
      this.items[0] = last;
      this.siftDown(0);
    }
    return top;
  }

  siftUp(index) {
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.before(this.items[index], this.items[parent])) {
        return;
      }
      this.swap(index, parent);
      index = parent;
    }
  }

  siftDown(index) {
    for (;;) {
      let first = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.items.length && this.before(this.items[child], this.items[first])) {
          first = child;
        }
      }
      if (first === index) {
        return;
      }
      this.swap(index, first);
      index = first;
    }
  }

  swap(i, j) {
    [this.items[i], this.items[j]] = [this.items[j], this.items[i]];
  }
}

class TaskQueue {
  constructor({ concurrency = 1, retryDelay = 100, onSettled = () => {} } = {}) {
    this.concurrency = concurrency;
    this.retryDelay = retryDelay;
    this.onSettled = onSettled;
    this.tasks = new Map();
    this.running = 0;
    this.waiters = [];
  }

  add(name, action, options) {
    if (this.tasks.has(name)) {
      throw new Error(`task ${name} exists`);
    }
    const task = new Task(name, action, options);
    this.tasks.set(name, task);
    return task;
  }

  /** Start everything; resolves when all tasks are settled. */
  drain() {
    this.checkCycles();
    return new Promise((resolve) => {
      this.waiters.push(resolve);
      this.schedule();
    });
  }

  schedule() {
    this.skipBlocked();
    const ready = new Heap((a, b) => a.priority > b.priority);
    for (const task of this.tasks.values()) {
      if (task.state === STATES.WAITING && this.isReady(task)) {
        ready.push(task);
      }
    }
    while (ready.size > 0 && this.running < this.concurrency) {
      this.start(ready.pop());
    }
    if (this.running === 0) {
      this.finish();
    }
  }

  async start(task) {
    this.running += 1;
    await task.run(this.retryDelay);
    this.running -= 1;
    this.onSettled(task);
    this.schedule();
  }

  isReady(task) {
    return task.after.every((name) => this.tasks.get(name)?.state === STATES.DONE);
  }

  /** Tasks behind a failed one will never run. */
  skipBlocked() {
    let changed = true;
    while (changed) {
      changed = false;
      for (const task of this.tasks.values()) {
        if (task.state !== STATES.WAITING) {
          continue;
        }
        const blocked = task.after.some((name) => {
          const other = this.tasks.get(name);
          return !other || other.state === STATES.FAILED || other.state === STATES.SKIPPED;
        });
        if (blocked) {
          task.state = STATES.SKIPPED;
          this.onSettled(task);
          changed = true;
        }
      }
    }
  }

  checkCycles() {
    const finished = new Set();
    const visit = (name, path) => {
      if (finished.has(name)) {
        return;
      }
      if (path.includes(name)) {
        throw new CycleError([...path.slice(path.indexOf(name)), name]);
      }
      for (const other of this.tasks.get(name)?.after ?? []) {
        visit(other, [...path, name]);
      }
      finished.add(name);
    };
    for (const name of this.tasks.keys()) {
      visit(name, []);
    }
  }

  finish() {
    const waiters = this.waiters;
    this.waiters = [];
    for (const resolve of waiters) {
      resolve(this.summary());
    }
  }

  summary() {
    const counts = {};
    for (const task of this.tasks.values()) {
      counts[task.state] = (counts[task.state] ?? 0) + 1;
    }
    return counts;
  }
}

module.exports = { TaskQueue, Task, Heap, STATES, TaskError, CycleError, backoff };
