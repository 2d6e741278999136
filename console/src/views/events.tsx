import { useMemo, useState } from "preact/hooks";
import { count, duration, pretty, timeOfDay } from "../format";
import { List } from "../list";
import { link } from "../route";
import { Store, useStore } from "../store";
import { events, MAX_EVENTS } from "../stream";
import { EVENT_TYPES, type FleetEvent } from "../types";
import { Badge, Button, Code, Dialog, Empty, Search, useNarrow } from "../ui";

/** `booster.task.completed` is `completed`, the last word that says something. */
const word = (type: string) =>
  type.endsWith(".updated") ? type.slice("booster.".length, -".updated".length) : type.slice(type.lastIndexOf(".") + 1);

/** The view stands still; events are received and kept all the same. */
const paused = new Store(false);

export function togglePause(): void {
  paused.set(!paused.value);
}

export function Events() {
  const live = useStore(events);
  const isPaused = useStore(paused);
  const narrow = useNarrow();
  const [types, setTypes] = useState<ReadonlySet<string>>(new Set());
  const [text, setText] = useState("");
  const [still, setStill] = useState(false);
  const [shown, show] = useState<FleetEvent>();

  const held = isPaused || still;
  const newest = live.at(-1)?.n ?? -1;
  const limit = useHeld(newest, held);
  const rows = useMemo(() => matching(live, limit, types, text), [live, limit, types, text]);
  const toggle = (type: string) => {
    const next = new Set(types);
    if (!next.delete(type)) next.add(type);
    setTypes(next);
  };
  return (
    <div class="page fill">
      <div class="bar">
        <Search label="Filter by any word" value={text} change={setText} />
        <div class="segments wrap" role="group" aria-label="Types shown">
          {EVENT_TYPES.map((type) => (
            <Button key={type} small act={() => toggle(type)} pressed={types.has(type)}>{word(type)}</Button>
          ))}
        </div>
        <Button act={togglePause} pressed={isPaused}>{isPaused ? "Resume" : "Pause"}</Button>
        <span class="muted">
          {count(rows.length)} shown{held && newest > limit ? `, ${count(newest - limit)} new` : ""}
        </span>
      </div>
      {rows.length === 0 ? (
        <Empty title={live.length === 0 ? "No event yet" : "No event matches the filter"}>
          Shown are the latest {count(MAX_EVENTS)} events, beginning ten minutes before this page was opened.
        </Empty>
      ) : (
        <List
          label="Events, the latest first"
          class="events"
          columns={["Time", "Type", "What", "Job"]}
          rows={rows}
          height={() => (narrow ? 54 : 30)}
          keyOf={(event) => event.n}
          inUse={setStill}
          render={(event) => (
            <>
              <span role="cell" class="time muted">{timeOfDay(event.timestamp)}</span>
              <span role="cell" class="event-type"><Badge word={word(event.type)} /></span>
              <span role="cell" class="what">
                <button type="button" class="plain" onClick={() => show(event)} title="Show the whole event">{summary(event)}</button>
              </span>
              <span role="cell" class="event-job"><JobLink event={event} /></span>
            </>
          )}
        />
      )}
      {shown && (
        <Dialog title={shown.type} close={() => show(undefined)}>
          <Code label="Event">{pretty({ type: shown.type, timestamp: shown.timestamp, data: shown.data })}</Code>
          <div class="actions"><Button act={() => show(undefined)}>Close</Button></div>
        </Dialog>
      )}
    </div>
  );
}

/** The newest event's number, which stays as it was while the list is held. */
function useHeld(newest: number, held: boolean): number {
  const [limit, setLimit] = useState(newest);
  const wanted = held ? limit : newest;
  if (wanted !== limit) setLimit(wanted);
  return wanted;
}

function matching(list: FleetEvent[], limit: number, types: ReadonlySet<string>, text: string): FleetEvent[] {
  const wanted = text.trim().toLowerCase();
  const found: FleetEvent[] = [];
  for (let i = list.length - 1; i >= 0; i -= 1) {
    const event = list[i] as FleetEvent;
    if (event.n > limit || (types.size > 0 && !types.has(event.type))) continue;
    if (wanted && !`${event.type} ${JSON.stringify(event.data)}`.toLowerCase().includes(wanted)) continue;
    found.push(event);
  }
  return found;
}

function JobLink({ event: { data } }: { event: FleetEvent }) {
  if (data.jobId === undefined) return null;
  return <a class="id" href={link("jobs", String(data.jobId))}>{String(data.jobId)}</a>;
}

/** One event of a job, as a line of its history. */
export function EventLine({ event }: { event: FleetEvent }) {
  return (
    <>
      <span class="time muted">{timeOfDay(event.timestamp)}</span> <Badge word={word(event.type)} /> <span>{summary(event)}</span>
    </>
  );
}

/** What an event says, without the job's id. */
function summary({ type, data, timestamp }: FleetEvent): string {
  const error = data.error as { code?: string; message?: string } | undefined;
  switch (type) {
    case "booster.requested":
      return `${data.booster || "unreadable job"} in ${data.queue}`;
    case "booster.allocated":
      return `attempt ${data.attempt} in ${data.boosterId} after ${duration(Number(data.waitMs))}`;
    case "booster.task.completed":
      return `${data.outcome} by ${data.booster || "nobody"} in ${duration(Number(data.latencyMs))}`;
    case "booster.error":
      return `${data.cause ?? error?.code ?? "error"}: ${error?.message ?? ""} (${data.dead ? "dead" : `again ${inTime(data.retryAt, timestamp)}`})`;
    case "booster.recovered":
      return `${data.boosterId} after ${data.cause} in ${duration(Number(data.recoveryMs))}`;
    case "booster.module.updated":
      return `${data.name} ${data.version} ${data.change}`;
    case "booster.pool.updated":
      return `${data.workerId} ${data.change}, ${data.slots} slots`;
    default:
      return JSON.stringify(data);
  }
}

const inTime = (at: unknown, now: number) => (typeof at === "number" && at > now ? `in ${duration(at - now)}` : "at once");
