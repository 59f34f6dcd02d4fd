/** The end of a turn of the event loop, and how long a reserved path can still be reserved. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GRACE_SLICES, maxRemainingMs } from "../../src/engine/append/grace-left.ts";
import { turnEnd } from "../../src/engine/append/turn.ts";

test("a turn ends after everything that was due in it", async () => {
  const order: string[] = [];
  setImmediate(() => order.push("due"));
  await turnEnd();
  assert.deepEqual(order, ["due"]);
});

test("on a runtime without setImmediate a turn ends at once", async () => {
  const { setImmediate } = globalThis;
  Reflect.deleteProperty(globalThis, "setImmediate");
  try {
    await turnEnd();
  } finally {
    globalThis.setImmediate = setImmediate;
  }
});

test("a grace period has at most one slice more left than its record says, and never more than all of it", () => {
  assert.equal(maxRemainingMs(15_000, 30_000), 15_000 + 30_000 / GRACE_SLICES);
  assert.equal(maxRemainingMs(0, 16_000), 1_000);
  assert.equal(maxRemainingMs(30_000, 30_000), 30_000);
  assert.equal(maxRemainingMs(28_125, 30_000), 30_000);
});
