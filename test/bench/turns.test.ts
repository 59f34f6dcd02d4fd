/**
 * The order in which the benchmark measures.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inTurns } from "../../scripts/bench/run.ts";

describe("in turns", () => {
  test("every second round is the reverse of the one before it; then the order rotates", () => {
    const rounds = [0, 1, 2, 3, 4].map((round) => inTurns(["a", "b", "c"], round).join(""));
    assert.deepEqual(rounds, ["abc", "cba", "bca", "acb", "cab"]);
  });

  test("over two rounds every item is as far from the beginning as from the end", () => {
    const items = ["a", "b", "c", "d"];
    for (const item of items) {
      const places = [0, 1].map((round) => inTurns(items, round).indexOf(item));
      assert.equal((places[0] ?? 0) + (places[1] ?? 0), items.length - 1);
    }
  });

  test("an empty list has an empty order", () => {
    assert.deepEqual(inTurns([], 3), []);
  });
});
