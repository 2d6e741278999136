import type { Outcome, Problem } from "./types.js";

/** What every error of this package is. */
export class BoosterError extends Error {
  override name = "BoosterError";
}

/** The gateway said no. */
export class ProblemError extends BoosterError {
  override name = "ProblemError";

  constructor(
    readonly problem: Problem,
    /** What `Retry-After` said, in milliseconds. */
    readonly retryAfterMs?: number,
  ) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`);
  }

  get status(): number {
    return this.problem.status;
  }

  get code(): string {
    return this.problem.code;
  }
}

/** The gateway could not be reached, did not answer in time, or not in its own form. */
export class ConnectionError extends BoosterError {
  override name = "ConnectionError";
}

/** A job has not ended in the time that its waiter had. It goes on. */
export class WaitTimeoutError extends BoosterError {
  override name = "WaitTimeoutError";

  constructor(
    /** The jobs without an outcome. */
    readonly ids: string[],
    readonly timeoutMs: number,
  ) {
    super(`no outcome of ${ids.slice(0, 3).join(", ")}${ids.length > 3 ? "…" : ""} within ${timeoutMs} ms`);
  }
}

/** A job ended otherwise than `done`. */
export class OutcomeError<Refusal = unknown> extends BoosterError {
  override name = "OutcomeError";

  constructor(readonly outcome: Exclude<Outcome<never, Refusal>, { outcome: "done" }>) {
    super(`job ${outcome.id} was ${describe(outcome)}`);
  }
}

function describe(outcome: Outcome<unknown, unknown>): string {
  switch (outcome.outcome) {
    case "refused":
      return `refused: ${JSON.stringify(outcome.refusal)}`;
    case "dead":
      return `given up: ${outcome.error.code}: ${outcome.error.message}`;
    default:
      return outcome.outcome;
  }
}
