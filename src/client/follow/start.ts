/**
 * Starts in the middle of a resource, even on servers that can only start at the first byte.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { isOriginalServer } from "../connection/original-server.ts";
import type { StartOptions, Target } from "../connection/target.ts";

/** Whether the requested start is other than the first byte. */
function startsLater({ offset = 0, tail }: StartOptions): boolean {
  return offset !== 0 || tail !== undefined;
}

/**
 * The number of leading bytes of a response to skip before the requested start.
 *
 * @throws {StreamError} `range` for an offset past the end, `protocol` if the response lacks the information.
 */
export function skipInResponse({ headers }: Response, start: StartOptions, { url }: Target): number {
  if (!startsLater(start) || headers.has(START_OFFSET_HEADER)) return 0;
  const { offset = 0, tail } = start;
  const length = headers.get("Content-Length");
  if (length === null) throw cannotStart(url, start);
  const size = Number(length);
  if (tail !== undefined) return Math.max(0, size - tail);
  if (offset === "now") return size;
  if (offset <= size) return offset;
  throw new StreamError("range", `The offset ${offset} is past the end; the size is ${size} bytes.`, {
    path: url.href,
  });
}

/**
 * The number of leading bytes of a classic WebSocket to skip before the requested start. Undefined if a WebSocket
 * cannot start at exactly that byte: it carries text, which starts with a whole character.
 *
 * @throws {StreamError} `protocol` if the server starts at the first byte and the start is relative to the end.
 */
export async function skipInSocket(
  start: StartOptions,
  target: Target,
  request: Parameters<typeof isOriginalServer>[1],
): Promise<number | undefined> {
  if (!startsLater(start)) return 0;
  if (!(await isOriginalServer(target, request))) return undefined;
  if (typeof start.offset === "number") return start.offset;
  throw cannotStart(target.url, start);
}

function cannotStart(url: URL, { offset, tail }: StartOptions): StreamError {
  const now = offset === "now" ? 'This server does not support the offset "now". Use a number.' : undefined;
  const message =
    tail === undefined
      ? (now ?? 'This server does not support "offset".')
      : 'This server does not support "tail". Use "offset".';
  return new StreamError("protocol", message, { path: url.href });
}
