/**
 * Routes every request to its handler.
 * @module
 */
import type { Context } from "hono";
import { lookAgain } from "../engine/storage/look-again.ts";
import { StreamError } from "../protocol/errors.ts";
import { inPlace, inPlaceUnlessShort } from "./durable/in-place.ts";
import { optionsOf } from "./durable/preflight.ts";
import { readLive } from "./durable/read-stream.ts";
import { answerControl, type ControlRequest } from "./durable/subscriptions/control.ts";
import { isSubscriptionPath } from "./durable/subscriptions/control-path.ts";
import { writeStream } from "./durable/write.ts";
import { tellsOfHiddenFile } from "./gate/hidden-file.ts";
import { appendBody } from "./http/append.ts";
import { unlessChanged } from "./http/read.ts";
import { removeResource } from "./http/remove.ts";
import { missing, noSubscriptions } from "./not-found.ts";
import {
  type AppendRequest,
  checkMethod,
  isKnownMethod,
  isUnsafe,
  type ParsedRequest,
  parseAsset,
  parseControl,
  parseFollow,
  parseRequest,
  type ReadRequest,
  type RemoveRequest,
  type WriteRequest,
} from "./parse-request.ts";
import type { Platform } from "./platform/platform.ts";
import { checkHost } from "./request/host.ts";
import { checkOrigin } from "./request/origin.ts";
import type { RequestDetails } from "./service/log-request.ts";
import { passGate } from "./service/pass-gate.ts";
import type { Exchange, Service } from "./service/service.ts";
import { show } from "./show.ts";
import { checkPermission } from "./timers/expiry.ts";
import { viewerAsset } from "./viewer/page.ts";
import { liveListing } from "./views/live-listing.ts";
import { readView } from "./views/view.ts";
import { appendOverSocket } from "./websocket/append-classic.ts";
import { appendWithSession } from "./websocket/append-v1.ts";
import { offersV1 } from "./websocket/dialect.ts";

/**
 * Answers a request.
 *
 * @param details Receives what is learned about it.
 * @throws {StreamError} if the request is refused.
 * @throws {MountError} if the app is mounted at a path with a parameter or a wildcard.
 */
export async function answer(service: Service, c: Context, details: RequestDetails): Promise<Response> {
  const platform = await service.platform(c);
  details.viewer = service.viewer;
  const asset = service.viewer && (await answerAsset(service, c, platform, details));
  if (asset) return asset;
  const control = service.subscriptions && parseControl(c, platform, details, service);
  if (control) return answerSubscriptions(service, control);
  return answerResource(service, c, parseRequest(c, platform, details, service));
}

async function answerResource(service: Service, c: Context, request: ParsedRequest): Promise<Response> {
  const { verb, socket, exchange } = request;
  if (c.req.method === "OPTIONS") return optionsOf(c, service);
  checkSender(service, request, socket || verb === "APPEND" || isUnsafe(c.req.method));
  // The gate is asked while the body is read: what has arrived must have been read when its sender aborts, or it is lost.
  if (request.action === "append" && request.verb !== undefined && isUpload(request)) {
    await begin(service, exchange, socket);
    return appendBody(service, exchange, request.parameters);
  }
  if (service.authorize && isKnownMethod(c.req.method)) {
    const response = await askGate(service, request);
    if (response) return response;
  }
  checkMethod(request, service.deletes);
  await begin(service, exchange, socket);
  if (request.action === "append" && request.verb === undefined) return write(service, request);
  if (request.action === "append") return inPlace(service, exchange, "append", () => append(service, request));
  try {
    return await (request.action === "delete" ? remove(service, request) : read(service, request));
  } catch (error) {
    const { path } = exchange.subject;
    throw (await tellsOfHiddenFile(error, path, exchange.access, service.store)) ? missing(path) : error;
  }
}

