const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
/** One decimal, or two digits where that says more: 12.9, 5.8, 0.024. */
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1, maximumSignificantDigits: 2, roundingPriority: "morePrecision" });
const NONE = "–";

export const count = (value: number) => whole.format(value);

/** A number in few characters: 0.42, 12.3, 4.1K. */
export const short = (value: number | null | undefined) =>
  value === null || value === undefined || !Number.isFinite(value)
    ? NONE
    : Math.abs(value) < 1000 ? fine.format(value) : compact.format(value);

export function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A length of time in milliseconds, in its two largest units at most. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return NONE;
  if (ms < 1000) return `${fine.format(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min${seconds % 60 >= 1 && minutes < 10 ? ` ${Math.floor(seconds % 60)} s` : ""}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
  return `${Math.floor(hours / 24)} d${hours % 24 ? ` ${hours % 24} h` : ""}`;
}

/** How long ago something was, in its largest unit. */
export const ago = (at: number, now: number) =>
  now - at < 1000 ? "now" : `${duration(now - at).replace(/^(\d+)(?:\.\d+)? (\S+).*/, "$1 $2")} ago`;

const two = (value: number) => String(value).padStart(2, "0");

/** The time of day with milliseconds, in the reader's zone. */
export function timeOfDay(at: number): string {
  const date = new Date(at);
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}

/** Date and time in the reader's zone. */
export function moment(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${timeOfDay(at).slice(0, 8)}`;
}

/** JSON for people. */
export const pretty = (value: unknown) => JSON.stringify(value, null, 2);
