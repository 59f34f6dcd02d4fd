/** Another program changes a file during an append: the store detects it and publishes no wrong bytes. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { prng, randomBytes } from "../../fixture/bytes.ts";
import { put, readAll, rejectsWith, stored } from "./driver.ts";
import { fileTest } from "./file-root.ts";

/** The ways in which `dir/a.txt` is changed, and its content afterwards; undefined if there is no file. */
const INTERFERENCES: Record<string, { interfere: (file: string) => void; left: string | undefined }> = {
  removed: { interfere: (file) => rmSync(file), left: undefined },
  "truncated to nothing": { interfere: (file) => truncateSync(file, 0), left: "" },
  "truncated by a byte": { interfere: (file) => truncateSync(file, 3), left: "one" },
  "written to": { interfere: (file) => appendFileSync(file, "!"), left: "one !" },
  "rewritten at another length": { interfere: (file) => writeFileSync(file, "other bytes"), left: "other bytes" },
  "removed and created again": {
    interfere: (file) => {
      // Keep the old file under another name, so that the new one cannot get the same inode.
      renameSync(file, `${file}.old`);
      writeFileSync(file, "one ");
    },
    left: "one ",
  },
  "replaced by a rename": {
    interfere: (file) => {
      writeFileSync(`${file}.new`, "one ");
      renameSync(`${file}.new`, file);
    },
    left: "one ",
  },
  "replaced by a folder": {
    interfere: (file) => {
      rmSync(file);
      mkdirSync(file);
    },
    left: undefined,
  },
  "replaced by a link to a copy": {
    interfere: (file) => {
      writeFileSync(`${file}.copy`, "one ");
      rmSync(file);
      symlinkSync(`${file}.copy`, file);
    },
    left: "one ",
  },
  "gone with its folder": { interfere: (file) => rmSync(join(file, ".."), { recursive: true }), left: undefined },
  "moved with its folder": {
    interfere: (file) => renameSync(join(file, ".."), join(file, "..", "..", "moved")),
    left: undefined,
  },
  "cut off by a file in its folder's place": {
    interfere: (file) => {
      renameSync(join(file, ".."), join(file, "..", "..", "moved"));
      writeFileSync(join(file, ".."), "a file");
    },
    left: undefined,
  },
};

for (const [what, { interfere, left }] of Object.entries(INTERFERENCES)) {
  fileTest(`${what}: the next append fails with changed and writes nothing`, async ({ store, root }) => {
    const file = join(root, "dir/a.txt");
    const handle = await store.claim("dir/a.txt");
    await handle.append(Buffer.from("one "));
    interfere(file);
    const error = await rejectsWith(handle.append(Buffer.from("two ")), "changed");
    assert.ok(!error.message.includes(root), "the message does not tell where the root is");
    assert.equal(handle.offset, 4);
    await rejectsWith(handle.append(Buffer.from("three ")), "changed");
    await handle.release();
    assert.equal(isFile(file) ? readFileSync(file, "utf8") : undefined, left);
  });
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

fileTest("after a change the path can be claimed again, and continues at its real end", async ({ store, root }) => {
  for (const interfere of [truncateSync, rmSync, (file: string) => appendFileSync(file, "foreign ")]) {
    const handle = await store.claim("a.txt");
    await handle.append(Buffer.from("mine "));
    interfere(join(root, "a.txt"));
    await rejectsWith(handle.append(Buffer.from("lost ")), "changed");
    await handle.release();
    const before = statSync(join(root, "a.txt"), { throwIfNoEntry: false })?.size ?? 0;
    assert.equal(await put(store, "a.txt", "again "), before + 6);
    assert.ok((await stored(store, "a.txt")).toString().endsWith("again "));
    await store.remove("a.txt");
  }
});

fileTest(
  "whatever a foreign writer does at the same time, an append that succeeds is at the offset that it reports",
  async (at) => {
    const { store, root } = at;
    const random = prng(11);
    let succeeded = 0;
    let noticed = 0;
    for (let round = 0; round < 150; round++) {
      const handle = await store.claim("a.bin");
      const foreign = await open(join(root, "a.bin"), "a");
      const published: { from: number; to: number; bytes: Buffer }[] = [];
      const writeOurs = async (): Promise<void> => {
        for (let count = 0; count < 5; count++) {
          const bytes = randomBytes(1 + Math.floor(random() * 3000), round * 10 + count);
          const from = handle.offset;
          published.push({ from, to: await handle.append(bytes), bytes });
        }
      };
      const writeTheirs = async (): Promise<void> => {
        for (let count = Math.floor(random() * 3); count > 0; count--) await foreign.write("theirs");
      };
      const [ours] = await Promise.allSettled([writeOurs(), writeTheirs()]);
      if (ours.status === "rejected") {
        noticed++;
        await rejectsWith(Promise.reject(ours.reason), "changed");
      }
      succeeded += published.length;
      for (const { from, to, bytes } of published) {
        assert.ok((await readAll(store.read("a.bin", from, to))).equals(bytes), `round ${round}, ${from} to ${to}`);
      }
      assert.equal(handle.offset, published.at(-1)?.to ?? handle.offset);
      await foreign.close();
      await handle.release();
      if (round % 20 === 19) await store.remove("a.bin");
    }
    assert.ok(succeeded > 0 && noticed > 0, `${succeeded} appends succeeded, ${noticed} rounds were disturbed`);
  },
);
