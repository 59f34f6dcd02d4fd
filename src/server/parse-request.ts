/**
 * Parses a request once and completely, before anything is done for it.
 * @module
 */
import type { Context } from "hono";
import type { PathPreconditions } from "../engine/append/preconditions.ts";
import { CONTROL_SEGMENT } from "../engine/subscriptions/watched-paths.ts";
import { StreamError } from "../protocol/errors.ts";
import { RESERVED_SEGMENT } from "../protocol/path.ts";
import { PROTOCOL } from "../protocol/subprotocol.ts";
import { type StreamWrite, streamWrite } from "./durable/stream-write.ts";
import { type ControlRequest, controlResource } from "./durable/subscriptions/control.ts";
import { parseControlPath } from "./durable/subscriptions/control-path.ts";
import type { Platform } from "./platform/platform.ts";
import { type AppendParameters, appendParameters, preconditionsOf } from "./request/append-parameters.ts";
import type { Deletes } from "./request/deletes.ts";
import { namesOf } from "./request/host.ts";
import { parseStay, type ReadParameters, readParameters } from "./request/read-parameters.ts";
import { locate, locateReserved, type RequestPath } from "./request/request-path.ts";
import type { Scope } from "./request/scope.ts";
import type { TrustedProxies } from "./request/trusted-proxies.ts";
import { refuseContentRange } from "./request/unsupported-body.ts";
import { METHODS, type Verb, verbOf, wantsWebSocket } from "./request/verb.ts";
import type { RequestDetails } from "./service/log-request.ts";
import type { Exchange } from "./service/service.ts";
import { offersV1 } from "./websocket/dialect.ts";

/** A request whose every part has proved valid. */
export type ParsedRequest = AppendRequest | WriteRequest | ReadRequest | RemoveRequest;

/** How the operator has set up the reading of requests. */
export interface RequestSettings {
  /** Chooses the folder that the request sees; undefined for the whole root. */
  readonly scope: Scope | undefined;
  /** The proxies that may send the address of the client; undefined if no proxy is trusted. */
  readonly trustedProxies: TrustedProxies | undefined;
  /** The streams that requests without a verb write to; undefined without Durable Streams. */
  readonly durable: unknown;
}

/** A request that asks to append. */
export interface AppendRequest extends RequestParts {
  readonly action: "append";
  readonly verb: "APPEND";
  readonly parameters: AppendParameters;
}

/** A request that creates a stream, appends to it or closes it, without a verb. */
export interface WriteRequest extends RequestParts {
  readonly action: "append";
  readonly verb: undefined;
  readonly parameters: StreamWrite;
}

/** A request that asks to read or to follow. */
export interface ReadRequest extends RequestParts {
  readonly action: "read";
  readonly verb: Exclude<Verb, "APPEND"> | undefined;
  readonly parameters: ReadParameters;
}

/** A request that asks to remove a resource. */
export interface RemoveRequest extends RequestParts {
  readonly action: "delete";
  readonly verb: undefined;
  readonly parameters: PathPreconditions;
}

/** The members that requests of every verb have. */
export interface RequestParts {
  readonly exchange: Exchange;
  /** Whether it asks to become a WebSocket. */
  readonly socket: boolean;
  /** The host names by which it addresses the server. */
  readonly names: readonly string[];
  /** The host and port that it was sent to, according to the client. */
  readonly host: string | undefined;
  /** The path as the client knows it: without the folder of the scope. */
  readonly below: string;
  readonly base: string;
  readonly isFolder: boolean;
}

/**
 * Parses a request. A malformed one is refused here, before its origin or the state of its path is checked.
 *
 * @param details Receives what is learned about the request, even if it is refused.
 * @throws {StreamError} `bad_path`, `bad_request`, `upgrade_required`
 * @throws {MountError} if the app is mounted at a path with a wildcard, or with a parameter and without a scope.
 * @throws {TypeError} if the scope returns no folder.
 */
