// Runs npm's agent-booster on JSON lines `{code, edit, language, compat}` and prints one answer a line, without the
// latency. Usage: node agent_booster_conformance.mjs PACKAGE-FOLDER
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const folder = resolve(process.argv[2]);
const require = createRequire(import.meta.url);
const { AgentBooster } = require(resolve(folder, "dist/index.js"));
const { AgentBoosterWasm, WasmLanguage } = require(resolve(folder, "wasm/agent_booster_wasm.js"));

const numbers = {
  javascript: WasmLanguage.JavaScript,
  typescript: WasmLanguage.TypeScript,
  python: WasmLanguage.Python,
  rust: WasmLanguage.Rust,
  go: WasmLanguage.Go,
  java: WasmLanguage.Java,
  c: WasmLanguage.C,
  cpp: WasmLanguage.Cpp,
};
const strategies = ["exact_replace", "fuzzy_replace", "insert_after", "insert_before", "append"];
const shipped = new AgentBooster();
const direct = new AgentBoosterWasm();

// As the package's own JavaScript does it, but with the language's number.
function rightly({ code, edit, language }) {
  try {
    const result = direct.apply_edit(code, edit, numbers[language]);
    const { confidence, strategy, merged_code: output } = result;
    const tokens = { input: Math.ceil(code.length / 4), output: Math.ceil(output.length / 4) };
    return { output, success: confidence > 0.5, tokens, confidence, strategy: strategies[strategy] ?? "unknown" };
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return { trap: true };
    return { output: code, success: false, tokens: { input: 0, output: 0 }, confidence: 0, strategy: "failed" };
  }
}

for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const { code, edit, language, compat } = JSON.parse(line);
  const answer = compat === "dist" ? await shipped.apply({ code, edit, language }) : rightly({ code, edit, language });
  delete answer.latency;
  console.log(JSON.stringify(answer));
}
