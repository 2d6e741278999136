import { useMemo } from "preact/hooks";
import { history, pool, queues, SPANS, slotChanges, span } from "../fleet";
import { bytes, count, duration, short } from "../format";
import { Graph } from "../graph";
import { link } from "../route";
import { useStore } from "../store";
import { events } from "../stream";
import { SLOT_STATUSES, type FleetEvent, type Point, type Pool, type Slot } from "../types";
import { Ago, Badge, Button, Empty, Fact, LoadProblem } from "../ui";
import { QueueTable } from "./queues";

/** Latest failures shown. */
const FAILURES = 6;

export function Overview() {
  const loaded = history.use();
  const pools = pool.use();
  const kept = queues.use();
  const points = loaded.data;
  return (
    <div class="page">
      <LoadProblem loaded={loaded} what="The graphs" />
      <LoadProblem loaded={pools} what="The workers" />
      <LoadProblem loaded={kept} what="The queues" />
      <Figures point={points?.at(-1)} />
      <Graphs points={points ?? []} />
      <div class="columns">
        <section class="panel">
          <header><h2>Slots</h2></header>
          <Slots pool={pools.data} />
        </section>
        <Failures />
      </div>
      <section class="panel">
        <header><h2>Queues</h2></header>
        <QueueTable queues={kept.data} />
      </section>
    </div>
  );
}

function Figures({ point }: { point: Point | undefined }) {
  const figures: [string, string, string][] = [
    ["Throughput", short(point?.throughput), "jobs/s"],
    ["Failed", short(point?.failed), "/s"],
    ["Wait p50", duration(point?.waitP50Ms), ""],
    ["Wait p99", duration(point?.waitP99Ms), ""],
    ["Waiting", short(point?.waiting), "jobs"],
    ["Busy slots", short(point?.busy), point ? `of ${count(point.slots)}` : ""],
  ];
  return (
    <dl class="figures">
      {figures.map(([name, value, unit]) => (
        <div key={name} class="panel figure">
          <dt>{name}</dt>
          <dd><b>{value}</b> <span>{unit}</span></dd>
        </div>
      ))}
    </dl>
  );
}

function Graphs({ points }: { points: Point[] }) {
  const minutes = useStore(span);
  const series = useMemo(() => {
    const of = (key: keyof Point) => points.map((point) => point[key]);
    return {
      times: points.map((point) => point.t),
      throughput: [{ label: "jobs ended/s", tone: "blue", values: of("throughput"), fill: true }],
      wait: [
        { label: "p50", tone: "green", values: of("waitP50Ms") },
        { label: "p99", tone: "amber", values: of("waitP99Ms") },
      ],
      failed: [{ label: "attempts failed/s", tone: "red", values: of("failed"), fill: true }],
      load: [
        { label: "waiting", tone: "amber", values: of("waiting") },
        { label: "running", tone: "blue", values: of("running") },
        { label: "slots", tone: "muted", values: of("slots") },
      ],
    };
  }, [points]);
  return (
    <section aria-labelledby="graphs">
      <div class="bar">
        <h2 id="graphs">Last {minutes} minutes</h2>
        <div class="segments" role="group" aria-label="Time shown">
          {SPANS.map((choice) => (
            <Button key={choice} small act={() => span.set(choice)} pressed={choice === minutes}>
              {choice} min
            </Button>
          ))}
        </div>
      </div>
      <div class="graphs">
        <Graph title="Throughput" minutes={Number(minutes)} times={series.times} lines={series.throughput} format={short} />
        <Graph title="Wait before start" minutes={Number(minutes)} times={series.times} lines={series.wait} format={duration} />
        <Graph title="Failed attempts" minutes={Number(minutes)} times={series.times} lines={series.failed} format={short} />
        <Graph title="Load" minutes={Number(minutes)} times={series.times} lines={series.load} format={short} />
      </div>
    </section>
  );
}

function Slots({ pool: known }: { pool: Pool | undefined }) {
  useStore(slotChanges);
  if (!known) return <Empty title="Loading…" />;
  if (known.slots.length === 0) {
    return <Empty title="No worker is running">Start one with <code>booster-worker</code>; its slots appear here.</Empty>;
  }
  const counts = SLOT_STATUSES.map((status) => ({
    status,
    slots: known.slots.filter((slot) => slot.status === status).length,
  }));
  const said = counts.map(({ status, slots }) => `${slots} ${status}`).join(", ");
  return (
    <>
      <p class="summary">
        <a href={link("workers")}>{count(known.workers.length)} workers</a>, {count(known.slots.length)} slots
      </p>
      <div class="share" role="img" aria-label={said}>
        {counts.map(({ status, slots }) => slots > 0 && <span key={status} class={`part ${status}`} style={{ flexGrow: String(slots) }} />)}
      </div>
      <ul class="legend">
        {counts.map(({ status, slots }) => (
          <li key={status}><span class={`swatch ${status}`} /> {status} <b>{count(slots)}</b></li>
        ))}
      </ul>
      <dl class="facts pool-facts">
        <Fact name="Memory">{bytes(sum(known.slots, "memoryUsage"))}</Fact>
        <Fact name="Jobs run">{count(sum(known.slots, "tasks"))}</Fact>
        <Fact name="Failed">{count(sum(known.slots, "errorCount"))}</Fact>
        <Fact name="Not healthy">{count(known.slots.filter((slot) => slot.health && slot.health !== "healthy").length)}</Fact>
      </dl>
    </>
  );
}

const sum = (slots: Slot[], field: "memoryUsage" | "tasks" | "errorCount") => slots.reduce((total, slot) => total + slot[field], 0);

function Failures() {
  const list = useStore(events);
  const failures: FleetEvent[] = [];
  for (let i = list.length - 1; i >= 0 && failures.length < FAILURES; i -= 1) {
    const event = list[i];
    if (event?.type === "booster.error") failures.push(event);
  }
  return (
    <section class="panel">
      <header><h2>Latest failures</h2></header>
      {failures.length === 0 ? <Empty title="No failed attempt in the last events" /> : (
        <ul class="failures">
          {failures.map(({ n, timestamp, data }) => (
            <li key={n}>
              <Badge word={data.dead ? "dead" : "refused"}>{String(data.cause ?? (data.error as { code?: string } | undefined)?.code ?? "error")}</Badge>
              <a class="id" href={link("jobs", String(data.jobId))}>{String(data.jobId)}</a>
              <span class="muted"><Ago at={timestamp} /></span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
