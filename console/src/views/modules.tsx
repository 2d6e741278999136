import * as api from "../api";
import { modules } from "../fleet";
import { bytes, count } from "../format";
import type { Module } from "../types";
import { Ago, attempt, Badge, Button, confirmed, Empty, LoadProblem, Table } from "../ui";

export function Modules() {
  const loaded = modules.use();
  return (
    <div class="page">
      <LoadProblem loaded={loaded} what="The modules" />
      <section class="panel"><ModuleTable modules={loaded.data} /></section>
    </div>
  );
}

const COLUMNS = [
  { name: "Module", cell: (module: Module) => module.name },
  { name: "Version", cell: (module: Module) => module.version },
  { name: "State", cell: (module: Module) => <State module={module} /> },
  { name: "Workers", number: true, cell: (module: Module) => count(module.workers) },
  { name: "Size", number: true, cell: (module: Module) => bytes(module.size) },
  { name: "Capabilities", wide: true, cell: (module: Module) => module.capabilities.join(", ") || "–" },
  {
    name: "Digest",
    cell: ({ digest }: Module) => <code title={digest}>{digest.replace(/^sha256:/, "").slice(0, 12)}</code>,
  },
  { name: "Pushed", cell: (module: Module) => <Ago at={module.pushedAt} /> },
];

function State({ module: { state, canaryPercent } }: { module: Module }) {
  return <Badge word={state}>{state === "canary" ? `canary ${canaryPercent ?? 0} %` : state}</Badge>;
}

function ModuleTable({ modules: list }: { modules: Module[] | undefined }) {
  if (!list) return <Empty title="Loading…" />;
  if (list.length === 0) return <Empty title="No module is registered" />;
  const steers = { name: "Actions", wide: true, cell: (module: Module) => <Steers module={module} list={list} /> };
  return <Table label="Modules" columns={[...COLUMNS, steers]} rows={list} keyOf={({ name, version }) => `${name}@${version}`} />;
}

function Steers({ module: { name, version, state, source }, list }: { module: Module; list: Module[] }) {
  if (source === "directory") return null;
  const others = list.filter((other) => other.name === name && other.version !== version);
  const back = state === "canary"
    ? `Version ${version} gets no more jobs than those that name it.`
    : `New jobs run in the version that was active before ${version}.`;
  // A rollback ends a canary first, so it is offered beside that.
  const canBack = state === "canary" || (state === "active" && others.length > 0 && others.every((other) => other.state !== "canary"));
  return (
    <div class="buttons">
      {state !== "active" && (
        <Button
          small
          label={`Promote ${name} ${version}`}
          act={() => steer(`Promote ${name} ${version}?`, "New jobs of this module run in this version.", "Promote", () => api.promote(name, version))}
        >
          Promote
        </Button>
      )}
      {canBack && (
        <Button small tone="danger" label={`Roll back ${name}`} act={() => steer(`Roll back ${name}?`, back, "Roll back", () => api.rollback(name))}>
          Roll back
        </Button>
      )}
    </div>
  );
}

async function steer(title: string, text: string, action: string, send: () => Promise<unknown>): Promise<void> {
  if (!(await confirmed(title, text, action, action === "Promote" ? "primary" : "danger"))) return;
  await attempt(send(), action === "Promote" ? "Promoted." : "Rolled back.");
  await modules.refresh();
}
