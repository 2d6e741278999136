export async function retry<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  let lastError: unknown;
  let delay = options.baseDelayMs;

  // ... existing code ...

  const reason = lastError instanceof Error ? lastError.message : String(lastError);
  throw new Error(`giving up after ${options.attempts} attempts: ${reason}`, { cause: lastError });
}
