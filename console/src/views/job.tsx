import { useEffect, useMemo, useState } from "preact/hooks";
import * as api from "../api";
import { diff, type DiffLine, readUnified } from "../diff";
import { count, duration, moment, pretty } from "../format";
import { Resource } from "../resource";
import { link } from "../route";
import { useStore } from "../store";
import { events, onEvents } from "../stream";
import type { JobView } from "../types";
import { attempt, Badge, Button, Code, confirmed, Empty, Fact, LoadProblem, toast } from "../ui";
import { EventLine } from "./events";

/** How often a job that has not ended is asked for; events bring most changes sooner, ms. */
const EVERY_MS = 5_000;
/** Longest text shown of an input or output, characters. */
const MAX_TEXT = 200_000;

const ENDED = new Set(["done", "refused", "dead", "cancelled"]);

export function Job({ id }: { id: string }) {
  const resource = useMemo(() => new Resource(() => api.job(id), EVERY_MS), [id]);
  const loaded = resource.use();
  useEffect(() => onEvents((batch) => batch.some((event) => event.data.jobId === id) && void resource.refresh()), [resource]);
  const job = loaded.data;
  return (
    <div class="page">
      <p><a href={link("jobs")}>All jobs</a></p>
      {!job && loaded.problem?.status === 404 && (
        <Empty title="No job with this id is known">Finished jobs are kept for <code>redis.ttl</code> seconds.</Empty>
      )}
      {loaded.problem?.status !== 404 && <LoadProblem loaded={loaded} what="The job" />}
      {job && <Found job={job} refresh={() => resource.refresh()} />}
    </div>
  );
}

function Found({ job, refresh }: { job: JobView; refresh: () => Promise<void> }) {
  const act = async (action: Promise<unknown>, done: string) => {
    await attempt(action, done);
    await refresh();
  };
  const cancel = async () => {
    if (await confirmed("Cancel this job?", `${job.id} ends as cancelled, also when it runs.`, "Cancel the job")) {
      await act(api.cancelJob(job.id), "The job is being cancelled.");
    }
  };
  return (
    <>
      <div class="bar job-head">
        <h2 class="id">{job.id}</h2>
        <Badge word={job.state} />
        <span class="spacer" />
        <Button act={() => copy(job.id)}>Copy id</Button>
        {job.state === "dead" && <Button tone="primary" act={() => act(api.retryJob(job.id), "The job runs again.")}>Retry</Button>}
        {!ENDED.has(job.state) && <Button tone="danger" act={cancel}>Cancel</Button>}
      </div>
      <Facts job={job} />
      <Failure job={job} />
      <Contents job={job} />
      <Attempts id={job.id} />
    </>
  );
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    toast("This page may not write to the clipboard: it needs HTTPS or localhost.", true);
  }
}

function Facts({ job }: { job: JobView }) {
  const { outcome } = job;
  const booster = outcome?.booster || job.job?.booster || (job.job?.capability ? `capability ${job.job.capability}` : "–");
  return (
    <dl class="panel facts">
      <Fact name="Queue">{job.queue}</Fact>
      <Fact name="Booster">{booster}</Fact>
      {job.job?.tenant && <Fact name="Tenant">{job.job.tenant}</Fact>}
      <Fact name="Enqueued">{moment(job.enqueuedAt)}</Fact>
      {outcome?.finishedAt ? <Fact name="Finished">{moment(outcome.finishedAt)}</Fact> : null}
      {outcome?.waitMs !== undefined && <Fact name="Waited">{duration(outcome.waitMs)}</Fact>}
      {outcome && <Fact name="In the sandbox">{duration(outcome.latencyMs)}</Fact>}
      <Fact name="Failed attempts">{count(outcome?.attempts ?? job.attempts)}{outcome?.crashes ? `, ${outcome.crashes} crashes` : ""}</Fact>
      {outcome?.worker && <Fact name="Worker"><span class="id">{outcome.worker}</span></Fact>}
      {outcome?.usedFallback && <Fact name="Done by">a fallback, no worker</Fact>}
    </dl>
  );
}

function Failure({ job: { outcome } }: { job: JobView }) {
  const error = outcome?.error;
  const refusal = outcome?.refusal;
  if (!error && refusal === undefined) return null;
  const said = error ? frames(error.message) : readable(refusal);
  return (
    <section class="panel">
      <header>
        <h2>{error ? "Why it is dead" : "Why it was refused"}</h2>
        {error && <Badge word="error">{outcome?.cause ?? error.code}</Badge>}
      </header>
      <Code label={error ? "Error" : "Refusal"}>{clip(said)}</Code>
    </section>
  );
}

