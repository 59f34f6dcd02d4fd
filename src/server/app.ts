/**
 * The Hono app, and the streams that it serves.
 * @module
 */
import { type Context, Hono } from "hono";
import { AppendRegistry } from "../engine/append/registry.ts";
import { DurableStreams } from "../engine/durable/durable-streams.ts";
import type { Log } from "../engine/events.ts";
import { FolderWatches } from "../engine/folders/folder-watches.ts";
import type { Limits } from "../engine/limits.ts";
import { LineCounts } from "../engine/scan/line-counts.ts";
import { ScanQuota } from "../engine/scan/scan-quota.ts";
import { ScanTurns } from "../engine/scan/scan-turns.ts";
import { Sessions } from "../engine/sessions/sessions.ts";
import { StandingFollows } from "../engine/standing/standing-follows.ts";
import type { Store } from "../engine/storage/store.ts";
import { StoreLifecycle } from "../engine/storage/store-lifecycle.ts";
import type { WebhookSender } from "../engine/subscriptions/webhook-sender.ts";
import { type ErrorCode, StreamError } from "../protocol/errors.ts";
import { TOKEN_PARAMETER } from "../protocol/parameters.ts";
import { openSubscriptions } from "./durable/subscriptions/open-subscriptions.ts";
import type { Authorize } from "./gate/gate.ts";
import type { Platform } from "./platform/platform.ts";
import type { Deletes } from "./request/deletes.ts";
import type { Hosts } from "./request/host.ts";
import { crossOrigin, type Origins } from "./request/origin.ts";
import type { RefusalHints } from "./request/refusal-hints.ts";
import type { Scope } from "./request/scope.ts";
import type { TrustedProxies } from "./request/trusted-proxies.ts";
import { answer, respond } from "./route.ts";
import { ConnectionLimiter } from "./service/connection-limiter.ts";
import { logRequest, type RequestDetails } from "./service/log-request.ts";
import type { Metrics } from "./service/metrics.ts";
import { type OnEvent, Reporter } from "./service/reporter.ts";
import { withHeader } from "./service/respond.ts";
import type { Service } from "./service/service.ts";
import { resourceOf } from "./streams/resource-of.ts";
import { Streams } from "./streams/streams.ts";
import { Heartbeats } from "./timers/heartbeats.ts";
import { Liveness } from "./timers/liveness.ts";
import { StalledReaders } from "./timers/stalled-readers.ts";

/** The parts that the app is built from. */
export interface AppParts {
  readonly store: Store;
  /** Whether the store is closed with the app. Default true; if false, after `closeStore()`. */
  readonly closesStore?: boolean;
  readonly platform: (c: Context) => Promise<Platform>;
  readonly limits: Readonly<Limits>;
  readonly listings?: boolean;
  readonly scope?: Scope;
  readonly origins: Origins;
  readonly hosts: Hosts | undefined;
  readonly trustedProxies: TrustedProxies | undefined;
  readonly hints: RefusalHints;
  readonly cors?: boolean;
  /** Whether navigations of browsers get the viewer page. Default true. */
  readonly viewer?: boolean;
  readonly durableStreams?: boolean;
  /** Sends webhooks. Default: there are no subscriptions. */
  readonly sender?: WebhookSender | undefined;
  /** The URL of the server for the outside, without a trailing slash. Default: that of each request. */
  readonly publicUrl?: string | undefined;
  readonly deletes: Deletes;
  readonly cacheSeconds: number;
  readonly authorize?: Authorize;
  readonly log?: Log;
  readonly onEvent?: OnEvent;
  readonly signal?: AbortSignal;
  /** Turns counts into metrics. Default: none. */
  readonly metrics?: Metrics;
}

