/** The model of `npm run simulate`: its arithmetic, and in which direction it moves. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Outcome, outcomesOf } from "../../scripts/simulate/cases.ts";
import { type Costs, defaultCosts, type NumberName } from "../../scripts/simulate/costs.ts";
import { CASE_NAMES, DEFAULT_LOADS, type Loads } from "../../scripts/simulate/loads.ts";
import { machinesFor, type Resource, serverBounds, storeBounds } from "../../scripts/simulate/model.ts";
import { sensitivityTable } from "../../scripts/simulate/sensitivity.ts";
import { caseTable } from "../../scripts/simulate/tables.ts";
import { settings } from "../property/settings.ts";

const COSTS = defaultCosts();

/** Costs with which one can calculate in one's head. */
const ROUND: Costs = {
  ...COSTS,
  ...{ deliveryUs: 10, deliveredGibSeconds: 1, appendUs: 100, ingestGibSeconds: 4, followerKib: 16, processMib: 128 },
  ...{ pathKib: 64, connectMs: 0.5, baseMs: 1, httpDeliveryUs: 20, httpFollowerKib: 32, pollMs: 1, postMs: 2 },
  ...{ natsAckMs: 2, natsFlushMs: 1, natsRecordUs: 500, natsRecordBytes: 100, natsPathBytes: 1000, natsShards: 10 },
  ...{ natsReplicas: 3, leaseWrites: 0.5, workerTax: 1, processors: 10, memoryGib: 5, networkGbits: 8, diskMibs: 100 },
  ...{ frameBytes: 100, utilisation: 0.5, spareMachines: 1, withinMs: 1000, edges: 50, roundTripMs: 100 },
  ...{
    pathFollowers: 1e6,
    connections: 1e6,
    appends: 1e6,
    longPollMs: 20_000,
    eventStreamMs: 50_000,
    batchBytes: 2 ** 18,
  },
};

/** Costs that make work dearer. */
const WORK: readonly NumberName[] = [
  ...(["deliveryUs", "deliveredGibSeconds", "appendUs", "ingestGibSeconds", "followerKib", "processMib"] as const),
  ...(["pathKib", "httpDeliveryUs", "httpFollowerKib", "pollMs", "postMs", "natsFlushMs", "natsRecordUs"] as const),
  ...(["natsRecordBytes", "natsPathBytes", "leaseWrites", "workerTax", "frameBytes", "edges"] as const),
];
/** What a machine, a cluster or a server has more of. */
const CAPACITY: readonly NumberName[] = [
  ...(["memoryGib", "networkGbits", "diskMibs", "withinMs", "natsShards"] as const),
  ...(["pathFollowers", "connections", "appends"] as const),
];

function outcomes(loads: Loads, costs: Costs): Outcome[] {
  return CASE_NAMES.flatMap((name) => outcomesOf(name, loads, costs));
}

function withOnePath(change: Partial<Loads["one-path"]>): Loads {
  return { ...DEFAULT_LOADS, "one-path": { ...DEFAULT_LOADS["one-path"], ...change } };
}

function find(all: readonly Outcome[], start: string): Outcome {
  const found = all.find(({ name }) => name.startsWith(start));
  assert.ok(found, start);
  return found;
}

/** What is needed of a resource, and what one machine has of it. */
function boundOf({ bounds }: Pick<Outcome, "bounds">, resource: Resource): readonly [number, number] {
  const found = bounds.find((bound) => bound.resource === resource);
  assert.ok(found, resource);
  return [found.needed, found.each];
}

function near(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [at, value] of actual.entries()) {
    const wanted = expected[at] ?? Number.NaN;
    assert.ok(Math.abs(value - wanted) <= Math.abs(wanted) * 1e-9, `${actual} is not ${expected}`);
  }
}

