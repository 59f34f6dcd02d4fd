/** The notes of streams at the level `disk`: one flush per append, and the journal gives back what a power cut took. */
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { readlink } from "node:fs/promises";
import { join, sep } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { Store } from "../../../src/engine/storage/store.ts";
import type { StreamState } from "../../../src/engine/storage/stream-state.ts";
import { identityOf } from "../../../src/stores/file/journal/disk-file.ts";
import {
  decodeSegment,
  encodeOwner,
  encodeRecord,
  type SegmentContent,
} from "../../../src/stores/file/journal/record.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { beforeFlush, systemError } from "../../fixture/open-files.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";
import { rejectsWith } from "./driver.ts";

const OPEN: StreamState = { created: true, type: "text/plain", producers: {} };
const NAME = "a.txt";
const BEFORE_REBOOT = { id: "left", pid: 1, started: "1", scope: "host another-boot pid:[1]" };

async function folder(t: TestContext): Promise<string> {
  const root = await temporaryFolder("notes");
  t.after(() => removeFolder(root));
  return root;
}

function stamp(seq: number): Partial<StreamState> {
  return { producers: { p: { epoch: 0, seq } } };
}

/** The one log of a root. */
function logIn(root: string): string {
  const durable = join(root, ".httpfstream", "durable");
  const [name = ""] = readdirSync(durable).filter((each) => each.endsWith(".log"));
  return join(durable, name);
}

/**
 * A copy of a root, as if the power had been cut now: its processes are those of an earlier boot, and its files are those that
 * the journal means.
 */
async function cut(t: TestContext, root: string): Promise<string> {
  const copy = await folder(t);
  // Sockets do not outlive a power cut, and can't be copied.
  cpSync(root, copy, { recursive: true, filter: (name) => !name.includes(`${sep}sockets${sep}`) });
  for (const place of ["entries", "leases", "servers"]) {
    rmSync(join(copy, ".httpfstream", place), { recursive: true, force: true });
  }
  const file = identityOf(NAME, statSync(join(copy, NAME)));
  const journal = join(copy, ".httpfstream", "journal");
  for (const name of readdirSync(journal)) {
    const { records } = decodeSegment(readFileSync(join(journal, name))) as SegmentContent;
    const moved = records.flatMap((record) => encodeRecord({ ...record, file }));
    writeFileSync(join(journal, name), Buffer.concat([encodeOwner(BEFORE_REBOOT), ...moved]));
  }
  return copy;
}

/** What another store sees, and its producers after a claim. */
async function seen(store: Store): Promise<{ size: number; seq: number | undefined; closed: boolean }> {
  const handle = await store.claim(NAME);
  const { offset: size, stream } = handle;
  await handle.release();
  return { size, seq: stream?.producers["p"]?.seq, closed: stream?.closed !== undefined };
}

