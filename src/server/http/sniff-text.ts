/**
 * Whether content is text that a browser can show.
 * @module
 */

/** Number of bytes to examine. */
export const SNIFFED_BYTES = 512;

/**
 * Control characters that no text contains, per the MIME Sniffing Standard: all but tab, line feed, form feed, return,
 * escape.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/**
 * Whether the beginning of some content is text: UTF-8 without control characters. Its last character may be
 * incomplete. Empty content counts as text, because it is mostly a log before its first line.
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
