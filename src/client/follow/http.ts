/**
 * Follows over one plain HTTP response.
 * @module
 */

import { endedReasonOf } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { ENDED_HEADER, GENERATION_HEADER } from "../../protocol/generation.ts";
import { NEXT_OFFSET_HEADER, parseOffset, START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { CLOSED_HEADER } from "../../protocol/stream-headers.ts";
import { chunks } from "../../support/chunks.ts";
import { broken, placeIn, refused } from "../connection/failure.ts";
import { skipInResponse } from "./start.ts";
import type { FollowBytes, FollowTask } from "./task.ts";

/**
 * Reads the body of a response to its end.
 *
 * @throws {StreamError} if the response refuses the request.
 */
export async function* followResponse(task: FollowTask, response: Response): FollowBytes {
  const { position, reconnector, target, signal, report } = task;
  const { headers, status } = response;
  if (status === 404 && position.begun) {
    await response.body?.cancel();
    return { type: "ended", reason: "deleted" };
  }
  if (status !== 200) throw await refused(response, target.url, "FOLLOW");
  const stored = headers.has("Content-Length") || headers.has(NEXT_OFFSET_HEADER);
  let skip = skipInResponse(response, position.start, target);
  position.begin(startOf(response, skip), headers.get(GENERATION_HEADER) ?? undefined);
  reconnector.reached();
  reconnector.opened();
  report({ state: "open", transport: "http", live: !stored, offset: position.next });
  let progressed = false;
  try {
    for await (const chunk of chunks(response.body, signal)) {
      const bytes = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - bytes.length;
      if (bytes.length === 0) continue;
      progressed = true;
      reconnector.progressed();
      yield position.take(bytes);
    }
  } catch (error) {
    return { type: "lost", error: brokenOff(error, target.url) };
  }
  signal.throwIfAborted();
  const isFinal = headers.get(CLOSED_HEADER) === "true";
  if (!stored) return isFinal ? { type: "ended", reason: "complete", isFinal } : { type: "turn", progressed };
  const next = headers.get(NEXT_OFFSET_HEADER);
  if (next === null || position.next === undefined || position.next >= parseOffset(NEXT_OFFSET_HEADER, next)) {
    return { type: "ended", reason: endedReasonOf(headers.get(ENDED_HEADER)), isFinal };
  }
  const message = `The response for ${placeIn(target.url)} broke off.`;
  return { type: "lost", error: new StreamError("unreachable", message, { path: target.url.href }) };
}

/** The offset of the first byte that is not skipped. */
function startOf({ headers }: Response, skip: number): number {
  const said = headers.get(START_OFFSET_HEADER);
  if (said !== null) return parseOffset(START_OFFSET_HEADER, said);
  // A server without this header starts at the first byte.
  return skip;
}

/** The error for a body that broke off. Within one process, the body has the server's own error. */
function brokenOff(cause: unknown, url: URL): StreamError {
  if (!(cause instanceof StreamError)) return broken(cause, url);
  return new StreamError("unreachable", `The response for ${placeIn(url)} broke off: ${cause.message}`, {
    path: url.href,
    cause,
  });
}
