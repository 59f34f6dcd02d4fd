/** Which calls of the file system are made synchronously, and when the thread pool makes them. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { QuickCalls } from "../../src/stores/file/folders/quick-calls.ts";

/** Calls whose duration the test chooses. */
class Rig {
  nowMs = 50_000;
  readonly calls: QuickCalls;

  constructor(t: TestContext, minPauseMs?: number) {
    t.mock.method(performance, "now", () => this.nowMs);
    this.calls = new QuickCalls(minPauseMs);
  }

  take(ms: number): void {
    this.calls.now(() => {
      this.nowMs += ms;
    });
  }

  /** Milliseconds until calls are synchronous again. */
  get pauseMs(): number {
    const beganMs = this.nowMs;
    while (!this.calls.areQuick) this.nowMs++;
    return this.nowMs - beganMs;
  }
}

test("calls are synchronous while they take at most two milliseconds", (t) => {
  const rig = new Rig(t);
  for (const ms of [0, 1, 2]) rig.take(ms);
  assert.equal(rig.pauseMs, 0);
  assert.equal(
    rig.calls.now(() => 7),
    7,
  );
});

test("after a slow call there is a pause, which gets longer as long as calls are slow, up to a second", (t) => {
  const rig = new Rig(t);
  const pauses: number[] = [];
  for (let count = 0; count < 10; count++) {
    rig.take(5);
    pauses.push(rig.pauseMs);
  }
  assert.deepEqual(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
  rig.take(3_000);
  assert.equal(rig.pauseMs, 1_000);
});

test("one slow call among many is chance", (t) => {
  const rig = new Rig(t);
  const again = (quick: number): number => {
    for (let count = 0; count < quick; count++) rig.take(1);
    rig.take(5);
    return rig.pauseMs;
  };
  assert.deepEqual([again(0), again(31), again(32), again(10)], [5, 10, 5, 10]);
});

test("a failed call counts as well, and a pause may have a minimum", (t) => {
  const rig = new Rig(t, 500);
  const fail = (): never => {
    rig.nowMs += 3;
    throw new Error("no");
  };
  assert.throws(() => rig.calls.now(fail), /no/);
  assert.equal(rig.pauseMs, 500);
});
