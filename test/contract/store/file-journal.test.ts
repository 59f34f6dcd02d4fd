/** The journal keeps acknowledged bytes until their files are flushed, and restores them after a power failure. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Durability } from "../../../src/stores/file/durability.ts";
import {
  decodeSegment,
  encodeOwner,
  encodeRecord,
  type SegmentContent,
} from "../../../src/stores/file/journal/record.ts";
import { keyOf } from "../../../src/stores/file/reserved/layout.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { randomBytes } from "../../fixture/bytes.ts";
import { breakLease } from "../../fixture/second-process.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";
import { listed, put, stored } from "./driver.ts";

const NAMES = ["a.bin", "b.bin", "deep/c.bin", "deep/er/d.bin", "e.bin", "f.bin", "g.bin", "h.bin", "i.bin"];
const PIECE = 1_000;
const PIECES = 5;
const BYTES = randomBytes(PIECE * PIECES, 1);

/** A root whose process has died and left its journal behind. */
interface Left {
  readonly root: string;
  /** The folder of the journal. */
  readonly journal: string;
  /** The segment in the journal. */
  readonly segment: string;
  /** For each file with bytes in the segment, the offset of the first one. */
  readonly kept: ReadonlyMap<string, number>;
}

/** Appends pieces to many files that already have one, and releases them. */
async function appendToAll(root: string, durability: Durability, whileOpen: () => void): Promise<void> {
  for (const name of NAMES) await put(fileStore({ root }), name, BYTES.subarray(0, PIECE));
  const store = fileStore({ root, durability });
  const handles = await Promise.all(NAMES.map((name) => store.claim(name)));
  for (let at = PIECE; at < BYTES.length; at += PIECE) {
    await Promise.all(handles.map((handle) => handle.append(BYTES.subarray(at, at + PIECE))));
  }
  whileOpen();
  await Promise.all(handles.map((handle) => handle.release("complete")));
}

/** Runs with a root that a process at the level `disk` has left behind, `reboots` reboots ago. */
async function withLeft(reboots: 0 | 1, run: (left: Left) => Promise<void>): Promise<void> {
  const root = await temporaryFolder("journal");
  const journal = join(root, ".httpfstream", "journal");
  let content = Buffer.alloc(0);
  try {
    await appendToAll(root, "disk", () => {
      const names = readdirSync(journal);
      assert.equal(names.length, 1, names.join(" "));
      content = readFileSync(join(journal, names[0] as string));
    });
    assert.deepEqual(readdirSync(journal), [], "what is in the files needs no journal");
    const segment = join(journal, "1_2_3_left");
    writeFileSync(segment, Buffer.concat([left(content, reboots), content.subarray(content.indexOf(10))]));
    const kept = new Map<string, number>();
    for (const { file, offset } of decodeSegment(readFileSync(segment))?.records ?? []) {
      kept.set(file.name, Math.min(offset, kept.get(file.name) ?? offset));
    }
    assert.deepEqual([...kept.keys()].sort(), NAMES);
    await run({ root, journal, segment, kept });
  } finally {
    await removeFolder(root);
  }
}

/** Returns the first line of a segment whose process has died, without the line break. */
function left(content: Buffer, reboots: number): Buffer {
  const owner = JSON.parse(content.subarray(0, content.indexOf(10)).toString());
  const [host, boot, space] = owner.scope.split(" ");
  const scope = [host, reboots === 0 ? boot : "11111111-2222-3333-4444-555555555555", space].join(" ");
  return Buffer.from(JSON.stringify({ ...owner, id: "left", started: "1", scope }));
}

/** Reopens the root and reads a file. */
async function reopened(root: string, name: string): Promise<Buffer> {
  return await stored(fileStore({ root }), name);
}

test("os: there is no journal", async () => {
  const root = await temporaryFolder("journal");
  await appendToAll(root, "os", () => assert.ok(!existsSync(join(root, ".httpfstream", "journal"))));
  await removeFolder(root);
});

test("files get back the bytes that they have lost, wherever they end", () =>
  withLeft(1, async ({ root, segment, kept }) => {
    let lost = 0;
    for (const [name, offset] of kept) truncateSync(join(root, name), offset + PIECE * (lost++ % PIECES));
    for (const name of NAMES) assert.ok((await reopened(root, name)).equals(BYTES), name);
    assert.ok(!existsSync(segment), "the segment is still there");
  }));

