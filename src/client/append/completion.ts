/**
 * Whether an append is complete whose end the server had no chance to confirm.
 * @module
 */
import { NEXT_OFFSET_HEADER, parseOffset } from "../../protocol/offset.ts";
import type { Environment } from "../connection/environment.ts";
import { refused } from "../connection/failure.ts";
import { BACKOFF_FIRST_MS, COMPLETION_CHECKS } from "../connection/limits.ts";
import type { Target } from "../connection/target.ts";
import { sleep } from "../retry/reconnector.ts";

/**
 * Asks for the size of a resource whose append session has ended. Exactly the size that it must have means that every
 * byte has arrived; a smaller one may still grow, as the server may be about to end the session.
 *
 * @throws {StreamError} when the server does not answer, or has no time now.
 */
export async function isComplete(
  { fetch, clock }: Environment,
  { url, headers }: Target,
  size: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (let check = 1; ; check++) {
    const response = await fetch(url, { method: "HEAD", headers, signal, cache: "no-store" });
    if (response.status >= 500) throw await refused(response, url, "APPEND");
    const found = response.headers.get(NEXT_OFFSET_HEADER);
    const reached = response.ok && found !== null ? parseOffset(NEXT_OFFSET_HEADER, found) : undefined;
    if (reached === size) return true;
    if (reached === undefined || reached > size || check === COMPLETION_CHECKS) return false;
    await sleep(clock, BACKOFF_FIRST_MS * 2 ** check, signal);
  }
}
