/**
 * What a header may contain.
 * @module
 */

/** Tabs, spaces, visible ASCII characters, and characters that fit into one byte. Runtimes refuse all others, at different times. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Whether a text can be the value of a header on every runtime.
 *
 * @example
 * ```ts
 * isHeaderValue("Basic\r\nSet-Cookie: a=b"); // false
 * ```
 */
export function isHeaderValue(text: string): boolean {
  return HEADER_VALUE.test(text);
}
