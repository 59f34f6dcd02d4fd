/** The entries of a claims folder: their names, their order, and what they tell of their owners. */
import assert from "node:assert/strict";
import { realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  claimantsOf,
  type Entry,
  endMarker,
  endMarkers,
  judge,
  judgeOwner,
  nextName,
  observeOwners,
  silentInMs,
  unreadMarkers,
} from "../../src/stores/file/claims/entries.ts";
import { isOwnerRecord, Owner } from "../../src/stores/file/claims/owner.ts";
import { type Survey, survey, takenElsewhere } from "../../src/stores/file/claims/survey.ts";
import { reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { type FakeClock, fakeClock, NO_DEATH, OtherProcess } from "../fixture/other-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

interface Place {
  readonly root: string;
  readonly self: Owner;
  readonly clock: FakeClock;
  /** Passes two seconds at a time, and looks at the other process after each. */
  quiet(other: OtherProcess, milliseconds: number): Promise<void>;
}

function entriesTest(what: string, run: (at: Place) => Promise<void>, skip: string | false = false): void {
  test(what, { skip }, async (t: TestContext) => {
    const root = realpathSync(await temporaryFolder("entries"));
    const clock = fakeClock(t);
    const self = new Owner(reservedIn(root));
    const quiet = async (other: OtherProcess, milliseconds: number): Promise<void> => {
      for (let left = milliseconds; left > 0; left -= 2_000) {
        clock.nowMs += Math.min(left, 2_000);
        await self.signs.look(other.sign);
      }
    };
    try {
      await run({ root, self, clock, quiet });
    } finally {
      await removeFolder(root);
    }
  });
}

const entryOf = (other: OtherProcess, path: string, number = 1): Entry => {
  const name = `${number}-${other.record.id}`;
  return { name, file: join(other.folder(path), name), owner: other.record };
};

test("the next entry has a greater number than all others, whatever has become of them", () => {
  const numberAfter = (...names: string[]): number => Number.parseInt(nextName(names), 10);
  assert.equal(numberAfter(), 1);
  assert.equal(numberAfter("4-a", "3-b"), 5);
  assert.equal(numberAfter("4-a", "away-12-b"), 13);
  assert.equal(numberAfter("4-a", "ended-complete-23-b", "away-12-b"), 24);
  // Of other files, a number is only part of a random name.
  assert.equal(numberAfter("watch-99-7", "ended-complete-2-a", "other-ended-lost-88-b", "5", "away-x77-b"), 3);
  assert.notEqual(nextName([]), nextName([]), "two processes never take the same name");
});

test("end markers name an entry and how its append ended, and are in the order of their entries", () => {
  const names = ["10-b", "9-a", "11-c"].map((name) => endMarker(name, name === "9-a" ? "lost" : "complete"));
  assert.deepEqual(endMarkers(["1-x", "watch-1", `old-${names[0]}`, "ended-", "ended-lost", ...names]), [
    { entry: "9-a", ended: "lost" },
    { entry: "10-b", ended: "complete" },
    { entry: "11-c", ended: "complete" },
  ]);
});

test("end markers are unread only if there is no watcher", () => {
  assert.deepEqual(unreadMarkers(["1-a", "ended-lost-2-b", "away-3-c", "ended-complete-4-d"]), [
    "ended-lost-2-b",
    "ended-complete-4-d",
  ]);
  assert.deepEqual(unreadMarkers(["ended-lost-2-b", "watch-x", "1-a"]), []);
});

test("an owner's record has an id, a process number, a start time and a scope", () => {
  const record = { id: "a", pid: 1, started: "", scope: "b" };
  assert.ok(isOwnerRecord(record));
  for (const field of Object.keys(record)) assert.ok(!isOwnerRecord({ ...record, [field]: undefined }), field);
  for (const value of [undefined, null, "text", 1, Symbol("x")]) assert.ok(!isOwnerRecord(value), String(value));
});

entriesTest("an owner that cannot be seen is silent after ten seconds without a sign of life", async (at) => {
  const { root, self, clock, quiet } = at;
  const other = new OtherProcess(root);
  other.claim("a.txt");
  const entry = entryOf(other, "a.txt");
  assert.equal(await judge(entry, self), "alive", "nothing is known of it yet");
  await quiet(other, 9_999);
  assert.equal(await judge(entry, self), "alive");
  clock.nowMs += 1;
  assert.equal(await judge(entry, self), "silent");
  assert.equal(await judgeOwner(other.record, self), "silent");
  assert.equal(await judge(entry, self, 10_001), "alive", "with a longer lease");
  assert.equal(await judgeOwner(other.record, self, 10_001), "alive");
  other.beat();
  assert.equal(await judge(entry, self), "alive");
});

entriesTest(
  "an owner that has ended is dead, and one that is there is not",
  async ({ root, self, quiet }) => {
    const [dead, there] = [new OtherProcess(root, "dead"), new OtherProcess(root, "visible")];
    for (const other of [dead, there]) other.claim("a.txt");
    assert.equal(await judge(entryOf(dead, "a.txt"), self), "dead");
    assert.equal(await judge(entryOf(there, "a.txt"), self), "alive");
    await quiet(there, 10_000);
    assert.equal(await judge(entryOf(there, "a.txt"), self), "silent", "it may be stopped");
    assert.deepEqual(
      (await claimantsOf(reservedIn(root), self, join(root, "a.txt"))).map(({ owner }) => owner.id),
      [there.record.id],
    );
  },
  NO_DEATH,
);

entriesTest("an owner that has removed its entry and then its sign of life has ended", async ({ root, self }) => {
  const other = new OtherProcess(root);
  other.claim("a.txt");
  const entry = entryOf(other, "a.txt");
  rmSync(entry.file);
  assert.equal(await judge(entry, self), "alive", "its sign of life is there");
  other.claim("a.txt");
  rmSync(other.sign);
  assert.equal(await judge(entry, self), "alive", "its entry is there");
  rmSync(entry.file);
  assert.equal(await judge(entry, self), "dead");
});

entriesTest("an entry of this process that it has given up is dead", async ({ root, self }) => {
  const other = new OtherProcess(root);
  other.claim("a.txt");
  assert.equal(await judge({ ...entryOf(other, "a.txt"), owner: self.record }, self), "dead");
});

entriesTest("how long it takes until an owner is silent", async ({ root, self, quiet }) => {
  const other = new OtherProcess(root);
  const left = (): number | undefined => silentInMs(other.record, self);
  assert.equal(left(), undefined, "never looked at");
  other.beat();
  await self.signs.look(other.sign);
  assert.equal(left(), 10_000);
  await quiet(other, 2_500);
  assert.equal(left(), 7_500);
  other.beat();
  await self.signs.look(other.sign);
  assert.equal(left(), undefined, "it is busy");
  await quiet(other, 2_999);
  assert.equal(left(), undefined);
  await quiet(other, 1);
  assert.equal(left(), 7_000);
  await quiet(other, 9_000);
  assert.equal(left(), 0);
});

entriesTest(
  "an owner that can be seen is busy before its first sign of life",
  async ({ root, self, quiet }) => {
    const other = new OtherProcess(root, "visible");
    other.beat();
    await self.signs.look(other.sign);
    assert.equal(silentInMs(other.record, self), undefined);
    await quiet(other, 3_000);
    assert.equal(silentInMs(other.record, self), 7_000);
  },
  NO_DEATH,
);

entriesTest("a look around observes all owners but this one", async ({ root, self }) => {
  const others = [new OtherProcess(root), new OtherProcess(root)];
  for (const other of others) other.beat();
  const claim = { verify: () => {}, listen: async () => {} };
  await self.begin(claim);
  await observeOwners(reservedIn(root), self);
  for (const { sign } of others) assert.ok(self.signs.known(sign));
  assert.equal(self.signs.known(self.signOf(self.record)), undefined);
  await self.end(claim);
});

entriesTest(
  "a survey judges all entries but one's own",
  async ({ root, self }) => {
    const [dead, hidden] = [new OtherProcess(root, "dead"), new OtherProcess(root)];
    dead.claim("a.txt");
    const look = (own?: string): Promise<Survey> =>
      survey({ reserved: reservedIn(root), file: join(root, "a.txt"), own, self, leaseMs: 10_000 });
    const none = { reserved: reservedIn(root), file: join(root, "none"), own: undefined, self, leaseMs: 10_000 };
    assert.deepEqual(await survey(none), {
      names: [],
      others: [],
      moved: [],
      isTaken: false,
    });
    assert.equal((await look()).isTaken, false);
    const name = hidden.claim("a.txt", 2);
    hidden.leave("a.txt", "away-3-x");
    const found = await look();
    assert.deepEqual(found.others.map(({ owner, verdict }) => [owner.id, verdict]).sort(), [
      [dead.record.id, "dead"],
      [hidden.record.id, "alive"],
    ]);
    assert.equal(found.isTaken, true);
    assert.equal(found.names.length, 3);
    const mine = await look(name);
    assert.deepEqual([mine.isTaken, mine.names.length, mine.others.length], [false, 3, 1]);
  },
  NO_DEATH,
);

entriesTest(
  "the refusal says when the path will be free, if that is known",
  async ({ root, self, quiet }) => {
    const refusal = async (leaseMs = 10_000): Promise<string | undefined> => {
      const terms = { reserved: reservedIn(root), file: join(root, "a.txt"), own: undefined };
      const found = await survey({ ...terms, self, leaseMs });
      const error = takenElsewhere("a.txt", found, self);
      assert.deepEqual([error.code, error.path], ["conflict", "a.txt"]);
      return error.headers["Retry-After"];
    };
    const [one, two, dead] = [new OtherProcess(root), new OtherProcess(root), new OtherProcess(root, "dead")];
    dead.claim("a.txt");
    assert.equal(await refusal(), undefined, "it has no owner");
    one.claim("a.txt", 2);
    assert.equal(await refusal(), "10");
    await quiet(one, 3_500);
    assert.equal(await refusal(), "7");
    two.claim("a.txt", 3);
    assert.equal(await refusal(), "10", "the last one counts");
    two.beat();
    assert.equal(await refusal(), undefined, "one is busy");
    two.release("a.txt", undefined, 3);
    await quiet(one, 6_500);
    assert.equal(await refusal(), undefined, "it is free");
    assert.equal(await refusal(12_000), "1", "at least a second");
    const unknown = takenElsewhere("a.txt", undefined, self);
    assert.deepEqual([unknown.code, unknown.path, unknown.headers], ["conflict", "a.txt", {}]);
  },
  NO_DEATH,
);
