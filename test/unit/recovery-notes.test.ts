/** Recovery: which notes the logs of streams get back, and when. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { OwnerRecord } from "../../src/stores/file/claims/owner.ts";
import { Recovery } from "../../src/stores/file/journal/recovery.ts";
import { JournalRig } from "../fixture/journal.ts";
import { NO_DEATH } from "../fixture/other-process.ts";

const GONE: OwnerRecord = { id: "left", pid: 1, started: "1", scope: "host another-boot pid:[1]" };

interface Parts {
  readonly rig: JournalRig;
  readonly recovery: Recovery;
  /** What the recovery has asked for: a name, the notes, and the text of the file at that time. */
  readonly restored: (readonly [name: string, notes: readonly string[], text: string])[];
  /** If it is set, notes cannot be restored. */
  failure: Error | undefined;
  /** Writes an empty file, and a segment with records of one byte each, with these notes. Returns the segment. */
  leave(name: string, notes: readonly (string | undefined)[], owner?: OwnerRecord): string;
}

async function parts(t: TestContext): Promise<Parts> {
  const rig = await JournalRig.make(t);
  const textOf = (name: string): string => readFileSync(join(rig.root, name), "utf8");
  const it: Parts = {
    rig,
    restored: [],
    failure: undefined,
    recovery: new Recovery(rig.root, rig.reserved, rig.owner, async (name, notes) => {
      if (it.failure) throw it.failure;
      it.restored.push([name, notes, textOf(name)]);
    }),
    leave(name, notes, owner = GONE) {
      writeFileSync(join(rig.root, name), "");
      const { ino: inode, birthtimeMs: bornMs } = statSync(join(rig.root, name));
      const file = { name, inode, bornMs };
      const records = notes.map((note, offset) => ({ file, offset, bytes: Buffer.from("x"), keptMs: 1, note }));
      return rig.leave(`1_1_x_${name}`, owner, records);
    },
  };
  return it;
}

test("the notes of a file are restored after its bytes; a file without notes has no log", async (t) => {
  const it = await parts(t);
  it.leave("a.bin", ["first", undefined, "last"]);
  it.leave("b.bin", [undefined, undefined]);
  await it.recovery.once();
  assert.deepEqual(it.restored, [["a.bin", ["first", "last"], "xxx"]]);
  assert.equal(readFileSync(join(it.rig.root, "b.bin"), "utf8"), "xx");
  assert.deepEqual(it.rig.names(), []);
});

test("a file that has gone, or is another one, gets no notes back", async (t) => {
  const it = await parts(t);
  it.leave("gone.bin", ["note"]);
  it.leave("a.bin", ["note"]);
  it.rig.leave("1_1_x_2", GONE, [
    { file: { name: "none.bin", inode: 1, bornMs: 0 }, offset: 0, bytes: Buffer.from("x"), keptMs: 1, note: "note" },
    { file: { name: "a.bin", inode: 1, bornMs: 0 }, offset: 0, bytes: Buffer.from("x"), keptMs: 1, note: "another's" },
  ]);
  rmSync(join(it.rig.root, "gone.bin"));
  await it.recovery.once();
  assert.deepEqual(it.restored, [["a.bin", ["note"], "x"]]);
});

test("without a reboot, the log has its notes, and only needs to be flushed", { skip: NO_DEATH }, async (t) => {
  const it = await parts(t);
  it.leave("a.bin", ["note"], { ...it.rig.owner.record, id: "another", started: "1" });
  await it.recovery.once();
  assert.deepEqual(it.restored, [["a.bin", [], ""]]);
});

test("a segment whose notes cannot be restored stays, and the next recovery restores them", async (t) => {
  const it = await parts(t);
  const segment = it.leave("a.bin", ["note"]);
  it.failure = new Error("no space");
  await it.recovery.once();
  assert.ok(existsSync(segment));
  it.failure = undefined;
  await it.recovery.again();
  assert.deepEqual(it.restored, [["a.bin", ["note"], "x"]]);
  assert.ok(!existsSync(segment));
});
