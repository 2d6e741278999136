function backoff(attempt, base, longest = 30_000) {
  return Math.min(longest, base * 2 ** (attempt - 1));
}
