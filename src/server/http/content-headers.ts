/**
 * Response headers that describe the content: its generation, whether an append is under way, how the last one ended.
 * @module
 */
import type { StoreStat } from "../../engine/storage/store.ts";
import { APPENDING_HEADER, ENDED_HEADER, GENERATION_HEADER } from "../../protocol/generation.ts";

/** What is known of the content when the response is made. */
type Known = Pick<StoreStat, "generation" | "appending" | "ended">;

/** The headers for the content. */
export function contentHeaders({ generation, appending = false, ended = "unknown" }: Known): Record<string, string> {
  return {
    // A custom store may lack it.
    ...(generation ? { [GENERATION_HEADER]: generation } : {}),
    [APPENDING_HEADER]: appending ? "?1" : "?0",
    ...(appending ? {} : { [ENDED_HEADER]: ended }),
  };
}