describe("the arithmetic of a path with many followers", () => {
  const loads = withOnePath({ followers: 1e6, perSecond: 2, bytes: 1024 });
  const all = outcomesOf("one-path", loads, ROUND);
  // A KiB of a delivery, at a second per GiB, and of an append.
  const [delivered, ingested] = [1 / 2 ** 20, 4 / 2 ** 20];

  it("is what docs/scale.md says for WebSockets", () => {
    const outcome = find(all, "WebSocket, 2");
    near(boundOf(outcome, "processor"), [2e6 * (1e-5 + delivered), 5 - 2 * (1e-4 + ingested)]);
    near(boundOf(outcome, "memory"), [1e6 * 16_384, 2.5 * 2 ** 30 - 10 * 128 * 2 ** 20]);
    near(boundOf(outcome, "network"), [2e6 * (1024 + 100), 5e8]);
    near(boundOf(outcome, "deadline"), [1e6 * (1e-5 + delivered), 10]);
    near(boundOf(outcome, "pathFollowers"), [1e6, 1e7]);
    // 2.5 GiB less 1.25 GiB for processes hold 81,920 followers; all of them need 12.2 machines, and one is to spare.
    assert.deepEqual([outcome.bounds[0]?.resource, outcome.servers], ["memory", 14]);
    near([outcome.lastMs ?? 0], [1 + 2 + (1e9 * (1e-5 + delivered)) / 140]);
    near([outcome.connectSeconds ?? 0], [(1e6 * 0.0005) / 140]);
  });

  it("counts the reconnects of server-sent events", () => {
    near(boundOf(find(all, "server-sent"), "processor").slice(0, 1), [2e6 * (2e-5 + delivered) + 1e6 * 0.02 * 1e-3]);
    const endless = outcomesOf("one-path", loads, { ...ROUND, eventStreamMs: 0 });
    near(boundOf(find(endless, "server-sent"), "processor").slice(0, 1), [2e6 * (2e-5 + delivered)]);
  });

  it("asks once per record and cache behind a CDN, at most once per round trip, at least once per timeout", () => {
    const asked = (perSecond: number): number => {
      const behind = find(outcomesOf("one-path", withOnePath({ perSecond, bytes: 1024 }), ROUND), "the same, through");
      return boundOf(behind, "processor")[0] / (50 * (1e-3 + delivered));
    };
    near([asked(2), asked(1000), asked(0.001)], [2, 10, 0.05]);
  });

  it("does not depend on the followers behind a CDN", () => {
    const more = outcomesOf("one-path", withOnePath({ followers: 1e9, perSecond: 2, bytes: 1024 }), ROUND);
    assert.deepEqual(find(more, "the same, through"), find(all, "the same, through"));
  });

  it("gives the store one shard, one leader and one batch at a time", () => {
    const load = { records: 10_000, bytes: 1e6, paths: 1, serversPerPath: 20, servers: 20, isOnePath: true };
    const bounds = storeBounds(load, ROUND);
    // 500 batches per second are acknowledged one after the other; the leader sends to two replicas and 20 servers.
    near(boundOf({ bounds }, "flushes"), [500, 500]);
    near(boundOf({ bounds }, "network"), [(1e6 + 500 * 100) * 22, 5e8]);
    near(boundOf({ bounds }, "one path"), [1e6, 2 ** 18 * 500]);
    assert.equal(machinesFor(bounds), 1);
    assert.equal(machinesFor(storeBounds({ ...load, bytes: 1e9 }, ROUND)), Infinity);
  });
});

describe("the arithmetic of many paths and of appenders", () => {
  const loads: Loads = {
    ...DEFAULT_LOADS,
    "many-paths": { paths: 1e6, followersEach: 2, perSecond: 0.1, bytes: 1024 },
    appenders: { servers: 10, perSecond: 1, bytes: 1024, largeBytes: 2 ** 20 },
  };
  const paths = outcomesOf("many-paths", loads, ROUND);
  const [delivery, append] = [1e-5 + 1 / 2 ** 20, 1e-4 + 4 / 2 ** 20];

  it("is what docs/scale.md says for files", () => {
    const open = find(paths, "open appends, files");
    near(boundOf(open, "processor"), [2e5 * delivery + 1e5 * append, 5]);
    near(boundOf(open, "memory").slice(0, 1), [1e6 * (2 * 16 + 64) * 1024]);
    near(boundOf(open, "disk"), [1e5 * 1024, 50 * 2 ** 20]);
    near(boundOf(open, "connections"), [3e6, 1e7]);
    near(boundOf(find(paths, "a POST"), "processor").slice(0, 1), [2e5 * delivery + 1e5 * 2e-3]);
    assert.equal(open.store, undefined);
  });

  it("is what it says for NATS", () => {
    const open = find(paths, "open appends, NATS");
    // The server of a follower takes each record from the store.
    near(boundOf(open, "processor").slice(0, 1), [2e5 * delivery + 2e5 * append]);
    const store = { bounds: open.store?.bounds ?? [] };
    near(boundOf(store, "flushes"), [1e5, 5000]);
    near(boundOf(store, "processor"), [50, 5]);
    near(boundOf(store, "network"), [(1e5 * 1124 * 4) / 3, 5e8]);
    near(boundOf(store, "memory").slice(0, 1), [1e9]);
    assert.deepEqual([open.store?.clusters, open.store?.machines], [20, 60]);
  });

  it("fills servers with appenders, and the store with their records", () => {
    const [files, nats] = outcomesOf("appenders", loads, ROUND);
    // The memory of one server holds 20,480 appenders.
    assert.deepEqual([files?.servers, files?.appenders, files?.bounds[0]?.resource], [10, 204_800, "memory"]);
    assert.deepEqual([nats?.appenders, nats?.store?.clusters], [204_800, 41]);
  });
});

