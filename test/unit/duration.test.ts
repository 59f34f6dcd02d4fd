/** Durations as users type them: one syntax for all options. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration, parseDurationOrZero } from "../../src/cli/common/duration.ts";

const CENTURY_S = 36_525 * 86_400;

test("a duration is a number with a unit, or a number of seconds", () => {
  const texts = ["5", "5s", "090s", "2m", "3h", "4d", String(CENTURY_S), "36525d"];
  const seconds = [5, 5, 90, 120, 10_800, 345_600, CENTURY_S, CENTURY_S];
  assert.deepEqual(texts.map(parseDuration), seconds);
  assert.deepEqual(texts.map(parseDurationOrZero), seconds);
});

test("anything else is refused", () => {
  for (const text of [
    "",
    "s",
    "-1s",
    "1.5h",
    "1 h",
    "1w",
    "1S",
    "1h30m",
    "soon",
    "1e3",
    String(CENTURY_S + 1),
    "36526d",
  ]) {
    for (const parse of [parseDuration, parseDurationOrZero]) assert.throws(() => parse(text), TypeError, text);
  }
});

test("zero is a duration only where it has a meaning", () => {
  for (const text of ["0", "00", "0s", "0d"]) {
    assert.throws(() => parseDuration(text), TypeError, text);
    assert.equal(parseDurationOrZero(text), 0);
  }
});
