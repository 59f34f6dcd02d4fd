/** Records of files, and how manual changes, copies, crashes and other processes affect them. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Store } from "../../../src/engine/storage/store.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { asOrdinaryUser, NO_PERMISSIONS } from "../../fixture/privileges.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";
import { until } from "../../fixture/until.ts";
import { generationOf, put } from "./driver.ts";
import { fileClaimant, NO_PROCESSES } from "./elsewhere.ts";
import { fileTest } from "./file-root.ts";

const LONG = "a line of a log, as there are many\n".repeat(400);

async function complete(store: Store, path: string, text: string): Promise<string> {
  const handle = await store.claim(path);
  await handle.append(Buffer.from(text));
  await handle.release("complete");
  return handle.generation;
}

/** Manual changes of `a.txt`, whose content is {@link LONG}, and whether the result counts as another content. */
const HANDS: Record<string, { reach: (file: string) => void; isOther: boolean }> = {
  "appends to it": { reach: (file) => appendFileSync(file, "by hand\n"), isOther: false },
  "touches it": { reach: (file) => utimesSync(file, 1, 1), isOther: false },
  "moves it away and back": {
    reach: (file) => {
      renameSync(file, `${file}.away`);
      renameSync(`${file}.away`, file);
    },
    isOther: false,
  },
  "restores it from a copy": {
    reach: (file) => {
      copyFileSync(file, `${file}.copy`);
      rmSync(file);
      copyFileSync(`${file}.copy`, file);
    },
    isOther: false,
  },
  "restores it from a copy that has more": {
    reach: (file) => {
      writeFileSync(`${file}.copy`, `${LONG}and more`);
      renameSync(`${file}.copy`, file);
    },
    isOther: false,
  },
  "cuts it short by a byte": { reach: (file) => truncateSync(file, LONG.length - 1), isOther: true },
  "empties it": { reach: (file) => truncateSync(file, 0), isOther: true },
  "puts other bytes of the same size there": {
    reach: (file) => writeFileSync(file, LONG.toUpperCase()),
    isOther: true,
  },
  "puts more of other bytes there": { reach: (file) => writeFileSync(file, `${LONG}${LONG}`.slice(1)), isOther: true },
  "removes it and makes a longer one": {
    reach: (file) => {
      rmSync(file);
      writeFileSync(file, `other ${LONG}`);
    },
    isOther: true,
  },
};

for (const [what, { reach, isOther }] of Object.entries(HANDS)) {
  for (const seen of ["read", "claimed"]) {
    fileTest(`a person ${what}, then it is ${seen}: ${isOther ? "another" : "the same"} generation`, async (at) => {
      const { store, root } = at;
      const before = await complete(store, "a.txt", LONG);
      reach(join(root, "a.txt"));
      if (seen === "claimed") {
        const handle = await store.claim("a.txt");
        assert.equal(handle.generation !== before, isOther);
        await handle.append(Buffer.from("and on"));
        await handle.release("complete");
      }
      const after = await generationOf(store, "a.txt");
      assert.equal(after !== before, isOther);
      assert.equal(await generationOf(fileStore({ root }), "a.txt"), after, "it stays now");
      const ended = seen === "read" && isOther ? "unknown" : "complete";
      assert.equal((await store.stat("a.txt"))?.ended, ended, "of other bytes nothing is on record");
    });
  }
}

fileTest("the record of a removed file is gone at the next look", async ({ store, root }) => {
  const before = await complete(store, "a.txt", "first");
  const handle = await store.claim("a.txt", { type: "text/x-old" });
  await handle.release("complete");
  rmSync(join(root, "a.txt"));
  assert.equal(await store.stat("a.txt"), undefined);
  writeFileSync(join(root, "a.txt"), "first and more");
  const { generation, ended, type } = (await store.stat("a.txt")) ?? {};
  assert.notEqual(generation, before, "it begins with the same bytes, and is another one");
  assert.deepEqual([ended, type], ["unknown", undefined]);
});

fileTest("a removed file that an append creates again is another one, also an empty one", async ({ store, root }) => {
  for (const text of ["", "text"]) {
    const before = await complete(store, "a.txt", text);
    rmSync(join(root, "a.txt"));
    assert.notEqual(await complete(store, "a.txt", `${text} and more`), before);
  }
});

