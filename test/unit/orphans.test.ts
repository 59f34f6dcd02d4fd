/** Files of other processes: which are no longer needed. */
import assert from "node:assert/strict";
import { rmSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { ChangeObserver } from "../../src/stores/file/processes/change-observer.ts";
import { ownIdentity } from "../../src/stores/file/processes/process-identity.ts";
import { nameIn } from "../../src/stores/file/reserved/atomic-write.ts";
import { isForgotten, isOrphaned, type Observer } from "../../src/stores/file/reserved/orphans.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const HOUR_MS = 60 * 60 * 1000;

interface Observed {
  readonly folder: string;
  readonly clock: { nowMs: number };
  readonly leftovers: ChangeObserver;
  readonly observer: Observer;
}

/** A folder, and an observer whose clock the test sets. */
async function observed(t: TestContext): Promise<Observed> {
  const folder = await temporaryFolder("orphans");
  t.after(() => removeFolder(folder));
  const clock = { nowMs: 5 };
  t.mock.method(performance, "now", () => clock.nowMs);
  const leftovers = new ChangeObserver({ creditMs: Number.POSITIVE_INFINITY });
  return { folder, clock, leftovers, observer: { record: ownIdentity(), leftovers } };
}

test("a file that names its process is orphaned once the process has ended, and not before", async (t) => {
  const { folder, clock, leftovers, observer } = await observed(t);
  const own = nameIn(folder);
  const [pid, started, ...rest] = basename(own).split("_");
  for (const name of [own, join(folder, [pid, `${started}0`, ...rest].join("_"))]) writeFileSync(name, "");
  assert.equal(await isOrphaned(own, observer), false);
  clock.nowMs += 2 * HOUR_MS;
  assert.equal(await isOrphaned(own, observer), false, "however long it is unchanged");
  assert.equal(await isOrphaned(join(folder, [pid, `${started}0`, ...rest].join("_")), observer), true);
  assert.equal(leftovers.size, 0);
});

test("a file whose process is unknown here is orphaned after an hour without a change", async (t) => {
  const { folder, clock, leftovers, observer } = await observed(t);
  const [pid, started] = basename(nameIn(folder)).split("_");
  for (const name of ["by hand", `${pid}_${started}0_another-scope_x`, "7"]) {
    const path = join(folder, name);
    writeFileSync(path, "");
    assert.equal(await isOrphaned(path, observer), false);
    clock.nowMs += HOUR_MS - 1;
    assert.equal(await isOrphaned(path, observer), false);
    assert.equal(leftovers.size, 1);
    clock.nowMs += 1;
    assert.equal(await isOrphaned(path, observer), true);
    assert.equal(leftovers.size, 0, "it is not observed any more");
  }
});

test("a file that is touched, or missing, is not forgotten", async (t) => {
  const { folder, clock, leftovers } = await observed(t);
  const file = join(folder, "file");
  writeFileSync(file, "");
  assert.equal(await isForgotten(file, leftovers), false);
  clock.nowMs += HOUR_MS;
  utimesSync(file, 1, 1);
  assert.equal(await isForgotten(file, leftovers), false);
  assert.equal(leftovers.size, 1);
  rmSync(file);
  assert.equal(await isForgotten(file, leftovers), false);
  assert.equal(leftovers.size, 0, "a missing file is not observed any more");
  clock.nowMs += HOUR_MS;
  assert.equal(await isForgotten(file, leftovers), false);
});
