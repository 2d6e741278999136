import { useCallback, useState } from "preact/hooks";
import * as api from "../api";
import { queues } from "../fleet";
import { List } from "../list";
import { usePages } from "../pages";
import { link } from "../route";
import type { DeadJob } from "../types";
import { Ago, attempt, Badge, Button, Choice, confirmed, Empty, useNarrow } from "../ui";

export function Dead() {
  const narrow = useNarrow();
  const [queue, setQueue] = useState("");
  const names = queues.use().data?.map(({ name }) => name) ?? [];
  const load = useCallback(
    async (cursor?: string) => {
      const answer = await api.dead(queue, cursor);
      return { rows: answer.dead, cursor: answer.cursor };
    },
    [queue],
  );
  const { rows, problem, refresh, more } = usePages(load);

  const replayAll = async () => {
    const where = queue ? `of the queue ${queue}` : "of all queues";
    if (!(await confirmed("Replay all dead jobs?", `All dead jobs ${where} run again, with no attempts counted.`, "Replay all", "primary"))) return;
    await attempt(api.retryAllDead(queue), ({ retried }) => `${retried} jobs run again.`);
    await refresh();
  };
  const replay = async (id: string) => {
    await attempt(api.retryDead(id), `${id} runs again.`);
    await refresh();
  };
  const drop = async (id: string) => {
    if (!(await confirmed("Drop this job?", `${id} is forgotten, with its input and its error.`, "Drop"))) return;
    await attempt(api.dropDead(id), `${id} is forgotten.`);
    await refresh();
  };
  return (
    <div class="page fill">
      {problem && <p class="notice red" role="alert">The dead jobs could not be loaded: {problem}</p>}
      <div class="bar">
        <Choice label="Queue" value={queue} choices={names} change={setQueue} all="any queue" />
        <Button act={refresh}>Refresh</Button>
        {rows && rows.length > 0 && <Button tone="primary" act={replayAll}>Replay all</Button>}
      </div>
      {!rows || rows.length === 0 ? (
        <Empty title={rows ? "No dead job" : "Loading…"}>
          {rows && "A job that used up its retries, crashed two workers or was invalid is kept here."}
        </Empty>
      ) : (
        <List
          label="Dead jobs, the latest first"
          class="dead"
          columns={["Died", "Id", "Queue", "Reason", "Error", "Attempts", "Actions"]}
          rows={rows}
          height={() => (narrow ? 104 : 40)}
          keyOf={(job) => job.id}
          more={more}
          render={(job) => <DeadCells job={job} replay={() => replay(job.id)} drop={() => drop(job.id)} />}
        />
      )}
    </div>
  );
}

function DeadCells({ job, replay, drop }: { job: DeadJob; replay: () => Promise<void>; drop: () => Promise<void> }) {
  return (
    <>
      <span role="cell" class="muted died"><Ago at={job.at} /></span>
      <span role="cell" class="dead-id"><a class="id" href={link("jobs", job.id)}>{job.id}</a></span>
      <span role="cell">{job.queue}</span>
      <span role="cell" class="dead-reason"><Badge word="dead">{job.reason}</Badge></span>
      <span role="cell" class="dead-error" title={job.error}>{job.error}</span>
      <span role="cell" class="number optional">{job.attempts}</span>
      <span role="cell" class="buttons">
        <Button small act={replay} label={`Replay ${job.id}`}>Replay</Button>
        <Button small tone="danger" act={drop} label={`Drop ${job.id}`}>Drop</Button>
      </span>
    </>
  );
}
