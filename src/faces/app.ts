/**
 * The Hono app: every request's way to the face that answers it.
 * @module
 */
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { routePath } from "hono/route";
import { ERROR_HEADER, StreamError } from "../core/errors.ts";
import type { Hold } from "../core/hold.ts";
import { Hub } from "../core/hub.ts";
import { type Limits, resolveLimits } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import { NEXT_OFFSET_HEADER, START_OFFSET_HEADER } from "../core/offset.ts";
import { resourcePath } from "../core/path.ts";
import { Sessions } from "../core/sessions.ts";
import type { Store } from "../core/store.ts";
import { appendTerms } from "./append-terms.ts";
import { offersV1 } from "./control.ts";
import { Heartbeats } from "./heartbeats.ts";
import { appendBody } from "./http-append.ts";
import { followBody } from "./http-follow.ts";
import { readSnapshot } from "./http-read.ts";
import { listing } from "./listing.ts";
import { Liveness } from "./liveness.ts";
import { logged, type Noted } from "./log-request.ts";
import { Operator } from "./operator.ts";
import { checkOrigin } from "./origin.ts";
import type { Platform } from "./platform.ts";
import type { Exchange, Service } from "./service.ts";
import { appendOverSocket } from "./socket-append.ts";
import { appendWithSession } from "./socket-append-v1.ts";
import { followOverSocket } from "./socket-follow.ts";
import { METHODS, type Verb, verbOf, wantsWebSocket } from "./verb.ts";

/** What the app is built from. */
export interface AppParts {
  readonly store: Store;
  readonly platform: (c: Context) => Promise<Platform>;
  readonly limits?: Partial<Limits>;
  readonly listings?: boolean;
  readonly origins?: readonly string[];
  readonly cors?: boolean;
  readonly log?: Log;
  readonly signal?: AbortSignal;
}

/** A Hono app that serves streams, and can be closed. */
export type StreamApp = Hono & {
  /**
   * Shuts down: refuses what is new, ends followers and appenders (1012, or the end of a body), stores what was taken
   * and gives every path back. Resolves when nothing is left.
   *
   * @param reason Why, for the log: `SIGTERM`, for instance. Default `close()`.
   */
  close(reason?: string): Promise<void>;
};

/** Builds the app. */
export function createApp(parts: AppParts): StreamApp {
  const limits = resolveLimits(parts.limits);
  const operator = new Operator(parts.log);
  const hub = new Hub(parts.store, limits, (path, error) => operator.failedIfFault(path, error));
  const service: Service = {
    store: parts.store,
    hub,
    limits,
    operator,
    liveness: new Liveness(limits),
    heartbeats: new Heartbeats(limits.heartbeatMs),
    sessions: new Sessions(hub, (path, error) => {
      operator.failed(path, error, `The append session of "/${path}" can't be kept or forgotten.`);
    }),
    listings: parts.listings ?? true,
    origins: new Set(parts.origins),
    platform: parts.platform,
  };
  const app = new Hono();
  if (parts.cors) app.use(crossOrigin(service.origins));
  app.all("*", (c) => logged(operator, c, (noted) => answer(service, c, noted)));
  service.sessions.restore().catch((error: unknown) => {
    operator.failed(undefined, error, "The open sessions can't be read.");
  });
  let closing: Promise<void> | undefined;
  const close = (reason = "close()"): Promise<void> => {
    closing ??= operator.shutsDown(reason, () => hub.close());
    return closing;
  };
  if (parts.signal?.aborted) void close("signal");
  parts.signal?.addEventListener("abort", () => void close("signal"), { once: true });
  return Object.assign(app, { close });
}

async function answer(service: Service, c: Context, noted: Noted): Promise<Response> {
  const { method } = c.req;
  if (!METHODS.includes(method)) throw notAllowed(`The method ${method} is not known here.`, METHODS);
  const platform = await service.platform(c);
  const peer = platform.peer?.(c);
  if (peer !== undefined) noted.peer = peer;
  const { path, base } = locate(c, platform);
  noted.path = path;
  const exchange: Exchange = { c, platform, subject: { path, ...(peer === undefined ? {} : { peer }) }, noted };
  const verb = verbOf(c);
  const socket = wantsWebSocket(c);
  if (socket || verb === "APPEND") checkOrigin(c, service.origins);
  service.hub.assertOpen();
  if (verb === "APPEND") {
    refuseFolder(exchange);
    // Its body is read from this very turn on, so that nothing of it is lost if it breaks off.
    if (!socket && (method === "POST" || method === "PUT")) return appendBody(service, exchange);
  }
  // A session that its server left behind holds its path before anybody else gets at it.
  if (socket || verb !== undefined) await service.sessions.adopt(path);
  return verb === "APPEND" ? append(service, exchange, socket) : read(service, exchange, base, verb, socket);
}

