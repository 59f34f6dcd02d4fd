/**
 * Every default and every cap in one place, with the unit in the name.
 * @module
 */
import { nearestName } from "../support/nearest-name.ts";

/** The limits of one server. All are optional; a limit that is not set keeps its default. */
export interface Limits {
  /** Bytes of the largest resource; an append that would exceed it ends there; 0 for no limit. Default 16 GiB. */
  pathBytes: number;
  /** Bytes that must be free on the disk of the root folder for an append to begin; 0 to disable the check. Default 64 MiB. */
  storeFreeBytes: number;
  /** Bytes of all resources together; appends that would exceed it are refused, and end; 0 for no limit. Default 0. */
  storeBytes: number;
  /** Clients that follow one resource at a time; 0 for no limit. Default 50,000. */
  pathFollowers: number;
  /** Appends that are open at a time, with the sessions in their grace period; 0 for no limit. Default 20,000. */
  appends: number;
  /** The same for one address or IPv6 network (/64); 0 for no limit. Default 5,000. */
  peerAppends: number;
  /** Appends, follows and reads of more than 64 KiB that are under way at a time; 0 for no limit. Default 60,000. */
  connections: number;
  /** The same for one address or IPv6 network (/64); 0 for no limit. Default 20,000. */
  peerConnections: number;
  /** Appends and follows that one address or IPv6 network (/64) may begin within a second; 0 for no limit. Default 5,000. */
  peerConnectionsPerSecond: number;
  /** TCP connections of the standalone server, silent ones too; 0 for as many as the system allows. Default 75,000. */
  sockets: number;
  /** The same for one address or IPv6 network (/64); 0 for no limit. Default 25,000. */
  peerSockets: number;
  /** TCP connections that one address or IPv6 network (/64) may open within a second; 0 for no limit. Default 10,000. */
  peerSocketsPerSecond: number;
  /** Bytes of the largest resource whose lines are counted for `?lines`; 0 for no limit. Default 4 GiB. */
  lineIndexBytes: number;
  /** Line counts that run or wait at a time; 0 for no limit. Default 100. */
  lineCounts: number;
  /** The same for one address or IPv6 network (/64); 0 for no limit. Default 20. */
  peerLineCounts: number;
  /** Searches that run at a time; 0 for no limit. Default 16. */
  searches: number;
  /** The same for one address or IPv6 network (/64); 0 for no limit. Default 4. */
  peerSearches: number;
  /** Rows of a folder that a live listing shows. Default 10,000. */
  liveListingRows: number;
  /** Bytes pending on one follower's connection before it falls back to the store. Default 512 KiB, at most 1 MiB. */
  followerBudgetBytes: number;
  /** Bytes of the largest batch that is written and broadcast at once. Default 256 KiB. */
  batchBytes: number;
  /** Bytes received from one appender and not yet stored before its connection is paused. Default 1 MiB. */
  appenderQueueBytes: number;
  /** Bytes received and not yet stored at which an appender that can't be paused is closed with 1013. Default 64 MiB. */
  appenderOverloadBytes: number;
  /** Bytes of recent chunks, over all paths, kept for followers that lag a little. Default 16 MiB. */
  recentBytes: number;
  /** Bytes of the largest read from the store when a follower catches up. Default 384 KiB. */
  readBytes: number;
  /** Bytes of the largest message accepted from an appender. Default 64 MiB, at most 64 MiB. */
  messageBytes: number;
  /** Milliseconds between two pings of a connection; 0 disables pings. Default 15,000. */
  pingIntervalMs: number;
  /** Unanswered pings in a row before a peer that used to answer is disconnected. Default 3. */
  missedPings: number;
  /** Milliseconds without a byte before an appender is disconnected; 0 disables the timeout. Default 0. */
  idleTimeoutMs: number;
  /** Milliseconds without a byte of an HTTP body that has a `Content-Length` or is stored whole; 0 for no limit. Default 60,000. */
  bodyIdleMs: number;
  /** Milliseconds for which the client of a read of more than 64 KiB may read nothing; 0 for no limit. Default 120,000. */
  readIdleMs: number;
  /** Milliseconds that the function `authorize` may take for an answer; 0 for no limit. Default 10,000. */
  authorizeMs: number;
  /** Milliseconds within which a client of the standalone server must send the headers of a request; 0 for no limit. Default 30,000. */
  headersTimeoutMs: number;
  /** Milliseconds that a path stays reserved for the appender of a broken session to resume. Default 30,000. */
  graceMs: number;
  /** Bytes that an `httpfstream.v1` appender may have in flight: sent and not acknowledged. Default 4 MiB. */
  windowBytes: number;
  /** Milliseconds without a byte before an `httpfstream.v1` follower gets a heartbeat. Default 15,000. */
  heartbeatMs: number;
  /** Milliseconds that a long-poll waits for data. Default 20,000. */
  longPollMs: number;
  /** Milliseconds after which server-sent events end, for their client to reconnect; 0 for never. Default 60,000. */
  eventStreamMs: number;
  /** Milliseconds that a `POST` without a verb waits for the appender of its path. Default 10,000. */
  writeWaitMs: number;
  /** Bytes of the largest body of a `PUT` or `POST` without a verb, which is stored whole, and of a line of JSON. Default 16 MiB. */
  durableBodyBytes: number;
  /** Subscriptions of Durable Streams; 0 for no limit. Default 1,000. */
  subscriptions: number;
  /** Streams that one subscription watches. Default 1,000. */
  subscriptionStreams: number;
  /** Webhooks that are being sent at a time. Default 32. */
  webhookDeliveries: number;
  /** Milliseconds that the receiver of a webhook may take to answer it. Default 10,000. */
  webhookTimeoutMs: number;
  /** Producers that a stream remembers; the least recently used one is forgotten first. Default 1,000, at most 10,000. */
  durableProducers: number;
  /** Milliseconds that a granted upgrade may take to complete before its path is released. Default 10,000. */
  upgradeTimeoutMs: number;
  /** Maximum milliseconds for which the standalone server reads on after it has answered an unfinished request. Default 30,000. */
  refusedUploadMs: number;
  /** Milliseconds that a shutdown waits for connections to end by themselves. Default 3,000. */
  shutdownTimeoutMs: number;
}

