/** The options of a file store, and why its root cannot be used. */
import assert from "node:assert/strict";
import { existsSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import { openRoot } from "../../src/stores/file/root.ts";
import { type FileStoreOptions, fileStore } from "../../src/stores/file/store.ts";
import { put } from "../contract/store/driver.ts";
import { randomBytes } from "../fixture/bytes.ts";
import { NO_DEATH } from "../fixture/other-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

function rootTest(what: string, run: (root: string) => Promise<void>, skip: string | false = false): void {
  test(what, { skip, timeout: 20_000 }, async () => {
    const root = realpathSync(await temporaryFolder("root"));
    try {
      await run(root);
    } finally {
      await removeFolder(root);
    }
  });
}

rootTest("a read has pieces of the given size, and of 384 KiB otherwise", async (root) => {
  writeFileSync(join(root, "a.bin"), randomBytes(400 * 1024, 1));
  const sizes = async (options: FileStoreOptions): Promise<number[]> => {
    const found: number[] = [];
    for await (const { length } of fileStore({ root, ...options }).read("a.bin", 0, 400 * 1024)) found.push(length);
    return found;
  };
  assert.deepEqual(await sizes({}), [384 * 1024, 16 * 1024]);
  assert.deepEqual(await sizes({ readBytes: 300 * 1024 }), [300 * 1024, 100 * 1024]);
});

rootTest("an unknown durability is refused, and only at the level disk there is a journal", async (root) => {
  for (const durability of ["disk", "os", undefined] as const) {
    const handle = await fileStore({ root, ...(durability && { durability }) }).claim("a.txt");
    await handle.append(Buffer.from("x"));
    assert.equal(existsSync(join(root, ".httpfstream/journal")), durability === "disk");
    await handle.release();
    rmSync(join(root, ".httpfstream/journal"), { recursive: true, force: true });
  }
  assert.throws(() => fileStore({ root, durability: "ssd" as "disk" }), TypeError);
});

/** Opens a root that cannot be used, and returns the error. */
function rootError(root: string): StreamError {
  try {
    fileStore({ root });
  } catch (error) {
    assert.ok(error instanceof StreamError, String(error));
    return error;
  }
  assert.fail(`${root} can be used`);
}

rootTest("a root is created with its parents, and why it cannot be used is said once", async (root) => {
  const deep = join(root, "far/below");
  await put(fileStore({ root: deep }), "a.txt", "x");
  const file = join(deep, "a.txt");
  const error = rootError(file);
  const why = "a file is in the place of a folder.";
  assert.deepEqual(
    [error.code, error.path, error.message],
    ["path_conflict", file, `The root folder ${file} can't be used: ${why}`],
  );
  assert.equal((error.cause as { code?: string }).code, "EEXIST");
  assert.throws(() => fileStore({ root: "" }), TypeError);
  const own = new StreamError("storage", "Nothing: a link: to see.");
  const opened = (): void => {
    throw own;
  };
  assert.throws(() => openRoot(root, opened), { message: `The root folder ${root} can't be used: a link: to see.` });
  assert.equal(
    openRoot(join(deep, ".."), (real) => real),
    join(root, "far"),
  );
});

rootTest(
  "a root in which nothing can be created",
  async () => {
    const error = rootError("/proc/new");
    const message = "The root folder /proc/new can't be used: nothing can be created in /proc.";
    assert.deepEqual([error.code, error.message], ["storage", message]);
  },
  NO_DEATH,
);
