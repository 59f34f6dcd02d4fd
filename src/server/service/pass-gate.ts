/**
 * Asks the gate, before anything is claimed or created for a request.
 * @module
 */
import { type Action, askGate } from "../gate/gate.ts";
import { permissionEnded } from "../timers/expiry.ts";
import type { Exchange, Service } from "./service.ts";

/**
 * Asks whether a request may do something with its path. If so, the permission is noted in the exchange.
 *
 * @param path Another path that the request touches. Default: the path of the request.
 * @returns The response that answers the request instead, if the gate has one; undefined if the request may go on.
 * @throws {StreamError} `unauthorized`, `forbidden` or `not_found` if the request is refused; errors of the gate.
 */
export async function passGate(
  { authorize }: Service,
  exchange: Exchange,
  action: Action,
  path: string = exchange.subject.path,
): Promise<Response | undefined> {
  if (!authorize) return undefined;
  const access = await askGate(authorize, { action, path, c: exchange.c });
  if (!("allow" in access)) return access;
  if (access.expiresAtMs !== undefined && access.expiresAtMs <= Date.now()) throw permissionEnded(path);
  exchange.action = action;
  exchange.access = access;
  return undefined;
}
