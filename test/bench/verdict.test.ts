/**
 * How the benchmark judges its goals.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Goal } from "../../scripts/bench/loads/load.ts";
import { type Results, verdicts } from "../../scripts/bench/results.ts";

/** The peers of which goals are judged have names that begin with "us". Those without rates failed or are missing. */
type Rates = Record<string, number[]>;

function peersOf(rates: Rates, missing: string[], ungated?: string): Results["peers"] {
  const wayOf = (name: string) => (name.endsWith("disk") ? { way: "disk" as const } : {});
  const gated = (name: string) => (name.endsWith("gated") ? { ungated } : {});
  const peer = (name: string) => ({
    title: name,
    version: "1",
    isOurs: name.startsWith("us"),
    ...gated(name),
    ...wayOf(name),
  });
  return Object.fromEntries(
    Object.keys(rates).map((name) => [name, { ...peer(name), ...(missing.includes(name) ? { missing: "?" } : {}) }]),
  );
}

interface Circumstances {
  missing?: string[];
  there?: Rates;
  ungated?: string;
}

function judged(goal: Goal, rates: Rates, { missing = [], there = {}, ungated }: Circumstances = {}) {
  const rows = (of: Rates) => Object.fromEntries(Object.entries(of).map(([peer, rate]) => [peer, { rate }]));
  const load = {
    name: "a",
    metrics: [{ key: "rate", title: "rate", unit: "/s", better: "more" }],
    goals: [goal],
  } as const;
  const results = { peers: peersOf(rates, missing, ungated), loads: { a: rows(rates), b: rows(there) } };
  return verdicts(load, results).map(({ peer, value, reached }) => [peer, value, reached]);
}

describe("a goal", () => {
  test("is judged by the medians", () => {
    const rates = { us: [1, 100, 6], them: [3, 2, 99] };
    assert.deepEqual(judged({ metric: "rate", against: "them", atLeast: 2 }, rates), [["us", 2, true]]);
    assert.deepEqual(judged({ metric: "rate", against: "them", atLeast: 2.1 }, rates), [["us", 2, false]]);
  });

  test("applies to each of our own peers, and to no other", () => {
    assert.deepEqual(judged({ metric: "rate", atMost: 5 }, { us: [1], "us-bun": [9], them: [99] }), [
      ["us", 1, true],
      ["us-bun", 9, false],
    ]);
  });

  test("may compare a peer with itself in another load", () => {
    const goal = { metric: "rate", load: "b", atLeast: 1 };
    assert.deepEqual(judged(goal, { us: [3] }, { there: { us: [4] } }), [["us", 0.75, false]]);
  });

  test("may compare a peer with another one in another load", () => {
    const goal = { metric: "rate", load: "b", against: "them", atLeast: 1 };
    assert.deepEqual(judged(goal, { us: [3] }, { there: { us: [4], them: [2] } }), [["us", 1.5, true]]);
  });

  test("against the same build without a gate applies to those that ask for tokens", () => {
    const goal = { metric: "rate", against: "ungated", atMost: 1.3 };
    assert.deepEqual(judged(goal, { us: [4], "us-gated": [5] }, { ungated: "us" }), [["us-gated", 1.25, true]]);
  });

  test("of a way applies to the peers of that way", () => {
    const rates = { us: [1], "us-disk": [3], "them-disk": [2] };
    assert.deepEqual(judged({ metric: "rate", way: "disk", atLeast: 2 }, rates), [["us-disk", 3, true]]);
    assert.deepEqual(judged({ metric: "rate", way: "streams", atLeast: 2 }, rates), []);
  });

  test("is neither reached nor missed if a measurement is missing", () => {
    const goal = { metric: "rate", against: "them", atLeast: 1 };
    const unknown = [["us", Number.NaN, undefined]];
    assert.deepEqual(judged(goal, { us: [1] }), unknown);
    assert.deepEqual(judged(goal, { us: [1], them: [] }, { missing: ["them"] }), unknown);
    assert.deepEqual(judged(goal, { us: [], them: [1] }), unknown);
  });

  test("does not apply to a runtime that is not installed", () => {
    assert.deepEqual(judged({ metric: "rate", atLeast: 1 }, { us: [] }, { missing: ["us"] }), []);
  });
});
