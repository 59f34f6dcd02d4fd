/** Visiting every member once per interval, a part of them per step. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { StaggeredInterval } from "../../src/server/timers/staggered-interval.ts";

const INTERVAL_MS = 4000;
/** One of the sixteen steps of an interval. */
const STEP_MS = INTERVAL_MS / 16;

/** A test with mock timers, which only `pass` advances. */
function clockTest(what: string, run: (pass: (milliseconds: number) => void) => void): void {
  test(what, () => {
    mock.timers.enable({ apis: ["setInterval"] });
    try {
      run((milliseconds) => mock.timers.tick(milliseconds));
    } finally {
      mock.timers.reset();
    }
  });
}

clockTest("each member is visited once per interval, whenever it was added", (pass) => {
  const visits = new Map<number, number>();
  const interval = new StaggeredInterval<number>(INTERVAL_MS, (member) =>
    visits.set(member, (visits.get(member) ?? 0) + 1),
  );
  for (let member = 0; member < 100; member++) {
    interval.add(member);
    pass(STEP_MS / 3);
  }
  visits.clear();
  pass(10 * INTERVAL_MS);
  assert.deepEqual(new Set(visits.values()), new Set([10]));
  assert.equal(visits.size, 100);
});

clockTest("members that are added together are visited at different times", (pass) => {
  let visits = 0;
  const interval = new StaggeredInterval<number>(INTERVAL_MS, () => visits++);
  for (let member = 0; member < 1600; member++) interval.add(member);
  for (let step = 0; step < 64; step++) {
    visits = 0;
    pass(STEP_MS);
    assert.equal(visits, 100);
  }
});

clockTest("a lone member is visited after a whole interval", (pass) => {
  let visits = 0;
  const interval = new StaggeredInterval<string>(INTERVAL_MS, () => visits++);
  for (let time = 0; time < 3; time++) {
    interval.add("alone");
    pass(INTERVAL_MS - 1);
    assert.equal(visits, 0);
    pass(1);
    assert.equal(visits, 1);
    // The next round begins at another step.
    pass(5 * STEP_MS);
    assert.equal(interval.remove("alone"), true);
    assert.equal(interval.remove("alone"), false);
    visits = 0;
  }
});

clockTest("a removed member is not visited again, even if a visit removed it", (pass) => {
  const visited: number[] = [];
  const interval = new StaggeredInterval<number>(INTERVAL_MS, (member) => {
    visited.push(member);
    if (member % 2 === 0) interval.remove(member);
  });
  for (let member = 0; member < 64; member++) interval.add(member);
  pass(INTERVAL_MS);
  assert.equal(visited.length, 64);
  visited.length = 0;
  pass(INTERVAL_MS);
  assert.equal(visited.length, 32);
  assert.ok(visited.every((member) => member % 2 === 1));
});

clockTest("a short interval is one step", (pass) => {
  let visits = 0;
  const interval = new StaggeredInterval<number>(50, () => visits++);
  for (let member = 0; member < 10; member++) interval.add(member);
  pass(49);
  assert.equal(visits, 0);
  pass(1);
  assert.equal(visits, 10);
});
