// ... existing code ...

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => HTML_ENTITIES[char] ?? char);
}

// ... existing code ...

export function anchorFor(title: string): string {
  const anchor = title
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .trim()
    .replace(/\s+/g, "-");
  return anchor || "section";
}

// ... existing code ...

export function renderToc(entries: TocEntry[]): string {
  if (entries.length === 0) {
    return "";
  }
  const top = Math.min(...entries.map((entry) => entry.level));
  return entries
    .map((entry) => `${"  ".repeat(entry.level - top)}- [${entry.title}](#${entry.anchor})`)
    .join("\n");
}

// ... existing code ...
