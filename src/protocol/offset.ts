/**
 * Offsets: byte positions as they appear in URLs and headers.
 * @module
 */

import { StreamError } from "./errors.ts";
import { quotedWord } from "./quoted-word.ts";

/** Digits of a formatted offset; with leading zeros, offsets sort as text. */
const OFFSET_DIGITS = 16;

/** The response header with the offset just past the last stored byte. */
export const NEXT_OFFSET_HEADER = "Stream-Next-Offset";

/** The response header with the offset of the first byte of the body, for a body that may not begin at 0. */
export const START_OFFSET_HEADER = "Stream-Start-Offset";

/** Where a reader starts, before the size is known. */
export type Start = { readonly offset: number } | { readonly tail: number } | "now";

/**
 * Formats an offset as 16 decimal digits, with leading zeros.
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
 * Parses the query parameters `offset` and `tail`. `offset=-1` or neither: from the first byte; `offset=now`: from the
 * end; `tail=N`: the last N bytes.
 *
 * @throws {StreamError} `bad_request` for any other value, or for both at once.
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
  return { offset: parseStreamOffset("offset", offset) };
}

/**
 * Parses an offset as {@link parseOffset} does, or as two numbers of 16 digits, as other servers write it. If the first
 * one is not 0, the offset is past the end of any resource.
 *
 * @throws {StreamError} `bad_request` for any other text.
 * @example
 * ```ts
 * parseStreamOffset("offset", "0000000000000000_0000000000000042"); // 42
 * ```
 */
export function parseStreamOffset(name: string, text: string): number {
  if (!/^\d{16}_\d{16}$/.test(text)) return parseOffset(name, text);
  const isFirst = Number(text.slice(0, OFFSET_DIGITS)) === 0;
  return isFirst ? parseOffset(name, text.slice(OFFSET_DIGITS + 1)) : Number.MAX_SAFE_INTEGER;
}

/**
 * Resolves a start to a byte position in a resource of the given size in bytes.
 *
 * @throws {StreamError} `range` if the offset is past the size.
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
 * Parses a number of bytes in a URL. A number above `Number.MAX_SAFE_INTEGER` becomes that value, which is past the end
 * of any resource.
 *
 * @param name The name of the parameter, for the error.
 * @throws {StreamError} `bad_request` if the text is not a whole number.
 * @example
 * ```ts
 * parseOffset("tail", "100"); // 100
 * ```
 */
export function parseOffset(name: string, text: string): number {
  if (/^[0-9]+$/.test(text)) return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
  throw new StreamError("bad_request", `"${name}" must be a whole number of bytes, not ${quotedWord(text)}.`);
}
