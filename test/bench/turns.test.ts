/**
 * The order in which the benchmark measures.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inTurns } from "../../scripts/bench/turns.ts";

describe("in turns", () => {
  test("a round is the one before it backwards, then another one begins", () => {
    const rounds = [0, 1, 2, 3, 4].map((round) => inTurns(["a", "b", "c"], round).join(""));
    assert.deepEqual(rounds, ["abc", "cba", "bca", "acb", "cab"]);
  });

  test("in two rounds everybody stands as far from the beginning as from the end", () => {
    const items = ["a", "b", "c", "d"];
    for (const item of items) {
      const places = [0, 1].map((round) => inTurns(items, round).indexOf(item));
      assert.equal((places[0] ?? 0) + (places[1] ?? 0), items.length - 1);
    }
  });

  test("nobody is no order", () => {
    assert.deepEqual(inTurns([], 3), []);
  });
});
