/**
 * The media type that an appender declares for its bytes.
 * @module
 */

import { isMediaType } from "../../protocol/media-type.ts";

/** Clients add these by default to anything they post, so they say nothing about the bytes. */
const FORMS: ReadonlySet<string> = new Set(["application/x-www-form-urlencoded", "multipart/form-data"]);

/**
 * The media type to store for a `Content-Type`; `undefined` if it is invalid or the type of a form.
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
  // A media range, as in Accept, is not a media type.
  if (essence.includes("*") || FORMS.has(essence.trim().toLowerCase())) return undefined;
  return isMediaType(type) ? type : undefined;
}
