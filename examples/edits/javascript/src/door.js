'use strict';

/* The states of the garage door, and where each event leads. */
const TRANSITIONS = {
  closed: { press: 'opening' },
  opening: { press: 'stopped', top: 'open' },
  open: { press: 'closing' },
  closing: { press: 'stopped', bottom: 'closed', obstacle: 'opening' },
  stopped: { press: 'closing' },
};

class Door {
  #state = 'closed';
  #listeners = new Set();

  get state() {
    return this.#state;
  }

  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  send(event) {
    const next = TRANSITIONS[this.#state][event];
    if (next === undefined) {
      return false;
    }
    this.#enter(next);
    return true;
  }

  #enter(next) {
    const previous = this.#state;
    this.#state = next;
    for (const listener of this.#listeners) {
      listener(next, previous);
    }
  }
}

module.exports = { Door, TRANSITIONS };
