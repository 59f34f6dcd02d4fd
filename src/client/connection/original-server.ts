/**
 * Distinguishes the original Go server from the servers of this project.
 *
 * The original stores text frames only and drops binary frames silently; the built-in servers of Deno and Bun accept
 * binary frames only. Without a common subprotocol, an appender has to know which server it is connected to.
 * @module
 */
import { ERROR_HEADER } from "../../protocol/errors.ts";
import { PROBE_TIMEOUT_MS } from "./limits.ts";
import type { Target } from "./target.ts";

type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

/**
 * Whether the server is the original one. The original supports GET only and answers HEAD with a bare 405, which
 * servers of this project never do. A server that does not answer counts as not original.
 */
export async function isOriginalServer(
  { url, headers }: Target,
  request: Fetch = (asked, init) => fetch(asked, init),
): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const response = await request(url, { method: "HEAD", headers, signal, redirect: "manual", cache: "no-store" });
    return response.status === 405 && !response.headers.has(ERROR_HEADER);
  } catch {
    return false;
  }
}
