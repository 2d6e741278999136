export interface DiffLine {
  kind: "same" | "added" | "removed" | "gap";
  /** Line number before and after; absent where the line does not exist. */
  before?: number;
  after?: number;
  text: string;
}

/** Unchanged lines shown around a change. */
const CONTEXT = 3;
/** Most edits that are searched for; a text that differs by more is shown as replaced as a whole. */
const MAX_EDITS = 1500;

/** The lines that changed between two texts, with a few around them (Myers' shortest edit script). */
export function diff(before: string, after: string): DiffLine[] {
  const a = before.split("\n");
  const b = after.split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;

  const lines: DiffLine[] = [];
  const same = (x: number, y: number) => lines.push({ kind: "same", before: x + 1, after: y + 1, text: a[x] ?? "" });
  for (let i = 0; i < head; i += 1) same(i, i);
  const steps = script(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  let x = head;
  let y = head;
  for (const step of steps) {
    if (step === "=") same(x++, y++);
    else if (step === "-") lines.push({ kind: "removed", before: x + 1, text: a[x++] ?? "" });
    else lines.push({ kind: "added", after: y + 1, text: b[y++] ?? "" });
  }
  for (; x < a.length; x += 1, y += 1) same(x, y);
  return fold(lines);
}

/** The lines of a unified diff of one file. */
export function readUnified(text: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let before = 0;
  let after = 0;
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line);
    const rest = line.slice(1);
    if (hunk) {
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      if (before > 1 || lines.length > 0) lines.push({ kind: "gap", text: "" });
    } else if (before + after === 0) {
      // Names of the file, ahead of the first hunk.
    } else if (line.startsWith("+")) lines.push({ kind: "added", after: after++, text: rest });
    else if (line.startsWith("-")) lines.push({ kind: "removed", before: before++, text: rest });
    else if (!line.startsWith("\\")) lines.push({ kind: "same", before: before++, after: after++, text: rest });
  }
  return lines;
}

/** The shortest way from `a` to `b`, as steps: `=` keeps a line, `-` removes one, `+` adds one. */
function script(a: string[], b: string[]): string[] {
  const most = Math.min(a.length + b.length, MAX_EDITS);
  // Of each diagonal k = x - y the furthest x that was reached, at `most + 1 + k`; one copy for each number of edits.
  const zero = most + 1;
  const furthest = new Int32Array(2 * most + 3);
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits += 1) {
    trace.push(furthest.slice());
    for (let k = -edits; k <= edits; k += 2) {
      let x = entry(furthest, zero, k, edits).x;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      furthest[zero + k] = x;
      if (x >= a.length && x - k >= b.length) return walkBack(trace, zero, a.length, b.length);
    }
  }
  return [...a.map(() => "-"), ...b.map(() => "+")];
}

/** Where the last edit leads to on diagonal k, and whether it adds a line (else it removes one). */
function entry(furthest: Int32Array, zero: number, k: number, edits: number): { x: number; adds: boolean } {
  const above = furthest[zero + k + 1] ?? 0;
  const left = furthest[zero + k - 1] ?? 0;
  const adds = k === -edits || (k !== edits && left < above);
  return { x: adds ? above : left + 1, adds };
}

function walkBack(trace: Int32Array[], zero: number, x: number, y: number): string[] {
  const steps: string[] = [];
  for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
    const from = entry(trace[edits] as Int32Array, zero, x - y, edits);
    for (; x > from.x; x -= 1, y -= 1) steps.push("=");
    if (edits === 0) break;
    steps.push(from.adds ? "+" : "-");
    if (from.adds) y -= 1;
    else x -= 1;
  }
  return steps.reverse();
}

/** Puts a gap in place of unchanged lines that are far from any change. */
function fold(lines: DiffLine[]): DiffLine[] {
  const near = new Uint8Array(lines.length);
  lines.forEach((line, i) => {
    if (line.kind !== "same") near.fill(1, Math.max(0, i - CONTEXT), i + CONTEXT + 1);
  });
  const folded: DiffLine[] = [];
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] as DiffLine;
    if (near[i]) folded.push(line);
    else if (folded.at(-1)?.kind !== "gap") folded.push({ kind: "gap", text: "" });
  }
  return folded;
}