fileTest("a plain file keeps its generation over growth, appends and new stores", async ({ store, root }) => {
  for (const [name, text] of [
    ["empty.txt", ""],
    ["tiny.txt", "x"],
    ["long.txt", LONG],
  ] as const) {
    const file = join(root, name);
    writeFileSync(file, text);
    const first = await store.stat(name);
    assert.equal(first?.ended, "unknown");
    appendFileSync(file, "by hand\n");
    assert.equal(await generationOf(store, name), first?.generation);
    assert.equal(await complete(store, name, "through us\n"), first?.generation);
    assert.equal(await generationOf(fileStore({ root }), name), first?.generation);
    assert.equal(readFileSync(file, "utf8"), `${text}by hand\nthrough us\n`);
    writeFileSync(file, `something longer, and else: ${LONG}${LONG}`);
    assert.notEqual(await generationOf(store, name), first?.generation);
  }
});

fileTest("many readers of a plain file at once agree on its generation", async ({ store, root }) => {
  writeFileSync(join(root, "a.txt"), "plain");
  const stores = [store, fileStore({ root }), fileStore({ root })];
  const found = await Promise.all(
    Array.from({ length: 30 }, (_, at) => generationOf(stores[at % 3] ?? store, "a.txt")),
  );
  assert.equal(new Set(found).size, 1);
});

fileTest("a record that is torn, garbage or a folder counts as none, and is repaired", async ({ store, root }) => {
  const streams = join(root, ".httpfstream", "streams");
  for (const spoil of [
    (file: string) => writeFileSync(file, ""),
    (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 20)),
    (file: string) => writeFileSync(file, '{"file":"b.txt","generation":"00000000","size":0,"digest":""}'),
    (file: string) => writeFileSync(file, '{"file":"a.txt","generation":"a/b","size":-1,"digest":7}'),
    (file: string) => {
      rmSync(file);
      mkdirSync(join(file, "deep"), { recursive: true });
    },
  ]) {
    for (const isRead of [true, false]) {
      const before = await complete(store, "a.txt", "text");
      for (const name of readdirSync(streams)) spoil(join(streams, name));
      if (isRead) assert.notEqual(await generationOf(store, "a.txt"), before);
      else assert.notEqual(await complete(store, "a.txt", "more"), before);
      assert.equal(await generationOf(store, "a.txt"), await generationOf(fileStore({ root }), "a.txt"));
    }
  }
});

fileTest("fields that a later version has recorded are kept", async ({ store, root }) => {
  await complete(store, "a.txt", "text");
  const streams = join(root, ".httpfstream", "streams");
  const [name = ""] = readdirSync(streams);
  const file = join(streams, name);
  const { check, ...record } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  assert.equal(typeof check, "string");
  writeFileSync(file, JSON.stringify({ ...record, closed: true }));
  await complete(store, "a.txt", "more");
  assert.equal((JSON.parse(readFileSync(file, "utf8")) as { closed?: boolean }).closed, true);
});

fileTest("an invalid type on record counts as none; the generation stays", async ({ store, root }) => {
  const generation = await complete(store, "a.txt", "text");
  const streams = join(root, ".httpfstream", "streams");
  const file = join(streams, readdirSync(streams)[0] ?? "");
  const { check: _, ...record } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  for (const type of ["text/\nplain", "text/plain\r\nSet-Cookie: a=b", "漢字/text", "", "text", "x".repeat(300)]) {
    writeFileSync(file, JSON.stringify({ ...record, type }));
    const found = await store.stat("a.txt");
    assert.deepEqual([found?.generation, found?.type], [generation, undefined], JSON.stringify(type));
  }
  const handle = await store.claim("a.txt", { type: "text/x-new" });
  await handle.append(Buffer.from("more"));
  await handle.release("complete");
  assert.equal((await store.stat("a.txt"))?.type, "text/x-new");
});

fileTest("a file that is replaced, or cut short, under an append is another content at once", async (at) => {
  const { store, root } = at;
  for (const reach of [
    (file: string) => truncateSync(file, 3),
    (file: string) => {
      writeFileSync(`${file}.new`, `longer than it was: ${LONG}`);
      renameSync(`${file}.new`, file);
    },
  ]) {
    const handle = await store.claim("a.txt");
    await handle.append(Buffer.from("the append's bytes"));
    reach(join(root, "a.txt"));
    const seen = await generationOf(store, "a.txt");
    assert.notEqual(seen, handle.generation);
    assert.equal(await generationOf(store, "a.txt"), seen, "the same at the next look");
    await assert.rejects(handle.append(Buffer.from("more")));
    assert.equal(handle.fate, "replaced");
    await handle.release("replaced");
    assert.equal(await generationOf(store, "a.txt"), seen);
    rmSync(join(root, "a.txt"));
  }
});

