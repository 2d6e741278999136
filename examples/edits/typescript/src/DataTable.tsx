import React, { useCallback, useEffect, useMemo, useState } from "react";

export type SortDirection = "asc" | "desc";

export interface Column<Row> {
  key: keyof Row & string;
  title: string;
  sortable?: boolean;
  align?: "left" | "right";
  render?: (row: Row) => React.ReactNode;
}

export interface SortState {
  key: string;
  direction: SortDirection;
}

interface DataTableProps<Row> {
  rows: Row[];
  columns: Column<Row>[];
  pageSize?: number;
  rowKey: (row: Row) => string;
  onSelect?: (row: Row) => void;
}

/** Compares two cells; numbers by value, everything else as text. */
export function compareCells(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") {
    return a - b;
  }
  return String(a).localeCompare(String(b));
}

export function sortRows<Row>(rows: Row[], sort: SortState | null): Row[] {
  if (!sort) {
    return rows;
  }
  const sign = sort.direction === "asc" ? 1 : -1;
  const key = sort.key as keyof Row;
  return [...rows].sort((a, b) => sign * compareCells(a[key], b[key]));
}

/** Keeps the rows in which any cell contains the text. */
export function filterRows<Row extends object>(rows: Row[], text: string): Row[] {
  const needle = text.trim().toLowerCase();
  if (needle === "") {
    return rows;
  }
  return rows.filter((row) =>
    Object.values(row).some((cell) => String(cell).toLowerCase().includes(needle)),
  );
}

/** Waits until the value has not changed for a while. */
function useDebounced<T>(value: T, delayMs: number): T {
  const [settled, setSettled] = useState(value);

  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), delayMs);
    return () => clearTimeout(timer);
  }, [value, delayMs]);

  return settled;
}

function usePagination<Row>(rows: Row[], pageSize: number) {
  const [page, setPage] = useState(0);
  const pageCount = Math.max(1, Math.ceil(rows.length / pageSize));
  const current = Math.min(page, pageCount - 1);
  const visible = useMemo(
    () => rows.slice(current * pageSize, (current + 1) * pageSize),
    [rows, current, pageSize],
  );
  return { page: current, pageCount, visible, setPage };
}

interface HeaderCellProps {
  title: string;
  sortable: boolean;
  direction: SortDirection | null;
  onClick: () => void;
}

function HeaderCell({ title, sortable, direction, onClick }: HeaderCellProps) {
  const arrow = direction === "asc" ? " ▲" : direction === "desc" ? " ▼" : "";
  if (!sortable) {
    return <th scope="col">{title}</th>;
  }
  return (
    <th scope="col">
      <button type="button" className="sort" onClick={onClick}>
        {title}
        {arrow}
      </button>
    </th>
  );
}

interface PagerProps {
  page: number;
  pageCount: number;
  onChange: (page: number) => void;
}

/** Previous / next buttons with the position between them. */
export function Pager({ page, pageCount, onChange }: PagerProps) {
  return (
    <nav className="pager">
      <button disabled={page === 0} onClick={() => onChange(page - 1)}>
        Previous
      </button>
      <span>
        Page {page + 1} of {pageCount}
      </span>
      <button disabled={page >= pageCount - 1} onClick={() => onChange(page + 1)}>
        Next
      </button>
    </nav>
  );
}

function SearchBox({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  return (
    <input
      type="search"
      value={value}
      placeholder="Type to filter { any column }"
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

/** A table with sorting, a text filter and pages. */
export function DataTable<Row extends object>({
  rows,
  columns,
  pageSize = 20,
  rowKey,
  onSelect,
}: DataTableProps<Row>) {
  const [sort, setSort] = useState<SortState | null>(null);
  const [text, setText] = useState("");
  const query = useDebounced(text, 200);

  const shown = useMemo(() => sortRows(filterRows(rows, query), sort), [rows, query, sort]);
  const { page, pageCount, visible, setPage } = usePagination(shown, pageSize);

  const toggleSort = useCallback((key: string) => {
    setSort((old) => {
      if (!old || old.key !== key) {
        return { key, direction: "asc" };
      }
      return old.direction === "asc" ? { key, direction: "desc" } : null;
    });
  }, []);

  return (
    <div className="data-table">
      <SearchBox value={text} onChange={setText} />
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <HeaderCell
                key={column.key}
                title={column.title}
                sortable={column.sortable ?? false}
                direction={sort?.key === column.key ? sort.direction : null}
                onClick={() => toggleSort(column.key)}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {visible.map((row) => (
            <tr key={rowKey(row)} onClick={() => onSelect?.(row)}>
              {columns.map((column) => (
                <td key={column.key} style={{ textAlign: column.align ?? "left" }}>
                  {column.render ? column.render(row) : String(row[column.key])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <Pager page={page} pageCount={pageCount} onChange={setPage} />
    </div>
  );
}

/** Turns the rows into CSV text, with the titles as the first line. */
export function exportCsv<Row>(rows: Row[], columns: Column<Row>[]): string {
  const quote = (cell: unknown) => `"${String(cell).replace(/"/g, '""')}"`;
  const lines = [columns.map((column) => quote(column.title)).join(",")];
  for (const row of rows) {
    lines.push(columns.map((column) => quote(row[column.key])).join(","));
  }
  return lines.join("\r\n");
}

interface ErrorBoundaryState {
  error: Error | null;
}

/** Keeps a broken cell renderer from taking down the whole page. */
export class TableErrorBoundary extends React.Component<
  { children: React.ReactNode },
  ErrorBoundaryState
> {
  state: ErrorBoundaryState = { error: null };

  static getDerivedStateFromError(error: Error): ErrorBoundaryState {
    return { error };
  }

  componentDidCatch(error: Error) {
    console.error("table failed", error);
  }

  render() {
    if (this.state.error) {
      return <p role="alert">The table can't be shown: {this.state.error.message}</p>;
    }
    return this.props.children;
  }
}
