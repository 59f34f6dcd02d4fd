/** Making and listing folders, and finding the place of a path in them, while other programs change them. */
import assert from "node:assert/strict";
import fs, {
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder, makeFolderSync, namesIn } from "../../src/stores/file/folders/folder.ts";
import { isOpen, resolveInRoot } from "../../src/stores/file/folders/resolve-in-root.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { systemError } from "../fixture/open-files.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** Makes a folder, also while {@link disturbed}. */
const { mkdirSync: mkdirNow } = fs;

const PROC = existsSync("/proc/self") ? false : "this system has no /proc";

function rootTest(what: string, run: (root: string) => Promise<void>): void {
  test(what, { timeout: 20_000 }, async () => {
    const root = realpathSync(await temporaryFolder("folders"));
    try {
      await run(root);
    } finally {
      await removeFolder(root);
    }
  });
}

/** Both ways of making a folder. */
const MAKERS: Record<string, (folder: string) => Promise<void>> = {
  makeFolder,
  makeFolderSync: async (folder) => makeFolderSync(folder),
};

/** Runs `use` while `before` is called before each system call that makes a folder, and `after` when it has failed. */
async function disturbed(
  use: () => Promise<void>,
  before: (path: string) => void,
  after: (path: string) => void = () => {},
): Promise<void> {
  const { mkdirSync: makeSync } = fs;
  const { mkdir } = fs.promises;
  Object.assign(fs, {
    mkdirSync(path: string) {
      before(path);
      try {
        makeSync(path);
      } catch (error) {
        after(path);
        throw error;
      }
    },
  });
  Object.assign(fs.promises, { mkdir: async (path: string) => fs.mkdirSync(path) });
  syncBuiltinESMExports();
  try {
    await use();
  } finally {
    Object.assign(fs, { mkdirSync: makeSync });
    Object.assign(fs.promises, { mkdir });
    syncBuiltinESMExports();
  }
}

for (const [name, make] of Object.entries(MAKERS)) {
  rootTest(`${name}: a folder and its parents, and what is there stays`, async (root) => {
    const folder = join(root, "a/b/c");
    await make(folder);
    const { ino } = statSync(folder);
    writeFileSync(join(folder, "x"), "");
    await make(folder);
    assert.equal(statSync(folder).ino, ino);
    assert.deepEqual(readdirSync(folder), ["x"]);
  });

  rootTest(`${name}: a file in the place of a folder`, async (root) => {
    const file = join(root, "file");
    writeFileSync(file, "");
    await assert.rejects(make(file), { code: "EEXIST" });
    await assert.rejects(make(join(file, "below")), { code: "ENOTDIR" });
    await assert.rejects(make(join(file, "far/below")), { code: "ENOTDIR" });
  });

  test(`${name}: a file system that refuses new folders`, { skip: PROC, timeout: 20_000 }, async () => {
    await assert.rejects(make("/proc/new"), { code: "ENOENT" });
    await assert.rejects(make("/proc/new/below"), { code: "ENOENT" });
  });

  rootTest(`${name}: what fails for good is not tried again and again`, async (root) => {
    const file = join(root, "file");
    writeFileSync(file, "");
    for (const [folder, code] of [
      [file, "EEXIST"],
      [join(root, "refused"), "EROFS"],
    ] as const) {
      let calls = 0;
      const before = (): void => {
        calls++;
        if (code === "EROFS") throw systemError(code);
      };
      await assert.rejects(
        disturbed(() => make(folder), before),
        { code },
      );
      assert.ok(calls <= 2, `${code}: ${calls} calls`);
    }
  });

  rootTest(`${name}: another program removes its parent again and again`, async (root) => {
    const folder = join(root, "a/b");
    let removed = 0;
    const remove = (path: string): void => {
      if (path !== folder || removed === 3) return;
      removed++;
      if (existsSync(join(root, "a"))) rmdirSync(join(root, "a"));
    };
    await disturbed(() => make(folder), remove);
    assert.equal(removed, 3);
    assert.ok(existsSync(folder));
  });

  rootTest(`${name}: another program makes it first, and may remove it again`, async (root) => {
    for (const isRemoved of [false, true]) {
      const folder = join(root, `a-${isRemoved}`);
      let calls = 0;
      const first = (): void => {
        if (++calls === 1) mkdirNow(folder);
      };
      await disturbed(
        () => make(folder),
        first,
        () => isRemoved && rmdirSync(folder),
      );
      assert.ok(existsSync(folder));
    }
  });
}

rootTest("the names in a folder; none if there is none", async (root) => {
  mkdirSync(join(root, "folder"));
  writeFileSync(join(root, "file"), "");
  assert.deepEqual((await namesIn(root)).sort(), ["file", "folder"]);
  assert.deepEqual(await namesIn(join(root, "none")), []);
  await assert.rejects(namesIn(join(root, "file")), { code: "ENOTDIR" });
});

test("what is within a root, and not its own folder", () => {
  for (const real of ["/a", "/a/b", "/a/.httpfstreams", "/a/b/.httpfstream"]) assert.ok(isOpen("/a", real), real);
  for (const real of ["/", "/ab", "/b/a", "/a/.httpfstream", "/a/.httpfstream/claims"])
    assert.ok(!isOpen("/a", real), real);
  for (const real of ["/", "/a"]) assert.ok(isOpen("/", real), real);
  assert.ok(!isOpen("/", "/.httpfstream/claims"));
});

rootTest("the place of a path that does not exist is below what exists of it", async (root) => {
  mkdirSync(join(root, "a/b"), { recursive: true });
  symlinkSync("a", join(root, "link"));
  symlinkSync("none", join(root, "a/dangling"));
  assert.equal(await resolveInRoot(root, "a/b/c/d"), join(root, "a/b/c/d"));
  assert.equal(await resolveInRoot(root, "link/b/c"), join(root, "a/b/c"));
  assert.equal(await resolveInRoot(root, "link/b"), join(root, "a/b"));
  assert.equal(await resolveInRoot(root, ""), root);
  const error = await rejectsWith(resolveInRoot(root, "link/dangling/c"), "bad_path");
  assert.equal(error.path, "link/dangling/c");
});

rootTest("what is there must be below the root, and not the store's own", async (root) => {
  mkdirSync(join(root, ".httpfstream/claims"), { recursive: true });
  symlinkSync(".httpfstream", join(root, "own"));
  symlinkSync("..", join(root, "out"));
  for (const path of ["own", "own/claims", "own/new", "out", "out/new", ".httpfstream"]) {
    assert.equal((await rejectsWith(resolveInRoot(root, path), "bad_path")).path, path);
  }
  writeFileSync(join(root, "file"), "");
  assert.equal((await rejectsWith(resolveInRoot(root, "file/below"), "path_conflict")).path, "file/below");
});

rootTest("what fails on the way to the place of a path is reported", async (root) => {
  mkdirSync(join(root, "a"));
  const { lstatSync } = fs;
  const { lstat } = fs.promises;
  const denied = Object.assign(new Error("denied"), { code: "EACCES" });
  // The second one is used for a while after a slow call.
  const refuse = (): never => {
    throw denied;
  };
  Object.assign(fs, { lstatSync: refuse });
  Object.assign(fs.promises, { lstat: async () => refuse() });
  syncBuiltinESMExports();
  try {
    await rejectsWith(resolveInRoot(root, "a/none"), "denied");
  } finally {
    Object.assign(fs, { lstatSync });
    Object.assign(fs.promises, { lstat });
    syncBuiltinESMExports();
  }
});
