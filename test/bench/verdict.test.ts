/**
 * How the benchmark judges its goals.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Goal } from "../../scripts/bench/load.ts";
import type { LoadResult, Row } from "../../scripts/bench/results.ts";
import { verdicts } from "../../scripts/bench/verdict.ts";

function row(peer: string, rates: number[], more: Partial<Row> = {}): Row {
  const samples = rates.map((rate) => ({ rate }));
  return { peer, title: peer, version: "1", runtime: "node", isOurs: false, samples, failures: [], ...more };
}

function load(name: string, goals: Goal[], rows: Row[]): LoadResult {
  return { name, title: name, metrics: [{ key: "rate", title: "rate", unit: "/s", better: "more" }], goals, rows };
}

function judged(result: LoadResult, ...others: LoadResult[]): unknown[] {
  return verdicts(result, [result, ...others]).map(({ peer, value, reached }) => [peer, value, reached]);
}

describe("a goal", () => {
  const ours = { isOurs: true };

  test("is judged by the medians", () => {
    const rows = [row("us", [1, 100, 6], ours), row("them", [3, 2, 99])];
    assert.deepEqual(judged(load("a", [{ metric: "rate", against: "them", atLeast: 2 }], rows)), [["us", 2, true]]);
    assert.deepEqual(judged(load("a", [{ metric: "rate", against: "them", atLeast: 2.1 }], rows)), [["us", 2, false]]);
  });

  test("applies to each of our own peers, and to no other", () => {
    const rows = [row("us", [1], ours), row("us-bun", [9], { ...ours, runtime: "bun" }), row("them", [99])];
    assert.deepEqual(judged(load("a", [{ metric: "rate", atMost: 5 }], rows)), [
      ["us", 1, true],
      ["us-bun", 9, false],
    ]);
  });

  test("may compare a peer with itself in another load", () => {
    const goal = { metric: "rate", load: "b", atLeast: 1 };
    assert.deepEqual(judged(load("a", [goal], [row("us", [3], ours)]), load("b", [], [row("us", [4], ours)])), [
      ["us", 0.75, false],
    ]);
  });

  test("is neither reached nor missed if a measurement is missing", () => {
    const goal = { metric: "rate", against: "them", atLeast: 1 };
    for (const rows of [
      [row("us", [1], ours)],
      [row("us", [1], ours), row("them", [], { missing: "not installed" })],
      [row("us", [], ours), row("them", [1])],
    ]) {
      assert.deepEqual(judged(load("a", [goal], rows)), [["us", Number.NaN, undefined]]);
    }
  });

  test("does not apply to a runtime that is not installed", () => {
    const goal = { metric: "rate", atLeast: 1 };
    assert.deepEqual(judged(load("a", [goal], [row("us", [], { ...ours, missing: "not installed" })])), []);
  });
});
