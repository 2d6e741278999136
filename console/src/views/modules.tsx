import * as api from "../api";
import { modules } from "../fleet";
import { bytes, count } from "../format";
import { Store, useStore } from "../store";
import type { Module } from "../types";
import { Ago, attempt, Badge, Button, confirmed, Empty, LoadProblem, Table } from "../ui";

/** What a gateway without such a route says, other than of a module that it does not know. */
const NO_ROUTE = ["not_found", "path_unknown"];

/** Whether the gateway takes actions; they are not offered again once it has answered that it does not. */
const steerable = new Store(true);

export function Modules() {
  const loaded = modules.use();
  const absent = loaded.problem?.status === 404;
  return (
    <div class="page">
      {!absent && <LoadProblem loaded={loaded} what="The modules" />}
      {absent ? (
        <Empty title="This gateway has no registry of modules">Workers then take boosters from their directory of modules.</Empty>
      ) : (
        <section class="panel"><ModuleTable modules={loaded.data} /></section>
      )}
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
  const actions = useStore(steerable);
  if (!list) return <Empty title="Loading…" />;
  if (list.length === 0) return <Empty title="No module is registered" />;
  const steers = { name: "Actions", wide: true, cell: (module: Module) => <Steers module={module} list={list} /> };
  const columns = actions ? [...COLUMNS, steers] : COLUMNS;
  return <Table label="Modules" columns={columns} rows={list} keyOf={({ name, version }) => `${name}@${version}`} />;
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
  const request = send().catch((error: unknown) => {
    if (error instanceof api.Problem && error.status === 404 && NO_ROUTE.includes(error.code)) {
      steerable.set(false);
      throw new api.Problem(404, error.code, "This gateway does not change modules.");
    }
    throw error;
  });
  await attempt(request, action === "Promote" ? "Promoted." : "Rolled back.");
  await modules.refresh();
}
