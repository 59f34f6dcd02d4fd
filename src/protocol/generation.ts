/**
 * An offset belongs to one content: what is said of contents in headers, and what is asked for with `generation=`.
 * @module
 */
import { StreamError } from "./errors.ts";

/** The response header that names the content; see {@link StoreStat.generation}. */
export const GENERATION_HEADER = "Stream-Generation";

/** The response header that says how the last append ended, while nobody appends. */
export const ENDED_HEADER = "Stream-Ended";

/** The response header that says whether somebody appends: `?1` or `?0`. */
export const APPENDING_HEADER = "Stream-Appending";

/** The headers that every answer with stored bytes has. */
export const CONTENT_HEADERS: readonly string[] = [GENERATION_HEADER, APPENDING_HEADER, ENDED_HEADER];

/**
 * Sees to it that a path has the content that the other side continues.
 *
 * @param wanted What `generation=` names; nothing for any.
 * @param generation What stands at the path; nothing where there is nothing.
 * @throws {StreamError} `replaced`, with the generation that stands there, when it is another one.
 * @example
 * ```ts
 * checkGeneration("a.log", "3f2a", "3f2a");
 * ```
 */
export function checkGeneration(path: string, wanted: string | undefined, generation: string | undefined): void {
  if (wanted === undefined || wanted === generation) return;
  const now = generation === undefined ? "does not exist any more" : "has other content by now";
  throw new StreamError("replaced", `"/${path}" ${now}: an offset in the old content means nothing in the new one.`, {
    path,
    headers: generation === undefined ? {} : { [GENERATION_HEADER]: generation },
  });
}
