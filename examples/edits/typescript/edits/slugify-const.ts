export const slugify = (title: string, maxWords = 8): string => {
  const words = stripAccents(title)
    .toLowerCase()
    .replace(/['’]/g, "")
    .split(/[^a-z0-9]+/)
    .filter(Boolean)
    .slice(0, maxWords);
  return words.join(SEPARATOR);
};
