/** The grace of a session: spent in slices, each on record before it is over. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Grace } from "../../src/engine/sessions/grace-period.ts";

const GRACE_MS = 16_000;

interface Rig {
  readonly grace: Grace;
  /** What was put on record. */
  readonly recorded: number[];
  /** How often it was over. */
  readonly overs: () => number;
  readonly pass: (ms: number) => void;
}

/** A test whose time passes only when told to. */
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
        over: () => {
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

graceTest("it is over when all of it has passed, once", ({ grace, overs, pass }) => {
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

graceTest("who comes back at once leaves no trace on record", ({ grace, recorded, overs, pass }) => {
  grace.begin();
  pass(900);
  grace.stop();
  pass(GRACE_MS);
  assert.deepEqual([recorded, overs(), grace.leftMs], [[], 0, undefined]);
});

graceTest("each slice is on record before it begins, but for the first", ({ grace, recorded, pass }) => {
  grace.begin();
  pass(2_500);
  assert.deepEqual(recorded, [14_000, 13_000]);
});

graceTest("what a server has left is gone on with, and no kill gives any of it back", ({ grace, recorded, overs }) => {
  let leftMs: number = GRACE_MS;
  for (let kills = 1; kills <= 16; kills++) {
    grace.goOn(leftMs);
    leftMs = recorded.at(-1) as number;
    assert.equal(leftMs, GRACE_MS - kills * 1_000);
  }
  assert.deepEqual([leftMs, overs()], [0, 0]);
});

graceTest("nothing left is over at once; more than all of it is all of it", ({ grace, overs, pass }) => {
  grace.goOn(0);
  pass(100);
  assert.equal(overs(), 1);
  grace.goOn(GRACE_MS * 2);
  assert.equal(grace.leftMs, GRACE_MS);
});

graceTest("a process that stood still meanwhile is late, and waits no longer", ({ grace, overs, pass }) => {
  grace.begin();
  const clock = mock.method(performance, "now", () => GRACE_MS + 1);
  pass(1_000);
  clock.mock.restore();
  assert.equal(overs(), 1);
});