async function append(service: Service, exchange: Exchange, socket: boolean): Promise<Response> {
  const { c, subject } = exchange;
  const { path } = subject;
  if (socket) return offersV1(c) ? appendWithSession(service, exchange) : appendOverSocket(service, exchange);
  // Browsers hide why an upgrade was refused; a client there asks again like this.
  const { session, offset } = appendTerms(c);
  await service.sessions.check(path, session, offset);
  throw new StreamError(
    "upgrade_required",
    `Appending with ${c.req.method} needs a WebSocket. Upgrade, or send the bytes as the body of a POST or PUT.`,
    { path, headers: { Upgrade: "websocket" } },
  );
}

function refuseFolder({ c, subject: { path } }: Exchange): void {
  if (path !== "" && !c.req.path.endsWith("/")) return;
  throw new StreamError("bad_path", "The path of a folder can't be appended to. Add a file name.", { path });
}

async function read(
  service: Service,
  exchange: Exchange,
  base: string,
  verb: Verb | undefined,
  socket: boolean,
): Promise<Response> {
  const { c, subject } = exchange;
  const { path } = subject;
  if (c.req.method !== "GET" && c.req.method !== "HEAD") {
    throw notAllowed(`${c.req.method} needs the verb APPEND: add "?verb=APPEND" to the URL.`, ["GET", "HEAD"]);
  }
  const asFolder = c.req.path.endsWith("/");
  const following = socket || verb === "FOLLOW";
  const hold = following && !asFolder ? await service.sessions.hold(path) : undefined;
  if (hold) return follow(service, exchange, hold, socket);
  const found = await service.store.stat(path);
  if (found && !asFolder) return readSnapshot(service, exchange, found, !following);
  if (found) throw new StreamError("not_found", `"/${path}" is no folder. Leave out the slash at the end.`, { path });
  const entries = service.listings ? await service.store.list(path) : undefined;
  if (entries && following)
    throw new StreamError("path_conflict", `"/${path}" is a folder: there is nothing to follow.`);
  if (entries) return listing(c, base, path, entries);
  throw new StreamError("not_found", `"/${path}" was never written.`, { path });
}

async function follow(service: Service, exchange: Exchange, hold: Hold, socket: boolean): Promise<Response> {
  try {
    return socket ? await followOverSocket(service, exchange, hold) : followBody(service, exchange, hold);
  } catch (error) {
    hold.leave();
    throw error;
  }
}

/** The resource path of a request, and the URL path that the root folder has. */
function locate(c: Context, platform: Platform): { path: string; base: string } {
  // The mount's own segments are as many as its route has before the wildcard.
  const skip = routePath(c)
    .split("/")
    .filter((segment) => segment !== "" && segment !== "*").length;
  // Some runtimes resolve dot segments before we see them; what was sent decides.
  const target = platform.target?.(c);
  if (target !== undefined) refuseDots(target);
  // Taken as it stands, not through URL, which resolves dot segments: the router, and so whatever guards a path in front
  // of us, has seen it like this.
  const pathname = c.req.url.replace(/^[a-z]+:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "") || "/";
  refuseDots(pathname);
  const path = resourcePath(pathname, { skip, folder: true });
  return {
    path,
    base: pathname
      .split("/")
      .slice(0, skip + 1)
      .join("/"),
  };
}

function refuseDots(pathname: string): void {
  const dots = pathname.split("/").find((segment) => /^(\.|%2e){1,2}$/i.test(segment));
  if (dots !== undefined) {
    throw new StreamError(
      "bad_path",
      `The path ${JSON.stringify(pathname)} is refused: "." and ".." lead nowhere here.`,
    );
  }
}

function notAllowed(message: string, methods: readonly string[]): StreamError {
  return new StreamError("method_not_allowed", message, { headers: { Allow: methods.join(", ") } });
}

/** Reading from pages of other origins, where the operator asks for it. */
function crossOrigin(origins: ReadonlySet<string>): ReturnType<typeof cors> {
  return cors({
    origin: origins.size === 0 || origins.has("*") ? "*" : [...origins],
    allowMethods: [...METHODS],
    exposeHeaders: [NEXT_OFFSET_HEADER, START_OFFSET_HEADER, ERROR_HEADER, "Content-Range", "ETag", "Retry-After"],
  });
}
