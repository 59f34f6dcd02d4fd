/** What a sweep removes from the store's own folder, and what it leaves to its owners. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { isHandoverRequested, requestHandover } from "../../src/stores/file/claims/handover.ts";
import { Owner } from "../../src/stores/file/claims/owner.ts";
import { sweep } from "../../src/stores/file/claims/sweep.ts";
import { nameIn } from "../../src/stores/file/reserved/atomic-write.ts";
import { keyOf, type Reserved, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { type FakeClock, fakeClock, NO_DEATH, OtherProcess } from "../fixture/other-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

interface Place {
  readonly root: string;
  readonly reserved: Reserved;
  readonly self: Owner;
  readonly clock: FakeClock;
}

function ownFolderTest(what: string, run: (at: Place) => Promise<void>, skip: string | false = false): void {
  test(what, { skip }, async (t) => {
    const root = realpathSync(await temporaryFolder("sweep"));
    const reserved = reservedIn(root);
    try {
      await run({ root, reserved, self: new Owner(reserved), clock: fakeClock(t) });
    } finally {
      await removeFolder(root);
    }
  });
}

ownFolderTest(
  "of a claims folder, what processes have left that have ended, and what is torn",
  async ({ root, reserved, self }) => {
    const [dead, hidden] = [new OtherProcess(root, "dead"), new OtherProcess(root)];
    dead.claim("a.txt", 1);
    for (const name of ["away-3-dead", "watch-dead", "ended-complete-0-x"]) dead.leave("a.txt", name);
    const kept = [hidden.claim("a.txt", 2), hidden.leave("a.txt", "away-4-hidden"), "notes 5-away-watch-"];
    for (const torn of ["notes 5-away-watch-", "6-torn", "away-7-torn"])
      writeFileSync(join(dead.folder("a.txt"), torn), "torn");
    mkdirSync(join(dead.folder("a.txt"), "8-folder", "deep"), { recursive: true });
    await sweep(reserved, self);
    assert.deepEqual(dead.names("a.txt"), kept.sort());
  },
  NO_DEATH,
);

ownFolderTest(
  "a claims folder that is empty then, but no end marker that someone wants to read",
  async ({ root, reserved, self }) => {
    const [dead, hidden] = [new OtherProcess(root, "dead"), new OtherProcess(root)];
    dead.claim("a.txt");
    dead.leave("a.txt", "ended-complete-0-x");
    dead.leave("b.txt", "ended-complete-1-x");
    hidden.leave("b.txt", "watch-hidden");
    await sweep(reserved, self);
    assert.deepEqual(readdirSync(reserved.claims), [basename(hidden.folder("b.txt"))]);
    assert.deepEqual(hidden.names("b.txt"), ["ended-complete-1-x", "watch-hidden"]);
  },
  NO_DEATH,
);

ownFolderTest(
  "signs of life and requests of processes that have ended, and torn ones",
  async ({ root, reserved, self }) => {
    const [dead, hidden] = [new OtherProcess(root, "dead"), new OtherProcess(root)];
    for (const other of [dead, hidden]) other.beat();
    dead.request("a.txt");
    const request = hidden.request("b.txt");
    writeFileSync(join(reserved.servers, "torn"), "{");
    mkdirSync(join(reserved.handovers, "folder", "deep"), { recursive: true });
    await sweep(reserved, self);
    assert.deepEqual(readdirSync(reserved.servers), [hidden.record.id]);
    assert.deepEqual(readdirSync(reserved.handovers), [basename(request)]);
  },
  NO_DEATH,
);

ownFolderTest("what a process has left that cannot be seen, once it is unchanged for an hour", async (at) => {
  const { root, reserved, self, clock } = at;
  const other = new OtherProcess(root);
  other.beat();
  const request = other.request("a.txt");
  mkdirSync(reserved.temporary);
  const theirs = join(reserved.temporary, "theirs");
  writeFileSync(theirs, "x");
  const left = (): boolean[] => [other.sign, request, theirs].map((file) => existsSync(file));
  await sweep(reserved, self);
  // A look counts for half an hour at most: this process may have been stopped in between.
  clock.nowMs += 10 * 3_600_000;
  await sweep(reserved, self);
  clock.nowMs += 1_799_999;
  await sweep(reserved, self);
  assert.deepEqual(left(), [true, true, true]);
  other.beat();
  clock.nowMs += 1;
  await sweep(reserved, self);
  assert.deepEqual(left(), [true, false, false]);
});

ownFolderTest(
  "temporary files of processes that have ended, but not those of this one",
  async ({ reserved, self }) => {
    const own = nameIn(reserved.temporary);
    const [pid, , key] = basename(own).split("_");
    mkdirSync(reserved.temporary, { recursive: true });
    for (const file of [own, join(reserved.temporary, `${pid}_0_${key}_x`)]) writeFileSync(file, "x");
    await sweep(reserved, self);
    assert.deepEqual(readdirSync(reserved.temporary), [basename(own)]);
  },
  NO_DEATH,
);

ownFolderTest("files that stand where a folder must be", async ({ reserved, self }) => {
  const { root: _, ...folders } = reserved;
  for (const folder of [dirname(reserved.claims), ...Object.values(folders)]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    writeFileSync(folder, "a file");
    await sweep(reserved, self);
    assert.ok(!existsSync(folder), folder);
  }
  mkdirSync(reserved.claims, { recursive: true });
  const folder = join(reserved.claims, keyOf("a.txt"));
  writeFileSync(folder, "a file");
  await sweep(reserved, self);
  assert.ok(!existsSync(folder));
});

ownFolderTest("a handover is requested until the request is withdrawn", async ({ root, reserved, self }) => {
  const file = join(root, "a.txt");
  const other = new Owner(reserved);
  assert.equal(await isHandoverRequested(reserved, self, file), false);
  const withdraw = await requestHandover(reserved, other, file);
  assert.equal(await isHandoverRequested(reserved, self, file), true);
  assert.equal(await isHandoverRequested(reserved, self, join(root, "b.txt")), false);
  assert.equal(await isHandoverRequested(reserved, other, file), false, "its own request");
  await withdraw();
  assert.equal(await isHandoverRequested(reserved, self, file), false);
  await withdraw();
});

ownFolderTest("a request counts for ten seconds, and no longer than its file", async (at) => {
  const { root, reserved, self, clock } = at;
  const file = join(root, "a.txt");
  const request = new OtherProcess(root).request("a.txt");
  assert.equal(await isHandoverRequested(reserved, self, file), true);
  for (const passedMs of [2_000, 2_000, 2_000, 2_000, 1_999]) {
    clock.nowMs += passedMs;
    assert.equal(await isHandoverRequested(reserved, self, file), true);
  }
  clock.nowMs += 1;
  assert.equal(await isHandoverRequested(reserved, self, file), false);
  new OtherProcess(root).request("a.txt");
  assert.equal(await isHandoverRequested(reserved, self, file), true, "another one");
  const { look } = self.signs;
  self.signs.look = async (sign) => {
    rmSync(request, { force: true });
    return await look.call(self.signs, sign);
  };
  assert.equal(await isHandoverRequested(reserved, self, file), false, "withdrawn meanwhile");
});

ownFolderTest(
  "a torn request, and that of a process that has ended, do not count",
  async ({ root, reserved, self }) => {
    const request = new OtherProcess(root, "dead").request("a.txt");
    assert.equal(await isHandoverRequested(reserved, self, join(root, "a.txt")), false);
    writeFileSync(request, "{");
    assert.equal(await isHandoverRequested(reserved, self, join(root, "a.txt")), false);
  },
  NO_DEATH,
);
