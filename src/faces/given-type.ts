/**
 * The media type that an appender gives its bytes.
 * @module
 */

/** Clients add these by themselves to whatever they post: they say nothing of the bytes. */
const FORMS: ReadonlySet<string> = new Set(["application/x-www-form-urlencoded", "multipart/form-data"]);

/** Most characters of a type that are kept. */
const MOST_CHARACTERS = 255;

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const PARAMETER = `${TOKEN}=(?:${TOKEN}|"[ !#-\\[\\]-~]*")`;
// White space belongs to what comes behind it: with two places for it, the work would double with each semicolon.
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:[ \\t]*;(?:[ \\t]*${PARAMETER})?)*$`);

/**
 * The type to remember of a `Content-Type`; nothing for what is none, and for those of forms.
 *
 * @example
 * ```ts
 * givenType("text/x-diff; charset=utf-8"); // "text/x-diff; charset=utf-8"
 * givenType("application/x-www-form-urlencoded"); // undefined
 * ```
 */
export function givenType(header: string | undefined): string | undefined {
  const type = header?.trim() ?? "";
  const [essence = ""] = type.split(";");
  // A range of types, as in Accept, is none.
  if (type.length > MOST_CHARACTERS || essence.includes("*") || FORMS.has(essence.trim().toLowerCase()))
    return undefined;
  return MEDIA_TYPE.test(type) ? type : undefined;
}
