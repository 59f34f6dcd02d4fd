/**
 * The gate: decides what a request may do with which path.
 * @module
 */
import type { Context } from "hono";
import { StreamError } from "../../protocol/errors.ts";
import { checkedPermission, checkedRefusal, ownResponse, shown } from "./check-decision.ts";

/**
 * What a request can do with a path. `append` includes creating and closing; `read` includes following, and does not
 * include `list`.
 */
export const ACTIONS = ["read", "list", "append", "delete"] as const;

/** One of {@link ACTIONS}. */
export type Action = (typeof ACTIONS)[number];

/**
 * The question that the gate is asked for every path that a request touches, before the store. If a path may be a file or a
 * folder, it is asked about `read`, and then, for a folder or after a refusal, about `list`.
 */
export interface AccessRequest {
  /** What the request is about to do. */
  readonly action: Action;
  /** The resource path, decoded, without a leading slash; empty for the root folder. */
  readonly path: string;
  /** The request, as Hono's context. */
  readonly c: Context;
}

/** Allows a request. */
export interface Permission {
  /** Always true. */
  readonly allow: true;
  /**
   * When the permission ends, in milliseconds since 1970. A connection that is still open then is ended. May be further
   * away than a timer can wait, also `Infinity`. Anything but a number, also null and NaN, refuses the request with 500.
   * Default: never.
   */
  readonly expiresAtMs?: number;
  /**
   * Whether a listing shows an entry: a path that may be read, or a folder in which something may be read. It can't be
   * async: a result that is not a boolean fails the request. Default: all entries are shown.
   */
  readonly mayRead?: (path: string, isFolder: boolean) => boolean;
}

/** Refuses a request. A field of the wrong type does so with 500, and the log says which field it is. */
export interface Refusal {
  /** Always false. */
  readonly allow: false;
  /**
   * 401: the request has no valid credentials. 403: its credentials do not allow this. 404: as 403, but the existence
   * of the path stays hidden. Default 403.
   */
  readonly status?: 401 | 403 | 404;
  /** A sentence for the client, without secrets. Default: one that fits the status. Not used for 404. */
  readonly message?: string;
  /** The `WWW-Authenticate` header of a 401. Default `Bearer realm="httpfstream"`. */
  readonly challenge?: string;
}

/**
 * The answer of an {@link Authorize} function: true allows, false refuses with 403, and a `Response` is sent as it is. With
 * a status from 400 on, it counts as a refusal in the log, the metrics and `onEvent`. A `Response` with a body can be sent
 * once, so each request needs a new one.
 */
export type AccessDecision = boolean | Permission | Refusal | Response;

/**
 * Decides about a request, before anything is claimed, created or read for it. An error that it throws refuses the
 * request: with the status of a `StreamError`, otherwise with 500.
 *
 * @example
 * ```ts
 * const authorize: Authorize = ({ action, path, c }) =>
 *   action === "read" || path.startsWith(`users/${c.get("user")}/`);
 * ```
 */
export type Authorize = (request: AccessRequest) => AccessDecision | Promise<AccessDecision>;

/** The challenge of a 401 without any credentials. RFC 6750 requires at least one parameter. */
export const CHALLENGE = 'Bearer realm="httpfstream"';

/** The same words for reading and listing: a difference would reveal whether a path is a folder. */
const DOING: Readonly<Record<Action, string>> = {
  read: "Reading",
  list: "Reading",
  append: "Appending to",
  delete: "Removing",
};

/**
 * Asks an {@link Authorize} function.
 *
 * @returns The permission, or the response that answers the request instead.
 * @throws {StreamError} `unauthorized`, `forbidden` or `not_found` if the request is refused.
 * @throws {TypeError} for anything that is not an {@link AccessDecision}: a function that forgets to return refuses. Also
 * for one with a malformed field, and for a `Response` that can't be sent.
 * @example
 * ```ts
 * const access = await askGate(authorize, { action: "read", path: "a.log", c });
 * if (access instanceof Response) return access;
 * ```
 */
export async function askGate(authorize: Authorize, request: AccessRequest): Promise<Permission | Response> {
  const decision: unknown = await authorize(request);
  if (decision === true) return { allow: true };
  if (decision === false) throw refused(request, { allow: false });
  if (isResponse(decision)) return ownResponse(decision);
  if (isPermission(decision)) return checkedPermission(decision);
  if (isRefusal(decision)) throw refused(request, checkedRefusal(decision));
  throw new TypeError(
    `The function "authorize" must return true, false, an object with "allow", or a Response, not ${shown(decision)}.`,
  );
}

function refused({ action, path, c }: AccessRequest, { status = 403, message, challenge }: Refusal): StreamError {
  const doing = `${DOING[action]} "/${path}"`;
  if (status === 404) return new StreamError("not_found", `"/${path}" does not exist.`, { path });
  // A client with producer headers takes 403 for a stale epoch, and would try again without end.
  if (status === 401 || hasProducer(c)) {
    return new StreamError("unauthorized", message ?? `${doing} needs valid credentials.`, {
      path,
      headers: { "WWW-Authenticate": challenge ?? CHALLENGE },
    });
  }
  return new StreamError("forbidden", message ?? `${doing} is not allowed with the credentials of this request.`, {
    path,
  });
}

function hasProducer(c: Context): boolean {
  return [...c.req.raw.headers.keys()].some((name) => name.toLowerCase().startsWith("producer-"));
}

function isPermission(decision: unknown): decision is Permission {
  return isObject(decision) && decision.allow === true;
}

function isRefusal(decision: unknown): decision is Refusal {
  return isObject(decision) && decision.allow === false;
}

/** Recognizes the responses of other realms and polyfills too. */
function isResponse(decision: unknown): decision is Response {
  return decision instanceof Response || Object.prototype.toString.call(decision) === "[object Response]";
}

function isObject(value: unknown): value is { readonly allow?: unknown } {
  return typeof value === "object" && value !== null;
}
