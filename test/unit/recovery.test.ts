/** Recovery: which bytes it gives back to which files, and which it leaves as they are. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { OwnerRecord } from "../../src/stores/file/claims/owner.ts";
import { OpenedFile } from "../../src/stores/file/folders/opened-file.ts";
import type { FileIdentity } from "../../src/stores/file/journal/record.ts";
import { Recovery } from "../../src/stores/file/journal/recovery.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { JournalRig } from "../fixture/journal.ts";
import { beforeFlush, systemError } from "../fixture/open-files.ts";
import { asOrdinaryUser, NO_PERMISSIONS } from "../fixture/privileges.ts";
import { until } from "../fixture/until.ts";

const GONE: OwnerRecord = { id: "left", pid: 1, started: "1", scope: "host another-boot pid:[1]" };

/** The bytes of the journal, and their offset. */
type Kept = readonly [offset: number, text: string];

class Rig {
  readonly at: JournalRig;
  readonly recovery: Recovery;

  private constructor(at: JournalRig) {
    this.at = at;
    this.recovery = new Recovery(at.root, at.reserved, at.owner);
  }

  static async make(t: TestContext): Promise<Rig> {
    return new Rig(await JournalRig.make(t));
  }

  path(name: string): string {
    return join(this.at.root, name);
  }

  identity(name: string): FileIdentity {
    const { ino: inode, birthtimeMs: bornMs } = statSync(this.path(name));
    return { name, inode, bornMs };
  }

  /** Writes a file, and a segment of a process from before a reboot that has bytes of it. */
  leave(name: string, text: string, kept: readonly Kept[], changes: Partial<FileIdentity> = {}): string {
    writeFileSync(this.path(name), text);
    return this.segment(`1_1_x_${name}`, 1, [{ ...this.identity(name), ...changes }], kept);
  }

  segment(name: string, keptMs: number, files: readonly FileIdentity[], kept: readonly Kept[], owner = GONE): string {
    const records = files.flatMap((file) =>
      kept.map(([offset, text]) => ({ file, offset, bytes: Buffer.from(text), keptMs })),
    );
    return this.at.leave(name, owner, records);
  }

  text(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }
}

/** What a file has, what the journal has, and what the file has after the recovery. */
const CASES: Record<string, { has: string; kept: readonly Kept[]; becomes: string }> = {
  "an empty file": { has: "", kept: [[0, "abc"]], becomes: "abc" },
  "a file that ends where the bytes begin": { has: "abc", kept: [[3, "def"]], becomes: "abcdef" },
  "a file that ends within the bytes": { has: "abcd", kept: [[3, "def"]], becomes: "abcdef" },
  "a file that has zeros in their place": { has: "abc\0\0\0", kept: [[3, "def"]], becomes: "abcdef" },
  "a file that has some of them, and zeros": { has: "abcd\0f", kept: [[3, "def"]], becomes: "abcdef" },
  "a file that has some of them, a zero, and its end": { has: "abcd\0", kept: [[3, "def"]], becomes: "abcdef" },
  "a file that lacks several pieces": {
    has: "a\0",
    kept: [
      [1, "bc"],
      [3, "d"],
      [4, "ef"],
    ],
    becomes: "abcdef",
  },
  "a file that has zeros in place of one piece": {
    has: "\0\0cd",
    kept: [
      [0, "ab"],
      [2, "cd"],
    ],
    becomes: "abcd",
  },
  "a file that goes on": { has: "\0bcdef", kept: [[0, "abc"]], becomes: "abcdef" },
  "a file that goes on with zeros": { has: "\0bc\0", kept: [[0, "abc"]], becomes: "abc\0" },
  "a file with another byte in their place": { has: "abX\0", kept: [[0, "abcd"]], becomes: "abX\0" },
  "a file with another byte in place of the first piece": {
    has: "aX\0",
    kept: [
      [0, "ab"],
      [2, "cd"],
    ],
    becomes: "aXcd",
  },
  "a file that ends before them": { has: "ab", kept: [[3, "def"]], becomes: "ab" },
  "a file that ends before some of them": {
    has: "ab",
    kept: [
      [0, "abc"],
      [4, "ef"],
      [6, "gh"],
    ],
    becomes: "abc",
  },
  "a file whose bytes are zeros": { has: "", kept: [[0, "\0\0"]], becomes: "\0\0" },
  "a file that lacks many bytes": { has: "", kept: [[0, "x".repeat(100_000)]], becomes: "x".repeat(100_000) },
  "a file of which an append has failed, with more bytes than were stored": {
    has: "a",
    kept: [
      [1, "XXXX"],
      [1, "bc"],
    ],
    becomes: "abcXX",
  },
};

