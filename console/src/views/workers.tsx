import { useMemo, useState } from "preact/hooks";
import { pool, slotChanges } from "../fleet";
import { bytes, count, duration } from "../format";
import { List } from "../list";
import { link } from "../route";
import { useStore } from "../store";
import { SLOT_STATUSES, type Pool, type Slot, type Worker } from "../types";
import { Ago, Badge, Choice, Empty, LoadProblem, Search, useNarrow } from "../ui";

/** Workers that are shown with all their slots from the start, in a fleet of at most so many. */
const OPEN_UP_TO = 4;

type Row = { worker: Worker; slots: Slot[]; open: boolean; slot?: Slot };

export function Workers() {
  const loaded = pool.use();
  const changes = useStore(slotChanges);
  const narrow = useNarrow();
  const [text, setText] = useState("");
  const [status, setStatus] = useState("");
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());

  const groups = useMemo(() => group(loaded.data), [loaded.data]);
  const startOpen = groups.length <= OPEN_UP_TO;
  const isOpen = (worker: string) => toggled.has(worker) !== startOpen;
  const rows = useMemo(
    () => flatten(groups, text.trim().toLowerCase(), status, isOpen),
    [groups, text, status, toggled, changes],
  );
  const toggle = (worker: string) => {
    const next = new Set(toggled);
    if (!next.delete(worker)) next.add(worker);
    setToggled(next);
  };

  const slots = loaded.data?.slots ?? [];
  const busy = slots.filter((slot) => slot.status === "busy").length;
  const memory = slots.reduce((sum, slot) => sum + slot.memoryUsage, 0);
  return (
    <div class="page fill">
      <LoadProblem loaded={loaded} what="The workers" />
      <div class="bar">
        <Search label="Filter by worker, host, slot or job" value={text} change={setText} />
        <Choice label="Status" value={status} choices={SLOT_STATUSES} change={setStatus} all="any status" />
        <span class="muted">
          {count(groups.length)} workers, {count(busy)} of {count(slots.length)} slots busy, {bytes(memory)}
        </span>
      </div>
      {rows.length === 0 ? <None loaded={loaded.data} /> : (
        <List
          label="Workers and their slots"
          class="workers"
          columns={["Slot", "Status", "Job", "Memory", "Tasks", "Mean", "Errors", "Active"]}
          rows={rows}
          height={(row) => (row.slot ? (narrow ? 58 : 34) : narrow ? 66 : 46)}
          keyOf={(row) => row.slot?.boosterId ?? row.worker.id}
          rowClass={(row) => (row.slot ? "slot" : "worker")}
          render={(row) =>
            row.slot
              ? <SlotCells slot={row.slot} />
              : <WorkerCells row={row} toggle={() => toggle(row.worker.id)} />}
        />
      )}
    </div>
  );
}

function None({ loaded }: { loaded: Pool | undefined }) {
  if (!loaded) return <Empty title="Loading…" />;
  if (loaded.slots.length > 0) return <Empty title="No slot matches the filter" />;
  return <Empty title="No worker is running">Start one with <code>booster-worker</code>; its slots appear here.</Empty>;
}

/** Workers with their slots; a slot is called `<worker>-s<number>`. */
function group(known: Pool | undefined): { worker: Worker; slots: Slot[] }[] {
  if (!known) return [];
  const groups = new Map(known.workers.map((worker) => [worker.id, { worker, slots: [] as Slot[] }]));
  for (const slot of known.slots) {
    const id = slot.boosterId.replace(/-s\d+$/, "");
    let owner = groups.get(id);
    if (!owner) groups.set(id, (owner = { worker: { id, host: "", version: "", startedAt: 0, boosters: [] }, slots: [] }));
    owner.slots.push(slot);
  }
  for (const { slots } of groups.values()) slots.sort((a, b) => number(a) - number(b));
  return [...groups.values()].sort((a, b) => (a.worker.id < b.worker.id ? -1 : 1));
}

const number = (slot: Slot) => Number(/\d+$/.exec(slot.boosterId)?.[0] ?? 0);

function flatten(groups: { worker: Worker; slots: Slot[] }[], text: string, status: string, isOpen: (id: string) => boolean): Row[] {
  const rows: Row[] = [];
  for (const { worker, slots } of groups) {
    const whole = !text || `${worker.id} ${worker.host}`.toLowerCase().includes(text);
    const shown = slots.filter(
      (slot) =>
        (!status || slot.status === status) &&
        (whole || `${slot.boosterId} ${slot.job ?? ""}`.toLowerCase().includes(text)),
    );
    if (shown.length === 0 && (status || !whole)) continue;
    // A filter that picks slots shows them.
    const open = isOpen(worker.id) || status !== "" || !whole;
    rows.push({ worker, slots, open });
    if (open) for (const slot of shown) rows.push({ worker, slots, open, slot });
  }
  return rows;
}

function WorkerCells({ row, toggle }: { row: Row; toggle: () => void }) {
  const { worker, slots, open } = row;
  const busy = slots.filter((slot) => slot.status === "busy").length;
  const memory = slots.reduce((sum, slot) => sum + slot.memoryUsage, 0);
  const counts = SLOT_STATUSES.map((status) => [slots.filter((slot) => slot.status === status).length, status] as const);
  const said = counts.filter(([many]) => many > 0).map(([many, status]) => `${many} ${status}`).join(", ");
  return (
    <>
      <span class="worker-name" role="cell">
        <button type="button" class="disclosure" aria-expanded={open} onClick={toggle}>
          <span class="chevron" aria-hidden="true" />{worker.id}
        </button>
      </span>
      <span class="worker-slots" role="cell">
        <span class="cells" role="img" aria-label={said}>
          {slots.map((slot) => <span key={slot.boosterId} class={`cell ${slot.status}`} />)}
        </span>
        <span class="muted">{busy}/{slots.length} busy</span>
      </span>
      <span class="worker-facts muted" role="cell">
        <span>{bytes(memory)}</span>
        {worker.host && <span>{worker.host}</span>}
        {worker.version && <span>v{worker.version}</span>}
        {worker.startedAt > 0 && <span>up <Uptime at={worker.startedAt} /></span>}
      </span>
    </>
  );
}

function Uptime({ at }: { at: number }) {
  return <>{duration(Date.now() - at)}</>;
}

function SlotCells({ slot }: { slot: Slot }) {
  return (
    <>
      <span role="cell" class="id slot-name" title={`${slot.boosterId}, instance ${slot.instanceId}`}>{slot.boosterId.slice(slot.boosterId.lastIndexOf("-s") + 1)}</span>
      <span role="cell" class="slot-status">
        <Badge word={slot.status} />
        {slot.health && slot.health !== "healthy" && <Badge word={slot.health} />}
      </span>
      <span role="cell" class="slot-job">{slot.job ? <a class="id" href={link("jobs", slot.job)}>{slot.job}</a> : <span class="muted">–</span>}</span>
      <span role="cell" class="number">{bytes(slot.memoryUsage)}</span>
      <span role="cell" class="number optional">{count(slot.tasks)}</span>
      <span role="cell" class="number optional">{duration(slot.meanLatencyMs)}</span>
      <span role="cell" class={slot.errorCount ? "number red-text" : "number zero"}>{count(slot.errorCount)}<span class="unit">{slot.errorCount === 1 ? " error" : " errors"}</span></span>
      <span role="cell" class="number muted"><Ago at={slot.lastActivity} /></span>
    </>
  );
}
