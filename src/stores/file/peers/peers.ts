/**
 * Connects this process with the others on its machine that use the same root: it reports its appends to them, and gets
 * reports of theirs.
 * @module
 */
import type { OwnerRecord } from "../processes/owner-record.ts";
import type { Reserved } from "../reserved/layout.ts";
import { AppendReporter } from "./append-reporter.ts";
import { Links } from "./links.ts";

/** Both directions. */
export interface Peers {
  readonly reporter: AppendReporter;
  readonly links: Links;
}

/** By owner record: two stores on one root share a socket. */
const known = new WeakMap<OwnerRecord, Peers>();

/**
 * The peers of a process on a root. Created by the first call.
 *
 * @param onWanted Called with the key of a path that another process has requested.
 */
export function peersOf(reserved: Reserved, self: OwnerRecord, onWanted: (key: string) => void): Peers {
  const found = known.get(self);
  if (found) return found;
  const peers = { reporter: new AppendReporter(reserved, self, onWanted), links: new Links(reserved, self) };
  known.set(self, peers);
  return peers;
}
