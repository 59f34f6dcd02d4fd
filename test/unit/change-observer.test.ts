/** Observing the files that other processes touch: what counts as quiet, and for how long. */
import assert from "node:assert/strict";
import { mkdirSync, rmdirSync, rmSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import fsPromises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import timers from "node:timers";
import { ChangeObserver, type Observation } from "../../src/stores/file/processes/change-observer.ts";
import { gate } from "../fixture/journal.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

interface Place {
  readonly file: string;
  readonly folder: string;
  /** The observer's clock. */
  readonly clock: { nowMs: number };
}

async function place(t: TestContext): Promise<Place> {
  const folder = await temporaryFolder("observer");
  t.after(() => removeFolder(folder));
  const clock = { nowMs: 1_000 };
  t.mock.method(performance, "now", () => clock.nowMs);
  return { folder, file: join(folder, "sign"), clock };
}

function seen({ quietMs, hasChanged, isMissing }: Observation): (number | boolean)[] {
  return [quietMs, hasChanged, isMissing];
}

test("a file is quiet from the first look on, until it is touched, written, replaced or removed", async (t) => {
  const { file, clock } = await place(t);
  writeFileSync(file, "");
  const observer = new ChangeObserver({ creditMs: 100 });
  assert.deepEqual(seen(await observer.look(file)), [0, false, false]);
  let quietMs = 0;
  for (const passedMs of [1, 20, 300]) {
    clock.nowMs += passedMs;
    quietMs += Math.min(passedMs, 100);
    assert.deepEqual(seen(await observer.look(file)), [quietMs, false, false]);
  }
  const changes = [
    () => utimesSync(file, 1, 1),
    () => utimesSync(file, 1, 2),
    () => writeFileSync(file, "x"),
    () => {
      rmSync(file);
      writeFileSync(file, "x");
    },
    () => unlinkSync(file),
  ];
  for (const [at, change] of changes.entries()) {
    change();
    clock.nowMs += 50;
    const isMissing = at === changes.length - 1;
    assert.deepEqual(seen(await observer.look(file)), [0, true, isMissing], `change ${at}`);
    clock.nowMs += 50;
    assert.deepEqual(seen(await observer.look(file)), [50, true, isMissing], `change ${at}, again`);
  }
});

test("a file that is missing at first, and then created, has changed", async (t) => {
  const { file } = await place(t);
  const observer = new ChangeObserver({ creditMs: 100 });
  assert.deepEqual(seen(await observer.look(file)), [0, false, true]);
  writeFileSync(file, "");
  assert.deepEqual(seen(await observer.look(file)), [0, true, false]);
});

test("an observer knows the last look, until it forgets the file", async (t) => {
  const { file, folder } = await place(t);
  const observer = new ChangeObserver({ creditMs: 100 });
  assert.equal(observer.known(file), undefined);
  const look = await observer.look(file);
  await observer.look(folder);
  assert.equal(observer.known(file), look);
  assert.equal(observer.size, 2);
  observer.forget(file);
  assert.equal(observer.known(file), undefined);
  assert.equal(observer.size, 1);
});

test("a file that cannot be looked at is an error, and is not known", async (t) => {
  const { file } = await place(t);
  writeFileSync(file, "");
  const observer = new ChangeObserver({ creditMs: 100 });
  await assert.rejects(observer.look(join(file, "below")), { code: "ENOTDIR" });
  assert.equal(observer.size, 0);
});

test("looks at the same time count no time twice", async (t) => {
  const { file, clock } = await place(t);
  writeFileSync(file, "");
  const observer = new ChangeObserver({ creditMs: Number.POSITIVE_INFINITY });
  const looks = [observer.look(file), observer.look(file)];
  clock.nowMs += 40;
  for (const look of await Promise.all(looks)) assert.equal(look.quietMs, 0);
  // Both looks ended only now, so the quiet time begins here.
  clock.nowMs += 7;
  assert.equal((await observer.look(file)).quietMs, 7);
});

test("looks are repeated on their own, if that is wanted", async (t) => {
  const { file, folder, clock } = await place(t);
  writeFileSync(file, "");
  const patient = new ChangeObserver({ creditMs: 100 });
  const eager = new ChangeObserver({ creditMs: 100, everyMs: 1 });
  await patient.look(file);
  await eager.look(file);
  await eager.look(join(folder, "none"));
  clock.nowMs += 60;
  await until("two files to be quiet", () =>
    [file, join(folder, "none")].every((each) => eager.known(each)?.quietMs === 60),
  );
  utimesSync(file, 1, 1);
  await until("the change", () => eager.known(file)?.hasChanged);
  assert.deepEqual(seen(patient.known(file) as Observation), [0, false, false]);
  for (const each of [file, join(folder, "none")]) eager.forget(each);
});

test("a file that is missing for more than a minute is forgotten; one that is there is not", async (t) => {
  const { file, folder, clock } = await place(t);
  writeFileSync(file, "");
  const observer = new ChangeObserver({ creditMs: Number.POSITIVE_INFINITY, everyMs: 1 });
  const none = join(folder, "none");
  await observer.look(file);
  await observer.look(none);
  clock.nowMs += 60_000;
  await until("a minute to be seen", () => observer.known(none)?.quietMs === 60_000);
  assert.equal(observer.size, 2);
  clock.nowMs += 1;
  await until("the missing file to be forgotten", () => observer.known(none) === undefined);
  await until("the look at the other one", () => observer.known(file)?.quietMs === 60_001);
  // After the last file, looks end; they begin again with the next one.
  observer.forget(file);
  await observer.look(none);
  clock.nowMs += 60_001;
  await until("the observer to be empty", () => observer.size === 0);
  assert.equal((await observer.look(file)).quietMs, 0);
  clock.nowMs += 5;
  await until("another look", () => observer.known(file)?.quietMs === 5);
  observer.forget(file);
});

test("a file that goes missing after a long quiet time is kept for a minute more", async (t) => {
  const { file, clock } = await place(t);
  writeFileSync(file, "");
  const observer = new ChangeObserver({ creditMs: Number.POSITIVE_INFINITY, everyMs: 1 });
  await observer.look(file);
  clock.nowMs += 70_000;
  await until("the quiet time", () => observer.known(file)?.quietMs === 70_000);
  rmSync(file);
  await until("a look", () => observer.known(file)?.isMissing);
  clock.nowMs += 60_000;
  await until("a minute", () => observer.known(file)?.quietMs === 60_000);
  observer.forget(file);
});

test("a file that cannot be looked at keeps the others from nothing", async (t) => {
  const { file, folder, clock } = await place(t);
  const inner = join(folder, "folder", "sign");
  mkdirSync(join(folder, "folder"));
  writeFileSync(file, "");
  const observer = new ChangeObserver({ creditMs: Number.POSITIVE_INFINITY, everyMs: 1 });
  await observer.look(inner);
  await observer.look(file);
  rmdirSync(join(folder, "folder"));
  // Looking there fails with ENOTDIR from now on.
  writeFileSync(join(folder, "folder"), "");
  for (let round = 1; round <= 3; round++) {
    clock.nowMs += 10;
    await until("a look at the other file", () => observer.known(file)?.quietMs === 10 * round);
  }
  assert.deepEqual(seen(observer.known(inner) as Observation), [0, false, true]);
  for (const each of [file, inner]) observer.forget(each);
});

test("looks end with the last file", async (t) => {
  const { file } = await place(t);
  const cleared = t.mock.method(timers, "clearInterval");
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  writeFileSync(file, "");
  const observer = new ChangeObserver({ creditMs: 100, everyMs: 1 });
  await observer.look(file);
  utimesSync(file, 1, 1);
  await until("a look", () => observer.known(file)?.hasChanged);
  assert.equal(cleared.mock.callCount(), 0);
  observer.forget(file);
  await until("the timer to end", () => cleared.mock.callCount() > 0);
});

/** Until the test ends, repeated looks begin only when the test calls what is returned. */
function heldTimers(t: TestContext): (() => void)[] {
  const rounds: (() => void)[] = [];
  t.mock.method(timers, "setInterval", (round: () => void) => {
    rounds.push(round);
    return { unref: () => ({}) };
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return rounds;
}

test("a file that is forgotten during a look stays forgotten", async (t) => {
  const { file, folder, clock } = await place(t);
  const rounds = heldTimers(t);
  writeFileSync(file, "");
  const observer = new ChangeObserver({ creditMs: 100, everyMs: 1 });
  const other = join(folder, "other");
  await observer.look(file);
  await observer.look(other);
  clock.nowMs += 5;
  const [round] = rounds;
  round?.();
  observer.forget(file);
  await until("the round to reach the other file", () => observer.known(other)?.quietMs === 5);
  assert.equal(observer.known(file), undefined);
});

test("looks that take long do not pile up", async (t) => {
  const { file, clock } = await place(t);
  const rounds = heldTimers(t);
  const observer = new ChangeObserver({ creditMs: 100, everyMs: 1 });
  await observer.look(file);
  const { stat } = fsPromises;
  const answered = gate();
  let looks = 0;
  t.mock.method(fsPromises, "stat", async (path: string) => {
    looks++;
    await answered.promise;
    return stat(path);
  });
  syncBuiltinESMExports();
  const [round] = rounds;
  for (let count = 0; count < 3; count++) round?.();
  assert.equal(looks, 1);
  clock.nowMs += 5;
  answered.open();
  await until("the end of the round", () => {
    round?.();
    return observer.known(file)?.quietMs === 5;
  });
});
