/**
 * Determines whether an append is complete when the server could not confirm its end.
 * @module
 */
import { NEXT_OFFSET_HEADER, parseOffset } from "../../protocol/offset.ts";
import type { Environment } from "../connection/environment.ts";
import { refused } from "../connection/failure.ts";
import { BACKOFF_FIRST_MS, COMPLETION_CHECKS } from "../connection/limits.ts";
import type { Target } from "../connection/target.ts";
import { sleep } from "../retry/reconnector.ts";

/**
 * Requests the size of a resource whose append session has ended. If it is exactly the expected size, all bytes have
 * arrived. If it is smaller, the client checks up to 5 times in total, because the server may still be storing the last
 * bytes.
 *
 * @param size The expected size in bytes.
 * @throws {StreamError} if the server answers with a 5xx status; any error of `fetch`.
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