/** Answers a request for an asset of the viewer page, which needs no permission; undefined for all other requests. */
async function answerAsset(
  service: Service,
  c: Context,
  platform: Platform,
  details: RequestDetails,
): Promise<Response | undefined> {
  if (c.req.method !== "GET" && c.req.method !== "HEAD") return undefined;
  const request = parseAsset(c, platform, details, service);
  const response = request && (await viewerAsset(c, request.name));
  if (!response) return undefined;
  checkSender(service, request, false);
  await begin(service, request.exchange, false);
  return response;
}

/** Answers a request for a control path of subscriptions. */
async function answerSubscriptions(
  service: Service,
  control: ControlRequest & Pick<ParsedRequest, "names" | "host">,
): Promise<Response> {
  const { c } = control.exchange;
  if (c.req.method === "OPTIONS" || !service.subscriptions) return optionsOf(c, service);
  checkSender(service, control, isUnsafe(c.req.method));
  await begin(service, control.exchange, false);
  return answerControl(service, service.subscriptions, control);
}

/**
 * Answers a request of a route of the host app with a follow of a path.
 *
 * @throws {StreamError} if the request is refused.
 */
export async function respond(service: Service, c: Context, details: RequestDetails, path: string): Promise<Response> {
  const platform = await service.platform(c);
  const request = parseFollow(c, platform, details, { path, trustedProxies: service.trustedProxies });
  const { socket, exchange } = request;
  checkSender(service, request, socket);
  await begin(service, exchange, socket);
  // The app has chosen the path and that it is followed; the client chooses the transport.
  const { parameters } = request;
  const isEvents = parameters.live === "sse" && !socket;
  return read(
    service,
    isEvents ? { ...request, verb: undefined, parameters: { ...parameters, view: undefined } } : request,
  );
}

/**
 * Checks which host the request was sent to, and where it comes from.
 *
 * @param isGuarded Whether foreign pages may not make this request.
 * @throws {StreamError} `misdirected`, `forbidden`
 */
function checkSender(
  service: Service,
  { names, host, exchange }: Pick<ParsedRequest, "names" | "host" | "exchange">,
  isGuarded: boolean,
): void {
  if (service.hosts) checkHost(names, service.hosts, service.hints);
  if (isGuarded) checkOrigin(exchange.c, host, service.origins, service.hints);
}

/** Waits until the response owns its connection. Nothing is opened for the request before. */
async function begin(service: Service, exchange: Exchange, socket: boolean): Promise<void> {
  const { c, platform, subject } = exchange;
  if (socket) platform.checkUpgrade?.(c);
  const turn = platform.turn?.(c);
  if (turn && !(await turn)) {
    throw new StreamError("lost", "The client disconnected before its request began.", { path: subject.path });
  }
  checkPermission(exchange);
  service.registry.assertOpen();
}

/** Whether an append takes its bytes from the body of the request. */
function isUpload({ exchange, socket }: AppendRequest): boolean {
  const { method } = exchange.c.req;
  return !socket && (method === "POST" || method === "PUT");
}

/** Asks the gate about a request. Resolves to a response if the gate answers by itself. @throws {StreamError} if it refuses. */
async function askGate(service: Service, request: ParsedRequest): Promise<Response | undefined> {
  const { verb, socket, isFolder, exchange } = request;
  if (request.action !== "read") return passGate(service, exchange, request.action);
  // Without a verb, it would create the path.
  if (isUnsafe(exchange.c.req.method)) return passGate(service, exchange, "append");
  if (verb !== undefined || socket || request.parameters.view) return passGate(service, exchange, "read");
  if (isFolder) return passGate(service, exchange, "list");
  return service.listings ? askAboutEither(service, exchange) : passGate(service, exchange, "read");
}

/**
 * Asks the gate about a path that may be a file or a folder. The store is not asked before the gate, so a request that may
 * neither read nor list the path learns nothing of it, and costs the store nothing.
 */
