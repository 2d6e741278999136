import { useCallback } from "preact/hooks";
import * as api from "../api";
import { queues } from "../fleet";
import { List } from "../list";
import { usePages } from "../pages";
import { link } from "../route";
import { Store, useStore } from "../store";
import { JOB_STATES, type JobSummary } from "../types";
import { Ago, Badge, Button, Choice, Empty, Search, useNarrow, useSettled } from "../ui";

/** The filter outlives a look at one job. */
const filter = new Store<api.JobFilter>({});

export function Jobs() {
  const chosen = useStore(filter);
  const settled = useSettled(chosen, 300);
  const narrow = useNarrow();
  const names = queues.use().data?.map((queue) => queue.name) ?? [];
  const load = useCallback(
    async (cursor?: string) => {
      const answer = await api.jobs(settled, cursor);
      return { rows: answer.jobs, cursor: answer.cursor };
    },
    [settled],
  );
  const { rows, problem, refresh, more } = usePages(load);
  const change = (part: api.JobFilter) => filter.set({ ...chosen, ...part });
  const filtered = Object.values(chosen).some(Boolean);
  return (
    <div class="page fill">
      {problem && <p class="notice red" role="alert">The jobs could not be loaded: {problem}</p>}
      <div class="bar">
        <Search label="Search by id" value={chosen.q ?? ""} change={(q) => change({ q })} />
        <Choice label="State" value={chosen.state ?? ""} choices={JOB_STATES} change={(state) => change({ state })} all="any state" />
        <Choice label="Queue" value={chosen.queue ?? ""} choices={names} change={(queue) => change({ queue })} all="any queue" />
        <input
          type="text"
          class="short"
          aria-label="Booster"
          placeholder="Booster"
          value={chosen.booster ?? ""}
          onInput={(event) => change({ booster: event.currentTarget.value.trim() })}
        />
        <Button act={refresh}>Refresh</Button>
        {filtered && <Button act={() => filter.set({})}>Clear</Button>}
      </div>
      {rows && rows.length > 0 ? (
        <List
          label="Jobs"
          class="jobs"
          columns={["State", "Id", "Queue", "Booster", "Attempts", "Enqueued"]}
          rows={rows}
          height={() => (narrow ? 58 : 34)}
          keyOf={(job) => job.id}
          render={(job) => <JobCells job={job} />}
          more={more}
        />
      ) : (
        <Empty title={!rows ? "Loading…" : filtered ? "No job matches the filter" : "No job is known"}>
          {rows && !filtered && <>Send one with <code>booster submit</code> or <code>POST /v1/jobs</code>.</>}
        </Empty>
      )}
    </div>
  );
}

function JobCells({ job }: { job: JobSummary }) {
  return (
    <>
      <span role="cell" class="job-state"><Badge word={job.state} /></span>
      <span role="cell" class="job-id"><a class="id" href={link("jobs", job.id)}>{job.id}</a></span>
      <span role="cell">{job.queue}</span>
      <span role="cell">{job.booster ?? "–"}</span>
      <span role="cell" class={job.attempts ? "number optional" : "number zero optional"}>{job.attempts ?? 0}</span>
      <span role="cell" class="number muted"><Ago at={job.enqueuedAt} /></span>
    </>
  );
}
