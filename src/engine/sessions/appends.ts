/**
 * The appends of one server.
 * @module
 */
import type { AppendRegistry } from "../append/registry.ts";
import type { Sessions } from "./sessions.ts";

/** Its registry, and its sessions. */
export interface Appends {
  readonly registry: AppendRegistry;
  readonly sessions: Sessions;
}