/** A Hono app that serves streams and can be closed. */
export type StreamApp = Hono & {
  /**
   * Opens the store: connects to it, if it is elsewhere. A server calls it before it listens, to fail at once if the store
   * can't be used. Without it, the app opens the store by itself, and requests fail for as long as it can't.
   *
   * Rejects with what the store throws, and with a `RangeError` for a limit that the store can't meet.
   */
  open(): Promise<void>;
  /** Why the store can't serve requests now, in one line for the operator; undefined if it can, or does not know. */
  health(): Promise<string | undefined>;
  /**
   * Shuts down cleanly: refuses new requests, disconnects followers and appenders (close code 1012, a response body
   * that is cut off, or status 503), stores what it has received, releases every path, and closes the store. Resolves when
   * nothing is left.
   *
   * @param reason The reason to log, such as `SIGTERM`. Default `close()`.
   */
  close(reason?: string): Promise<void>;
  /**
   * Counts a refusal by the server in front of the app in the metrics.
   *
   * @internal
   */
  countRefusal(code: ErrorCode): void;
  /**
   * Closes the store, if {@link close} does not.
   *
   * @internal
   */
  closeStore(): Promise<void>;
  /**
   * The metrics as values, from which those of several servers can be added up. Empty if there are none.
   *
   * @internal
   */
  metricsSnapshot(): Promise<readonly object[]>;
  /** The same streams, for this program. */
  readonly streams: Streams;
};

