/**
 * The record that a process writes about itself, for the other processes on its root.
 * @module
 */
import type { ProcessIdentity } from "./process-identity.ts";

/** An owner, as recorded in its claims. */
export interface OwnerRecord extends ProcessIdentity {
  /** A random id; also the name of the file that the owner touches. */
  readonly id: string;
  /** The id of the group that the process belongs to, if any. */
  readonly group?: string;
}

/** Whether a value is an owner's record. */
export function isOwnerRecord(value: unknown): value is OwnerRecord {
  if (typeof value !== "object" || value === null) return false;
  const { id, pid, started, scope } = value as Partial<OwnerRecord>;
  return typeof id === "string" && typeof pid === "number" && typeof started === "string" && typeof scope === "string";
}
