/**
 * The syntax of media types (RFC 9110, section 8.3.1).
 * @module
 */

/** Maximum length of a stored media type, in characters. */
const MAX_CHARACTERS = 255;

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const PARAMETER = `${TOKEN}=(?:${TOKEN}|"[ !#-\\[\\]-~]*")`;
// White space is matched only in front of what follows it: with two places for it, the work would double with each
// semicolon.
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:[ \\t]*;(?:[ \\t]*${PARAMETER})?)*$`);

/**
 * Whether a text is a media type of at most 255 characters. Any other text could break the header that carries it.
 *
 * @example
 * ```ts
 * isMediaType("text/x-diff; charset=utf-8"); // true
 * isMediaType("text\nplain"); // false
 * ```
 */
export function isMediaType(text: string): boolean {
  return text.length <= MAX_CHARACTERS && MEDIA_TYPE.test(text);
}

/**
 * The media type without its parameters, in lower case.
 *
 * @example
 * ```ts
 * essenceOf("Text/Plain; charset=utf-8"); // "text/plain"
 * ```
 */
export function essenceOf(type: string | undefined): string | undefined {
  return type?.split(";")[0]?.trim().toLowerCase();
}

/**
 * Whether a media type means that a stream consists of JSON messages.
 *
 * @example
 * ```ts
 * isJsonType("application/json; charset=utf-8"); // true
 * ```
 */
export function isJsonType(type: string | undefined): boolean {
  return essenceOf(type) === "application/json";
}