for (const [what, { has, kept, becomes }] of Object.entries(CASES)) {
  test(`after a reboot, ${what} is ${has === becomes ? "left as it is" : "restored"}`, async (t) => {
    const rig = await Rig.make(t);
    const segment = rig.leave("a.bin", has, kept);
    await rig.recovery.once();
    assert.equal(rig.text("a.bin"), becomes);
    assert.ok(!existsSync(segment));
    if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(rig.at.root), []);
  });
}

test("a file that lacks nothing is flushed, and not written to", async (t) => {
  const rig = await Rig.make(t);
  rig.leave("a.bin", "abcdef", [[3, "def"]]);
  utimesSync(rig.path("a.bin"), 1, 1);
  const { ino } = statSync(rig.path("a.bin"));
  const flushed: number[] = [];
  await beforeFlush(t, async (opened) => flushed.push((await opened.stat()).ino));
  await rig.recovery.once();
  assert.equal(statSync(rig.path("a.bin")).mtimeMs, 1_000);
  assert.deepEqual(flushed, [ino]);
});

test("the order of the segments counts, and not the order of their names", async (t) => {
  for (const names of [
    ["1_1_x_a", "1_1_x_b"],
    ["1_1_x_b", "1_1_x_a"],
  ] as const) {
    const rig = await Rig.make(t);
    writeFileSync(rig.path("a.bin"), "");
    writeFileSync(rig.path("b.bin"), "");
    const files = [rig.identity("a.bin"), rig.identity("b.bin")];
    rig.segment(names[0], 8, files, [[0, "old!!"]]);
    rig.segment(names[1], 9, files, [[0, "new"]]);
    await rig.recovery.once();
    for (const name of ["a.bin", "b.bin"]) assert.equal(rig.text(name), "new!!");
    assert.deepEqual(rig.at.names(), []);
  }
});

/** Files that are not the one that the journal means. Each returns changes of its identity. */
const OTHERS: Record<string, (found: FileIdentity) => Partial<FileIdentity>> = {
  "has another inode": ({ inode }) => ({ inode: inode + 1 }),
  "was born earlier": ({ bornMs }) => ({ bornMs: bornMs + 2 }),
  "was born later": ({ bornMs }) => ({ bornMs: bornMs - 2 }),
};

for (const [what, change] of Object.entries(OTHERS)) {
  test(`a file that ${what} is another one, and left as it is`, async (t) => {
    const rig = await Rig.make(t);
    writeFileSync(rig.path("a.bin"), "abc");
    await changed(rig.path("a.bin"));
    rig.segment("1_1_x_a", 1, [{ ...rig.identity("a.bin"), ...change(rig.identity("a.bin")) }], [[3, "def"]]);
    await rig.recovery.once();
    assert.equal(rig.text("a.bin"), "abc");
    assert.deepEqual(rig.at.names(), []);
  });
}

test("times of birth that differ by less than two milliseconds, or are unknown, are no difference", async (t) => {
  for (const differ of [
    (bornMs: number) => bornMs + 1.75,
    (bornMs: number) => bornMs - 1.75,
    () => 0, // As from a file system that does not know it.
  ]) {
    const rig = await Rig.make(t);
    writeFileSync(rig.path("a.bin"), "abc");
    await changed(rig.path("a.bin"));
    const file = rig.identity("a.bin");
    rig.segment("1_1_x_a", 1, [{ ...file, bornMs: differ(file.bornMs) }], [[3, "def"]]);
    await rig.recovery.once();
    assert.equal(rig.text("a.bin"), "abcdef");
  }
});

