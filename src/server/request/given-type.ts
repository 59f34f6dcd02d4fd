/**
 * The media type that an appender gives its bytes.
 * @module
 */

import { isMediaType } from "../../protocol/media-type.ts";

/** Clients add these by themselves to whatever they post: they say nothing of the bytes. */
const FORMS: ReadonlySet<string> = new Set(["application/x-www-form-urlencoded", "multipart/form-data"]);

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
  if (essence.includes("*") || FORMS.has(essence.trim().toLowerCase())) return undefined;
  return isMediaType(type) ? type : undefined;
}