export function parseRequest(
  c: Context,
  platform: Platform,
  details: RequestDetails,
  { scope, trustedProxies, durable }: RequestSettings,
): ParsedRequest {
  notePeer(c, platform, details, trustedProxies);
  const parts = partsOf(c, platform, details, (target) => locate(c, target, scope));
  const { isFolder, socket } = parts;
  const { path } = parts.exchange.subject;
  refuseSmall(c.req.method);
  const verb = verbOf(c);
  if (verb === undefined && c.req.method === "DELETE") {
    return { ...parts, action: "delete", verb, parameters: preconditionsOf(c) };
  }
  if (verb === undefined && durable && (c.req.method === "PUT" || c.req.method === "POST")) {
    const { base } = parts;
    refuseContentRange(c, path);
    return { ...parts, action: "append", verb, parameters: streamWrite(c, { base, scope: details.scope ?? "" }) };
  }
  if (verb !== "APPEND") {
    const parameters = readParameters(c);
    if (parameters.stay) checkStay(c, socket, verb);
    if (parameters.live && verb === undefined && !socket) checkLive(c, parameters, isFolder);
    return { ...parts, action: "read", verb, parameters };
  }
  if (isFolder) {
    throw new StreamError("bad_path", `"/${path}" names a folder, which can't be appended to. Add a file name.`, {
      path,
    });
  }
  if (parseStay(c.req.query("stay"))) {
    throw new StreamError("bad_request", '"stay" is for the verb FOLLOW: an append ends when its appender ends it.', {
      path,
    });
  }
  const parameters = appendParameters(c);
  if (isUnsafe(c.req.method)) refuseContentRange(c, path);
  return { ...parts, action: "append", verb, parameters };
}

/**
 * Parses a request for a control path of subscriptions. Undefined for any other path.
 *
 * @param publicUrl The URL of the server for the outside. Default: that of the request.
 * @throws {StreamError} `bad_path`, `bad_request`
 * @throws As {@link parseRequest}.
 */
export function parseControl(
  c: Context,
  platform: Platform,
  details: RequestDetails,
  { scope, trustedProxies, publicUrl }: Omit<RequestSettings, "durable"> & { readonly publicUrl: string | undefined },
): (ControlRequest & RequestParts) | undefined {
  // Nearly all paths have no such segment.
  if (!c.req.path.includes(CONTROL_SEGMENT)) return undefined;
  const place = locateReserved(c, CONTROL_SEGMENT, platform.target?.(c), scope);
  if (!place) return undefined;
  notePeer(c, platform, details, trustedProxies);
  const { path: root, front, behind } = place;
  const control = parseControlPath(behind);
  const parts = partsOf(c, platform, details, () => ({ ...place, path: controlResource(root, control) }));
  return { ...parts, control, root, baseUrl: `${publicUrl ?? new URL(c.req.url).origin}${front}` };
}

/**
 * Parses a request for an asset of the viewer. Undefined if the path may be that of a resource.
 *
 * @throws {StreamError} `bad_path`, `bad_request`
 * @throws As {@link parseRequest}.
 */
export function parseAsset(
  c: Context,
  platform: Platform,
  details: RequestDetails,
  { scope, trustedProxies }: Omit<RequestSettings, "durable">,
): (RequestParts & { readonly name: string }) | undefined {
  if (!c.req.path.includes(RESERVED_SEGMENT)) return undefined;
  const place = locateReserved(c, RESERVED_SEGMENT, platform.target?.(c), scope);
  const [name, ...others] = place?.behind ?? [];
  if (place?.below !== "" || name === undefined || others.length > 0) return undefined;
  notePeer(c, platform, details, trustedProxies);
  return { ...partsOf(c, platform, details, () => place), name };
}

/** @throws {StreamError} `bad_request` for a live read that does not say where it begins. */
function checkLive(c: Context, { hasStart, live }: ReadParameters, isFolder: boolean): void {
  if (isFolder && live === "sse") return;
  if (isFolder) throw new StreamError("bad_request", 'A folder has no long-poll. Use "live=sse".');
  if (hasStart || (live === "sse" && c.req.header("Last-Event-ID"))) return;
  throw new StreamError(
    "bad_request",
    '"live" needs an "offset": the last Stream-Next-Offset, -1 for all, or now. A folder needs a slash at its end.',
  );
}

