// What the job view shows of changes has to turn one text into the other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "vite";

const built = await build({
  configFile: false,
  logLevel: "error",
  root: new URL("..", import.meta.url).pathname,
  build: { write: false, minify: false, lib: { entry: "src/diff.ts", formats: ["es"] } },
});
const code = built[0].output[0].code;
const { diff, readUnified } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

/** A small generator with a fixed seed, so that a failure can be repeated. */
function randoms(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
}

test("the lines shown turn the text before into the text after, with as few changes as possible", () => {
  const random = randoms(7);
  for (let round = 0; round < 2000; round += 1) {
    const text = () => Array.from({ length: 1 + random(14) }, () => "abc"[random(3)]);
    const [before, after] = [text(), text()];
    const lines = diff(before.join("\n"), after.join("\n"));
    const rebuilt = before.slice();
    // From the end, so that line numbers before stay right.
    let at = before.length;
    for (const line of lines.toReversed()) {
      if (line.before !== undefined) at = line.before - 1;
      if (line.kind === "removed") assert.equal(rebuilt.splice(at, 1)[0], line.text);
      if (line.kind === "added") rebuilt.splice(at, 0, line.text);
      if (line.kind === "gap") at = undefined;
    }
    const changed = lines.filter((line) => line.kind === "added" || line.kind === "removed");
    assert.equal(changed.length, before.length + after.length - 2 * longestCommon(before, after));
    if (!lines.some((line) => line.kind === "gap")) assert.deepEqual(rebuilt, after);
    for (const line of lines) {
      if (line.before !== undefined) assert.equal(before[line.before - 1], line.text);
      if (line.after !== undefined) assert.equal(after[line.after - 1], line.text);
    }
  }
});

test("unchanged lines far from a change become one gap", () => {
  const before = Array.from({ length: 100 }, (_, i) => `line ${i}`);
  const after = before.with(50, "changed");
  const kinds = diff(before.join("\n"), after.join("\n")).map((line) => line.kind[0]).join("");
  assert.equal(kinds, "gsssrasssg");
});

test("a unified diff is read as the same lines", () => {
  const text = "--- a/file\n+++ b/file\n@@ -1,2 +1,2 @@\n-a\n+--b\n c\n@@ -9,2 +9,3 @@ head\n x\n+\n y\n\\ No newline at end of file\n";
  assert.deepEqual(readUnified(text), [
    { kind: "removed", before: 1, text: "a" },
    { kind: "added", after: 1, text: "--b" },
    { kind: "same", before: 2, after: 2, text: "c" },
    { kind: "gap", text: "" },
    { kind: "same", before: 9, after: 9, text: "x" },
    { kind: "added", after: 10, text: "" },
    { kind: "same", before: 10, after: 11, text: "y" },
  ]);
  assert.deepEqual(readUnified(""), []);
});

test("large texts without a line in common take a moment, not a minute", () => {
  const lines = (word) => Array.from({ length: 20_000 }, (_, i) => `${word} ${i}`).join("\n");
  assert.equal(diff(lines("a"), lines("b")).length, 40_000);
});

function longestCommon(a, b) {
  const row = new Array(b.length + 1).fill(0);
  for (const x of a) {
    let diagonal = 0;
    b.forEach((y, i) => {
      const above = row[i + 1];
      row[i + 1] = x === y ? diagonal + 1 : Math.max(above, row[i]);
      diagonal = above;
    });
  }
  return row[b.length];
}
