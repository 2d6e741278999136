class Task {
  // ... existing code ...

  /** Run the action, again and again while there are retries left. */
  async run(retryDelay) {
    this.state = STATES.RUNNING;
    this.startedAt = Date.now();
    for (;;) {
      this.attempts += 1;
      // ... existing code ...
      await sleep(backoff(this.attempts, retryDelay));
    }
  }
}
