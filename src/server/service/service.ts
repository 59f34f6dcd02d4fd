/**
 * The parts that all requests of one server share.
 * @module
 */
import type { Context } from "hono";
import type { AppendRegistry } from "../../engine/append/registry.ts";
import type { DurableStreams } from "../../engine/durable/durable-streams.ts";
import type { FolderWatches } from "../../engine/folders/folder-watches.ts";
import type { Limits } from "../../engine/limits.ts";
import type { LineCounts } from "../../engine/scan/line-counts.ts";
import type { ScanQuota } from "../../engine/scan/scan-quota.ts";
import type { ScanTurns } from "../../engine/scan/scan-turns.ts";
import type { Sessions } from "../../engine/sessions/sessions.ts";
import type { StandingFollows } from "../../engine/standing/standing-follows.ts";
import type { Store } from "../../engine/storage/store.ts";
import type { SubscriptionActions } from "../../engine/subscriptions/actions.ts";
import { REQUEST_ID_HEADER } from "../../protocol/request-id.ts";
import type { Action, Authorize, Permission } from "../gate/gate.ts";
import type { Platform, SocketHandler, UpgradeOptions } from "../platform/platform.ts";
import type { Deletes } from "../request/deletes.ts";
import type { Hosts } from "../request/host.ts";
import type { Origins } from "../request/origin.ts";
import type { RefusalHints } from "../request/refusal-hints.ts";
import type { Scope } from "../request/scope.ts";
import type { TrustedProxies } from "../request/trusted-proxies.ts";
import type { Heartbeats } from "../timers/heartbeats.ts";
import type { Liveness } from "../timers/liveness.ts";
import type { StalledReaders } from "../timers/stalled-readers.ts";
import type { ConnectionLimiter, ConnectionSlot } from "./connection-limiter.ts";
import type { RequestDetails } from "./log-request.ts";
import type { Reporter } from "./reporter.ts";
import type { RequestResult } from "./request-result.ts";

/** The parts of one running `fstream()`. */
export interface Service {
  readonly store: Store;
  readonly registry: AppendRegistry;
  readonly limits: Readonly<Limits>;
  readonly reporter: Reporter;
  /** The appends, follows and large reads that are connected. */
  readonly connectionLimiter: ConnectionLimiter;
  /** The readers of large bodies. */
  readonly readers: StalledReaders;
  readonly liveness: Liveness;
  readonly heartbeats: Heartbeats;
  readonly sessions: Sessions;
  readonly standing: StandingFollows;
  /** The folders that clients watch. */
  readonly folders: FolderWatches;
  /** The line counts of resources. */
  readonly lineCounts: LineCounts;
  /** The limits on concurrent searches. */
  readonly searches: ScanQuota;
  /** The turns of line counts and searches. */
  readonly scanTurns: ScanTurns;
  /** The streams that requests without a verb write to; undefined if that is off, or if the store can't. */
  readonly durable: DurableStreams | undefined;
  /** The subscriptions to streams; undefined if that is off, or if the store can't. */
  readonly subscriptions: SubscriptionActions | undefined;
  /** The URL of the server for the outside; undefined for that of each request. */
  readonly publicUrl: string | undefined;
  readonly listings: boolean;
  /** Whether navigations get the viewer page. */
  readonly viewer: boolean;
  /** Chooses the folder that a request sees; `undefined` for the whole root. */
  readonly scope: Scope | undefined;
  /** Origins, other than the server's own, that may upgrade and append. */
  readonly origins: Origins;
  /** The names that the server answers to; `undefined` for any. */
  readonly hosts: Hosts | undefined;
  /** The proxies that may send the address of a client; `undefined` if no proxy is trusted. */
  readonly trustedProxies: TrustedProxies | undefined;
  /** Seconds that caches may keep what a read answers. */
  readonly cacheSeconds: number;
  /** Which resources clients may remove. */
  readonly deletes: Deletes;
  /** Decides about each request; undefined if everything is allowed. */
  readonly authorize: Authorize | undefined;
  /** How the operator can allow the clients that these refuse. */
  readonly hints: RefusalHints;
  /** The platform that a request came in through. */
  platform(c: Context): Promise<Platform>;
}

/** The client and the path: all that a connection needs to remember of its request. */
export interface Subject {
  /** The resource path; empty for the root folder. */
  readonly path: string;
  /** The client's address, where the runtime exposes it. */
  readonly peer?: string;
  /** The id of the request; missing for what the program that runs the server does. */
  readonly requestId?: string;
}

/** One request, parsed as far as all handlers need it. */
export interface Exchange {
  readonly c: Context;
  readonly platform: Platform;
  readonly subject: Subject;
  readonly details: RequestDetails;
  /** Its result. */
  readonly result: RequestResult;
  /** What the gate was asked about; undefined without a gate, and before it was asked. */
  action?: Action;
  /** What the gate has allowed; undefined without a gate, and before it was asked. */
  access?: Permission;
  /** Its slot among the connections, if it appends, follows or reads much. */
  slot?: ConnectionSlot;
}

/** Turns a request into a WebSocket; see {@link Platform.upgrade}. */
export async function upgrade(
  { c, platform, details }: Exchange,
  handler: SocketHandler,
  options: Omit<UpgradeOptions, "headers">,
): Promise<Response> {
  const headers = { [REQUEST_ID_HEADER]: details.requestId };
  const response = await platform.upgrade(c, handler, { ...options, headers });
  details.upgraded = true;
  return response;
}

/** Resolves when a response has been sent or its connection is gone; at once where the runtime does not report it. */
export async function whenSent({ c, platform }: Exchange): Promise<void> {
  await platform.responseSent?.(c);
}

/**
 * Waits at a shutdown until a response has been sent, so that the process does not exit before. Waits at most
 * `shutdownTimeoutMs`.
 *
 * @param done Settles once the whole response has been written. Default: it is written already.
 */
export async function waitUntilSent(
  { limits }: Service,
  exchange: Exchange,
  done: Promise<void> = Promise.resolve(),
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, limits.shutdownTimeoutMs);
  });
  await Promise.race([done.then(() => whenSent(exchange)), timeout]);
  clearTimeout(timer);
}
