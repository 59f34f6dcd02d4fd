/**
 * The Hono app: routes every request to its handler.
 * @module
 */
import { type Context, Hono } from "hono";
import { AppendRegistry } from "../engine/append/registry.ts";
import type { Log } from "../engine/events.ts";
import type { Follow } from "../engine/follow/follow.ts";
import type { Limits } from "../engine/limits.ts";
import type { FollowLease } from "../engine/sessions/follow-lease.ts";
import { LeasedFollow } from "../engine/sessions/leased-follow.ts";
import { Sessions } from "../engine/sessions/sessions.ts";
import { StandingFollows } from "../engine/standing/standing-follows.ts";
import type { Store } from "../engine/storage/store.ts";
import { StreamError } from "../protocol/errors.ts";
import { checkGeneration } from "../protocol/generation.ts";
import { resolveStart } from "../protocol/offset.ts";
import { appendBody } from "./http/append.ts";
import { followBody } from "./http/follow.ts";
import { listing, rowsOf } from "./http/listing.ts";
import { readSnapshot } from "./http/read.ts";
import { removeResource } from "./http/remove.ts";
import {
  type AppendRequest,
  checkMethod,
  isUnsafe,
  parseRequest,
  type ReadRequest,
  type RemoveRequest,
} from "./parse-request.ts";
import type { Platform } from "./platform/platform.ts";
import type { Deletes } from "./request/deletes.ts";
import { checkHost, type Hosts } from "./request/host.ts";
import { checkOrigin, crossOrigin, type Origins } from "./request/origin.ts";
import type { ReadParameters } from "./request/read-parameters.ts";
import type { RefusalHints } from "./request/refusal-hints.ts";
import type { Scope } from "./request/scope.ts";
import { logRequest, type RequestLogFields } from "./service/log-request.ts";
import { Operator } from "./service/operator.ts";
import type { Exchange, Service } from "./service/service.ts";
import { Heartbeats } from "./timers/heartbeats.ts";
import { Liveness } from "./timers/liveness.ts";
import { appendOverSocket } from "./websocket/append-classic.ts";
import { appendWithSession } from "./websocket/append-v1.ts";
import { offersV1 } from "./websocket/dialect.ts";
import { followOverSocket } from "./websocket/follow.ts";

/** The parts that the app is built from. */
export interface AppParts {
  readonly store: Store;
  readonly platform: (c: Context) => Promise<Platform>;
  readonly limits: Readonly<Limits>;
  readonly listings?: boolean;
  readonly scope?: Scope;
  readonly origins: Origins;
  readonly hosts: Hosts | undefined;
  readonly hints: RefusalHints;
  readonly cors?: boolean;
  readonly deletes: Deletes;
  readonly log?: Log;
  readonly signal?: AbortSignal;
}

/** A Hono app that serves streams and can be closed. */
export type StreamApp = Hono & {
  /**
   * Shuts down cleanly: refuses new requests, disconnects followers and appenders (close code 1012, a response body
   * that is cut off, or status 503), stores what it has received, and releases every path. Resolves when nothing is
   * left.
   *
   * @param reason The reason to log, such as `SIGTERM`. Default `close()`.
   */
  close(reason?: string): Promise<void>;
};

/** Builds the app. */
export function createApp(parts: AppParts): StreamApp {
  const { limits } = parts;
  const operator = new Operator(parts.log);
  const registry = new AppendRegistry(parts.store, limits, {
    failed: (path, error) => operator.failedIfFault(path, error),
  });
  const sessions = new Sessions(registry, (path, error) => {
    operator.failed(path, error, `The record of the append session of "/${path}" can't be written or removed.`);
  });
  const service: Service = {
    store: parts.store,
    registry,
    limits,
    operator,
    liveness: new Liveness(limits),
    heartbeats: new Heartbeats(limits.heartbeatMs),
    sessions,
    standing: new StandingFollows({ registry, sessions }),
    listings: parts.listings ?? true,
    scope: parts.scope,
    origins: parts.origins,
    hosts: parts.hosts,
    deletes: parts.deletes,
    hints: parts.hints,
    platform: parts.platform,
  };
  const app = new Hono();
  // Whether other origins may embed a response in a page, as an image or a script; CORS does not cover that.
  const policy = parts.cors ? "cross-origin" : "same-origin";
  const marked = (response: Response): Response => {
    // The headers of an upgrade may be immutable, and no page embeds it.
    if (response.status !== 101) response.headers.set("Cross-Origin-Resource-Policy", policy);
    return response;
  };
  if (parts.cors) app.use(crossOrigin(service.origins));
  app.all("*", (c) => logRequest(operator, c, (noted) => answer(service, c, noted)).then(marked));
  service.sessions.restore().catch((error: unknown) => {
    operator.failed(undefined, error, "The open sessions can't be read.");
  });
  let closing: Promise<void> | undefined;
  const close = (reason = "close()"): Promise<void> => {
    closing ??= operator.shutsDown(reason, () => registry.close());
    return closing;
  };
  if (parts.signal?.aborted) void close("signal");
  parts.signal?.addEventListener("abort", () => void close("signal"), { once: true });
  return Object.assign(app, { close });
}

