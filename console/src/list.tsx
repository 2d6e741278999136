import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Rows made beyond those in view, on both sides. */
const OVERSCAN = 6;
/** Rows from the end at which more are asked for. */
const NEAR_END = 20;

interface Props<T> {
  /** What the table shows, for those who do not see it. */
  label: string;
  class: string;
  columns: readonly string[];
  rows: readonly T[];
  /** Height of a row, px; the style sheet does not decide it. */
  height: (row: T) => number;
  keyOf: (row: T) => string | number;
  /** The cells of a row, each with `role="cell"`. */
  render: (row: T) => ComponentChildren;
  rowClass?: (row: T) => string;
  /** The end is near. */
  more?: () => void;
  /** Hears whether somebody reads: has scrolled down, or has the focus in a row. Rows should then stay where they are. */
  inUse?: (used: boolean) => void;
}

/**
 * A table of any length that holds only the rows in view. It is one stop of the Tab key: the arrow keys go from row to
 * row, and only the links and buttons of one row can be tabbed to.
 */
export function List<T>({ label, class: name, columns, rows, height, keyOf, render, rowClass, more, inUse }: Props<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  /** The row that the keyboard is at. */
  const [at, setAt] = useState(0);
  /** A row that is to get the focus as soon as it exists. */
  const wanted = useRef<number | undefined>(undefined);

  const { first, last, before, total } = visible(rows, height, view);
  // The mouse may have scrolled the keyboard's row out of sight.
  const current = at >= first && at < last ? at : first;

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const look = () => {
    const element = scroller.current;
    if (!element) return;
    setView({ top: element.scrollTop, height: element.clientHeight });
    const focused = document.activeElement;
    inUse?.(element.scrollTop >= 4 || (focused !== element && element.contains(focused)));
  };
  const entered = (event: FocusEvent) => {
    const row = rowOf(event.target);
    if (row !== undefined) setAt(row);
    look();
  };
  const pressed = (event: KeyboardEvent) => {
    const here = rowOf(event.target);
    const steps: Record<string, number> = { ArrowDown: here === undefined ? current : here + 1, ArrowUp: (here ?? current) - 1, Home: 0, End: rows.length - 1 };
    const target = steps[event.key];
    if (target === undefined) return;
    event.preventDefault();
    wanted.current = Math.max(0, Math.min(rows.length - 1, target));
    setAt(wanted.current);
    reveal(scroller.current, rows, height, wanted.current);
    look();
  };

  useEffect(() => {
    if (more && last >= rows.length - NEAR_END) more();
  }, [last, rows.length, more]);

  useLayoutEffect(() => {
    for (const row of scroller.current?.querySelectorAll<HTMLElement>("[aria-rowindex]") ?? []) {
      const number = rowOf(row);
      const controls = row.querySelectorAll<HTMLElement>("a, button");
      for (const control of controls) control.tabIndex = number === current ? 0 : -1;
      if (number !== undefined && number === wanted.current) {
        wanted.current = undefined;
        (controls[0] ?? row).focus({ preventScroll: true });
      }
    }
  });

  return (
    <div
      ref={scroller}
      class={`list ${name}`}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      tabIndex={0}
      onScroll={look}
      onFocusIn={entered}
      onFocusOut={() => queueMicrotask(look)}
      onKeyDown={pressed}
    >
      <div class="row head" role="row" aria-rowindex={1}>
        {columns.map((column) => <span key={column} role="columnheader">{column}</span>)}
      </div>
      <div class="list-body" role="rowgroup" style={{ height: `${total}px` }}>
        <div class="list-window" role="presentation" style={{ transform: `translateY(${before}px)` }}>
          {rows.slice(first, last).map((row, i) => (
            <div
              key={keyOf(row)}
              class={`row ${rowClass?.(row) ?? ""}`}
              role="row"
              aria-rowindex={first + i + 2}
              tabIndex={-1}
              style={{ height: `${height(row)}px` }}
            >
              {render(row)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

/** The number of the row in which an element is. */
function rowOf(target: EventTarget | null): number | undefined {
  const row = target instanceof Element ? target.closest(".list-body [aria-rowindex]") : null;
  return row ? Number(row.getAttribute("aria-rowindex")) - 2 : undefined;
}

/** Scrolls no further than needed to show a row. */
function reveal<T>(list: HTMLElement | null, rows: readonly T[], height: (row: T) => number, at: number): void {
  if (!list) return;
  const start = rows.slice(0, at).reduce((sum, row) => sum + height(row), 0);
  const row = rows[at];
  const end = start + (row === undefined ? 0 : height(row));
  const head = list.querySelector<HTMLElement>(".row.head")?.offsetHeight ?? 0;
  if (start < list.scrollTop) list.scrollTop = start;
  else if (end + head > list.scrollTop + list.clientHeight) list.scrollTop = end + head - list.clientHeight;
}

/** Which rows are in view, how many pixels lie before them, and how many there are in all. */
function visible<T>(rows: readonly T[], height: (row: T) => number, view: { top: number; height: number }) {
  let total = 0;
  let first = -1;
  let last = 0;
  const starts: number[] = [];
  rows.forEach((row, i) => {
    starts.push(total);
    total += height(row);
    if (first < 0 && total > view.top) first = i;
    if ((starts[i] ?? 0) < view.top + view.height) last = i + 1;
  });
  first = Math.max(0, (first < 0 ? rows.length : first) - OVERSCAN);
  last = Math.min(rows.length, last + OVERSCAN);
  return { first, last, before: starts[first] ?? 0, total };
}
