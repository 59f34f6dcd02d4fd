/**
 * Reads of content that changes while they begin.
 * @module
 */
import { StreamError } from "../protocol/errors.ts";
import type { ReadParameters } from "./request/read-parameters.ts";

/** How many times a read begins. Content that changes again and again is reported. */
const MAX_STARTS = 3;

/**
 * Answers a read. Starts over if the content is removed or replaced after it was checked, and before its first byte was
 * read, unless the request has a generation.
 */
export async function unlessChanged(
  { generation }: ReadParameters,
  answer: () => Promise<Response>,
): Promise<Response> {
  for (let starts = 1; ; starts++) {
    try {
      return await answer();
    } catch (error) {
      const code = error instanceof StreamError ? error.code : undefined;
      const isChanged = code === "changed" || (code === "replaced" && generation === undefined);
      if (!isChanged || starts === MAX_STARTS) throw error;
    }
  }
}