/**
 * The defaults of {@link Limits}.
 *
 * @example
 * ```ts
 * DEFAULT_LIMITS.graceMs; // 30000
 * ```
 */
export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze({
  pathBytes: 16 * 1024 ** 3,
  storeFreeBytes: 64 * 1024 * 1024,
  storeBytes: 0,
  pathFollowers: 50_000,
  appends: 20_000,
  peerAppends: 5_000,
  connections: 60_000,
  peerConnections: 20_000,
  peerConnectionsPerSecond: 5_000,
  sockets: 75_000,
  peerSockets: 25_000,
  peerSocketsPerSecond: 10_000,
  lineIndexBytes: 4 * 1024 ** 3,
  lineCounts: 100,
  peerLineCounts: 20,
  searches: 16,
  peerSearches: 4,
  liveListingRows: 10_000,
  followerBudgetBytes: 512 * 1024,
  batchBytes: 256 * 1024,
  appenderQueueBytes: 1024 * 1024,
  appenderOverloadBytes: 64 * 1024 * 1024,
  recentBytes: 16 * 1024 * 1024,
  readBytes: 384 * 1024,
  messageBytes: 64 * 1024 * 1024,
  pingIntervalMs: 15_000,
  missedPings: 3,
  idleTimeoutMs: 0,
  bodyIdleMs: 60_000,
  readIdleMs: 120_000,
  authorizeMs: 10_000,
  headersTimeoutMs: 30_000,
  graceMs: 30_000,
  windowBytes: 4 * 1024 * 1024,
  heartbeatMs: 15_000,
  longPollMs: 20_000,
  eventStreamMs: 60_000,
  writeWaitMs: 10_000,
  durableBodyBytes: 16 * 1024 * 1024,
  subscriptions: 1_000,
  subscriptionStreams: 1_000,
  webhookDeliveries: 32,
  webhookTimeoutMs: 10_000,
  durableProducers: 1_000,
  upgradeTimeoutMs: 10_000,
  refusedUploadMs: 30_000,
  shutdownTimeoutMs: 3_000,
});

/** The upper bounds of limits that have one. */
const CAPS: Partial<Limits> = {
  followerBudgetBytes: 1024 * 1024,
  messageBytes: DEFAULT_LIMITS.messageBytes,
  durableProducers: 10_000,
};

/** The longest duration in milliseconds: a timer that is set for longer fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Limits that may be 0. */
const MAY_BE_ZERO: ReadonlySet<string> = new Set([
  "pathBytes",
  "storeBytes",
  "storeFreeBytes",
  "pathFollowers",
  "appends",
  "peerAppends",
  "connections",
  "peerConnections",
  "peerConnectionsPerSecond",
  "sockets",
  "peerSockets",
  "peerSocketsPerSecond",
  "lineIndexBytes",
  "lineCounts",
  "peerLineCounts",
  "searches",
  "peerSearches",
  "idleTimeoutMs",
  "bodyIdleMs",
  "readIdleMs",
  "authorizeMs",
  "headersTimeoutMs",
  "pingIntervalMs",
  "graceMs",
  "subscriptions",
  "eventStreamMs",
]);

/**
 * Merges the given limits with the defaults.
 *
 * @throws {RangeError} for an unknown limit, or a value that is not a whole number within its bounds.
 * @example
 * ```ts
 * resolveLimits({ pingIntervalMs: 5_000 }).missedPings; // 3
 * ```
 */
export function resolveLimits(given: Partial<Limits> = {}): Readonly<Limits> {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      const nearest = nearestName(name, Object.keys(DEFAULT_LIMITS));
      throw new RangeError(`There is no limit "${name}".${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`);
    }
    const min = MAY_BE_ZERO.has(name) ? 0 : 1;
    const max = CAPS[name as keyof Limits] ?? (name.endsWith("Ms") ? LONGEST_MS : Number.MAX_SAFE_INTEGER);
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw new RangeError(`limits.${name} must be a whole number from ${min} to ${max}, not ${String(value)}.`);
    }
  }
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return Object.freeze({ ...DEFAULT_LIMITS, ...set });
}
