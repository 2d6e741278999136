'use strict';

/**
 * Events with dotted names. A listener for 'order.*' hears 'order.paid'
 * and 'order.sent', one for '*' hears everything.
 */
class EventBus {
  constructor({ onError = console.error } = {}) {
    this.listeners = new Map();
    this.onError = onError;
    this.depth = 0;
  }

  /** Returns a function that takes the listener off again. */
  on(pattern, listener) {
    if (!this.listeners.has(pattern)) {
      this.listeners.set(pattern, new Set());
    }
    this.listeners.get(pattern).add(listener);
    return () => this.off(pattern, listener);
  }

  once(pattern, listener) {
    const off = this.on(pattern, (payload, name) => {
      off();
      listener(payload, name);
    });
    return off;
  }

  off(pattern, listener) {
    const set = this.listeners.get(pattern);
    if (!set) {
      return false;
    }
    const removed = set.delete(listener);
    if (set.size === 0) {
      this.listeners.delete(pattern);
    }
    return removed;
  }

  emit(name, payload) {
    let count = 0;
    for (const pattern of patternsFor(name)) {
      for (const listener of this.listeners.get(pattern) ?? []) {
        count += 1;
        try {
          listener(payload, name);
        } catch (error) {
          this.onError(error);
        }
      }
    }
    return count;
  }

  clear() {
    this.listeners.clear();
  }
}

/** All patterns that match a name, the closest one first. */
function patternsFor(name) {
  const patterns = [name];
  const parts = name.split('.');
  while (parts.length > 1) {
    parts.pop();
    patterns.push(`${parts.join('.')}.*`);
  }
  patterns.push('*');
  return patterns;
}

/** Remembers what was emitted; handy in tests. */
class Recorder {
  constructor(bus, pattern = '*') {
    this.entries = [];
    this.stop = bus.on(pattern, (payload, name) => {
      this.entries.push({ name, payload });
    });
  }

  names() {
    return this.entries.map((entry) => entry.name);
  }

  clear() {
    this.entries.length = 0;
  }
}

/** A promise for the next event that matches. */
function next(bus, pattern, { timeout = 0 } = {}) {
  return new Promise((resolve, reject) => {
    let timer = null;
    const off = bus.once(pattern, (payload) => {
      clearTimeout(timer);
      resolve(payload);
    });
    if (timeout > 0) {
      timer = setTimeout(() => {
        off();
        reject(new Error(`no ${pattern} within ${timeout} ms`));
      }, timeout);
    }
  });
}

module.exports = { EventBus, Recorder, next, patternsFor };
