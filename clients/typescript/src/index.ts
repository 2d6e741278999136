export { BoosterFleet, DeadJobs } from "./client.js";
export type { ApplyOptions, CallOptions, EventOptions, WaitOptions } from "./client.js";
export { BoosterError, ConnectionError, OutcomeError, ProblemError, WaitTimeoutError } from "./errors.js";
export type { HttpOptions } from "./http.js";
export type * from "./types.js";
