/** Which values are records of subscriptions. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isSubscriptionRecord } from "../../src/engine/storage/subscription-record.ts";

const WEBHOOK = { type: "webhook", url: "https://hooks.example/", streams: [], leaseTtlMs: 5_000 };
const PULL = { type: "pull-wake", wakeStream: "wakes", streams: ["a"], leaseTtlMs: 5_000 };
const LINK = { path: "a", glob: true, explicit: false, acked: 3, generation: "g" };
const WAKE = { id: "w", phase: "due", cause: "a" };
const RECORD = {
  ...{ root: "", id: "s", nonce: "n", revision: 7, baseUrl: "http://a", createdAt: "2026-01-01T00:00:00Z" },
  ...{ config: WEBHOOK, streams: [LINK], generation: 2, failures: 0 },
};

/** No value, and values of other types. */
const OTHERS = [undefined, null, 7, "text", true, {}, []];

function refuses(what: string, value: unknown): void {
  assert.equal(isSubscriptionRecord(value), false, `${what}: ${JSON.stringify(value)}`);
}

describe("a record of a subscription", () => {
  it("has either kind of receiver, any number of streams, and a wake in any phase or none", () => {
    for (const config of [WEBHOOK, PULL]) {
      for (const streams of [[], [LINK], [LINK, { ...LINK, path: "b", generation: "", told: 9 }]]) {
        assert.equal(isSubscriptionRecord({ ...RECORD, config, streams }), true);
      }
    }
    for (const phase of ["due", "sending", "sent", "held"]) {
      assert.equal(isSubscriptionRecord({ ...RECORD, wake: { ...WAKE, phase } }), true, phase);
    }
    assert.equal(isSubscriptionRecord(JSON.parse(JSON.stringify({ ...RECORD, wake: WAKE }))), true);
  });

  it("is an object", () => {
    for (const value of OTHERS) refuses("a record", value);
  });

  it("has names that are texts", () => {
    for (const name of ["root", "id", "nonce", "baseUrl", "createdAt"]) {
      for (const value of [undefined, null, 7, ["text"]]) refuses(name, { ...RECORD, [name]: value });
    }
  });

  it("has counts that are whole numbers", () => {
    for (const name of ["revision", "generation", "failures"]) {
      for (const value of [undefined, null, "7", 1.5]) refuses(name, { ...RECORD, [name]: value });
    }
  });

  it("says where its wakes go", () => {
    for (const config of OTHERS) refuses("config", { ...RECORD, config });
    for (const type of [undefined, "", "push", "pull"]) {
      refuses("type", { ...RECORD, config: { ...WEBHOOK, ...PULL, type } });
    }
    for (const url of [undefined, null, 7]) refuses("url", { ...RECORD, config: { ...PULL, ...WEBHOOK, url } });
    for (const wakeStream of [undefined, null, 7]) {
      refuses("wakeStream", { ...RECORD, config: { ...WEBHOOK, ...PULL, wakeStream } });
    }
    for (const config of [WEBHOOK, PULL]) {
      for (const streams of [undefined, null, "a", {}])
        refuses("streams", { ...RECORD, config: { ...config, streams } });
      for (const leaseTtlMs of [undefined, null, "7", 1.5]) {
        refuses("lease", { ...RECORD, config: { ...config, leaseTtlMs } });
      }
    }
  });

  it("has a path, an offset and a generation for each stream", () => {
    for (const streams of [undefined, null, "a", {}]) refuses("streams", { ...RECORD, streams });
    for (const link of OTHERS) refuses("link", { ...RECORD, streams: [LINK, link] });
    for (const [name, value] of [
      ["path", 7],
      ["acked", "3"],
      ["acked", 1.5],
      ["generation", undefined],
    ] as const) {
      refuses(name, { ...RECORD, streams: [{ ...LINK, [name]: value }, LINK] });
    }
  });

  it("has a name and a known phase for its wake", () => {
    for (const wake of OTHERS.slice(1)) refuses("wake", { ...RECORD, wake });
    for (const id of [undefined, 7]) refuses("wake", { ...RECORD, wake: { ...WAKE, id } });
    for (const phase of [undefined, "", "over", ["due"]]) refuses("wake", { ...RECORD, wake: { ...WAKE, phase } });
  });
});
