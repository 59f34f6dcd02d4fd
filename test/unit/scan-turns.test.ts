/** Turns of the event loop for scans. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ScanTurns } from "../../src/engine/scan/scan-turns.ts";

type Callback = () => void;

/** What a runtime has for callbacks after all pending events. */
const runtime = globalThis as { setImmediate?: unknown };
const { setImmediate: realImmediate } = runtime;

/** Lets all settled promises run their reactions. */
async function settled(): Promise<void> {
  for (let at = 0; at < 5; at++) await Promise.resolve();
}

describe("turns of scans", () => {
  /** The callbacks that wait for the end of a turn of the event loop. */
  let pending: Callback[];

  beforeEach(() => {
    pending = [];
    runtime.setImmediate = (callback: Callback) => void pending.push(callback);
  });

  afterEach(() => {
    runtime.setImmediate = realImmediate;
  });

  it("are given one per turn of the event loop, in the order of the requests", async () => {
    const turns = new ScanTurns();
    const given: string[] = [];
    for (const name of ["a", "b", "c"]) void turns.next().then(() => given.push(name));
    assert.equal(pending.length, 1, "one callback for all that wait");
    for (const expected of [["a"], ["a", "b"], ["a", "b", "c"]]) {
      pending.shift()?.();
      await settled();
      assert.deepEqual(given, expected);
    }
    assert.deepEqual(pending, [], "no callback when nothing waits");
  });

  it("begin again after a rest", async () => {
    const turns = new ScanTurns();
    for (let at = 0; at < 2; at++) {
      const turn = turns.next();
      assert.equal(pending.length, 1);
      pending.shift()?.();
      await turn;
    }
  });

  it("are given by a timer where the runtime has no setImmediate", async () => {
    runtime.setImmediate = undefined;
    await new ScanTurns().next();
    assert.deepEqual(pending, []);
  });
});
