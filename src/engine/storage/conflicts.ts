/**
 * Refusals of a path that has an appender, or whose place is taken.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { formatOffset, NEXT_OFFSET_HEADER } from "../../protocol/offset.ts";
import { CLOSED_HEADER } from "../../protocol/stream-headers.ts";

/**
 * The refusal of a path that has an appender.
 *
 * @example
 * ```ts
 * appenderConflict("a.log").code; // "conflict"
 * ```
 */
export function appenderConflict(path: string): StreamError {
  const message = `"/${path}" already has an appender. Try again when it has ended.`;
  return new StreamError("conflict", message, { path });
}

/**
 * The refusal of a path whose appender has lost its connection and may resume.
 *
 * @example
 * ```ts
 * graceConflict("a.log", 1_500).headers; // { "Retry-After": "2" }
 * ```
 */
export function graceConflict(path: string, leftMs: number): StreamError {
  const seconds = Math.max(1, Math.ceil(leftMs / 1000));
  const kept = `The path stays reserved for it for up to ${seconds} more ${seconds === 1 ? "second" : "seconds"}`;
  const message = `The appender of "/${path}" has lost its connection. ${kept}; try again after that.`;
  return new StreamError("conflict", message, { path, headers: { "Retry-After": String(seconds) } });
}

/**
 * The refusal of a path below a resource.
 *
 * @param above The path of the resource.
 * @example
 * ```ts
 * belowResource("a/b", "a").code; // "path_conflict"
 * ```
 */
export function belowResource(path: string, above: string): StreamError {
  return new StreamError("path_conflict", `"/${above}" is a file, so "/${path}" cannot be below it.`, { path });
}

/**
 * The refusal to append to a folder.
 *
 * @example
 * ```ts
 * folderInPlace("a").code; // "path_conflict"
 * ```
 */
export function folderInPlace(path: string): StreamError {
  return new StreamError("path_conflict", `"/${path}" is a folder, so it cannot be appended to.`, { path });
}

/**
 * The refusal of an append to a closed stream.
 *
 * @example
 * ```ts
 * closedStream("a.log", 6).headers; // { "Stream-Closed": "true", "Stream-Next-Offset": "0000000000000006" }
 * ```
 */
export function closedStream(path: string, size: number): StreamError {
  const headers = { [CLOSED_HEADER]: "true", [NEXT_OFFSET_HEADER]: formatOffset(size) };
  return new StreamError("closed", `"/${path}" is closed: nothing more can be appended to it.`, { path, headers });
}
