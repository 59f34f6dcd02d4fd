/**
 * Telling the original Go server from this project's.
 *
 * The original stores text frames only and drops binary ones without a word; native servers of Deno and Bun take
 * binary frames only. Where both ends do not agree on a subprotocol, an appender has to know whom it talks to.
 * @module
 */
import { ERROR_HEADER } from "../../protocol/errors.ts";
import { PROBE_TIMEOUT_MS } from "./limits.ts";
import type { Target } from "./target.ts";

type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

/**
 * Whether the server is the original one. It knows no method but GET and answers HEAD with a bare 405, which no server
 * of this project does. Whoever does not answer at all is not taken for it.
 */
export async function isOriginal({ url, headers }: Target, request: Fetch = fetch): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const response = await request(url, { method: "HEAD", headers, signal, redirect: "manual", cache: "no-store" });
    return response.status === 405 && !response.headers.has(ERROR_HEADER);
  } catch {
    return false;
  }
}