fileTest("a file that is removed under an append leaves no record", async ({ store, root }) => {
  const handle = await store.claim("a.txt");
  await handle.append(Buffer.from("text"));
  rmSync(join(root, "a.txt"));
  await assert.rejects(handle.append(Buffer.from("more")));
  assert.equal(handle.fate, "deleted");
  await handle.release("deleted");
  assert.deepEqual(readdirSync(join(root, ".httpfstream", "streams")), []);
});

fileTest("a copy of the whole root keeps everything", async ({ store, root, outside }) => {
  const generation = await complete(store, "dir/a.txt", LONG);
  mkdirSync(join(outside, "copy", "dir"), { recursive: true });
  mkdirSync(join(outside, "copy", ".httpfstream", "streams"), { recursive: true });
  copyFileSync(join(root, "dir/a.txt"), join(outside, "copy/dir/a.txt"));
  for (const name of readdirSync(join(root, ".httpfstream", "streams"))) {
    copyFileSync(join(root, ".httpfstream", "streams", name), join(outside, "copy/.httpfstream/streams", name));
  }
  const found = await fileStore({ root: join(outside, "copy") }).stat("dir/a.txt");
  assert.deepEqual([found?.generation, found?.ended], [generation, "complete"]);
});

fileTest(
  "a root without write permission: generations stay the same",
  async ({ root }) => {
    writeFileSync(join(root, "a.txt"), "plain");
    rmSync(join(root, ".httpfstream"), { recursive: true, force: true });
    chmodSync(join(root, ".."), 0o755);
    chmodSync(root, 0o755);
    if (process.getuid?.() === 0) chownSync(root, 0, 0);
    await asOrdinaryUser(async () => {
      const first = await generationOf(fileStore({ root }), "a.txt");
      assert.equal(await generationOf(fileStore({ root }), "a.txt"), first);
    });
    appendFileSync(join(root, "a.txt"), " and more");
    await asOrdinaryUser(async () => {
      const one = fileStore({ root });
      const grown = await generationOf(one, "a.txt");
      assert.equal(statSync(join(root, "a.txt")).size, 14);
      assert.equal(await generationOf(one, "a.txt"), grown);
    });
  },
  process.getuid?.() === 0 ? NO_PERMISSIONS : "only root can make a folder that is not its own",
);

const skip = NO_PROCESSES ?? false;

test("kill -9 in mid-append: the same generation, and the appender was lost", { skip }, async () => {
  const root = await temporaryFolder("records");
  try {
    for (const durability of ["os", "disk"] as const) {
      const store = fileStore({ root, durability });
      const path = `${durability}.txt`;
      const before = await complete(store, path, "complete ");
      const other = fileClaimant(root);
      assert.equal(await other.ask(`claim ${path}`), "claimed at 9");
      assert.equal(await other.ask(`append ${path} half of it`), "size 19");
      const during = await store.stat(path);
      assert.deepEqual([during?.generation, during?.appending, during?.ended], [before, true, undefined]);
      await other.kill();
      const after = await until("the appender to be gone", async () => {
        const found = await store.stat(path);
        return found?.appending ? undefined : found;
      });
      assert.deepEqual([after.generation, after.ended], [before, "lost"]);
      assert.equal(await complete(store, path, "rest"), before);
      assert.equal((await store.stat(path))?.ended, "complete");
    }
  } finally {
    await removeFolder(root);
  }
});

test("later readers see the end that a process announced before it died", { skip }, async () => {
  const root = await temporaryFolder("records");
  try {
    const other = fileClaimant(root);
    for (const command of ["claim a.txt", "append a.txt all of it", "announce a.txt complete"])
      await other.ask(command);
    await other.kill();
    const found = await fileStore({ root }).stat("a.txt");
    assert.deepEqual([found?.appending, found?.ended, found?.size], [false, "complete", 9]);
  } finally {
    await removeFolder(root);
  }
});

fileTest("a power cut may leave the record behind the file, or ahead of it", async ({ store, root }) => {
  const streams = join(root, ".httpfstream", "streams");
  const behind = await complete(store, "a.txt", "first ");
  const [name = ""] = readdirSync(streams);
  const record = readFileSync(join(streams, name));
  await put(store, "a.txt", "second");
  writeFileSync(join(streams, name), record);
  assert.equal(await generationOf(fileStore({ root }), "a.txt"), behind, "more bytes than are on record");
  await complete(store, "a.txt", " third");
  const ahead = await generationOf(store, "a.txt");
  truncateSync(join(root, "a.txt"), 12);
  appendFileSync(join(root, "a.txt"), Buffer.alloc(6));
  assert.notEqual(await generationOf(fileStore({ root }), "a.txt"), ahead, "zeros where bytes were to come");
});
