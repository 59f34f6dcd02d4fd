/** Suggestions for misspelled names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "../../src/support/nearest-name.ts";

const KNOWN = ["graceMs", "pathBytes", "batchBytes", "storeBytes", "pingIntervalMs"];

test("a misspelled name is recognized, a different one is not", () => {
  const cases: [string, string | undefined][] = [
    ["graceMs", "graceMs"],
    ["gracems", "graceMs"],
    ["grace", "graceMs"],
    ["pathBytess", "pathBytes"],
    ["pahtBytes", "pathBytes"],
    ["batchByte", "batchBytes"],
    ["pingInterval", "pingIntervalMs"],
    ["nope", undefined],
    ["", undefined],
    ["__proto__", undefined],
  ];
  for (const [given, expected] of cases) assert.equal(nearestName(given, KNOWN), expected, given);
  assert.equal(nearestName("graceMs", []), undefined);
});
