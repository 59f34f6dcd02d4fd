/**
 * Offsets: byte positions as they stand in URLs and headers.
 * @module
 */
import { StreamError } from "./errors.ts";

/** Digits of a printed offset; with leading zeros, tokens sort as text. */
export const OFFSET_DIGITS = 16;

/** The response header that carries the offset just past the last persisted byte. */
export const NEXT_OFFSET_HEADER = "Stream-Next-Offset";

/** The response header that carries the offset of the first byte of a body that does not begin at 0. */
export const START_OFFSET_HEADER = "Stream-Start-Offset";

/** Where a reader wants to begin, before the size is known. */
export type Start = { readonly offset: number } | { readonly tail: number } | "now";

/**
 * An offset as a token: 16 decimal digits.
 *
 * @example
 * ```ts
 * formatOffset(42); // "0000000000000042"
 * ```
 */
export function formatOffset(offset: number): string {
  return String(offset).padStart(OFFSET_DIGITS, "0");
}

/**
 * The start that `?offset=` and `?tail=` ask for. `offset=-1` or nothing: from the first byte;
 * `offset=now`: from the end; `tail=N`: the last N bytes.
 *
 * @throws {StreamError} `bad_request` for anything else, or for both at once.
 * @example
 * ```ts
 * parseStart("0000000000000042", undefined); // { offset: 42 }
 * ```
 */
export function parseStart(offset: string | undefined, tail: string | undefined): Start {
  if (offset !== undefined && tail !== undefined) {
    throw new StreamError("bad_request", `Give "offset" or "tail", not both.`);
  }
  if (tail !== undefined) return { tail: parseOffset("tail", tail) };
  if (offset === undefined || offset === "-1") return { offset: 0 };
  if (offset === "now") return "now";
  return { offset: parseOffset("offset", offset) };
}

/**
 * The byte position at which a start begins in a resource of the given size.
 *
 * @throws {StreamError} `range` when the offset lies past the size.
 * @example
 * ```ts
 * resolveStart({ tail: 10 }, 100); // 90
 * ```
 */
export function resolveStart(start: Start, size: number): number {
  if (start === "now") return size;
  if ("tail" in start) return Math.max(0, size - start.tail);
  if (start.offset > size) {
    throw new StreamError("range", `The offset ${start.offset} is past the end; the size is ${size} bytes.`, {
      headers: { [NEXT_OFFSET_HEADER]: formatOffset(size), "Content-Range": `bytes */${size}` },
    });
  }
  return start.offset;
}

/**
 * A number of bytes as it stands in a URL. One that is too large to be counted with means the largest that is not:
 * it lies past the end of whatever there is.
 *
 * @throws {StreamError} `bad_request` when it is none.
 */
export function parseOffset(name: string, text: string): number {
  if (/^[0-9]+$/.test(text)) return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
  throw new StreamError("bad_request", `"${name}" must be a whole number of bytes, not ${JSON.stringify(text)}.`);
}
