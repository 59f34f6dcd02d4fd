/**
 * Recognizes a Durable Streams server by its answer to a request for `httpfstream.v1`. It ignores the upgrade and the verb,
 * so it answers like to any `GET`.
 * @module
 */
import { ERROR_HEADER, StreamError } from "../../protocol/errors.ts";
import { NEXT_OFFSET_HEADER, START_OFFSET_HEADER } from "../../protocol/offset.ts";
import type { Scope } from "../../support/scope.ts";
import type { Environment } from "../connection/environment.ts";
import { refused } from "../connection/failure.ts";
import type { Target } from "../connection/target.ts";

/**
 * Whether a response comes from a server that supports only Durable Streams. Servers of this project say where a body
 * starts, too.
 */
export function isDurableOnly({ status, headers }: Response): boolean {
  const isRead = status === 200 && headers.has(NEXT_OFFSET_HEADER);
  return isRead && !headers.has(START_OFFSET_HEADER) && !headers.has(ERROR_HEADER);
}

/** Whether a response may come from such a server: a 404 without the error code that servers of this project send. */
export function maybeDurableOnly({ status, headers }: Response): boolean {
  return status === 404 && !headers.has(ERROR_HEADER);
}

/** Thrown where an append over a WebSocket finds a Durable Streams server, or what may be one. */
export class DurableServerFound extends StreamError {}

/** Whether the server refused a number of bytes, which such a server does not understand. Asks it again. */
export async function refusesNumbers(
  { status, headers }: Response,
  { fetch }: Pick<Environment, "fetch">,
  target: Target,
  signal: AbortSignal,
): Promise<boolean> {
  if (status !== 400 || headers.has(ERROR_HEADER)) return false;
  const init = { method: "HEAD", headers: target.headers, signal, cache: "no-store" } as const;
  return isDurableOnly(await fetch(target.url, init));
}

/**
 * The error for a response to the upgrade request of an append.
 *
 * @param parts The dependencies of the append.
 * @param isBound Whether the append must resume a session or check the size, which such a server can't.
 */
export async function upgradeRefused(
  response: Response,
  { environment, target, scope }: { environment: Environment; target: Target; scope: Scope },
  isBound: boolean,
): Promise<StreamError> {
  const { url } = target;
  const isFound = isDurableOnly(response);
  if (isBound && (isFound || (await refusesNumbers(response, environment, target, scope.signal)))) {
    await response.body?.cancel();
    return cannot(url, "resume an append or check its size");
  }
  const isMaybe = maybeDurableOnly(response) && !isBound;
  const error = await refused(response, url, "APPEND");
  const { code, message, headers } = error;
  return isFound || isMaybe ? new DurableServerFound(code, message, { path: url.href, headers }) : error;
}

/** The error for what such a server can't do. */
export function cannot(url: URL, what: string): StreamError {
  const message = `The server at ${url.host} uses Durable Streams, and can't ${what}.`;
  return new StreamError("protocol", message, { path: url.href });
}

/** The error for a server that answers otherwise than the protocol demands. */
export function notDurable(url: URL, why: string): StreamError {
  return new StreamError("protocol", `The server does not support Durable Streams at "${url.pathname}": ${why}.`, {
    path: url.href,
  });
}
