// Writes the dashboards: `node generate.mjs [DIR]`, by default into dashboards/ beside this file. Run it by
// `make dashboards` after a change of boards.mjs or panels.mjs, and commit what it wrote.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { boards } from "./boards.mjs";
import { dashboard } from "./panels.mjs";

const dir = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "dashboards");
mkdirSync(dir, { recursive: true });
for (const board of boards) {
  writeFileSync(join(dir, `${board.file}.json`), `${JSON.stringify(dashboard(board, boards), null, 2)}\n`);
}
