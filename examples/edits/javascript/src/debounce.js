'use strict';

/**
 * Call `fn` once the calls have stopped for `wait` milliseconds.
 *
 * The returned function has a `cancel` method.
 */
function debounce(fn, wait) {
  let timer = null;

  function debounced(...args) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null;
      fn.apply(this, args);
    }, wait);
  }

  debounced.cancel = () => {
    clearTimeout(timer);
    timer = null;
  };

  return debounced;
}

/** Let a call through at most every `wait` milliseconds. */
function throttle(fn, wait) {
  let last = -Infinity;
  return function throttled(...args) {
    const now = Date.now();
    if (now - last < wait) {
      return undefined;
    }
    last = now;
    return fn.apply(this, args);
  };
}

module.exports = { debounce, throttle };