test("files get back the bytes that have become zeros", () =>
  withLeft(1, async ({ root, kept }) => {
    for (const [name, offset] of kept) {
      const opened = openSync(join(root, name), "r+");
      writeSync(opened, Buffer.alloc(BYTES.length - offset - 10), 0, BYTES.length - offset - 10, offset + 10);
      closeSync(opened);
    }
    for (const name of NAMES) assert.ok((await reopened(root, name)).equals(BYTES), name);
  }));

test("a claim continues behind the recovered bytes", () =>
  withLeft(1, async ({ root, kept }) => {
    for (const [name, offset] of kept) truncateSync(join(root, name), offset);
    const store = fileStore({ root, durability: "disk" });
    assert.deepEqual(
      await Promise.all(NAMES.map((name) => put(store, name, "more"))),
      NAMES.map(() => BYTES.length + 4),
    );
    for (const name of NAMES)
      assert.equal((await stored(store, name)).toString("latin1"), `${BYTES.toString("latin1")}more`);
  }));

test("as long as the system runs, nothing is recovered", () =>
  withLeft(0, async ({ root, segment, kept }) => {
    for (const [name, offset] of kept) truncateSync(join(root, name), offset);
    for (const [name, offset] of kept)
      assert.equal((await reopened(root, name)).length, offset, `${name} was cut by hand`);
    assert.ok(!existsSync(segment), "the segment is still there");
  }));

/** Manual changes of a file before the root is reopened. Each returns the expected content; undefined: no file. */
const BY_HAND: Record<string, (file: string) => Uint8Array | string | undefined> = {
  removed(file) {
    unlinkSync(file);
    return undefined;
  },
  replaced(file) {
    // Keep the old file, so that the new one gets another inode.
    renameSync(file, `${file}-moved`);
    writeFileSync(file, BYTES.subarray(0, PIECE));
    return BYTES.subarray(0, PIECE);
  },
  grown(file) {
    appendFileSync(file, "by hand");
    return Buffer.concat([BYTES, Buffer.from("by hand")]);
  },
  changed(file) {
    truncateSync(file, PIECE);
    appendFileSync(file, "by hand");
    return Buffer.concat([BYTES.subarray(0, PIECE), Buffer.from("by hand")]);
  },
  "cut before what the journal has"(file) {
    truncateSync(file, PIECE - 1);
    return BYTES.subarray(0, PIECE - 1);
  },
  "made a folder"(file) {
    unlinkSync(file);
    mkdirSync(file);
    return undefined;
  },
};

for (const [what, change] of Object.entries(BY_HAND)) {
  test(`a file that was ${what} by hand since is left as it is`, () =>
    withLeft(1, async ({ root, segment, kept }) => {
      const expected = new Map([...kept.keys()].map((name) => [name, change(join(root, name))]));
      const store = fileStore({ root });
      for (const [name, bytes] of expected) {
        if (bytes === undefined) assert.equal(await store.stat(name), undefined);
        else assert.ok((await stored(store, name)).equals(Buffer.from(bytes)), name);
      }
      assert.ok(!existsSync(segment), "the segment is still there");
    }));
}

test("nothing is recovered through a link that leads out of the root now", () =>
  withLeft(1, async ({ root, kept }) => {
    const outside = await temporaryFolder("outside");
    for (const [at, name] of [...kept.keys()].entries()) {
      renameSync(join(root, name), join(outside, String(at)));
      truncateSync(join(outside, String(at)), PIECE);
      symlinkSync(join(outside, String(at)), join(root, name));
    }
    assert.deepEqual(await listed(fileStore({ root }), "nothing"), undefined);
    for (const name of readdirSync(outside)) assert.equal(readFileSync(join(outside, name)).length, PIECE);
    await removeFolder(outside);
  }));

test("a process that takes a path from a dead one first removes the segments of that one", () =>
  withLeft(0, async ({ root, segment }) => {
    const whole = readFileSync(segment);
    unlinkSync(segment);
    const store = fileStore({ root });
    await put(store, "a.bin", "while the other one lives, ");
    writeFileSync(segment, whole);
    const claims = join(root, ".httpfstream", "entries", keyOf("a.bin"));
    mkdirSync(claims, { recursive: true });
    writeFileSync(join(claims, "1-left"), whole.subarray(0, whole.indexOf(10)));
    breakLease(root);
    await put(store, "b.bin", "of which this one takes nothing");
    assert.ok(existsSync(segment));
    await put(store, "a.bin", "and when it is dead");
    assert.ok(!existsSync(segment), "the segment is still there");
  }));

