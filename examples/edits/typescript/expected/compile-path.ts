import type { IncomingMessage, ServerResponse } from "node:http";

export type Params = Record<string, string>;
export type Handler = (
  req: IncomingMessage,
  res: ServerResponse,
  params: Params,
) => void | Promise<void>;

interface Route {
  method: string;
  pattern: RegExp;
  names: string[];
  handler: Handler;
}

/** An error that carries its HTTP status. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "HttpError";
  }
}

/** Turns "/users/:id" into a regular expression and its parameter names. */
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

function sendJson(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { "content-type": "application/json" });
  res.end(text);
}

/** A minimal router: the first matching route wins. */
export class Router {
  private readonly routes: Route[] = [];

  get(path: string, handler: Handler): this {
    return this.add("GET", path, handler);
  }

  post(path: string, handler: Handler): this {
    return this.add("POST", path, handler);
  }

  private add(method: string, path: string, handler: Handler): this {
    this.routes.push({ method, ...compilePath(path), handler });
    return this;
  }

  /** Entry point for `http.createServer`. */
  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const url = new URL(req.url ?? "/", "http://localhost");
      const found = this.match(req.method ?? "GET", url.pathname);
      if (!found) {
        throw new HttpError(404, `no route for ${url.pathname}`);
      }
      await found.route.handler(req, res, found.params);
    } catch (error) {
      this.fail(res, error);
    }
  }

  private match(method: string, path: string): { route: Route; params: Params } | null {
    for (const route of this.routes) {
      if (route.method !== method) continue;
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

  private fail(res: ServerResponse, error: unknown): void {
    const status = error instanceof HttpError ? error.status : 500;
    sendJson(res, status, { error: String(error) });
  }
}
