/**
 * The characters that the name and the value of a header may contain.
 * @module
 */

/** Tabs, spaces, visible ASCII characters, and characters that fit into one byte. Runtimes refuse all others, at different times. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The characters of a token, RFC 9110. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Whether a text can be the name of a header.
 *
 * @example
 * ```ts
 * isHeaderName("WWW Authenticate"); // false
 * ```
 */
export function isHeaderName(text: string): boolean {
  return HEADER_NAME.test(text);
}

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
