/**
 * Idle claims, cached for the next request of a stream.
 * @module
 */
import type { StoreStat } from "../../engine/storage/store.ts";
import type { Service } from "./service.ts";

/**
 * The state of a path for readers: a path on which a writer only has an idle claim has no append. Whether the writer of
 * another process is storing a request is not known, so its claim counts as idle.
 */
export function withoutKept({ durable }: Pick<Service, "durable">, path: string, found: StoreStat): StoreStat {
  const isKept = durable?.isLingering(path) || (found.kept && !durable?.isWriting(path));
  if (!found.appending || !isKept) return found;
  return { ...found, appending: false, ended: "complete" };
}
