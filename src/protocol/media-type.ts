/**
 * What a media type looks like (RFC 9110, section 8.3.1).
 * @module
 */

/** Most characters of a type that is kept. */
const MOST_CHARACTERS = 255;

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const PARAMETER = `${TOKEN}=(?:${TOKEN}|"[ !#-\\[\\]-~]*")`;
// White space belongs to what comes behind it: with two places for it, the work would double with each semicolon.
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:[ \\t]*;(?:[ \\t]*${PARAMETER})?)*$`);

/**
 * Whether a text is a media type, and short enough to be kept. What is none may break the header that it is put into.
 *
 * @example
 * ```ts
 * isMediaType("text/x-diff; charset=utf-8"); // true
 * isMediaType("text\nplain"); // false
 * ```
 */
export function isMediaType(text: string): boolean {
  return text.length <= MOST_CHARACTERS && MEDIA_TYPE.test(text);
}
