import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** The fleet that the tests run against; see `tests/doors/clients.sh`. */
export function fleetAddresses(): { url: string; redis: string } {
  const { BOOSTER_URL: url, REDIS_URL: redis } = process.env;
  if (!url || !redis) throw new Error("BOOSTER_URL and REDIS_URL must name a running fleet");
  return { url, redis };
}

/** A server in this process for what a healthy gateway does not do at will. */
export async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<string> {
  let count = 0;
  const server = createServer((request, response) => answer(request, response, ++count));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function problem(response: ServerResponse, status: number, code: string, headers = {}): void {
  response.writeHead(status, { "content-type": "application/problem+json", ...headers });
  const type = `urn:booster:problem:${code}`;
  response.end(JSON.stringify({ type, title: "No", status, detail: "because", code }));
}

export function unique(name: string): string {
  return `${name}-${crypto.randomUUID()}`;
}
