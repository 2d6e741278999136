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
  /** Hears whether the list stands at its top. */
  atTop?: (top: boolean) => void;
}

/** A table of any length that holds only the rows in view. */
export function List<T>({ label, class: name, columns, rows, height, keyOf, render, rowClass, more, atTop }: Props<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const scrolled = () => {
    const element = scroller.current;
    if (!element) return;
    setView({ top: element.scrollTop, height: element.clientHeight });
    atTop?.(element.scrollTop < 4);
  };

  const { first, last, before, total } = visible(rows, height, view);
  useEffect(() => {
    if (more && last >= rows.length - NEAR_END) more();
  }, [last, rows.length, more]);

  return (
    <div ref={scroller} class={`list ${name}`} onScroll={scrolled} role="table" aria-label={label} aria-rowcount={rows.length + 1} tabIndex={0}>
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
