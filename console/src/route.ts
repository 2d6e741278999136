import { Store } from "./store";

export const VIEWS = ["overview", "workers", "queues", "jobs", "dead", "modules", "events"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  /** The one thing that is looked at, such as a job's id. */
  id?: string;
}

function read(): Route {
  const [view, id] = location.hash.replace(/^#\/?/, "").split("/");
  const known = VIEWS.find((name) => name === view) ?? "overview";
  return id ? { view: known, id: decode(id) } : { view: known };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = new Store<Route>(read());
window.addEventListener("hashchange", () => route.set(read()));

export const link = (view: View, id?: string) => `#/${view}${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;