/** @throws {StreamError} `bad_request` for a request that can't be a standing follow. */
function checkStay(c: Context, socket: boolean, verb: Verb | undefined): void {
  if (socket && !offersV1(c)) {
    const message = `"stay" needs the subprotocol ${PROTOCOL}, or plain HTTP: a classic follow ends with the append.`;
    throw new StreamError("bad_request", message);
  }
  if (socket || verb === "FOLLOW") return;
  throw new StreamError("bad_request", '"stay" needs the verb FOLLOW: add "verb=FOLLOW" to the URL.');
}

/**
 * Parses a request of a route of the host app, which follows a path that the app has chosen.
 *
 * @throws {StreamError} `bad_request`, `upgrade_required`
 */
export function parseFollow(
  c: Context,
  platform: Platform,
  details: RequestDetails,
  { path, trustedProxies }: Pick<RequestSettings, "trustedProxies"> & { readonly path: string },
): ReadRequest {
  notePeer(c, platform, details, trustedProxies);
  const parts = partsOf(c, platform, details, () => ({ path, below: path, scope: "", base: "", isFolder: false }));
  const parameters = readParameters(c);
  if (parameters.stay) checkStay(c, parts.socket, "FOLLOW");
  return { ...parts, action: "read", verb: "FOLLOW", parameters };
}

/** Notes the address of the client, where the runtime exposes it. */
function notePeer(
  c: Context,
  platform: Platform,
  details: RequestDetails,
  trustedProxies: TrustedProxies | undefined,
): void {
  const direct = platform.peer?.(c);
  const peer = trustedProxies ? trustedProxies.peerOf(direct, c.req.raw.headers) : direct;
  if (peer !== undefined) details.peer = peer;
}

function partsOf(
  c: Context,
  platform: Platform,
  details: RequestDetails,
  place: (target: string | undefined) => RequestPath,
): RequestParts {
  const { peer } = details;
  const target = platform.target?.(c);
  const authority = platform.authority?.(c);
  if (platform.neverUpgrades?.(c)) details.neverUpgrades = true;
  const names = namesOf(c, authority, target);
  const { path, below, base, scope, isFolder } = place(target);
  details.path = path;
  details.base = base;
  details.scope = scope;
  const subject = { path, ...(peer === undefined ? {} : { peer }), requestId: details.requestId };
  const exchange: Exchange = { c, platform, subject, details, result: details.result };
  const socket = wantsWebSocket(c);
  return { exchange, socket, names, host: authority ?? c.req.header("Host"), below, base, isFolder };
}

/** Whether any request with this method may be answered. */
export function isKnownMethod(method: string): boolean {
  return METHODS.includes(method);
}

/** Whether a method is meant to change something. */
export function isUnsafe(method: string): boolean {
  return !["GET", "HEAD", "OPTIONS"].includes(method);
}

/** Refuses methods in lower case. Bun makes one out of a chunk that it cannot parse. */
function refuseSmall(method: string): void {
  if (METHODS.includes(method) || !METHODS.includes(method.toUpperCase())) return;
  throw new StreamError("bad_request", `The method must be ${method.toUpperCase()}, not ${method}.`);
}

/** @throws {StreamError} `method_not_allowed` if the method does not exist or does not go with the verb. */
export function checkMethod({ action, exchange }: ParsedRequest, deletes: Deletes): void {
  const { method } = exchange.c.req;
  const methods = METHODS.filter((one) => one !== "DELETE" || deletes !== "none");
  if (!isKnownMethod(method)) throw notAllowed(`The method ${method} is not supported.`, methods);
  if (action === "delete" && deletes === "none")
    throw notAllowed("This server does not let clients remove anything.", methods);
  if (action === "append" && method === "DELETE") {
    throw notAllowed("DELETE does not append. Use POST or PUT, or remove the verb.", ["GET", "HEAD", "POST", "PUT"]);
  }
  if (action !== "read" || !isUnsafe(method)) return;
  throw notAllowed(`${method} needs the verb APPEND: add "?verb=APPEND" to the URL.`, ["GET", "HEAD"]);
}

function notAllowed(message: string, methods: readonly string[]): StreamError {
  return new StreamError("method_not_allowed", message, { headers: { Allow: methods.join(", ") } });
}