describe("the notes of a stream at the level disk", () => {
  test("cost no flush of their own", async (t) => {
    const root = await folder(t);
    const handle = await fileStore({ root, durability: "disk" }).claim(NAME);
    await handle.append(Buffer.from("first"), OPEN);
    let flushes = 0;
    await beforeFlush(t, () => {
      flushes++;
    });
    for (let seq = 0; seq < 20; seq++) await handle.append(Buffer.from("x"), stamp(seq));
    // The journal retires its segment after some seconds, in which a slow machine may be.
    assert.ok(flushes >= 20 && flushes <= 24, `${flushes} flushes of 20 appends`);
    flushes = 0;
    await handle.append(new Uint8Array(0), { closed: {} });
    assert.equal(flushes, 1);
    await handle.release("complete");
  });

  test("are flushed with the file, before the journal forgets them", async (t) => {
    const root = await folder(t);
    const handle = await fileStore({ root, durability: "disk" }).claim(NAME);
    await handle.append(Buffer.from("one"), OPEN);
    await handle.append(Buffer.from("two"), stamp(0));
    const flushed = new Set<string>();
    await beforeFlush(t, async (opened) => flushed.add(await nameOf(opened.fd)));
    await handle.release("complete");
    assert.ok(flushed.has(logIn(root)), [...flushed].join(" "));
    assert.deepEqual(readdirSync(join(root, ".httpfstream", "journal")), []);
  });

  const DAMAGES: Record<string, (log: string, lines: readonly string[]) => void> = {
    "is whole": () => {},
    "is empty": (log) => writeFileSync(log, ""),
    "is missing": (log) => rmSync(log),
    "has zeros in place of its last lines": (log, lines) => {
      const rest = lines.slice(-2).join("");
      writeFileSync(log, lines.slice(0, -2).join("") + "\0".repeat(rest.length));
    },
    "ends in a line": (log, lines) => writeFileSync(log, lines.join("").slice(0, -20)),
    "lacks a line in its midst": (log, lines) => writeFileSync(log, [...lines.slice(0, 2), ...lines.slice(3)].join("")),
  };

  for (const [what, damage] of Object.entries(DAMAGES)) {
    test(`are there after a power cut, if the log ${what}`, async (t) => {
      const root = await folder(t);
      const handle = await fileStore({ root, durability: "disk" }).claim(NAME);
      await handle.append(Buffer.from("one"), OPEN);
      for (let seq = 0; seq < 3; seq++) await handle.append(Buffer.from("two"), stamp(seq));
      const copy = await cut(t, root);
      const log = logIn(copy);
      damage(log, readFileSync(log, "utf8").split(/(?<=\n)/));
      // The file may have less than was stored, too.
      truncateSync(join(copy, NAME), 5);
      assert.deepEqual(await seen(fileStore({ root: copy, durability: "disk" })), { size: 12, seq: 2, closed: false });
      const lines = readFileSync(log, "utf8");
      assert.deepEqual(await seen(fileStore({ root: copy })), { size: 12, seq: 2, closed: false }, lines);
      await handle.release();
    });
  }

  test("do not come back if their write has failed, although the journal still has it", async (t) => {
    const root = await folder(t);
    const handle = await fileStore({ root, durability: "disk" }).claim(NAME);
    await handle.append(Buffer.from("one"), { ...OPEN, ...stamp(0) });
    let isBroken = true;
    await beforeFlush(t, () => {
      if (isBroken) throw systemError("EIO");
    });
    await rejectsWith(handle.append(Buffer.from("two"), stamp(1)), "storage");
    assert.equal(handle.offset, 3);
    isBroken = false;
    await handle.append(Buffer.from("2!!"), { producers: { q: { epoch: 0, seq: 0 } } });
    const copy = await cut(t, root);
    const log = logIn(copy);
    writeFileSync(log, readFileSync(log, "utf8").split(/(?<=\n)/)[0] ?? "");
    truncateSync(join(copy, NAME), 3);
    const again = await fileStore({ root: copy, durability: "disk" }).claim(NAME);
    assert.deepEqual(again.stream?.producers, { p: { epoch: 0, seq: 0 }, q: { epoch: 0, seq: 0 } });
    assert.equal(readFileSync(join(copy, NAME), "utf8"), "one2!!");
    await again.release();
    await handle.release();
  });

  test("that a closing has flushed are not doubled", async (t) => {
    const root = await folder(t);
    const handle = await fileStore({ root, durability: "disk" }).claim(NAME);
    await handle.append(Buffer.from("one"), { ...OPEN, ...stamp(0) });
    await handle.append(new Uint8Array(0), { closed: {} });
    const copy = await cut(t, root);
    const store = fileStore({ root: copy, durability: "disk" });
    assert.equal((await store.stat(NAME))?.stream?.closed !== undefined, true);
    assert.equal(readFileSync(logIn(copy), "utf8").split("\n").length, 3);
    assert.deepEqual(await seen(store), { size: 3, seq: 0, closed: true });
    await handle.release();
  });
});

/** The path of an open file. */
async function nameOf(fd: number): Promise<string> {
  return await readlink(`/proc/self/fd/${fd}`);
}
