/**
 * The stored bytes of a path without an appender, as an append that has already ended.
 * @module
 */
import { Broadcast } from "../follow/broadcast.ts";
import type { Followable } from "../follow/followable.ts";
import { RecentPool } from "../follow/recent-chunks.ts";
import type { StoreStat } from "../storage/store.ts";

/** Nothing is ever broadcast, so nothing is kept. */
const NO_POOL = new RecentPool(0);

/** Makes the stored bytes of a path followable, up to the size that a check found. */
export function storedContent(path: string, { size, generation, stream }: StoreStat): Followable {
  const outcome = { size, reason: "complete" } as const;
  const finalSize = stream?.closed ? size : undefined;
  return { path, generation, size, finalSize, broadcast: new Broadcast(size, NO_POOL), outcome };
}