async function askAboutEither(service: Service, exchange: Exchange): Promise<Response | undefined> {
  const { store } = service;
  const { path } = exchange.subject;
  const isFolder = async (): Promise<boolean> => {
    try {
      // Listing changes nothing, whereas a look at a file may create its record.
      return (await store.list(path, { limit: 1 })) !== undefined;
    } catch {
      // A request that may read learns about the failure when it does.
      return false;
    }
  };
  const [read] = await Promise.allSettled([passGate(service, exchange, "read")]);
  if (read.status === "fulfilled" && read.value === undefined) {
    if (!(await isFolder())) return undefined;
    delete exchange.access;
    return passGate(service, exchange, "list");
  }
  // A gate that does not answer would not answer this either.
  if (read.status === "rejected" && StreamError.from(read.reason).code === "overloaded") throw read.reason;
  const [list] = await Promise.allSettled([passGate(service, exchange, "list")]);
  const mayList = list.status === "fulfilled" && list.value === undefined && (await isFolder());
  // The body of a response that is not sent may hold a connection to another server.
  const unsent = mayList ? read : list;
  if (unsent.status === "fulfilled") unsent.value?.body?.cancel().catch(() => {});
  if (mayList) return undefined;
  if (read.status === "rejected") throw read.reason;
  return read.value;
}

async function append(service: Service, { exchange, socket, parameters }: AppendRequest): Promise<Response> {
  const { c, subject } = exchange;
  const { path } = subject;
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
  await service.sessions.check(path, session, { ...preconditions, peer: subject.peer });
  throw new StreamError(
    "upgrade_required",
    `Appending with ${c.req.method} needs a WebSocket. Upgrade, or send the bytes as the body of a POST or PUT.`,
    { path, headers: { Upgrade: "websocket" } },
  );
}

async function write(service: Service, { exchange, isFolder, parameters }: WriteRequest): Promise<Response> {
  const { path } = exchange.subject;
  if (isFolder) throw new StreamError("path_conflict", `"/${path}" names a folder. Add a file name.`, { path });
  if (!service.durable) throw new StreamError("method_not_allowed", "Durable Streams are off on this server.");
  if (isSubscriptionPath(path)) throw noSubscriptions(path);
  const source = parameters.fork?.source;
  const response = source === undefined ? undefined : await passGate(service, exchange, "read", source);
  if (response) return response;
  const { durable } = service;
  return inPlaceUnlessShort(service, exchange, () => writeStream(service, durable, exchange, parameters));
}

async function remove(service: Service, { exchange, isFolder, parameters }: RemoveRequest): Promise<Response> {
  const { path } = exchange.subject;
  await service.durable?.use(path);
  if (!isFolder) return removeResource(service, exchange, parameters);
  throw new StreamError("path_conflict", `"/${path}" names a folder. Only files can be removed.`, { path });
}

/** Answers a read or a follow. If a store that may be stale refuses, the request is tried again, up to the response. */
function read(service: Service, request: ReadRequest): Promise<Response> {
  return lookAgain(service.store, () => readOnce(service, request));
}

async function readOnce(service: Service, request: ReadRequest): Promise<Response> {
  const { socket, verb, isFolder, exchange, parameters } = request;
  const following = socket || verb === "FOLLOW";
  const { path } = exchange.subject;
  // Removes what has expired.
  const state = isFolder ? undefined : await service.durable?.useNow(path);
  if (state && exchange.c.req.method !== "HEAD") service.durable?.lifetimes.use(path, state);
  if (!following && !isFolder && parameters.live && exchange.c.req.method === "GET") {
    return inPlace(service, exchange, "follow", () => readLive(service, exchange, parameters));
  }
  const { view } = parameters;
  if (!following && view) return inPlace(service, exchange, "read", () => readView(service, request, view));
  if (!following && isFolder && parameters.live) {
    return inPlace(service, exchange, "follow", () => liveListing(service, exchange, request.below));
  }
  const answer = (): Promise<Response> => unlessChanged(parameters, () => show(service, request, following));
  return !following || isFolder ? answer() : inPlace(service, exchange, "follow", answer);
}
