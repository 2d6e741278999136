private match(method: string, path: string): { route: Route; params: Params } | null {
  // A HEAD request is answered by the GET route.
  const wanted = method === "HEAD" ? "GET" : method;
  for (const route of this.routes) {
    if (route.method !== wanted) continue;
    const hit = route.pattern.exec(path);
    if (!hit) continue;
    const params: Params = {};
    route.names.forEach((name, i) => {
      params[name] = decodeURIComponent(hit[i + 1]);
    });
    return { route, params };
  }
  return null;
}
