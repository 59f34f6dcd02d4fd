/**
 * Every default and every cap in one place, the unit in the name.
 * @module
 */

/** The limits of one server. All of them can be set; what is left out keeps its default. */
export interface Limits {
  /** Bytes handed to one follower's connection that have not left yet, before it falls back to the store. Default 512 KiB, at most 1 MiB. */
  followerBudgetBytes: number;
  /** Largest batch that is written and fanned out at once. Default 256 KiB. */
  batchBytes: number;
  /** Bytes received from one appender and not yet stored, before its connection is paused. Default 1 MiB. */
  appenderQueueBytes: number;
  /** As above, before an appender whose connection cannot be paused is closed with 1013. Default 64 MiB. */
  appenderOverloadBytes: number;
  /** Bytes that went out last, kept over all paths for followers that lag a little. Default 16 MiB. */
  recentBytes: number;
  /** How much one read of the store takes when a follower catches up. Default 384 KiB. */
  readBytes: number;
  /** Largest message accepted from an appender. Default 64 MiB, and at most that. */
  messageBytes: number;
  /** Milliseconds between two pings of a connection. Default 15,000. */
  pingIntervalMs: number;
  /** How many pings in a row may go unanswered by a peer that used to answer. Default 3. */
  missedPings: number;
  /** Milliseconds without a byte after which an appender is cut off; 0 means never. Default 0. */
  idleTimeoutMs: number;
  /** Milliseconds that the path of a broken append session stays taken, for its appender to come back. Default 30,000. */
  graceMs: number;
  /** Bytes that a `httpfstream.v1` appender may have in flight, sent and not acknowledged. Default 4 MiB. */
  windowBytes: number;
  /** Milliseconds without a byte after which a `httpfstream.v1` follower gets a heartbeat. Default 15,000. */
  heartbeatMs: number;
  /** Milliseconds that a granted upgrade may take to complete before its path is given back. Default 10,000. */
  upgradeTimeoutMs: number;
  /** Milliseconds for which the standalone server reads the rest of a refused upload at most, so that its client sees why. Default 30,000. */
  refusedUploadMs: number;
  /** Milliseconds that a shutdown waits for connections to end by themselves. Default 3,000. */
  shutdownTimeoutMs: number;
}

/** The defaults of {@link Limits}. */
export const DEFAULT_LIMITS: Readonly<Limits> = Object.freeze({
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
  graceMs: 30_000,
  windowBytes: 4 * 1024 * 1024,
  heartbeatMs: 15_000,
  upgradeTimeoutMs: 10_000,
  refusedUploadMs: 30_000,
  shutdownTimeoutMs: 3_000,
});

/** No limit may be set above these. */
const CAPS: Partial<Limits> = { followerBudgetBytes: 1024 * 1024, messageBytes: DEFAULT_LIMITS.messageBytes };

/** No time may be longer than this: a timer that is set for longer fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** These may be zero, which switches them off. */
const MAY_BE_ZERO: ReadonlySet<string> = new Set(["idleTimeoutMs", "pingIntervalMs", "graceMs"]);

/**
 * The defaults with what the caller set.
 *
 * @throws {RangeError} for a name that is no limit, or a value that is not a whole number in its bounds.
 * @example
 * ```ts
 * resolveLimits({ pingIntervalMs: 5_000 }).missedPings; // 3
 * ```
 */
export function resolveLimits(given: Partial<Limits> = {}): Readonly<Limits> {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new RangeError(`limits.${name} is not a limit; the limits are ${Object.keys(DEFAULT_LIMITS).join(", ")}`);
    }
    const least = MAY_BE_ZERO.has(name) ? 0 : 1;
    const most = CAPS[name as keyof Limits] ?? (name.endsWith("Ms") ? LONGEST_MS : Number.MAX_SAFE_INTEGER);
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new RangeError(`limits.${name} must be a whole number from ${least} to ${most}, not ${String(value)}`);
    }
  }
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return Object.freeze({ ...DEFAULT_LIMITS, ...set });
}
