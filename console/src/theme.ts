import { Setting, Store } from "./store";

export const THEMES = ["auto", "light", "dark"] as const;
export const theme = new Setting("console.theme", THEMES, "auto");

const system = window.matchMedia("(prefers-color-scheme: dark)");
const isDark = () => theme.value === "dark" || (theme.value === "auto" && system.matches);

/** Whether the page is dark now. */
export const darkness = new Store(isDark());

function show(): void {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
  darkness.set(isDark());
}

show();
theme.watch(show);
system.addEventListener("change", show);

export function nextTheme(): void {
  theme.set(THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto");
}
