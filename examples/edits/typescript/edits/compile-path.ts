/* ... existing code ... */

export function compilePath(path: string): { pattern: RegExp; names: string[] } {
  const names: string[] = [];
  const source = path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/:(\w+)/g, (_all, name) => {
    if (names.includes(name)) {
      throw new Error(`parameter :${name} occurs twice in ${path}`);
    }
    names.push(name);
    return "([^/]+)";
  });
  return { pattern: new RegExp(`^${source}/?$`, "i"), names };
}

/* ... existing code ... */
