/**
 * The parts that claims, reads, listings and watches of one open store share.
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Calls } from "../connection/calls.ts";
import type { StreamNotes } from "../kept/stream-notes.ts";
import type { Layout } from "../layout/layout.ts";
import type { Directory } from "../nodes/directory.ts";
import type { Leaders } from "../nodes/leaders.ts";
import type { States } from "../records/states.ts";
import type { Records } from "../records/stored.ts";
import type { Tails } from "../records/tails.ts";
import type { OwnClaims } from "./own-claims.ts";

/** Random bytes of the id of a record. */
const ID_BYTES = 9;

/** These parts. */
export interface Core {
  /** The name of this node. */
  readonly node: string;
  readonly layout: Layout;
  readonly calls: Calls;
  readonly records: Records;
  readonly states: States;
  readonly tails: Tails;
  readonly directory: Directory;
  readonly leaders: Leaders;
  readonly ownClaims: OwnClaims;
  readonly notes: StreamNotes;
  /** Milliseconds for which a write is tried again. */
  readonly giveUpMs: number;
  /** Milliseconds for which a removed path stays on record. */
  readonly tombstoneMs: number;
  /** Bytes of the largest payload of a message, without its note. */
  readonly messageBytes: number;
}

/** An id that no other record has. */
export function newId(): string {
  return randomBytes(ID_BYTES).toString("base64url");
}
