/**
 * What the answers to readers say of the content: its generation, whether somebody appends, how the last append ended.
 * @module
 */
import type { Followable } from "../../engine/follow/followable.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { APPENDING_HEADER, ENDED_HEADER, GENERATION_HEADER } from "../../protocol/generation.ts";

/** What is known of a content at the moment of an answer. */
type Known = Pick<StoreStat, "generation" | "appending" | "ended">;

/** A content that is followed while it grows. */
export function growing({ generation }: Followable): Known {
  return { generation, appending: true };
}

/** The headers for a content. */
export function contentHeaders({ generation, appending = false, ended = "unknown" }: Known): Record<string, string> {
  return {
    // A store that was made before there were generations says none.
    ...(generation ? { [GENERATION_HEADER]: generation } : {}),
    [APPENDING_HEADER]: appending ? "?1" : "?0",
    ...(appending ? {} : { [ENDED_HEADER]: ended }),
  };
}
