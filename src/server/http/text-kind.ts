/**
 * Whether bytes are text that a browser can show.
 * @module
 */

/** How many bytes are looked at. */
export const SNIFFED_BYTES = 512;

/** Control characters that no text has (those of the MIME Sniffing Standard): not tab, line feed, form feed, return, escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/**
 * Whether the beginning of something is text: UTF-8 without control characters. The last character may be cut. Nothing is
 * text, too: what is still empty is mostly a log whose first line is to come.
 *
 * @example
 * ```ts
 * isText(new TextEncoder().encode("hello\n")); // true
 * ```
 */
export function isText(beginning: Uint8Array): boolean {
  try {
    return !BINARY.test(new TextDecoder("utf-8", { fatal: true }).decode(beginning, { stream: true }));
  } catch {
    return false;
  }
}