/** An error's message with each frame of a backtrace on its own line. Messages come in one line. */
const frames = (message: string) => message.replace(/\s{2,}(\d+:\s)/g, "\n    $1").replace(/: (wasm trap: )/, "\n$1");

/** What a job changed: as its booster tells it, or between code and output where both are kept. */
function changes(job: JobView): DiffLine[] | undefined {
  const { output } = job.outcome ?? {};
  const told = field(output, "diff");
  if (told !== undefined) return readUnified(told);
  const before = field(job.job?.input, "code");
  const after = field(output, "output");
  return before === undefined || after === undefined ? undefined : diff(before, after);
}

function field(value: unknown, name: string): string | undefined {
  const found = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof found === "string" ? found : undefined;
}

function Contents({ job }: { job: JobView }) {
  const changed = useMemo(() => changes(job), [job]);
  const parts = {
    ...(changed && { Changes: () => <Diff lines={changed} /> }),
    ...(job.outcome?.output !== undefined && { Output: () => <Code label="Output">{clip(readable(job.outcome?.output))}</Code> }),
    Input: () =>
      job.job === undefined
        ? <Empty title="The input is not kept">It is forgotten once a job is done.</Empty>
        : <Code label="Input">{clip(readable(job.job.input))}</Code>,
    Record: () => <Code label="Record">{clip(pretty(job))}</Code>,
  };
  const names = Object.keys(parts) as (keyof typeof parts)[];
  const [chosen, choose] = useState<string>();
  const shown = names.find((name) => name === chosen) ?? names[0] ?? "Record";
  const Shown = parts[shown] ?? parts.Record;
  return (
    <section class="panel">
      <Tabs names={names} shown={shown} choose={choose} />
      <div role="tabpanel" id="tabpanel" aria-labelledby={`tab-${shown}`}>{Shown()}</div>
    </section>
  );
}

function Tabs({ names, shown, choose }: { names: string[]; shown: string; choose: (name: string) => void }) {
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = names[(names.indexOf(shown) + step + names.length) % names.length];
    if (next === undefined) return;
    choose(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Parts of the job" onKeyDown={move}>
      {names.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-selected={name === shown}
          aria-controls="tabpanel"
          tabIndex={name === shown ? 0 : -1}
          onClick={() => choose(name)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

const MARKS = { added: "+", removed: "−", same: " ", gap: "⋯" };

function Diff({ lines }: { lines: DiffLine[] }) {
  const of = (kind: string) => lines.filter((line) => line.kind === kind).length;
  if (of("added") + of("removed") === 0) return <Empty title="The output is the code as it was" />;
  let left = MAX_TEXT;
  const shown = lines.filter((line) => (left -= line.text.length) > 0);
  return (
    <>
      <p class="muted diff-sum">
        <span class="green-text">+{of("added")}</span> <span class="red-text">−{of("removed")}</span> lines
        {shown.length < lines.length && `; the first ${shown.length} of ${lines.length} lines are shown`}
      </p>
      <Code label="Changes">
        <span class="diffs">
          {shown.map((line, i) => (
            <span key={i} class={`diff ${line.kind}`}>
              <span class="line-number">{line.before ?? ""}</span>
              <span class="line-number">{line.after ?? ""}</span>
              <span class="mark">{MARKS[line.kind]}</span>
              <span class="text">{line.text}{"\n"}</span>
            </span>
          ))}
        </span>
      </Code>
    </>
  );
}

function Attempts({ id }: { id: string }) {
  const list = useStore(events);
  const mine = list.filter((event) => event.data.jobId === id);
  return (
    <section class="panel">
      <header><h2>What happened</h2></header>
      {mine.length === 0 ? <Empty title="None of the events seen by this page is about this job" /> : (
        <ol class="happened">
          {mine.map((event) => <li key={event.n}><EventLine event={event} /></li>)}
        </ol>
      )}
    </section>
  );
}

/** JSON for people, with texts of code as they are. */
function readable(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return pretty(value);
  const texts: string[] = [];
  const rest: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value)) {
    if (typeof part === "string" && part.includes("\n")) texts.push(`${name}:\n${part}`);
    else rest[name] = part;
  }
  return [...(Object.keys(rest).length > 0 ? [pretty(rest)] : []), ...texts].join("\n\n");
}

const clip = (text: string) =>
  text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}\n… ${count(text.length - MAX_TEXT)} more characters`;