test("a torn record counts as none: the records before it are recovered", () =>
  withLeft(1, async ({ root, segment, kept }) => {
    const whole = readFileSync(segment);
    const firstLine = whole.indexOf(10) + 1;
    for (const length of [
      0,
      1,
      firstLine - 1,
      firstLine,
      firstLine + 30,
      firstLine + PIECE,
      whole.length >> 1,
      whole.length - 1,
    ]) {
      for (const [name, offset] of kept) truncateSync(join(root, name), offset);
      const torn = Buffer.concat([whole.subarray(0, length), randomBytes(500, length)]);
      writeFileSync(segment, torn);
      const records = decodeSegment(torn)?.records ?? [];
      const store = fileStore({ root });
      for (const [name, offset] of kept) {
        const back = records.filter(({ file }) => file.name === name).length * PIECE;
        assert.ok((await stored(store, name)).equals(BYTES.subarray(0, offset + back)), `${name}, cut at ${length}`);
      }
    }
    assert.equal(
      decodeSegment(whole)?.records.length,
      [...kept.values()].reduce((sum, at) => sum + PIECES - at / PIECE, 0),
    );
  }));

test("a changed byte makes a record invalid", () =>
  withLeft(1, async ({ root, segment, kept }) => {
    const whole = readFileSync(segment);
    const at = whole.length - PIECE * 2;
    whole[at] = (whole[at] ?? 0) ^ 1;
    writeFileSync(segment, whole);
    for (const [name, offset] of kept) truncateSync(join(root, name), offset);
    const store = fileStore({ root });
    const sizes = await Promise.all([...kept.keys()].map(async (name) => (await stored(store, name)).length));
    assert.ok(
      sizes.some((size) => size < BYTES.length),
      "nothing is missing",
    );
    for (const name of kept.keys()) {
      const back = await stored(store, name);
      assert.ok(back.equals(BYTES.subarray(0, back.length)), `${name} has other bytes`);
    }
  }));

test("the segments of a living process are left alone, wherever it runs", () =>
  withLeft(1, async ({ root, segment, kept }) => {
    for (const [name, offset] of kept) truncateSync(join(root, name), offset);
    const sign = signOfLife(root, segment);
    const beat = setInterval(() => utimesSync(sign, new Date(), new Date()), 50);
    try {
      await fileStore({ root }).tidy?.();
    } finally {
      clearInterval(beat);
    }
    assert.ok(existsSync(segment), "it was removed");
    assert.ok(existsSync(sign), "its sign of life was removed");
    for (const [name, offset] of kept) assert.equal(readFileSync(join(root, name)).length, offset);
  }));

test("a sign of life that is not renewed is waited out", () =>
  withLeft(1, async ({ root, segment, kept }) => {
    for (const [name, offset] of kept) truncateSync(join(root, name), offset);
    const old = new Date(Date.now() - 9_500);
    utimesSync(signOfLife(root, segment), old, old);
    for (const name of NAMES) assert.ok((await reopened(root, name)).equals(BYTES), name);
    assert.ok(!existsSync(segment), "the segment is still there");
  }));

test("the bytes that were kept last count if an earlier append has failed", () =>
  withLeft(1, async ({ root, segment, kept }) => {
    const { owner, records } = decodeSegment(readFileSync(segment)) as SegmentContent;
    const failed = records.map((record) => ({ ...record, keptMs: 1, bytes: randomBytes(PIECE + 100, 7) }));
    // The failed append may be in the segment with the later name.
    writeFileSync(`${segment}-later`, Buffer.concat([encodeOwner(owner), ...failed.flatMap(encodeRecord)]));
    for (const [name, offset] of kept) truncateSync(join(root, name), offset);
    for (const name of NAMES) {
      const back = await reopened(root, name);
      assert.ok(back.subarray(0, BYTES.length).equals(BYTES), name);
    }
  }));

/** Creates a fresh liveness file for the process that has left the segment, and returns its path. */
function signOfLife(root: string, segment: string): string {
  const servers = join(root, ".httpfstream", "servers");
  mkdirSync(servers, { recursive: true });
  const { owner } = decodeSegment(readFileSync(segment)) as SegmentContent;
  const sign = join(servers, owner.id);
  writeFileSync(sign, JSON.stringify(owner));
  return sign;
}

test("a file or garbage in place of the journal is removed", () =>
  withLeft(1, async ({ root, journal, segment }) => {
    unlinkSync(segment);
    mkdirSync(join(journal, "a-folder"));
    writeFileSync(join(journal, "garbage"), randomBytes(5_000, 9));
    assert.ok((await reopened(root, "a.bin")).equals(BYTES));
    renameSync(journal, `${journal}-away`);
    writeFileSync(journal, "a file");
    await fileStore({ root }).tidy?.();
    await appendToAll(root, "disk", () => assert.equal(readdirSync(journal).length, 1));
  }));
