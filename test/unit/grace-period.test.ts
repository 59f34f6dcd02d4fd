/** The grace period of a session is spent in slices, each recorded before it begins, except the first. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Grace } from "../../src/engine/sessions/grace-period.ts";

const GRACE_MS = 16_000;

interface Rig {
  readonly grace: Grace;
  /** The recorded milliseconds, in order. */
  readonly recorded: number[];
  /** How often the grace period has ended. */
  readonly overs: () => number;
  readonly pass: (ms: number) => void;
}

/** A test with mock timers, which only `pass` advances. */
function graceTest(what: string, run: (rig: Rig) => void): void {
  test(what, () => {
    let nowMs = 0;
    let overs = 0;
    const recorded: number[] = [];
    mock.timers.enable({ apis: ["setTimeout"] });
    const clock = mock.method(performance, "now", () => nowMs);
    try {
      const grace = new Grace({
        graceMs: GRACE_MS,
        record: (leftMs) => recorded.push(leftMs),
        onExpired: () => {
          overs++;
        },
      });
      const pass = (ms: number): void => {
        for (let passed = 0; passed < ms; passed += 100) {
          nowMs += 100;
          mock.timers.tick(100);
        }
      };
      run({ grace, recorded, overs: () => overs, pass });
    } finally {
      clock.mock.restore();
      mock.timers.reset();
    }
  });
}

graceTest("it ends once, when all of it has passed", ({ grace, overs, pass }) => {
  assert.equal(grace.leftMs, undefined);
  grace.begin();
  assert.equal(grace.leftMs, GRACE_MS);
  pass(GRACE_MS - 100);
  assert.deepEqual([overs(), grace.leftMs], [0, 100]);
  pass(100);
  assert.equal(overs(), 1);
  pass(GRACE_MS);
  assert.equal(overs(), 1);
});

graceTest("a return within the first slice leaves nothing on record", ({ grace, recorded, overs, pass }) => {
  grace.begin();
  pass(900);
  grace.stop();
  pass(GRACE_MS);
  assert.deepEqual([recorded, overs(), grace.leftMs], [[], 0, undefined]);
});

graceTest("each slice is recorded before it begins, except the first", ({ grace, recorded, pass }) => {
  grace.begin();
  pass(2_500);
  assert.deepEqual(recorded, [14_000, 13_000]);
});

graceTest("nothing is recorded after the last slice has begun", ({ grace, recorded, overs, pass }) => {
  grace.resume(2_000);
  pass(2_000);
  assert.deepEqual([recorded, overs()], [[1_000, 0], 1]);
});

graceTest("the last slice may be shorter than the others", ({ grace, recorded, overs, pass }) => {
  grace.resume(1_500);
  pass(1_400);
  assert.deepEqual([recorded, overs()], [[500, 0], 0]);
  pass(100);
  assert.equal(overs(), 1);
});

graceTest("the time left continues after each kill, and no kill restores any of it", ({ grace, recorded, overs }) => {
  let leftMs: number = GRACE_MS;
  for (let kills = 1; kills <= 16; kills++) {
    grace.resume(leftMs);
    leftMs = recorded.at(-1) as number;
    assert.equal(leftMs, GRACE_MS - kills * 1_000);
  }
  assert.deepEqual([leftMs, overs()], [0, 0]);
});

graceTest("no time left ends at once; more than the whole counts as the whole", ({ grace, overs, pass }) => {
  grace.resume(0);
  pass(100);
  assert.equal(overs(), 1);
  grace.resume(GRACE_MS * 2);
  assert.equal(grace.leftMs, GRACE_MS);
});

graceTest("a process that was suspended until after the end waits no longer", ({ grace, overs, pass }) => {
  grace.begin();
  const clock = mock.method(performance, "now", () => GRACE_MS + 1);
  pass(1_000);
  clock.mock.restore();
  assert.equal(overs(), 1);
});
