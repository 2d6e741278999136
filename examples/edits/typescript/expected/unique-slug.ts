const SEPARATOR = "-";

/** Removes accents: "é" becomes "e". */
const stripAccents = (text: string): string =>
  text.normalize("NFD").replace(/[\u0300-\u036f]/g, "");

/** Makes a URL-safe slug out of a title. */
export const slugify = (title: string): string => {
  const words = stripAccents(title)
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
  return words.join(SEPARATOR);
};

/** Appends a counter until the slug is free. */
export const uniqueSlug = (title: string, taken: Set<string>, limit = 1000): string => {
  const base = slugify(title);
  let candidate = base;
  for (let n = 2; taken.has(candidate); n++) {
    if (n > limit) {
      throw new Error(`no free slug for "${title}"`);
    }
    candidate = `${base}${SEPARATOR}${n}`;
  }
  return candidate;
};

export default slugify;
