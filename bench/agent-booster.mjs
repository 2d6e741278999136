// How often npm's agent-booster is right on a corpus of edits: the same counts as the program `accuracy` prints for
// our own engine. It runs twice: as shipped, where its wrapper hands the language on as a string that the module
// reads as JavaScript, and with the number of the right language.
//
//   node bench/agent-booster.mjs [--json] FILE.jsonl…
//
// The package is installed by `npm ci --prefix bench/peers/agent-booster`.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(new URL('peers/agent-booster/package.json', import.meta.url));

/** The package with a WebAssembly module of its own. */
function fresh() {
  for (const path of Object.keys(require.cache)) {
    if (path.includes('/agent-booster/')) delete require.cache[path];
  }
  return new (require('agent-booster').AgentBooster)();
}

// The numbers of its enum WasmLanguage.
const LANGUAGES = { javascript: 0, typescript: 1, tsx: 1, python: 2, rust: 3, go: 4, java: 5, c: 6, cpp: 7 };

const WAYS = {
  'as shipped': (language) => language,
  'right language': (language) => LANGUAGES[language] ?? language,
};

function bare(text) {
  return text.replace(/\s+/gu, '');
}

/** What an answer is: `exact`, `whitespace`, `damage` or `refused`; a wanted refusal is exact. */
function judge(answer, row) {
  if (!answer.success) return row.expect_refusal ? 'exact' : 'refused';
  if (row.expect_refusal) return 'damage';
  if (answer.output === row.expected) return 'exact';
  return bare(answer.output) === bare(row.expected) ? 'whitespace' : 'damage';
}

function percentile(sorted, share) {
  const place = Math.ceil(sorted.length * share);
  return sorted[Math.min(Math.max(place, 1), sorted.length) - 1] ?? 0;
}

async function measure(path, way) {
  const counts = { cases: 0, exact: 0, whitespace: 0, damage: 0, refused: 0 };
  const micros = [];
  // A module that trapped is left in a broken state; the next edit gets a new one.
  let booster = fresh();
  for (const line of readFileSync(path, 'utf8').split('\n').filter((text) => text.trim())) {
    const row = JSON.parse(line);
    const request = { code: row.original, edit: row.edit, language: way(row.language) };
    const before = process.cpuUsage();
    const answer = await booster.apply(request);
    const used = process.cpuUsage(before);
    micros.push(used.user + used.system);
    counts.cases += 1;
    counts[judge(answer, row)] += 1;
    if (answer.strategy === 'failed') booster = fresh();
  }
  micros.sort((a, b) => a - b);
  const times = { p50_us: percentile(micros, 0.5), p99_us: percentile(micros, 0.99) };
  return { file: basename(path, '.jsonl'), ...counts, ...times };
}

function printTable(way, files) {
  console.log(`agent-booster, ${way}`);
  const columns = ['file', 'cases', 'exact', 'whitespace', 'damage', 'refused', 'p50_us', 'p99_us'];
  for (const row of [Object.fromEntries(columns.map((name) => [name, name])), ...files]) {
    const cells = columns.map((name, at) => (at ? String(row[name]).padStart(11) : row[name].padEnd(26)));
    console.log(cells.join(''));
  }
}

const paths = process.argv.slice(2).filter((argument) => argument !== '--json');
const json = process.argv.includes('--json');
if (paths.length === 0) {
  console.error('usage: node bench/agent-booster.mjs [--json] FILE.jsonl…');
  process.exit(2);
}
const all = {};
for (const [name, way] of Object.entries(WAYS)) {
  const files = [];
  for (const path of paths) files.push(await measure(path, way));
  all[name] = { files };
  if (!json) printTable(name, files);
}
if (json) console.log(JSON.stringify(all));
