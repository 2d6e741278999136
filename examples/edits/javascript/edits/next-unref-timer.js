function next(bus, pattern, { timeout = 0 } = {}) {
  return new Promise((resolve, reject) => {
    let timer = null;
    // ... existing code ...
    if (timeout > 0) {
      timer = setTimeout(() => {
        off();
        reject(new Error(`no ${pattern} within ${timeout} ms`));
      }, timeout);
      timer.unref?.();
    }
  });
}
