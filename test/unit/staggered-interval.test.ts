/** Visiting many, a part of them at a time. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { StaggeredInterval } from "../../src/server/timers/staggered-interval.ts";

const INTERVAL_MS = 4000;
/** A step of a round of sixteen. */
const STEP_MS = INTERVAL_MS / 16;

/** A test with timers that move only when told to. */
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

clockTest("each member is visited once an interval, whenever it came", (pass) => {
  const visits = new Map<number, number>();
  const rota = new StaggeredInterval<number>(INTERVAL_MS, (member) =>
    visits.set(member, (visits.get(member) ?? 0) + 1),
  );
  for (let member = 0; member < 100; member++) {
    rota.add(member);
    pass(STEP_MS / 3);
  }
  visits.clear();
  pass(10 * INTERVAL_MS);
  assert.deepEqual(new Set(visits.values()), new Set([10]));
  assert.equal(visits.size, 100);
});

clockTest("those who come together are not visited together", (pass) => {
  let visits = 0;
  const rota = new StaggeredInterval<number>(INTERVAL_MS, () => visits++);
  for (let member = 0; member < 1600; member++) rota.add(member);
  for (let step = 0; step < 64; step++) {
    visits = 0;
    pass(STEP_MS);
    assert.equal(visits, 100);
  }
});

clockTest("who comes alone is visited after a whole interval", (pass) => {
  let visits = 0;
  const rota = new StaggeredInterval<string>(INTERVAL_MS, () => visits++);
  for (let time = 0; time < 3; time++) {
    rota.add("alone");
    pass(INTERVAL_MS - 1);
    assert.equal(visits, 0);
    pass(1);
    assert.equal(visits, 1);
    // The next one finds the rota somewhere else.
    pass(5 * STEP_MS);
    assert.equal(rota.remove("alone"), true);
    assert.equal(rota.remove("alone"), false);
    visits = 0;
  }
});

clockTest("a member that is removed is not visited again, also when a visit removes it", (pass) => {
  const visited: number[] = [];
  const rota = new StaggeredInterval<number>(INTERVAL_MS, (member) => {
    visited.push(member);
    if (member % 2 === 0) rota.remove(member);
  });
  for (let member = 0; member < 64; member++) rota.add(member);
  pass(INTERVAL_MS);
  assert.equal(visited.length, 64);
  visited.length = 0;
  pass(INTERVAL_MS);
  assert.equal(visited.length, 32);
  assert.ok(visited.every((member) => member % 2 === 1));
});

clockTest("a short interval is one step", (pass) => {
  let visits = 0;
  const rota = new StaggeredInterval<number>(50, () => visits++);
  for (let member = 0; member < 10; member++) rota.add(member);
  pass(49);
  assert.equal(visits, 0);
  pass(1);
  assert.equal(visits, 10);
});
