/**
 * The Hono app: every request's way to the face that answers it.
 * @module
 */
import { type Context, Hono } from "hono";
import { StreamError } from "../core/errors.ts";
import type { Hold } from "../core/hold.ts";
import { Hub } from "../core/hub.ts";
import type { Limits } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import { Sessions } from "../core/sessions.ts";
import type { Store } from "../core/store.ts";
import { appendTerms } from "./append-terms.ts";
import { offersV1 } from "./control.ts";
import { Heartbeats } from "./heartbeats.ts";
import { checkHost, type Hosts } from "./host.ts";
import { appendBody } from "./http-append.ts";
import { followBody } from "./http-follow.ts";
import { readSnapshot } from "./http-read.ts";
import { listing, listOptions } from "./listing.ts";
import { Liveness } from "./liveness.ts";
import { logged, type Noted } from "./log-request.ts";
import { Operator } from "./operator.ts";
import { checkOrigin, crossOrigin, type Origins } from "./origin.ts";
import type { Platform } from "./platform.ts";
import { checkMethod, isUnsafe, type Understood, understand } from "./request.ts";
import type { Exchange, Service } from "./service.ts";
import { appendOverSocket } from "./socket-append.ts";
import { appendWithSession } from "./socket-append-v1.ts";
import { followOverSocket } from "./socket-follow.ts";
import type { Remedies } from "./told.ts";

/** What the app is built from. */
export interface AppParts {
  readonly store: Store;
  readonly platform: (c: Context) => Promise<Platform>;
  readonly limits: Readonly<Limits>;
  readonly listings?: boolean;
  readonly origins: Origins;
  readonly hosts: Hosts | undefined;
  readonly remedies: Remedies;
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
  const { limits } = parts;
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
    origins: parts.origins,
    hosts: parts.hosts,
    remedies: parts.remedies,
    platform: parts.platform,
  };
  const app = new Hono();
  // Who may embed an answer in a page of its own, in an image or a script: not what CORS is about.
  const policy = parts.cors ? "cross-origin" : "same-origin";
  const marked = (response: Response): Response => {
    // What upgrades may have headers that can't be changed, and nothing embeds it.
    if (response.status !== 101) response.headers.set("Cross-Origin-Resource-Policy", policy);
    return response;
  };
  if (parts.cors) app.use(crossOrigin(service.origins));
  app.all("*", (c) => logged(operator, c, (noted) => answer(service, c, noted)).then(marked));
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
  const platform = await service.platform(c);
  const { verb, socket, names, host, base, isFolder, exchange } = understand(c, platform, noted);
  const { path } = exchange.subject;
  if (service.hosts) checkHost(names, service.hosts, service.remedies);
  if (socket || verb === "APPEND" || isUnsafe(c.req.method)) checkOrigin(c, host, service.origins, service.remedies);
  checkMethod(c.req.method, verb);
  if (socket) platform.checkUpgrade?.(c);
  const turn = platform.turn?.(c);
  if (turn && !(await turn)) {
    throw new StreamError("lost", "The client left before its request had its turn.", { path });
  }
  service.hub.assertOpen();
  // Its body is read from this very turn on, so that nothing of it is lost if it breaks off.
  if (verb === "APPEND" && !socket && isUnsafe(c.req.method)) return appendBody(service, exchange);
  // A session that its server left behind holds its path before anybody else gets at it. Its own appender takes it over.
  const isResumed = verb === "APPEND" && (!socket || offersV1(c)) && appendTerms(c).session !== undefined;
  if ((socket || verb !== undefined) && !isResumed) await service.sessions.adopt(path);
  return verb === "APPEND"
    ? append(service, exchange, socket)
    : read(service, exchange, { base, verb, socket, isFolder });
}

async function append(service: Service, exchange: Exchange, socket: boolean): Promise<Response> {
  const { c, subject } = exchange;
  const { path } = subject;
  const { session, path: terms } = appendTerms(c);
  // A file in the way is told first. The claim of a new append finds it; a session, and a question, claim nothing.
  if (session !== undefined || !socket) await service.store.stat(path);
  if (socket) return offersV1(c) ? appendWithSession(service, exchange) : appendOverSocket(service, exchange);
  // Browsers hide why an upgrade was refused; a client there asks again like this.
  await service.sessions.check(path, session, terms);
  throw new StreamError(
    "upgrade_required",
    `Appending with ${c.req.method} needs a WebSocket. Upgrade, or send the bytes as the body of a POST or PUT.`,
    { path, headers: { Upgrade: "websocket" } },
  );
}

async function read(
  service: Service,
  exchange: Exchange,
  { base, verb, socket, isFolder }: Pick<Understood, "base" | "verb" | "socket" | "isFolder">,
): Promise<Response> {
  const { c, subject } = exchange;
  const { path } = subject;
  const following = socket || verb === "FOLLOW";
  const hold = following && !isFolder ? await service.sessions.hold(path) : undefined;
  if (hold) return follow(service, exchange, hold, socket);
  let found = await service.store.stat(path);
  if (following && !isFolder && found?.appending) {
    // The append has begun since we looked for it. What is there so far must not pass for all of it.
    const late = await service.sessions.hold(path);
    if (late) return follow(service, exchange, late, socket);
    found = await service.store.stat(path);
  }
  if (found && !isFolder) return readSnapshot(service, exchange, found, !following);
  if (found) throw new StreamError("not_found", `"/${path}" is no folder. Leave out the slash at the end.`, { path });
  const entries = service.listings ? await service.store.list(path, listOptions(c)) : undefined;
  if (entries && following)
    throw new StreamError("path_conflict", `"/${path}" is a folder: there is nothing to follow.`);
  if (entries) return listing(service, exchange, { base, folder: path, entries });
  throw new StreamError("not_found", `"/${path}" was never written.`, { path });
}

async function follow(service: Service, exchange: Exchange, hold: Hold, socket: boolean): Promise<Response> {
  try {
    return socket ? await followOverSocket(service, exchange, hold) : await followBody(service, exchange, hold);
  } catch (error) {
    hold.leave();
    throw error;
  }
}
