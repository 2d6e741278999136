import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { loginNeeded, Problem } from "./api";
import { useStore } from "./store";

/** Rows that a list holds at most; a narrower filter finds the others. */
const MAX_ROWS = 5_000;
/** How often the first page is loaded again while nobody has gone further, ms. */
const EVERY_MS = 5_000;

export interface Page<T> {
  rows: T[];
  cursor: string | null;
}

interface Pages<T> {
  /** Absent until the first page has come. */
  rows: T[] | undefined;
  /** Why the last try failed, or empty. */
  problem: string;
  refresh: () => Promise<void>;
  more: () => void;
}

/**
 * A list that the gateway gives page by page. `load` is the question: another function is another question, and
 * answers to an earlier one are not looked at.
 */
export function usePages<T extends { id: string }>(load: (cursor?: string) => Promise<Page<T>>): Pages<T> {
  const [page, setPage] = useState<Page<T> & { first: boolean }>();
  const [problem, setProblem] = useState("");
  const login = useStore(loginNeeded);
  const now = useRef({ page, question: 0, loadingMore: false });
  now.current.page = page;

  const ask = useCallback(
    async (before?: Page<T>) => {
      const question = before ? now.current.question : ++now.current.question;
      try {
        const answer = await load(before?.cursor ?? undefined);
        if (question !== now.current.question) return;
        const rows = before ? unique([...before.rows, ...answer.rows]).slice(0, MAX_ROWS) : answer.rows;
        setPage({ rows, cursor: rows.length < MAX_ROWS ? answer.cursor : null, first: !before });
        setProblem("");
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (question === now.current.question && error.status !== 401) setProblem(error.message);
      }
    },
    [load],
  );

  useEffect(() => {
    setPage(undefined);
    if (!login) void ask();
    const timer = setInterval(() => {
      if (!document.hidden && !loginNeeded.value && now.current.page?.first !== false) void ask();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [ask, login]);

  const more = useCallback(() => {
    const { page: before, loadingMore } = now.current;
    if (!before?.cursor || loadingMore) return;
    now.current.loadingMore = true;
    void ask(before).finally(() => (now.current.loadingMore = false));
  }, [ask]);

  return { rows: page?.rows, problem, refresh: ask, more };
}

/** A row that moved between two pages is shown once. */
function unique<T extends { id: string }>(rows: T[]): T[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}
