/** Subscriptions on disk, whatever else is in their folder. */
import assert from "node:assert/strict";
import {
  existsSync,
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { FileSubscriptions } from "../../src/stores/file/subscriptions.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { claimTest } from "../fixture/claims.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { beforeFlush } from "../fixture/open-files.ts";
import { fileOf, recordOf } from "../fixture/subscription-files.ts";

/** A change that must not be asked for. */
const refused = async (): Promise<never> => assert.fail("there was nothing to decide");

claimTest("a subscription is in one file, named for its root and its id", async ({ reserved, owner }) => {
  const records = new FileSubscriptions(reserved, owner, false);
  assert.deepEqual(await records.list(), []);
  const [one, other] = [recordOf("a"), recordOf("b")];
  for (const record of [one, other]) await records.change(record, async () => record);
  assert.deepEqual(readdirSync(reserved.subscriptions).sort(), [fileOf(one), fileOf(other)].sort());
  assert.equal(readFileSync(join(reserved.subscriptions, fileOf(one)), "utf8"), `${JSON.stringify(one)}\n`);
  assert.deepEqual(await records.find(one), one);
  assert.equal(await records.find({ root: "x", id: "a" }), undefined);
  await records.change(one, async (found) => {
    assert.deepEqual(found, one);
    return null;
  });
  assert.deepEqual([await records.find(one), await records.list()], [undefined, [other]]);
  await records.change(one, async (found) => {
    assert.equal(found, undefined);
    return null;
  });
  if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(reserved.root), []);
});

claimTest("a file that has not changed is not read again", async ({ reserved, owner }) => {
  const records = new FileSubscriptions(reserved, owner, false);
  const record = recordOf("a");
  const file = join(reserved.subscriptions, fileOf(record));
  await records.change(record, async () => record);
  const [first] = await records.list();
  assert.equal((await records.list())[0], first);
  const again = { ...record, revision: 2 };
  await new FileSubscriptions(reserved, owner, false).change(record, async () => again);
  assert.deepEqual(await records.list(), [again]);
  // Of the same length, and in the same file.
  writeFileSync(file, JSON.stringify({ ...record, revision: 3 }));
  utimesSync(file, 1, 1);
  assert.equal((await records.list())[0]?.revision, 3);
  rmSync(file);
  assert.deepEqual(await records.list(), []);
});

claimTest("what is no subscription is neither listed nor found", async ({ reserved, owner }) => {
  const records = new FileSubscriptions(reserved, owner, false);
  const record = recordOf("a");
  const file = join(reserved.subscriptions, fileOf(record));
  mkdirSync(reserved.subscriptions, { recursive: true });
  for (const text of ["", "torn", "null", "{}", JSON.stringify(recordOf("b"))]) {
    writeFileSync(file, text);
    assert.deepEqual([await records.find(record), await records.list()], [undefined, []], text);
  }
  writeFileSync(file, JSON.stringify(record));
  writeFileSync(join(reserved.subscriptions, "other.json"), JSON.stringify(record));
  mkdirSync(join(reserved.subscriptions, "folder"));
  writeFileSync(join(reserved.subscriptions, fileOf(record).slice(0, -1)), JSON.stringify(record));
  symlinkSync("nowhere", join(reserved.subscriptions, "gone.json"));
  assert.deepEqual(await records.list(), [record]);
});

claimTest("a folder or a file that cannot be read is reported", async ({ reserved, owner }) => {
  const records = new FileSubscriptions(reserved, owner, false);
  const record = recordOf("a");
  const file = join(reserved.subscriptions, fileOf(record));
  mkdirSync(file, { recursive: true });
  assert.match((await rejectsWith(records.find(record), "storage")).message, /not a regular file/);
  await rejectsWith(records.list(), "storage");
  await rejectsWith(records.change(record, refused), "storage");
  rmSync(file, { recursive: true });
  symlinkSync("loop.json", join(reserved.subscriptions, "loop.json"));
  await rejectsWith(records.list(), "bad_path");
  rmSync(reserved.subscriptions, { recursive: true });
  writeFileSync(reserved.subscriptions, "a file");
  await rejectsWith(records.list(), "path_conflict");
  await rejectsWith(
    records.change(record, async () => record),
    "storage",
    "path_conflict",
  );
});

claimTest("a change that decides nothing writes nothing", async ({ reserved, owner }) => {
  const records = new FileSubscriptions(reserved, owner, false);
  const record = recordOf("a");
  await records.change(record, async () => undefined);
  assert.ok(!existsSync(reserved.subscriptions));
  await records.change(record, async () => record);
  const { ino } = statSync(join(reserved.subscriptions, fileOf(record)));
  await records.change(record, async () => undefined);
  assert.equal(statSync(join(reserved.subscriptions, fileOf(record))).ino, ino);
});

claimTest("only at the level disk, a change is on the disk when it resolves", async ({ reserved, owner, t }) => {
  const flushed: number[] = [];
  await beforeFlush(t, ({ fd }) => flushed.push(fstatSync(fd).ino));
  const record = recordOf("a");
  for (const durable of [true, false]) {
    const records = new FileSubscriptions(reserved, owner, durable);
    for (const changed of [record, null]) {
      flushed.length = 0;
      await records.change(record, async () => changed);
      const isFlushed = flushed.includes(statSync(reserved.subscriptions).ino);
      assert.equal(isFlushed, durable, JSON.stringify([durable, changed]));
    }
  }
});

claimTest("a process that has lost the claim changes nothing", async ({ reserved, owner, clock }) => {
  const records = new FileSubscriptions(reserved, owner, false);
  const record = recordOf("a");
  await records.change(record, async () => record);
  /** What another process does after a pause of this one. */
  const lose = (): void => {
    const [key = ""] = readdirSync(reserved.claims);
    const [entry = ""] = readdirSync(join(reserved.claims, key));
    renameSync(join(reserved.claims, key, entry), join(reserved.claims, key, `away-${entry}`));
    clock.nowMs += 10_000;
  };
  const changed = records.change(record, async () => {
    lose();
    return { ...record, revision: 2 };
  });
  await rejectsWith(changed, "fenced");
  assert.deepEqual(await records.find(record), record);
  rmSync(reserved.claims, { recursive: true });
  await records.change(record, async () => {
    lose();
    return null;
  });
  assert.deepEqual(await records.find(record), record);
});

claimTest("the secret is made once, and kept in a file of its own", async ({ reserved, owner }) => {
  const records = new FileSubscriptions(reserved, owner, false);
  const error = new RangeError("no");
  await assert.rejects(
    records.secret(() => Promise.reject(error)),
    error,
  );
  assert.equal(await records.secret(async () => "one\ntwo"), "one\ntwo");
  const { ino } = statSync(join(reserved.subscriptions, "keys"));
  assert.equal(await new FileSubscriptions(reserved, owner, false).secret(assert.fail), "one\ntwo");
  assert.equal(statSync(join(reserved.subscriptions, "keys")).ino, ino, "it is not written again");
  assert.equal(readFileSync(join(reserved.subscriptions, "keys"), "utf8"), "one\ntwo\n");
  assert.equal(statSync(join(reserved.subscriptions, "keys")).mode & 0o077, 0);
  assert.deepEqual(await records.list(), []);
  rmSync(join(reserved.subscriptions, "keys"));
  mkdirSync(join(reserved.subscriptions, "keys"));
  await rejectsWith(records.secret(assert.fail), "storage");
});
