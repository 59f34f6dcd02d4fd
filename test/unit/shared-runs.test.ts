/** Calls of a task that share its runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedRuns } from "../../src/support/shared-runs.ts";
import { settle } from "../fixture/rig.ts";

/** A task whose runs end when the test says so. */
function controlled(): { run: () => Promise<number>; ends: (() => void)[]; fails: ((error: Error) => void)[] } {
  const ends: (() => void)[] = [];
  const fails: ((error: Error) => void)[] = [];
  const run = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const number = ends.length + 1;
      ends.push(() => resolve(number));
      fails.push(reject);
    });
  return { run, ends, fails };
}

test("calls during a run share the next one, which begins when that has ended", async () => {
  const { run, ends } = controlled();
  const call = sharedRuns(run);
  const first = call();
  const others = [call(), call(), call()];
  await settle();
  assert.equal(ends.length, 1, "one at a time");
  ends[0]?.();
  assert.equal(await first, 1);
  await settle();
  assert.equal(ends.length, 2);
  ends[1]?.();
  assert.deepEqual(await Promise.all(others), [2, 2, 2]);
});

test("a call at rest begins a run of its own", async () => {
  const { run, ends } = controlled();
  const call = sharedRuns(run);
  for (const number of [1, 2]) {
    const result = call();
    ends[number - 1]?.();
    assert.equal(await result, number);
    await settle();
  }
});

test("a call in the turn in which a run ends never gets that run, nor does it begin one beside the next", async () => {
  const { run, ends } = controlled();
  const call = sharedRuns(run);
  let late: Promise<number> | undefined;
  const first = call().then(() => {
    late = call();
  });
  const second = call();
  ends[0]?.();
  await first;
  await settle();
  assert.equal(ends.length, 2, "one at a time");
  ends[1]?.();
  assert.deepEqual([await second, await late], [2, 2]);
});

test("a run that fails fails for its callers only", async () => {
  const { run, ends, fails } = controlled();
  const call = sharedRuns(run);
  const first = assert.rejects(call(), /broken/);
  const second = call();
  fails[0]?.(new Error("broken"));
  await first;
  await settle();
  ends[1]?.();
  assert.equal(await second, 2);
});
