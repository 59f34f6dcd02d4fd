/** The logs of streams as files, and what is on record of streams beside them. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { StreamState } from "../../src/engine/storage/stream-state.ts";
import { keyOf, type Reserved, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { LogFiles } from "../../src/stores/file/streams/log-files.ts";
import { type BaseLine, formatLine, noteOf } from "../../src/stores/file/streams/log-lines.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { beforeFlush, systemError } from "../fixture/open-files.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const STATE: StreamState = { created: true, type: "text/plain", producers: {} };
const BASE: BaseLine = { file: "a.txt", generation: "g", number: 3, state: STATE };
const MAX_BYTES = 64 * 1024 * 1024;

interface Parts {
  readonly root: string;
  readonly reserved: Reserved;
  readonly files: LogFiles;
}

async function parts(t: TestContext, durable = false): Promise<Parts> {
  const root = await temporaryFolder("logs");
  t.after(() => removeFolder(root));
  const reserved = reservedIn(root);
  return { root, reserved, files: new LogFiles(reserved, durable) };
}

function line(number: number, change = {}): string {
  return formatLine(noteOf({ file: "a.txt", generation: "g", number }, 0, Buffer.from("x"), change));
}

describe("the log of a file", () => {
  it("is read as it was written, and is gone when it was removed", async (t) => {
    const { files, reserved } = await parts(t);
    assert.deepEqual([files.has("a.txt"), await files.read("a.txt")], [false, undefined]);
    await files.remove("a.txt");
    await files.write(BASE);
    assert.equal(files.has("a.txt"), true);
    assert.deepEqual((await files.read("a.txt"))?.state, STATE);
    assert.equal(await files.read("b.txt"), undefined);
    if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(reserved.root), []);
    writeFileSync(files.useOf("a.txt"), "{}");
    await files.remove("a.txt");
    assert.deepEqual([files.has("a.txt"), readdirSync(reserved.durable)], [false, []]);
  });

  it("is written only if it still may be", async (t) => {
    const { files } = await parts(t);
    await files.write(BASE, () => false);
    assert.equal(files.has("a.txt"), false);
    await files.write(BASE, () => true);
    assert.equal((await files.read("a.txt"))?.number, 3);
  });

  it("is none if it is something else, or larger than any log", async (t) => {
    const { files } = await parts(t);
    await files.write(BASE);
    truncateSync(files.placeOf("a.txt"), MAX_BYTES + 1);
    assert.equal(await files.read("a.txt"), undefined);
    truncateSync(files.placeOf("a.txt"), formatLine(BASE).length);
    assert.deepEqual((await files.read("a.txt"))?.state, STATE);
    unlinkSync(files.placeOf("a.txt"));
    mkdirSync(files.placeOf("a.txt"));
    assert.equal(await files.read("a.txt"), undefined);
  });

  it("is on the disk at the level disk only, also its removal", async (t) => {
    for (const durable of [false, true]) {
      const { files } = await parts(t, durable);
      let flushes = 0;
      await beforeFlush(t, () => {
        flushes++;
      });
      await files.write(BASE);
      assert.equal(flushes > 0, durable);
      flushes = 0;
      await files.remove("a.txt");
      assert.equal(flushes > 0, durable);
      assert.equal(files.has("a.txt"), false);
      t.mock.restoreAll();
    }
  });

  it("is gone even if its removal can't be flushed", async (t) => {
    const { files } = await parts(t, true);
    await files.write(BASE);
    await beforeFlush(t, () => {
      throw systemError("EIO");
    });
    await files.remove("a.txt");
    assert.equal(files.has("a.txt"), false);
  });

  it("is listed, and nothing else is", async (t) => {
    const { files, reserved } = await parts(t);
    assert.deepEqual(await files.list(), []);
    for (const file of ["a.txt", "dir/b.txt"]) await files.write({ ...BASE, file });
    writeFileSync(files.useOf("a.txt"), formatLine({ ...BASE, file: "use.txt" }));
    const other = (name: string): string => join(reserved.durable, `${keyOf(name)}.log`);
    writeFileSync(other("torn"), "12345678 {");
    writeFileSync(other("empty"), "");
    writeFileSync(other("number"), '12345678 {"file":5}\n');
    writeFileSync(other("other"), formatLine({ ...BASE, file: "a.txt" }));
    mkdirSync(other("folder"));
    assert.deepEqual((await files.list()).sort(), ["a.txt", "dir/b.txt"]);
  });
});

describe("a log after a power cut", () => {
  async function restored(t: TestContext, before: string | undefined, ...notes: readonly string[]) {
    const made = await parts(t);
    const place = made.files.placeOf("a.txt");
    mkdirSync(dirname(place), { recursive: true });
    if (before !== undefined) writeFileSync(place, before);
    let flushes = 0;
    await beforeFlush(t, () => {
      flushes++;
    });
    await made.files.restore("a.txt", notes);
    t.mock.restoreAll();
    return { text: existsSync(place) ? readFileSync(place, "utf8") : undefined, flushes };
  }

  it("gets the notes that it lacks, in their order", async (t) => {
    const base = formatLine(BASE);
    assert.equal((await restored(t, base, line(4), line(5))).text, base + line(4) + line(5));
    assert.equal((await restored(t, base + line(4), line(3), line(4), line(5))).text, base + line(4) + line(5));
    assert.equal((await restored(t, undefined, line(1), line(2))).text, line(1) + line(2));
    assert.equal((await restored(t, `${base}torn`, line(4))).text, base + line(4));
    assert.equal((await restored(t, base, "torn\n", line(4))).text, base + line(4));
  });

  it("gets the later one of two notes with the same number", async (t) => {
    const later = line(4, { seq: "later" });
    assert.equal((await restored(t, formatLine(BASE), line(4), later)).text, formatLine(BASE) + later);
  });

  it("is flushed, whether it lacks something or not", async (t) => {
    const whole = await restored(t, formatLine(BASE), line(3));
    assert.equal(whole.text, formatLine(BASE));
    assert.ok(whole.flushes > 0);
    assert.ok((await restored(t, formatLine(BASE), line(4))).flushes > 0);
    assert.deepEqual(await restored(t, undefined), { text: undefined, flushes: 0 });
  });

  it("stays as it is if another process has restored it meanwhile", async (t) => {
    const { files } = await parts(t);
    await files.write(BASE);
    const place = files.placeOf("a.txt");
    const used = formatLine(BASE) + line(4) + line(5);
    let isFirst = true;
    await beforeFlush(t, () => {
      if (isFirst) writeFileSync(place, used);
      isFirst = false;
    });
    await files.restore("a.txt", [line(4)]);
    assert.equal(readFileSync(place, "utf8"), used);
  });
});

describe("what is on record of streams", () => {
  it("is nothing of a root without streams, nor of plain files", async (t) => {
    const { root, reserved, files } = await parts(t);
    const store = fileStore({ root });
    writeFileSync(join(root, "plain.txt"), "x");
    assert.equal(await store.streams?.find("plain.txt"), undefined);
    assert.deepEqual(await store.streams?.list(), []);
    assert.equal(existsSync(reserved.durable), false);
    const handle = await store.claim("a.txt");
    await handle.append(Buffer.from("x"), STATE);
    await handle.release("complete");
    assert.equal(await store.streams?.find("plain.txt"), undefined);
    assert.equal(await store.streams?.find("none.txt"), undefined);
    assert.deepEqual(await store.streams?.find("a.txt"), STATE);
    await (await store.claim("a.txt")).release();
    unlinkSync(join(root, "a.txt"));
    assert.equal(await store.streams?.find("a.txt"), undefined);
    writeFileSync(files.placeOf("a.txt"), "torn");
    assert.equal(await store.streams?.find("a.txt"), undefined);
  });

  it("is what another process has last noted of its use", async (t) => {
    const { root, files } = await parts(t);
    const { streams } = fileStore({ root });
    assert.equal(await streams?.renewal?.("a.txt"), undefined);
    await streams?.renew?.("a.txt");
    const first = await fileStore({ root }).streams?.renewal?.("a.txt");
    assert.equal(typeof first, "string");
    assert.equal(await streams?.renewal?.("a.txt"), first);
    await streams?.renew?.("a.txt");
    assert.notEqual(await streams?.renewal?.("a.txt"), first);
    assert.equal(await streams?.renewal?.("b.txt"), undefined);
    for (const text of ["{", "5", "null", '{"use":5}']) {
      writeFileSync(files.useOf("a.txt"), text);
      assert.equal(await streams?.renewal?.("a.txt"), undefined, text);
    }
  });

  it("has no forks that are not noted", async (t) => {
    const { root, reserved } = await parts(t);
    const { streams } = fileStore({ root });
    await streams?.addFork("a", "b");
    const [folder = ""] = readdirSync(reserved.forks);
    for (const [name, text] of Object.entries({ torn: "{", number: '{"fork":5}', none: "null" })) {
      writeFileSync(join(reserved.forks, folder, name), text);
    }
    assert.deepEqual(await streams?.forksOf("a"), ["b"]);
    await streams?.removeFork("a", "b");
    await streams?.removeFork("a", "b");
    assert.deepEqual(await streams?.forksOf("a"), []);
  });

  it("is on the disk at the level disk only", async (t) => {
    for (const durability of ["os", "disk"] as const) {
      const { root } = await parts(t);
      const { streams } = fileStore({ root, durability });
      let flushes = 0;
      await beforeFlush(t, () => {
        flushes++;
      });
      await streams?.addFork("a", "b");
      assert.equal(flushes > 0, durability === "disk");
      flushes = 0;
      // A lost note of a use makes a stream live longer at most.
      await streams?.renew?.("a");
      assert.equal(flushes, 0);
      t.mock.restoreAll();
    }
  });

  it("is a tombstone only while there is no file", async (t) => {
    const { root } = await parts(t);
    const store = fileStore({ root });
    const tombstone = { created: true, producers: {}, deleted: true };
    await store.streams?.writeTombstone("a.txt", tombstone);
    assert.deepEqual(await store.streams?.find("a.txt"), tombstone);
    writeFileSync(join(root, "a.txt"), "x");
    assert.equal(await store.streams?.find("a.txt"), undefined);
    assert.equal(statSync(join(root, "a.txt")).size, 1);
    await store.streams?.writeTombstone("b.txt", tombstone);
    await store.streams?.forget("b.txt");
    assert.equal(await store.streams?.find("b.txt"), undefined);
  });

  it("is known to readers while the file is appended to", async (t) => {
    const { root } = await parts(t);
    const store = fileStore({ root });
    const handle = await store.claim("a.txt");
    await handle.append(Buffer.from("one"), STATE);
    const { size, generation, stream } = (await store.stat("a.txt")) ?? {};
    assert.deepEqual([size, generation, stream], [3, handle.generation, STATE]);
    await handle.append(Buffer.from("two"), { seq: "1" });
    assert.deepEqual((await store.stat("a.txt"))?.stream, { ...STATE, seq: "1" });
    await handle.release("complete");
  });

  it("of a file that another program has written shows no bytes of an incomplete write", async (t) => {
    const { root, files } = await parts(t);
    const store = fileStore({ root });
    const handle = await store.claim("a.txt");
    await handle.append(Buffer.from("one"), STATE);
    await handle.release("complete");
    const { generation = "" } = (await store.stat("a.txt")) ?? {};
    const log = readFileSync(files.placeOf("a.txt"), "utf8");
    const note = noteOf({ file: "a.txt", generation, number: 9 }, 3, Buffer.from("two"), { seq: "1" });
    writeFileSync(files.placeOf("a.txt"), log + formatLine(note));
    assert.deepEqual([(await store.stat("a.txt"))?.size, (await store.stat("a.txt"))?.stream?.seq], [3, undefined]);
    writeFileSync(join(root, "a.txt"), "onetw");
    assert.equal((await store.stat("a.txt"))?.size, 3);
    writeFileSync(join(root, "a.txt"), "onetwo");
    assert.deepEqual([(await store.stat("a.txt"))?.size, (await store.stat("a.txt"))?.stream?.seq], [6, "1"]);
  });
});
