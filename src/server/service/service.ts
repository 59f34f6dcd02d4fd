/**
 * What every face of one server shares.
 * @module
 */
import type { Context } from "hono";
import type { AppendRegistry } from "../../engine/append/registry.ts";
import type { Limits } from "../../engine/limits.ts";
import type { Sessions } from "../../engine/sessions/sessions.ts";
import type { Store } from "../../engine/storage/store.ts";
import type { Platform, SocketHandler, UpgradeOptions } from "../platform/platform.ts";
import type { Hosts } from "../request/host.ts";
import type { Origins } from "../request/origin.ts";
import type { Remedies } from "../request/remedies.ts";
import type { Heartbeats } from "../timers/heartbeats.ts";
import type { Liveness } from "../timers/liveness.ts";
import type { Noted } from "./log-request.ts";
import type { Operator } from "./operator.ts";

/** The parts of one running `fstream()`. */
export interface Service {
  readonly store: Store;
  readonly registry: AppendRegistry;
  readonly limits: Readonly<Limits>;
  readonly operator: Operator;
  readonly liveness: Liveness;
  readonly heartbeats: Heartbeats;
  readonly sessions: Sessions;
  readonly listings: boolean;
  /** Origins, other than the server's own, that may upgrade and append. */
  readonly origins: Origins;
  /** The names that the server answers to; nothing where it answers to any. */
  readonly hosts: Hosts | undefined;
  /** How the operator can let in whom these keep out. */
  readonly remedies: Remedies;
  /** The runtime that a request came in through. */
  platform(c: Context): Promise<Platform>;
}

/** Who does it to what: all that a connection needs to remember of the request that it began with. */
export interface Subject {
  /** The resource path; empty for the root folder. */
  readonly path: string;
  /** The client's address, where the runtime tells it. */
  readonly peer?: string;
}

/** One request, understood as far as all faces need it. */
export interface Exchange {
  readonly c: Context;
  readonly platform: Platform;
  readonly subject: Subject;
  readonly noted: Noted;
}

/** Turns a request into a WebSocket; see {@link Platform.upgrade}. */
export async function upgrade(
  { c, platform, noted }: Exchange,
  handler: SocketHandler,
  options: UpgradeOptions,
): Promise<Response> {
  const response = await platform.upgrade(c, handler, options);
  noted.upgraded = true;
  return response;
}

/**
 * At a shutdown: waits until a response has left, so that whoever ends the process next does not cut it off. The wait ends
 * after the limit `shutdownTimeoutMs`.
 *
 * @param done Settles once the whole response has been written. Default: it has been.
 */
export async function answered(
  { limits }: Service,
  { c, platform }: Exchange,
  done: Promise<void> = Promise.resolve(),
): Promise<void> {
  let impatience: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => {
    impatience = setTimeout(resolve, limits.shutdownTimeoutMs);
  });
  await Promise.race([done.then(() => platform.responseSent?.(c)), late]);
  clearTimeout(impatience);
}
