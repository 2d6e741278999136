// ... unchanged ...

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

// ... unchanged ...