test("where the time of birth is unknown, as a runtime reports it, the inode tells", async (t) => {
  const { stat } = OpenedFile.prototype;
  for (const unknown of [() => 0, ({ ctimeMs }: Stats) => ctimeMs]) {
    const rig = await Rig.make(t);
    rig.leave("a.bin", "abc", [[3, "def"]], { bornMs: 12_345 });
    t.mock.method(OpenedFile.prototype, "stat", async function (this: OpenedFile) {
      const found = await stat.call(this);
      return Object.assign(found, { birthtimeMs: unknown(found) });
    });
    await rig.recovery.once();
    assert.equal(rig.text("a.bin"), "abcdef");
  }
});

/** Waits until a file has been changed later than it was born. */
async function changed(file: string): Promise<void> {
  await until("the clock of the file system to go on", () => {
    chmodSync(file, 0o600);
    const { birthtimeMs, ctimeMs } = statSync(file);
    return ctimeMs > birthtimeMs;
  });
}

/** What stands in place of a file. The journal has no use for any of them. */
const INSTEAD: Record<string, (path: string) => void> = {
  nothing: () => {},
  "a folder": (path) => mkdirSync(path),
  "a dangling link": (path) => symlinkSync("nowhere", path),
  "a link that leads out of the root": (path) => symlinkSync("/etc/hostname", path),
  "a named pipe": (path) => void spawnSync("mkfifo", [path]),
};

for (const [what, stand] of Object.entries(INSTEAD)) {
  test(`${what} in place of a file keeps no segment, and others are restored`, async (t) => {
    const rig = await Rig.make(t);
    rig.leave("a.bin", "abc", [[3, "def"]]);
    unlinkSync(rig.path("a.bin"));
    stand(rig.path("a.bin"));
    rig.leave("b.bin", "abc", [[3, "def"]]);
    await rig.recovery.once();
    assert.equal(rig.text("b.bin"), "abcdef");
    assert.deepEqual(rig.at.names(), []);
  });
}

test("a segment whose file could not be restored stays, and the next recovery restores it", async (t) => {
  const rig = await Rig.make(t);
  const segment = rig.leave("a.bin", "abc", [[3, "def"]]);
  rig.leave("b.bin", "abc", [[3, "def"]]);
  const both = rig.segment("1_1_x_c", 2, [rig.identity("b.bin"), rig.identity("a.bin")], [[6, "ghi"]]);
  const { ino } = statSync(rig.path("a.bin"));
  let isFailing = true;
  await beforeFlush(t, async (opened) => {
    if (isFailing && (await opened.stat()).ino === ino) throw systemError("EIO");
  });
  await rig.recovery.once();
  assert.equal(rig.text("b.bin"), "abcdefghi");
  assert.deepEqual([existsSync(segment), existsSync(both), rig.at.names().length], [true, true, 2]);
  isFailing = false;
  await rig.recovery.once();
  assert.equal(rig.at.names().length, 2, "it has run once");
  await rig.recovery.again();
  assert.equal(rig.text("a.bin"), "abcdefghi");
  assert.deepEqual(rig.at.names(), []);
});

test("a file or segment that this process may not open now is left to a later recovery", {
  skip: NO_PERMISSIONS ?? (process.getuid?.() === 0 ? false : "only root can make files that are not its own"),
}, async (t) => {
  const rig = await Rig.make(t);
  const denied = rig.leave("a.bin", "abc", [[3, "def"]]);
  const unreadable = rig.leave("b.bin", "abc", [[3, "def"]]);
  for (const folder of [rig.at.root, rig.at.reserved.journal, join(rig.at.reserved.journal, "..")]) {
    chmodSync(folder, 0o777);
  }
  chmodSync(denied, 0o644);
  chmodSync(rig.path("a.bin"), 0o444);
  chmodSync(unreadable, 0);
  await asOrdinaryUser(() => rig.recovery.again());
  assert.deepEqual([existsSync(denied), existsSync(unreadable)], [true, true]);
  await rig.recovery.again();
  assert.deepEqual([rig.text("a.bin"), rig.text("b.bin")], ["abcdef", "abcdef"]);
  rmSync(rig.at.reserved.journal, { recursive: true });
});
