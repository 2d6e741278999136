import { link, route, VIEWS } from "./route";
import { Setting, Store } from "./store";
import { nextTheme } from "./theme";
import { togglePause } from "./views/events";

/** Single keys can get in the way of speech input, so they can be turned off. */
export const shortcuts = new Setting("console.shortcuts", ["on", "off"], "on");
export const helpShown = new Store(false);

export const HELP: readonly [key: string, what: string][] = [
  ["1 … 7", "the views, from Overview to Events"],
  ["/", "into the search field"],
  ["↑ ↓ Home End", "the rows of a list that has the focus"],
  ["p", "pause and resume the list of events"],
  ["t", "theme: auto, light, dark"],
  ["Esc", "close a dialog, leave a field, go back from a job"],
  ["?", "this list"],
];

/** Listens to single keys that are meant for no field; returns how to stop. */
export function bindShortcuts(): () => void {
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}

function pressed(event: KeyboardEvent): void {
  if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open], .login")) return;
  const target = event.target as HTMLElement;
  const typing = target.matches("input, select, textarea");
  if (event.key === "Escape") {
    if (typing) target.blur();
    else if (route.value.id !== undefined) location.hash = link(route.value.view);
    return;
  }
  if (typing || shortcuts.value === "off") return;
  const view = VIEWS[Number(event.key) - 1];
  if (view) location.hash = link(view);
  else if (event.key === "/") document.querySelector<HTMLElement>(".search")?.focus();
  else if (event.key === "p" && route.value.view === "events") togglePause();
  else if (event.key === "t") nextTheme();
  else if (event.key === "?") helpShown.set(true);
  else return;
  event.preventDefault();
}
