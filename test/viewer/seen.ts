/**
 * What the server has answered, by its access log: the same for every browser, and what a browser takes out of its cache is not
 * in it.
 * @module
 */
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

/** A request that has ended. */
export interface SeenRequest {
  readonly method: string;
  /** The path of the URL. */
  readonly target: string;
  readonly status: number;
  /** Bytes of content that were sent. */
  readonly bytes: number;
  /** Whether it has followed the path. */
  readonly isFollow: boolean;
}

/** Starts a server that logs every request. */
export async function startLogged(args: readonly string[] = []): Promise<TestServer> {
  return await startStandalone("node", { args: ["--log-level", "debug", "--log-format", "json", ...args] });
}

/** The requests that have ended so far. */
export function seenBy({ program }: TestServer): SeenRequest[] {
  const lines = String(program.stdout.bytes())
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as SeenRequest & { readonly type: string; readonly requestId?: string });
  const follows = new Set(lines.filter(({ type }) => type === "follow").map(({ requestId }) => requestId));
  const requests = lines.filter(({ type }) => type === "request");
  return requests.map((request) => ({ ...request, isFollow: follows.has(request.requestId) }));
}

/** Waits for a request, and returns all that have ended. */
export async function untilSeen(
  server: TestServer,
  what: string,
  holds: (request: SeenRequest) => boolean,
): Promise<SeenRequest[]> {
  return await until(what, () => {
    const seen = seenBy(server);
    return seen.some(holds) && seen;
  });
}
