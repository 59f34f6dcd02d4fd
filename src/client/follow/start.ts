/**
 * Starting in the middle, also with servers that only know how to start at the first byte.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { isOriginal } from "../connection/peer.ts";
import type { StartOptions, Target } from "../connection/target.ts";

/** Whether a start other than the first byte is asked for. */
function startsLater({ offset = 0, tail }: StartOptions): boolean {
  return offset !== 0 || tail !== undefined;
}

/**
 * How many bytes at the beginning of a response come before the wanted start.
 *
 * @throws {StreamError} `range` for an offset past the end, `protocol` where the server doesn't say enough to tell.
 */
export function skipInResponse({ headers }: Response, start: StartOptions, { url }: Target): number {
  if (!startsLater(start) || headers.has(START_OFFSET_HEADER)) return 0;
  const { offset = 0, tail } = start;
  const length = headers.get("Content-Length");
  if (length === null) throw unable(url);
  const size = Number(length);
  if (tail !== undefined) return Math.max(0, size - tail);
  if (offset === "now") return size;
  if (offset <= size) return offset;
  throw new StreamError("range", `The offset ${offset} is past the end; the size is ${size} bytes.`, {
    path: url.href,
  });
}

/**
 * How many bytes at the beginning of a classic WebSocket come before the wanted start; nothing where a WebSocket can't
 * begin at exactly that byte: it carries text, which begins with a whole character.
 *
 * @throws {StreamError} `protocol` where a server that starts at the first byte can't tell how many those are.
 */
export async function skipInSocket(
  start: StartOptions,
  target: Target,
  request: Parameters<typeof isOriginal>[1],
): Promise<number | undefined> {
  if (!startsLater(start)) return 0;
  if (!(await isOriginal(target, request))) return undefined;
  if (typeof start.offset === "number") return start.offset;
  throw unable(target.url);
}

function unable(url: URL): StreamError {
  const message = "This server can start at the first byte or at an offset, but not count from the end.";
  return new StreamError("protocol", message, { path: url.href });
}
