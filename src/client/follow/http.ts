/**
 * Follows over one plain HTTP response.
 * @module
 */

import { endedReasonOf } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { ENDED_HEADER, GENERATION_HEADER } from "../../protocol/generation.ts";
import { NEXT_OFFSET_HEADER, parseOffset, START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { broken, refused } from "../connection/failure.ts";
import { skipInResponse } from "./start.ts";
import type { FollowBytes, FollowTask } from "./task.ts";

/**
 * Reads the body of a response to its end.
 *
 * @throws {StreamError} if the response refuses the request.
 */
export async function* followResponse(task: FollowTask, response: Response): FollowBytes {
  const { position, reconnector, target, report } = task;
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
    for await (const chunk of chunks(response.body)) {
      const bytes = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - bytes.length;
      if (bytes.length === 0) continue;
      progressed = true;
      reconnector.progressed();
      yield position.take(bytes);
    }
  } catch (error) {
    return { type: "lost", error: broken(error, target.url) };
  }
  if (!stored) return { type: "turn", progressed };
  const next = headers.get(NEXT_OFFSET_HEADER);
  if (next === null || position.next === undefined || position.next >= parseOffset(NEXT_OFFSET_HEADER, next)) {
    return { type: "ended", reason: endedReasonOf(headers.get(ENDED_HEADER)) };
  }
  return { type: "lost", error: new StreamError("unreachable", "The response broke off.", { path: target.url.href }) };
}

/** The offset of the first byte that is not skipped. */
function startOf({ headers }: Response, skip: number): number {
  const said = headers.get(START_OFFSET_HEADER);
  if (said !== null) return parseOffset(START_OFFSET_HEADER, said);
  // A server without this header starts at the first byte.
  return skip;
}

/** Yields the chunks of a stream, for browsers that cannot iterate over one. */
async function* chunks(stream: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array, void, void> {
  if (!stream) return;
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
