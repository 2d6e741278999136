/** Small parts that all views use. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "./api";
import { ago, moment } from "./format";
import type { Loaded } from "./resource";
import { clock, Store, useStore } from "./store";

/** Words of the fleet to the tone in which they are shown. */
const TONES: Record<string, string> = {
  busy: "blue", running: "blue", allocated: "blue", canary: "blue",
  ready: "green", done: "green", completed: "green", healthy: "green", active: "green", open: "green",
  recovered: "amber", refused: "amber", delayed: "amber", degraded: "amber", paused: "amber", draining: "amber",
  error: "red", dead: "red", unhealthy: "red",
};

export function Badge({ word, children }: { word: string; children?: ComponentChildren }) {
  return <span class={`badge ${TONES[word] ?? "grey"}`}>{children ?? word}</span>;
}

interface ButtonProps {
  /** What it does; while it is under way the button takes no second press. */
  act: () => Promise<unknown> | void;
  children: ComponentChildren;
  tone?: "primary" | "danger";
  small?: boolean;
  /** Its name for those who do not see what it stands beside. */
  label?: string;
  pressed?: boolean;
  title?: string;
  class?: string;
}

export function Button({ act, children, tone, small, label, pressed, title, class: extra }: ButtonProps) {
  const [working, setWorking] = useState(false);
  const press = async () => {
    if (working) return;
    setWorking(true);
    try {
      await act();
    } finally {
      setWorking(false);
    }
  };
  return (
    <button
      type="button"
      class={["button", tone, small && "small", extra].filter(Boolean).join(" ")}
      onClick={() => void press()}
      aria-label={label}
      aria-pressed={pressed}
      aria-disabled={working || undefined}
      title={title}
    >
      {children}
    </button>
  );
}

interface Toast {
  n: number;
  text: string;
  failed: boolean;
}

const toasts = new Store<Toast[]>([]);
const TOAST_MS = 6_000;
const MAX_TOASTS = 4;
let toastCount = 0;

export function toast(text: string, failed = false): void {
  const n = ++toastCount;
  toasts.set([...toasts.value.slice(1 - MAX_TOASTS), { n, text, failed }]);
  setTimeout(() => toasts.set(toasts.value.filter((one) => one.n !== n)), failed ? 2 * TOAST_MS : TOAST_MS);
}

/** Runs an action and says how it went; `done` is said of a success. Returns whether it was one. */
export async function attempt<T>(action: Promise<T>, done: string | ((answer: T) => string)): Promise<boolean> {
  try {
    const answer = await action;
    toast(typeof done === "string" ? done : done(answer));
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(error.message, true);
    return false;
  }
}

export function Toasts() {
  const list = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {list.map(({ n, text, failed }) => (
        <p key={n} class={failed ? "toast red" : "toast"}>{text}</p>
      ))}
    </div>
  );
}

interface Question {
  title: string;
  text: string;
  action: string;
  tone: "primary" | "danger";
  answer: (yes: boolean) => void;
}

const question = new Store<Question | undefined>(undefined);

/** Asks once before something that cannot be taken back. */
export function confirmed(title: string, text: string, action: string, tone: "primary" | "danger" = "danger"): Promise<boolean> {
  return new Promise((answer) => question.set({ title, text, action, tone, answer }));
}

export function Confirmation() {
  const asked = useStore(question);
  if (!asked) return null;
  const answer = (yes: boolean) => {
    question.set(undefined);
    asked.answer(yes);
  };
  return (
    <Dialog title={asked.title} close={() => answer(false)}>
      <p>{asked.text}</p>
      <div class="actions">
        <Button act={() => answer(false)}>Keep</Button>
        <Button tone={asked.tone} act={() => answer(true)}>{asked.action}</Button>
      </div>
    </Dialog>
  );
}

/** A modal dialog; the browser keeps the focus inside and gives it back. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  const cancel = (event: Event) => {
    event.preventDefault();
    close();
  };
  const backdrop = (event: MouseEvent) => {
    if (event.target === element.current) close();
  };
  return (
    <dialog ref={element} onCancel={cancel} onMouseDown={backdrop} aria-labelledby="dialog-title">
      <div class="dialog">
        <h2 id="dialog-title">{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  );
}

/** Says why something could not be loaded, and how old what is shown is. */
export function LoadProblem({ loaded, what }: { loaded: Loaded<unknown>; what: string }) {
  const now = useStore(clock);
  if (!loaded.problem || loaded.problem.status === 401) return null;
  const age = loaded.at > 0 ? ` Shown is what was known ${ago(loaded.at, now)}.` : "";
  return <p class="notice red" role="alert">{what} could not be loaded: {loaded.problem.message}{age}</p>;
}

export function Ago({ at }: { at: number | undefined }) {
  const now = useStore(clock);
  if (!at) return <>–</>;
  return <time dateTime={new Date(at).toISOString()} title={moment(at)}>{ago(at, now)}</time>;
}

interface SearchProps {
  label: string;
  value: string;
  change: (value: string) => void;
}

/** A text filter; `/` puts the cursor there. */
export function Search({ label, value, change }: SearchProps) {
  return (
    <input
      class="search"
      type="search"
      placeholder={label}
      aria-label={label}
      value={value}
      spellcheck={false}
      autocomplete="off"
      onInput={(event) => change(event.currentTarget.value)}
    />
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  choices: readonly string[];
  change: (value: string) => void;
  /** The choice that leaves everything in; absent when one has to be chosen. */
  all?: string;
}

export function Choice({ label, value, choices, change, all }: ChoiceProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => change(event.currentTarget.value)}>
      {all !== undefined && <option value="">{all}</option>}
      {choices.map((choice) => <option key={choice} value={choice}>{choice}</option>)}
    </select>
  );
}

/** A value that follows its source once that has been quiet for a moment. */
export function useSettled<T>(value: T, quietMs: number): T {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => settle(value), quietMs);
    return () => clearTimeout(timer);
  }, [value, quietMs]);
  return settled;
}

const narrowScreen = window.matchMedia("(max-width: 760px)");

/** Whether the page is as narrow as a phone, so that rows take more lines. */
export function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(narrowScreen.matches);
  useEffect(() => {
    const changed = () => setNarrow(narrowScreen.matches);
    narrowScreen.addEventListener("change", changed);
    return () => narrowScreen.removeEventListener("change", changed);
  }, []);
  return narrow;
}

export function Code({ children, label }: { children: ComponentChildren; label: string }) {
  return <pre class="code" tabIndex={0} role="region" aria-label={label}>{children}</pre>;
}

interface Column<T> {
  name: string;
  cell: (row: T) => ComponentChildren;
  /** Numbers stand on the right. */
  number?: boolean;
  /** On a narrow screen it has a line to itself. */
  wide?: boolean;
}

interface TableProps<T> {
  label: string;
  /** The first names the row. */
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
}

/** A short table. On a narrow screen a row is a block of named values; the roles keep it a table for everybody. */
export function Table<T>({ label, columns, rows, keyOf }: TableProps<T>) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table role="table">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ name, number }) => (
              <th key={name} scope="col" role="columnheader" class={number ? "number" : ""}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row">
              {columns.map(({ name, cell, number, wide }, i) =>
                i === 0
                  ? <th key={name} scope="row" role="rowheader">{cell(row)}</th>
                  : <td key={name} role="cell" data-label={name} class={[number && "number", wide && "wide"].filter(Boolean).join(" ")}>{cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