async function answer(service: Service, c: Context, noted: RequestLogFields): Promise<Response> {
  const platform = await service.platform(c);
  const request = parseRequest(c, platform, noted, service.scope);
  const { verb, socket, names, host, exchange } = request;
  const { path } = exchange.subject;
  if (service.hosts) checkHost(names, service.hosts, service.hints);
  if (socket || verb === "APPEND" || isUnsafe(c.req.method)) checkOrigin(c, host, service.origins, service.hints);
  checkMethod(request, service.deletes);
  if (socket) platform.checkUpgrade?.(c);
  const turn = platform.turn?.(c);
  if (turn && !(await turn)) {
    throw new StreamError("lost", "The client disconnected before its request began.", { path });
  }
  service.registry.assertOpen();
  if (request.action === "append") return append(service, request);
  return request.action === "delete" ? remove(service, request) : read(service, request);
}

async function append(service: Service, { exchange, socket, parameters }: AppendRequest): Promise<Response> {
  const { c, subject } = exchange;
  const { path } = subject;
  // Await nothing before this: the body must be read from the turn in which the request came, so that nothing of it is
  // lost if the client aborts.
  if (!socket && isUnsafe(c.req.method)) return appendBody(service, exchange, parameters);
  const { session, preconditions } = parameters;
  const isV1 = offersV1(c);
  const isResumed = session !== undefined && (!socket || isV1);
  // A session that its former server left behind must claim its path before any other request uses it. Its own appender
  // takes it over by itself.
  if (!isResumed) await service.sessions.adopt(path);
  // Report a file in place of a parent folder first. A claim would find it, but neither resuming a session nor a plain
  // GET claims anything.
  if (session !== undefined || !socket) await service.store.stat(path);
  if (socket) {
    return isV1 ? appendWithSession(service, exchange, parameters) : appendOverSocket(service, exchange, parameters);
  }
  // Browsers hide why an upgrade was refused, so a client in a browser asks again without one.
  await service.sessions.check(path, session, preconditions);
  throw new StreamError(
    "upgrade_required",
    `Appending with ${c.req.method} needs a WebSocket. Upgrade, or send the bytes as the body of a POST or PUT.`,
    { path, headers: { Upgrade: "websocket" } },
  );
}

async function remove(service: Service, { exchange, isFolder, parameters }: RemoveRequest): Promise<Response> {
  const { path } = exchange.subject;
  if (!isFolder) return removeResource(service, exchange, parameters);
  throw new StreamError("path_conflict", `"/${path}" names a folder. Only what was appended can be removed.`, { path });
}

async function read(
  service: Service,
  { exchange, base, below, verb, socket, isFolder, parameters }: ReadRequest,
): Promise<Response> {
  const { path } = exchange.subject;
  const following = socket || verb === "FOLLOW";
  if (following && parameters.stay && !isFolder) {
    return await follow(service, exchange, socket, await standingFollow(service, path, parameters));
  }
  // A session that its former server left behind must claim its path before it is followed.
  if (following) await service.sessions.adopt(path);
  const lease = following && !isFolder ? await service.sessions.lease(path) : undefined;
  if (lease) return await follow(service, exchange, socket, leasedFollow(service, path, lease, parameters));
  let found = await service.store.stat(path);
  if (following && !isFolder && found?.appending) {
    // The append began after the lookup above. The client would take a snapshot of its first bytes for the whole stream.
    const late = await service.sessions.lease(path);
    if (late) return await follow(service, exchange, socket, leasedFollow(service, path, late, parameters));
    found = await service.store.stat(path);
  }
  if (found && !isFolder) return readSnapshot(service, exchange, found, { ...parameters, conditional: !following });
  if (found) throw notFolder(path, below);
  const entries = service.listings ? await rowsOf(service.store, { path, below }, parameters.listing) : undefined;
  if (entries && following) throw notAFile(path);
  if (entries) return listing(service, exchange, { base, folder: below, entries }, parameters.listing);
  throw new StreamError("not_found", `"/${path}" does not exist.`, { path });
}

/** Sends a follow over the connection that the client asked for. */
async function follow(service: Service, exchange: Exchange, socket: boolean, followed: Follow): Promise<Response> {
  try {
    return await (socket ? followOverSocket : followBody)(service, exchange, followed);
  } catch (error) {
    followed.leave();
    throw error;
  }
}

/**
 * A follow of one append. The lease is given up if this throws.
 *
 * @throws {StreamError} `replaced`, `range`
 */
function leasedFollow(
  service: Service,
  path: string,
  lease: FollowLease,
  { start, generation }: ReadParameters,
): Follow {
  try {
    checkGeneration(path, generation, lease.source.generation);
    return new LeasedFollow(lease, resolveStart(start, lease.source.size), service);
  } catch (error) {
    lease.leave();
    throw error;
  }
}

/**
 * A follow that outlasts appends. The path need not exist, but it must not be a folder.
 *
 * @throws {StreamError} `path_conflict`, or `not_found` if listings are off; what {@link StandingFollows.open} throws.
 */
async function standingFollow({ store, standing, listings }: Service, path: string, parameters: ReadParameters) {
  const follow = await standing.open(path, parameters);
  try {
    if (follow.isMissing && (await store.list(path, { limit: 1 }))) {
      throw listings ? notAFile(path) : new StreamError("not_found", `"/${path}" does not exist.`, { path });
    }
    return follow;
  } catch (error) {
    follow.leave();
    throw error;
  }
}

function notFolder(path: string, below: string): StreamError {
  const advice = below === "" ? "" : " Remove the trailing slash.";
  return new StreamError("not_found", `"/${path}" is not a folder.${advice}`, { path });
}

function notAFile(path: string): StreamError {
  return new StreamError("path_conflict", `"/${path}" is a folder: there is nothing to follow.`, { path });
}
