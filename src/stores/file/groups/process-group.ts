/**
 * The group that this process belongs to: the processes of one server, which share the lease of their root.
 * @module
 */
import type { OwnerRecord } from "../processes/owner-record.ts";

/** A group: the process that started it, with an id that is also that of the owner of the group's lease. */
export type ProcessGroup = OwnerRecord;

let own: ProcessGroup | undefined;

/**
 * Joins a group, for the whole life of this process. Call it before any store is opened.
 *
 * @example
 * ```ts
 * joinGroup({ id: randomUUID(), ...identityOfTheSupervisor });
 * ```
 */
export function joinGroup(group: ProcessGroup): void {
  own = group;
}

/** The group of this process; undefined if it is on its own. */
export function ownGroup(): ProcessGroup | undefined {
  return own;
}
