/**
 * Asks the gate, before anything is claimed or created for a request.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { type Action, askGate, type Permission } from "../gate/gate.ts";
import { hasEnded, permissionEnded } from "../timers/expiry.ts";
import type { Exchange, Service } from "./service.ts";

/**
 * Asks whether a request may do something with its path. If so, the permission is noted in the exchange.
 *
 * @param path Another path that the request touches. Default: the path of the request.
 * @returns The response that answers the request instead, if the gate has one; undefined if the request may continue.
 * @throws {StreamError} `unauthorized`, `forbidden` or `not_found` if the request is refused; `overloaded` if the gate has
 * not answered within `limits.authorizeMs`; errors of the gate.
 */
export async function passGate(
  service: Service,
  exchange: Exchange,
  action: Action,
  path: string = exchange.subject.path,
): Promise<Response | undefined> {
  const { authorize } = service;
  if (!authorize) return undefined;
  const answer = askGate(authorize, { action, path, c: exchange.c });
  const access = await inTime(service, exchange, path, answer);
  if (!("allow" in access)) return access;
  if (hasEnded(access.expiresAtMs)) throw permissionEnded(path);
  exchange.action = action;
  exchange.access = exchange.access ? endingFirst(exchange.access, access) : access;
  return undefined;
}

/** The later permission of a request, which ends with the earlier one at the latest. */
function endingFirst({ expiresAtMs = Number.POSITIVE_INFINITY }: Permission, later: Permission): Permission {
  return expiresAtMs < (later.expiresAtMs ?? Number.POSITIVE_INFINITY) ? { ...later, expiresAtMs } : later;
}

/**
 * Waits for the gate, but not for ever: a gate that hangs would hold every request and its connection.
 *
 * @throws {StreamError} `overloaded` if there is no answer in time. A later answer is ignored.
 */
async function inTime(
  { limits: { authorizeMs }, reporter }: Service,
  { subject: { requestId } }: Exchange,
  path: string,
  answer: Promise<Permission | Response>,
): Promise<Permission | Response> {
  if (authorizeMs === 0) return await answer;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), authorizeMs);
  });
  const first = await Promise.race([answer, late]).finally(() => clearTimeout(timer));
  if (first) return first;
  // Its body may hold a connection to another server.
  answer.then((access) => ("allow" in access ? undefined : access.body?.cancel())).catch(() => {});
  const within = `within ${authorizeMs / 1000} s (authorizeMs)`;
  const error = new StreamError(
    "overloaded",
    `The server could not decide ${within} whether this request is allowed. Try again in a moment.`,
    { path, headers: { "Retry-After": "1" } },
  );
  reporter.failed(path, error, `The function "authorize" has not answered ${within}.`, requestId);
  throw error;
}