describe("the direction in which the model moves", () => {
  const base = outcomes(DEFAULT_LOADS, COSTS);

  /** No variant may need fewer machines than before, and no server may hold more appenders. */
  function assertDearer(after: readonly Outcome[], before: readonly Outcome[], why: string): void {
    for (const [at, outcome] of after.entries()) {
      const was = before[at];
      assert.ok(was);
      const context = `${why}: ${outcome.name}`;
      assert.ok(outcome.servers >= was.servers, context);
      assert.ok((outcome.appenders ?? 0) <= (was.appenders ?? 0), context);
      // Servers that hold fewer appenders ask less of the store.
      if (outcome.appenders === undefined)
        assert.ok((outcome.store?.machines ?? 0) >= (was.store?.machines ?? 0), context);
    }
  }

  it("is upwards when a cost rises, whatever the loads", () => {
    const loadsOf = fc.record({
      "one-path": fc.record({ followers: amount(1e8), perSecond: amount(100), bytes: amount(1e5) }),
      "many-paths": fc.record({
        paths: amount(1e8),
        followersEach: fc.nat(10),
        perSecond: amount(10),
        bytes: amount(1e5),
      }),
    });
    fc.assert(
      fc.property(loadsOf, fc.constantFrom(...WORK), fc.integer({ min: 2, max: 20 }), (changed, name, factor) => {
        const loads = { ...withOnePath(changed["one-path"]), "many-paths": changed["many-paths"] };
        const before = outcomes(loads, COSTS);
        assertDearer(outcomes(loads, { ...COSTS, [name]: COSTS[name] * factor }), before, `${name} × ${factor}`);
      }),
      settings(500),
    );
  });

  it("is upwards when a machine has less", () => {
    for (const name of CAPACITY)
      assertDearer(outcomes(DEFAULT_LOADS, { ...COSTS, [name]: COSTS[name] / 2 }), base, name);
  });

  it("is upwards when a load rises", () => {
    for (const name of ["one-path", "many-paths"] as const) {
      for (const [key, value] of Object.entries(DEFAULT_LOADS[name])) {
        const loads = { ...DEFAULT_LOADS, [name]: { ...DEFAULT_LOADS[name], [key]: value * 3 } };
        assertDearer(outcomesOf(name, loads, COSTS), outcomesOf(name, DEFAULT_LOADS, COSTS), `${name}.${key}`);
      }
    }
  });

  it("ends where every record costs each server more than it has", () => {
    const drowned = outcomesOf("one-path", withOnePath({ busyPerSecond: 1e6 }), COSTS);
    const outcome = find(drowned, "WebSocket, 1000000");
    assert.equal(outcome.servers, Infinity);
    const row = caseTable("one-path", drowned).rows.find(([name]) => name === outcome.name);
    assert.equal(row?.[1], "never enough");
    assert.deepEqual(row?.slice(-2), ["never", "never"]);
  });

  it("needs one machine for nothing", () => {
    assert.equal(machinesFor(serverBounds({ processor: 0 }, COSTS)), 1);
  });

  it("has a row for each number whose double changes a number of machines, and no other", () => {
    const { header, rows } = sensitivityTable(DEFAULT_LOADS, COSTS);
    const [first, ...others] = rows;
    assert.equal(first?.[0], "as it is");
    for (const row of others) {
      assert.equal(row.length, header.length);
      assert.ok(
        row.slice(1).some((cell) => cell !== "·"),
        row[0],
      );
    }
    assert.ok(others.some(([name]) => name === "`deliveryUs`") && !others.some(([name]) => name === "`connectMs`"));
  });
});

/** A number between a thousandth of the largest and the largest. */
function amount(max: number): fc.Arbitrary<number> {
  return fc.double({ min: max / 1000, max, noNaN: true });
}
