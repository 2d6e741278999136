/** Line drawings of 16 by 16. */
const PATHS = {
  overview: "M2 13.5h12M3.5 11V7.5M6.5 11V4M9.5 11V6M12.5 11V2.5",
  workers: "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
  queues: "M2 4h12M2 8h9M2 12h6",
  jobs: "M5.5 5 2.5 8l3 3M10.5 5l3 3-3 3M9 3.5l-2 9",
  dead: "M8 2 1.8 13.5h12.4zM8 6.5v3.5M8 11.6v.6",
  modules: "M8 1.8 13.5 5v6L8 14.2 2.5 11V5zM2.5 5 8 8l5.5-3M8 8v6",
  events: "M1.5 8h3l2-5 3 10 2-5h3",
  help: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM6.1 6.2a1.9 1.9 0 1 1 2.7 1.7c-.6.3-.8.6-.8 1.3M8 11v.6",
  leave: "M6.5 2.5H3v11h3.5M6.5 8H14M11 5l3 3-3 3",
  auto: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 2v12M8 5l3.5-1.5M8 8h6M8 11l3.5 1.5",
  light: "M8 5.2a2.8 2.8 0 1 0 0 5.6A2.8 2.8 0 0 0 8 5.2zM8 1v1.8M8 13.2V15M1 8h1.8M13.2 8H15M3 3l1.3 1.3M11.7 11.7 13 13M3 13l1.3-1.3M11.7 4.3 13 3",
  dark: "M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
      <rect width="16" height="16" rx="3.5" />
      <path d="M4 11.5 8 3.5l4 8-4-2z" />
    </svg>
  );
}
