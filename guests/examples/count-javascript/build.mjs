// Makes the component: node build.mjs OUT.wasm
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { componentize } from "@bytecodealliance/componentize-js";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = await readFile(here("count.js"), "utf8");
const { component } = await componentize(source, {
  witPath: here("../../../wit"),
  worldName: "booster",
  // A booster has no clock, no randomness, no files and no network, and so the component has no imports.
  disableFeatures: ["stdio", "random", "clocks", "http", "fetch-event"],
});
await writeFile(process.argv[2], component);