/** Builds the app. */
export function createApp(parts: AppParts): StreamApp {
  const { limits } = parts;
  const lifecycle = new StoreLifecycle(parts.store, () => registry.batchSizes.assertLimit());
  const { store } = lifecycle;
  const reporter = new Reporter(parts.log, parts.onEvent);
  const folders = new FolderWatches(store, limits, (path, error) => {
    reporter.failed(path, error, `The folder "/${path}" can't be listed for its live listings.`);
  });
  const registry = new AppendRegistry(store, limits, {
    began(channel) {
      const { path, size, generation } = channel;
      reporter.traffic.appendBegan(channel);
      folders.began(channel);
      // Each of the requests that it is kept for is reported.
      if (channel.isKept) return;
      reporter.emit({ type: "began", action: "append", path, offset: size, generation, ...causeOf(channel) });
    },
    ended(channel, outcome, error) {
      const { path, generation } = channel;
      const { size: offset, reason } = outcome;
      reporter.traffic.appendEnded(channel, outcome);
      folders.ended(channel, offset, reason);
      if (channel.isKept) return;
      // A shutdown is not a failure.
      const failure = error && error.code !== "restarting" && { error };
      reporter.emit({
        ...{ type: "ended", action: "append", path, offset, generation, reason },
        ...failure,
        ...causeOf(channel),
      });
    },
    stored(path) {
      subscriptions?.subscriptions.changed(path);
      folders.stored(path);
    },
    removed(path, requestId) {
      folders.removed(path);
      subscriptions?.subscriptions.changed(path);
      reporter.emit({ type: "removed", path, ...causeOf({ requestId }) });
    },
    failed: (path, error) => reporter.failedIfFault(path, error),
  });
  registry.batchSizes.assertLimit();
  const sessions = new Sessions(registry, (path, error) => {
    reporter.failed(path, error, `The record of the append session of "/${path}" can't be written or removed.`);
  });
  const { streams: records } = store;
  const durable =
    records && parts.durableStreams !== false
      ? new DurableStreams({ registry, sessions }, records, (path, error) => {
          reporter.failed(path, error, `The stream "/${path}" has expired and can't be removed.`);
        })
      : undefined;
  if (durable) registry.beforeRaw = async (path) => void (await durable.use(path));
  const subscriptions = openSubscriptions({ registry, durable, reporter, sender: parts.sender });
  const scanTurns = new ScanTurns();
  const service: Service = {
    store,
    registry,
    limits,
    reporter,
    connectionLimiter: new ConnectionLimiter(limits),
    readers: new StalledReaders(limits.readIdleMs),
    liveness: new Liveness(limits),
    heartbeats: new Heartbeats(limits.heartbeatMs),
    sessions,
    standing: new StandingFollows({ registry, sessions }),
    folders,
    lineCounts: new LineCounts(store, scanTurns, limits),
    searches: new ScanQuota(limits, { what: "searches", all: "searches", byPeer: "peerSearches" }),
    scanTurns,
    durable,
    subscriptions,
    publicUrl: parts.publicUrl,
    listings: parts.listings ?? true,
    viewer: parts.viewer ?? true,
    scope: parts.scope,
    origins: parts.origins,
    hosts: parts.hosts,
    trustedProxies: parts.trustedProxies,
    deletes: parts.deletes,
    cacheSeconds: parts.cacheSeconds,
    authorize: parts.authorize,
    hints: parts.hints,
    platform: parts.platform,
  };
  const app = new Hono();
  // Whether other origins may embed a response in a page, as an image or a script; CORS does not cover that.
  const policy = parts.cors ? "cross-origin" : "same-origin";
  const marked = (response: Response, c: Context): Response => {
    const embeddable = withHeader(response, "Cross-Origin-Resource-Policy", policy);
    // The address of a page with a token must not reach the pages that it links to.
    const hasToken = c.req.query(TOKEN_PARAMETER) !== undefined;
    return hasToken ? withHeader(embeddable, "Referrer-Policy", "no-referrer") : embeddable;
  };
  if (parts.cors) app.use(crossOrigin(service.origins));
  app.all("*", async (c) => {
    let known: RequestDetails | undefined;
    const response = await logRequest(reporter, c, (details) => {
      known = details;
      return answer(service, c, details);
    });
    // The headers of an upgrade may be immutable, and no page embeds it.
    return known?.upgraded ? response : marked(response, c);
  });
  lifecycle.whenOpen(() => {
    service.sessions.restore().catch((error: unknown) => {
      reporter.failed(undefined, error, "The open sessions can't be read.");
    });
    durable?.restore().catch((error: unknown) => {
      reporter.failed(undefined, error, "The streams on record can't be read.");
    });
  });
  let closing: Promise<void> | undefined;
  const close = (reason = "close()"): Promise<void> => {
    closing ??= reporter
      .runShutdown(reason, async () => {
        // Together: what a subscription appends may wait for an appender that only the shutdown ends.
        await Promise.all([subscriptions?.subscriptions.stop(), registry.close()]);
        if (parts.closesStore !== false) await lifecycle.close();
      })
      .finally(() => {
        durable?.lifetimes.stop();
        parts.metrics?.stop();
      });
    return closing;
  };
  if (parts.signal?.aborted) void close("signal");
  parts.signal?.addEventListener("abort", () => void close("signal"), { once: true });
  const { metrics } = parts;
  const source = {
    traffic: reporter.traffic,
    store,
    sessionsInGrace: () => sessions.waiting,
    subscriptions: () => subscriptions?.subscriptions.entries.size ?? 0,
    isClosing: () => registry.closing,
  };
  const streams = new Streams({
    app,
    service,
    ...(metrics && { metrics: () => metrics.render(source) }),
    respond: (c, path) => logRequest(reporter, c, async (details) => respond(service, c, details, resourceOf(path))),
    close,
  });
  const countRefusal = (code: ErrorCode): void => reporter.traffic.refused(code);
  const open = (): Promise<void> => lifecycle.open();
  const health = async (): Promise<string | undefined> => {
    try {
      return await store.health?.();
    } catch (error) {
      return StreamError.from(error).message;
    }
  };
  const closeStore = (): Promise<void> => lifecycle.close();
  const metricsSnapshot = async (): Promise<readonly object[]> => (await metrics?.snapshot(source)) ?? [];
  return Object.assign(app, { open, health, close, closeStore, countRefusal, metricsSnapshot, streams });
}

/** The request that caused an event; the program that runs the server may have done so instead. */
function causeOf({ requestId }: { readonly requestId?: string | undefined }): { requestId?: string } {
  return requestId === undefined ? {} : { requestId };
}
