/** Failed writes, and which bytes count as stored afterwards. */
import assert from "node:assert/strict";
import fs, { appendFileSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { OpenedFile } from "../../../src/stores/file/folders/opened-file.ts";
import { decodeSegment } from "../../../src/stores/file/journal/record.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";
import { rejectsWith } from "./driver.ts";
import { fileTest } from "./file-root.ts";

const skip =
  "Deno" in globalThis || "Bun" in globalThis ? "only on Node can a test make a write of the store fail" : false;

/** The bytes that a failed write of `ours` leaves in the file, and how many of them count as stored. */
const LEFT: Record<string, { readonly left: string; readonly counted: number }> = {
  nothing: { left: "", counted: 0 },
  "a part of it": { left: "ou", counted: 2 },
  "all of it": { left: "ours", counted: 4 },
  "foreign bytes, fewer than were to be written": { left: "x", counted: 0 },
  "as many foreign bytes": { left: "THEY", counted: 0 },
  "more foreign bytes": { left: "theirs", counted: 0 },
  "a part of it and foreign bytes": { left: "ouX", counted: 0 },
};

for (const [what, { left, counted }] of Object.entries(LEFT)) {
  test(`a failed write that leaves ${what} counts ${counted} bytes`, { skip }, async () => {
    const root = await temporaryFolder("failed");
    const handle = await fileStore({ root }).claim("a.txt");
    await handle.append(Buffer.from("before "));
    const restore = replaceWrites(() => {
      appendFileSync(join(root, "a.txt"), left);
      throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    });
    try {
      await rejectsWith(handle.append(Buffer.from("ours")), "no_space");
    } finally {
      restore();
    }
    assert.equal(handle.offset, 7 + counted);
    const next = handle.append(Buffer.from("next"));
    if (left.length === counted) assert.equal(await next, 11 + counted);
    else await rejectsWith(next, "changed");
    await handle.release();
    assert.ok(readFileSync(join(root, "a.txt"), "utf8").startsWith(`before ${left}`));
    await removeFolder(root);
  });
}

/** Replaces both ways of writing: after a slow write the store uses the asynchronous one for a while. */
function replaceWrites(replacement: () => never): () => void {
  const { writeSync } = fs;
  const { write } = OpenedFile.prototype;
  fs.writeSync = replacement;
  OpenedFile.prototype.write = async () => replacement();
  syncBuiltinESMExports();
  return () => {
    fs.writeSync = writeSync;
    OpenedFile.prototype.write = write;
    syncBuiltinESMExports();
  };
}

fileTest("a removed journal keeps nothing: the next bytes go into a new one", async ({ root }) => {
  const journal = join(root, ".httpfstream", "journal");
  const handle = await fileStore({ root, durability: "disk" }).claim("a.txt");
  const kept = (): string[] =>
    readdirSync(journal).flatMap((name) => {
      const records = decodeSegment(readFileSync(join(journal, name)))?.records ?? [];
      return records.map(({ offset, bytes }) => `${offset} ${Buffer.from(bytes)}`);
    });
  await handle.append(Buffer.from("one"));
  assert.deepEqual(kept(), ["0 one"]);
  for (const name of readdirSync(journal)) rmSync(join(journal, name));
  assert.equal(await handle.append(Buffer.from("two")), 6);
  assert.deepEqual(kept(), ["3 two"], "what was acknowledged is in a journal that the next start finds");
  await handle.release("complete");
  assert.equal(readFileSync(join(root, "a.txt"), "utf8"), "onetwo");
});
