export interface RetryOptions {
  attempts: number;
  baseDelayMs: number;
  /** Return false to give up at once. */
  shouldRetry?: (error: unknown) => boolean;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Runs `task` until it succeeds or the attempts are used up.
 * The delay doubles after each failure.
 */
export async function retry<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  let lastError: unknown;
  let delay = options.baseDelayMs;

  for (let attempt = 1; attempt <= options.attempts; attempt++) {
    try {
      return await task();
    } catch (error) {
      lastError = error;
      if (options.shouldRetry && !options.shouldRetry(error)) {
        break;
      }
    }
    if (attempt < options.attempts) {
      await sleep(delay);
      delay *= 2;
    }
  }

  const reason = lastError instanceof Error ? lastError.message : String(lastError);
  throw new Error(`giving up after ${options.attempts} attempts: ${reason}`, { cause: lastError });
}
