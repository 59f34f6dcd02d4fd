/** Limits: defaults, bounds, and errors for invalid values. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_LIMITS, type Limits, resolveLimits } from "../../src/engine/limits.ts";

const NAMES = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];

/** The longest delay of a timer on any runtime, in milliseconds: the largest signed 32-bit number. */
const LONGEST_MS = 2 ** 31 - 1;

test("without options all defaults apply, and an option replaces its own default only", () => {
  assert.deepEqual(resolveLimits(), DEFAULT_LIMITS);
  assert.deepEqual(resolveLimits({}), DEFAULT_LIMITS);
  assert.deepEqual(resolveLimits({ missedPings: 5 }), { ...DEFAULT_LIMITS, missedPings: 5 });
  assert.deepEqual(resolveLimits({ missedPings: undefined } as unknown as Partial<Limits>), DEFAULT_LIMITS);
});

test("the defaults are those that the operator's page lists", () => {
  assert.deepEqual(DEFAULT_LIMITS, {
    followerBudgetBytes: 524_288,
    batchBytes: 262_144,
    appenderQueueBytes: 1_048_576,
    appenderOverloadBytes: 67_108_864,
    recentBytes: 16_777_216,
    readBytes: 393_216,
    messageBytes: 67_108_864,
    pingIntervalMs: 15_000,
    missedPings: 3,
    pathBytes: 16 * 2 ** 30,
    storeFreeBytes: 64 * 2 ** 20,
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
    lineIndexBytes: 4 * 2 ** 30,
    lineCounts: 100,
    peerLineCounts: 20,
    searches: 16,
    peerSearches: 4,
    liveListingRows: 10_000,
    idleTimeoutMs: 0,
    bodyIdleMs: 60_000,
    readIdleMs: 120_000,
    authorizeMs: 10_000,
    headersTimeoutMs: 30_000,
    graceMs: 30_000,
    windowBytes: 4_194_304,
    heartbeatMs: 15_000,
    longPollMs: 20_000,
    eventStreamMs: 60_000,
    writeWaitMs: 10_000,
    durableBodyBytes: 16 * 2 ** 20,
    subscriptions: 1_000,
    subscriptionStreams: 1_000,
    webhookDeliveries: 32,
    webhookTimeoutMs: 10_000,
    durableProducers: 1_000,
    upgradeTimeoutMs: 10_000,
    refusedUploadMs: 30_000,
    shutdownTimeoutMs: 3_000,
  });
});

test("the defaults and the result are frozen", () => {
  assert.ok(Object.isFrozen(DEFAULT_LIMITS));
  assert.ok(Object.isFrozen(resolveLimits({ missedPings: 5 })));
});

test("the defaults are within their own bounds", () => {
  assert.deepEqual(resolveLimits({ ...DEFAULT_LIMITS }), DEFAULT_LIMITS);
});

for (const name of NAMES) {
  test(`${name} takes whole numbers only`, () => {
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "5", null, true, [5]]) {
      assert.throws(
        () => resolveLimits({ [name]: value }),
        (error) => error instanceof RangeError && error.message.includes(name),
        String(value),
      );
    }
    assert.equal(resolveLimits({ [name]: 7 })[name], 7);
  });
}

test("times are limited to what a timer can wait: a longer one would fire at once", () => {
  for (const name of NAMES.filter((each) => each.endsWith("Ms"))) {
    assert.equal(resolveLimits({ [name]: LONGEST_MS })[name], LONGEST_MS);
    assert.throws(() => resolveLimits({ [name]: LONGEST_MS + 1 }), RangeError, name);
  }
});

test("only limits that can be switched off may be zero", () => {
  const off = NAMES.filter((name) => {
    try {
      return resolveLimits({ [name]: 0 })[name] === 0;
    } catch {
      return false;
    }
  });
  const switchable = [
    "authorizeMs",
    "bodyIdleMs",
    "eventStreamMs",
    "graceMs",
    "headersTimeoutMs",
    "idleTimeoutMs",
    "pingIntervalMs",
  ];
  const protecting = [
    "appends",
    "connections",
    "pathBytes",
    "pathFollowers",
    "sockets",
    "storeBytes",
    "storeFreeBytes",
    "subscriptions",
  ];
  const readers = ["readIdleMs", "lineIndexBytes", "lineCounts", "searches"];
  const byPeer = [
    "peerAppends",
    "peerConnections",
    "peerConnectionsPerSecond",
    "peerLineCounts",
    "peerSearches",
    "peerSockets",
    "peerSocketsPerSecond",
  ];
  assert.deepEqual(off.sort(), [...switchable, ...protecting, ...readers, ...byPeer].sort());
});

test("a follower's budget is at most a mebibyte", () => {
  assert.equal(resolveLimits({ followerBudgetBytes: 2 ** 20 }).followerBudgetBytes, 2 ** 20);
  assert.throws(() => resolveLimits({ followerBudgetBytes: 2 ** 20 + 1 }), RangeError);
});

test("the largest message is one that every runtime accepts", () => {
  assert.equal(resolveLimits({ messageBytes: 64 * 2 ** 20 }).messageBytes, 64 * 2 ** 20);
  assert.throws(() => resolveLimits({ messageBytes: 64 * 2 ** 20 + 1 }), RangeError);
});

test("a limit in bytes without an upper bound may be any safe integer", () => {
  const windowBytes = Number.MAX_SAFE_INTEGER;
  assert.equal(resolveLimits({ windowBytes }).windowBytes, windowBytes);
});

test("an unknown name is refused, and a similar one is suggested", () => {
  const cases = [
    ["pingInterval", ' Did you mean "pingIntervalMs"?'],
    ["PINGINTERVALMS", ' Did you mean "pingIntervalMs"?'],
    ["", ""],
    ["toString", ""],
    ["constructor", ""],
    ["__proto__x", ""],
  ] as const;
  for (const [name, hint] of cases) {
    assert.throws(() => resolveLimits({ [name]: 5 }), new RangeError(`There is no limit "${name}".${hint}`), name);
  }
});
