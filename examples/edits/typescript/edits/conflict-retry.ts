// ... existing code ...

export async function retry<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  let lastError: unknown;
<<<<<<< HEAD
  let delay = options.baseDelayMs;
=======
  let delay = Math.max(10, options.baseDelayMs);
>>>>>>> feature/backoff

  // ... existing code ...
}
