/** What a store says about itself, as metrics and to the server. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createStreams, memoryStore } from "../../src/index.ts";
import type { Store, StoreCounts } from "../../src/store/mod.ts";
import { withMembers } from "../fixture/durable-rig.ts";
import { samplesOf } from "../fixture/metrics.ts";

/** Streams on a memory store with other members, and their metrics as samples. */
function metricsOf(members: Partial<Store>): () => Promise<Map<string, number>> {
  const streams = createStreams({ store: withMembers<Store>(memoryStore(), members) });
  return async () => samplesOf(await streams.metrics());
}

describe("the metrics of a store", () => {
  it("show what it counts, and whether it can serve", async () => {
    let counts: StoreCounts = { retries: 2, fenced: 1, takeovers: 3, taps: 4, tapGaps: 5, leaseAgeMs: 1_500 };
    let why: string | undefined;
    const read = metricsOf({ counts: () => counts, health: async () => why });
    const first = await read();
    assert.equal(first.get("httpfstream_store_up"), 1);
    assert.equal(first.get("httpfstream_store_retries_total"), 2);
    assert.equal(first.get("httpfstream_store_fenced_total"), 1);
    assert.equal(first.get("httpfstream_store_takeovers_total"), 3);
    assert.equal(first.get("httpfstream_store_taps"), 4);
    assert.equal(first.get("httpfstream_store_tap_gaps_total"), 5);
    assert.equal(first.get("httpfstream_store_lease_age_seconds"), 1.5);
    counts = { ...counts, retries: 7, taps: 0 };
    why = "JetStream has not answered for 4000 ms.";
    const second = await read();
    assert.equal(second.get("httpfstream_store_up"), 0);
    assert.equal(second.get("httpfstream_store_retries_total"), 7);
    assert.equal(second.get("httpfstream_store_taps"), 0);
  });

  it("leave out what it does not say", async () => {
    const silent = await metricsOf({})();
    assert.deepEqual(
      [...silent.keys()].filter((name) => name.includes("store_")),
      [],
    );
    // Before the first lease is stored.
    const early = await metricsOf({ counts: () => ({ retries: 0, leaseAgeMs: Number.POSITIVE_INFINITY }) })();
    assert.equal(early.get("httpfstream_store_retries_total"), 0);
    assert.equal(early.has("httpfstream_store_lease_age_seconds"), false);
  });

  it("count a store as down whose health can't be found out", async () => {
    const read = metricsOf({ health: () => Promise.reject(new Error("broken")) });
    assert.equal((await read()).get("httpfstream_store_up"), 0);
  });

  it("do not open a store", async () => {
    const calls: string[] = [];
    const read = metricsOf({
      open: () => {
        calls.push("open");
        return new Promise<void>(() => {});
      },
      health: async () => "It has not connected yet.",
      counts: () => ({}),
    });
    assert.equal((await read()).get("httpfstream_store_up"), 0);
    // The app opens it by itself, once.
    assert.deepEqual(calls, ["open"]);
  });
});
