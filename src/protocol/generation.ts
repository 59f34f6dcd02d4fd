/**
 * Generations name contents, since an offset belongs to one content: the headers that describe a content, and the check
 * of `generation=`.
 * @module
 */
import { StreamError } from "./errors.ts";

/** The response header with the name of the content; see {@link StoreStat.generation}. */
export const GENERATION_HEADER = "Stream-Generation";

/** The response header that says how the last append ended, if no append is under way. */
export const ENDED_HEADER = "Stream-Ended";

/** The response header that says whether an append is under way: `?1` or `?0`. */
export const APPENDING_HEADER = "Stream-Appending";

/** The headers that describe the content, on responses with stored bytes. */
export const CONTENT_HEADERS: readonly string[] = [GENERATION_HEADER, APPENDING_HEADER, ENDED_HEADER];

/**
 * Checks that a path has the content that the client continues.
 *
 * @param wanted The generation that the client requires; undefined for any.
 * @param generation The generation of the path; undefined if the path does not exist.
 * @throws {StreamError} `replaced`, with the path's generation, if they differ.
 * @example
 * ```ts
 * checkGeneration("a.log", "3f2a", "3f2a");
 * ```
 */
export function checkGeneration(path: string, wanted: string | undefined, generation: string | undefined): void {
  if (wanted === undefined || wanted === generation) return;
  const now = generation === undefined ? "no longer exists" : "has other content now";
  throw new StreamError("replaced", `"/${path}" ${now}: an offset in the old content is not valid in the new one.`, {
    path,
    headers: generation === undefined ? {} : { [GENERATION_HEADER]: generation },
  });
}
