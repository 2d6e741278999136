import { steerQueue } from "../api";
import { queues } from "../fleet";
import { count, duration } from "../format";
import type { Queue } from "../types";
import { attempt, Badge, Button, confirmed, Empty, LoadProblem, Table } from "../ui";

export function Queues() {
  const loaded = queues.use();
  return (
    <div class="page">
      <LoadProblem loaded={loaded} what="The queues" />
      <p class="muted">
        A paused queue takes jobs and starts none. One that is draining runs what it has and takes no more.
        Counts of ended jobs are since the queue began.
      </p>
      <section class="panel"><QueueTable queues={loaded.data} /></section>
    </div>
  );
}

const NUMBERS = ["waiting", "delayed", "running", "done", "refused", "dead", "cancelled"] as const;

const COLUMNS = [
  { name: "Queue", cell: (queue: Queue) => queue.name },
  { name: "Mode", cell: (queue: Queue) => <Badge word={mode(queue)} /> },
  ...NUMBERS.map((name) => ({
    name: name.replace(/^./, (first) => first.toUpperCase()),
    number: true,
    cell: (queue: Queue) => <span class={queue[name] === 0 ? "zero" : ""}>{count(queue[name])}</span>,
  })),
  { name: "Oldest", number: true, cell: (queue: Queue) => (queue.oldestAgeMs ? duration(queue.oldestAgeMs) : "–") },
  { name: "Actions", wide: true, cell: (queue: Queue) => <Steers queue={queue} /> },
];

const mode = (queue: Queue) => (queue.paused ? "paused" : queue.draining ? "draining" : "open");

export function QueueTable({ queues: list }: { queues: Queue[] | undefined }) {
  if (!list) return <Empty title="Loading…" />;
  if (list.length === 0) return <Empty title="No queue yet">A queue appears with its first job or worker.</Empty>;
  return <Table label="Queues" columns={COLUMNS} rows={list} keyOf={(queue) => queue.name} />;
}

function Steers({ queue }: { queue: Queue }) {
  const now = mode(queue);
  return (
    <div class="buttons">
      {now !== "paused" && <Steer queue={queue.name} action="pause" />}
      {now !== "draining" && <Steer queue={queue.name} action="drain" />}
      {now !== "open" && <Steer queue={queue.name} action="resume" />}
    </div>
  );
}

const STEERS = {
  pause: { name: "Pause", done: "is paused", warning: "" },
  resume: { name: "Resume", done: "is open again", warning: "" },
  drain: { name: "Drain", done: "is draining", warning: "It takes no more jobs until it is resumed: producers are refused." },
};

function Steer({ queue, action }: { queue: string; action: keyof typeof STEERS }) {
  const { name, done, warning } = STEERS[action];
  const act = async () => {
    if (warning && !(await confirmed(`${name} ${queue}?`, warning, name))) return;
    await attempt(steerQueue(queue, action), `The queue ${queue} ${done}.`);
    await queues.refresh();
  };
  return <Button small act={act} label={`${name} ${queue}`}>{name}</Button>;
}
