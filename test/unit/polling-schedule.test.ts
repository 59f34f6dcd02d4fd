/** Looking at many members in turn, each about once per second, with one timer. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { PollingSchedule } from "../../src/engine/standing/polling-schedule.ts";

/** Milliseconds of a round with up to a thousand members, and of each of its sixteen parts. */
const ROUND_MS = 1_000;
const PART_MS = ROUND_MS / 16;

const STEP_MS = 0.5;

/** A test with mock timers, which only `pass` advances. */
function clockTest(what: string, run: (pass: (milliseconds: number) => void) => void): void {
  test(what, () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      // In small steps: a timer that is set during a step begins at its end.
      run((milliseconds) => {
        for (let passed = 0; passed < milliseconds; passed += STEP_MS) mock.timers.tick(STEP_MS);
      });
    } finally {
      mock.timers.reset();
    }
  });
}

/** Rounds that list the members looked at, in order. */
function listed(): { rounds: PollingSchedule<number>; looks: number[] } {
  const looks: number[] = [];
  return { rounds: new PollingSchedule((member) => looks.push(member)), looks };
}

clockTest("a lone member is looked at once per round", (pass) => {
  const { rounds, looks } = listed();
  rounds.add(7);
  pass(ROUND_MS - 1);
  assert.deepEqual(looks, []);
  pass(1);
  assert.deepEqual(looks, [7]);
  pass(3 * ROUND_MS);
  assert.deepEqual(looks, [7, 7, 7, 7]);
});

clockTest("a few members are looked at one by one, in the order in which they were added", (pass) => {
  const { rounds, looks } = listed();
  for (const member of [1, 2, 3, 4]) rounds.add(member);
  pass(ROUND_MS);
  assert.deepEqual(looks, [1]);
  pass(ROUND_MS / 4);
  assert.deepEqual(looks, [1, 2]);
  pass(3 * (ROUND_MS / 4));
  assert.deepEqual(looks, [1, 2, 3, 4, 1]);
});

clockTest("many members are looked at in sixteen parts, each once per round", (pass) => {
  const { rounds, looks } = listed();
  for (let member = 0; member < 160; member++) rounds.add(member);
  pass(ROUND_MS);
  assert.equal(looks.length, 10);
  pass(PART_MS);
  assert.equal(looks.length, 20);
  pass(14 * PART_MS);
  assert.deepEqual(
    looks,
    Array.from({ length: 160 }, (_, member) => member),
  );
});

clockTest("no more than a thousand members are looked at per round; the others have their turn next", (pass) => {
  const { rounds, looks } = listed();
  for (let member = 0; member < 2_016; member++) rounds.add(member);
  pass(ROUND_MS);
  const part = Math.ceil(1_000 / 16);
  assert.equal(looks.length, part);
  pass(ROUND_MS);
  assert.equal(looks.length, part * 17);
  pass(15 * PART_MS);
  assert.equal(looks.length, part * 32);
  assert.equal(new Set(looks).size, 2_016, "each had its turn");
});

clockTest("a member that a look removes is not looked at, though it was due", (pass) => {
  const looks: number[] = [];
  const rounds: PollingSchedule<number> = new PollingSchedule((member) => {
    looks.push(member);
    if (member === 0) rounds.remove(1);
  });
  for (let member = 0; member < 32; member++) rounds.add(member);
  pass(ROUND_MS + 15 * PART_MS);
  assert.equal(looks.length, 31);
  assert.ok(!looks.includes(1));
});

clockTest("those that stay are looked at when others have left", (pass) => {
  const { rounds, looks } = listed();
  rounds.add(1);
  rounds.add(2);
  rounds.remove(1);
  pass(ROUND_MS);
  assert.deepEqual(looks, [2]);
});

clockTest("when the last member has left, the next one waits a whole round", (pass) => {
  const { rounds, looks } = listed();
  rounds.add(1);
  rounds.remove(2);
  pass(ROUND_MS / 2);
  rounds.remove(1);
  rounds.add(2);
  pass(ROUND_MS / 2);
  assert.deepEqual(looks, []);
  pass(ROUND_MS / 2);
  assert.deepEqual(looks, [2]);
  rounds.remove(2);
  pass(5 * ROUND_MS);
  assert.deepEqual(looks, [2]);
});

clockTest("a member that comes and goes with its looks is looked at once per round", (pass) => {
  let looks = 0;
  const rounds: PollingSchedule<number> = new PollingSchedule((member) => {
    looks++;
    rounds.remove(member);
    if (looks % 4 > 0) rounds.add(member);
  });
  rounds.add(1);
  pass(3 * ROUND_MS);
  assert.equal(looks, 3);
  pass(ROUND_MS);
  assert.equal(looks, 4);
  pass(5 * ROUND_MS);
  assert.equal(looks, 4, "it has left");
  rounds.add(1);
  pass(ROUND_MS - 1);
  assert.equal(looks, 4, "it waits a whole round");
  pass(1);
  assert.equal(looks, 5);
});
