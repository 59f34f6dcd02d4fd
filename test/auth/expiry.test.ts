/** When permissions end, by a clock that does not run as timers do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { whenExpired } from "../../src/server/timers/expiry.ts";
import { ahead } from "./tokens.ts";

const HOUR_MS = 3_600_000;

for (const [what, leftMs] of [
  ["an hour", HOUR_MS],
  ["a year", 8766 * HOUR_MS],
] as const) {
  test(`a permission of ${what} ends soon after the clock has passed its end, however short the timers waited`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let ended = 0;
    const stop = whenExpired(Date.now() + leftMs, () => ended++);
    t.mock.timers.tick(60_000);
    assert.equal(ended, 0);
    await ahead(leftMs, async () => t.mock.timers.tick(60_000));
    assert.equal(ended, 1);
    stop();
  });
}

test("a permission does not end before its time by a clock that was set back", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let ended = 0;
  const stop = whenExpired(Date.now() + HOUR_MS, () => ended++);
  await ahead(-HOUR_MS, async () => t.mock.timers.tick(HOUR_MS + 60_000));
  assert.equal(ended, 0);
  stop();
});
