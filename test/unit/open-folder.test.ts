/** An open folder: operations reach that folder, also if another one replaces it at its path. */
import assert from "node:assert/strict";
import {
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { replaceByCopy } from "../../src/stores/file/claims/replace.ts";
import {
  CheckedFolder,
  inFolderOf,
  type OpenFolder,
  openFolder,
  openIn,
  openOrMakeFolder,
} from "../../src/stores/file/folders/open-folder.ts";
import { reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { descriptors, openFiles } from "../fixture/descriptors.ts";
import { systemError } from "../fixture/open-files.ts";
import { asOrdinaryUser, NO_PERMISSIONS } from "../fixture/privileges.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

interface Place {
  readonly root: string;
  readonly outside: string;
  /** Replaces the folder by a symbolic link that leads out of the root. */
  swap(): void;
}

function folderTest(what: string, run: (at: Place) => Promise<void>, skip: string | false = false): void {
  test(what, { skip }, async () => {
    const top = await temporaryFolder("held");
    const [root, outside] = [join(top, "root"), join(top, "outside")];
    for (const folder of [root, outside, join(root, "folder")]) mkdirSync(folder);
    writeFileSync(join(root, "folder/a.txt"), "inside");
    writeFileSync(join(outside, "a.txt"), "outside");
    const swap = (): void => {
      renameSync(join(root, "folder"), join(root, "away"));
      symlinkSync(outside, join(root, "folder"));
    };
    try {
      await run({ root, outside, swap });
    } finally {
      await removeFolder(top);
    }
  });
}

const NO_PROC = !existsSync("/proc/self/fd") && "this system does not tell where a descriptor leads to";

const { O_RDONLY, O_WRONLY, O_CREAT } = constants;

async function read(folder: OpenFolder, name: string): Promise<string> {
  const opened = await openIn(folder, name, O_RDONLY);
  return String(await opened.readFile().finally(() => opened.close()));
}

folderTest(
  "operations reach a held folder even after it was replaced at its path",
  async ({ root, outside, swap }) => {
    const folder = await openFolder(root, join(root, "folder"));
    swap();
    assert.equal(await read(folder, "a.txt"), "inside");
    await (await openIn(folder, "new.txt", O_WRONLY | O_CREAT)).close();
    folder.release();
    assert.ok(existsSync(join(root, "away/new.txt")));
    assert.ok(!existsSync(join(outside, "new.txt")));
  },
  NO_PROC,
);

folderTest("a folder that is known by its path alone yields nothing after it was replaced", async ({ root, swap }) => {
  const folder = await CheckedFolder.look(root, join(root, "folder"));
  assert.equal(await read(folder, "a.txt"), "inside");
  swap();
  await rejectsWith(read(folder, "a.txt"), "bad_path");
  await rejectsWith(folder.verify(), "bad_path");
});

folderTest("a folder that was replaced by a link is not held, by any path", async ({ root, outside, swap }) => {
  swap();
  for (const folder of ["folder", "folder/deep", ".httpfstream", ".."]) {
    mkdirSync(join(root, ".httpfstream"), { recursive: true });
    mkdirSync(join(outside, "deep"), { recursive: true });
    await rejectsWith(openFolder(root, join(root, folder)), "bad_path");
    await rejectsWith(CheckedFolder.look(root, join(root, folder)), "bad_path");
  }
  await rejectsWith(openOrMakeFolder(root, join(root, "folder/new/er")), "bad_path");
  assert.ok(!existsSync(join(outside, "new")));
});

folderTest("a link in place of a file is neither opened nor replaced", async ({ root, outside }) => {
  symlinkSync(join(outside, "a.txt"), join(root, "folder/link.txt"));
  const folder = await openFolder(root, join(root, "folder"));
  await assert.rejects(openIn(folder, "link.txt", O_RDONLY), { code: "ELOOP" });
  folder.release();
  await assert.rejects(replaceByCopy(reservedIn(root), join(root, "folder/link.txt")), { code: "ELOOP" });
  assert.equal(readFileSync(join(outside, "a.txt"), "utf8"), "outside");
});

folderTest("a folder that was replaced during a takeover gets no copy", async ({ root, outside, swap }) => {
  swap();
  await rejectsWith(replaceByCopy(reservedIn(root), join(root, "folder/a.txt")), "bad_path");
  assert.equal(readFileSync(join(outside, "a.txt"), "utf8"), "outside");
  await replaceByCopy(reservedIn(root), join(root, "away/a.txt"));
  assert.equal(readFileSync(join(root, "away/a.txt"), "utf8"), "inside");
});

folderTest("a folder that many make at once is made once, with its parents", async ({ root }) => {
  const made: string[] = [];
  const deep = join(root, "folder/new/er");
  const folders = await Promise.all(Array.from({ length: 20 }, () => openOrMakeFolder(root, deep, made)));
  for (const { real } of folders) assert.equal(real, deep);
  for (const folder of folders) folder.release();
  assert.deepEqual(made, [join(root, "folder/new"), deep]);
});

folderTest("a folder that is removed as soon as it is made is made again", async ({ root }) => {
  const made: string[] = [];
  made.push = (folder) => {
    if (made.length === 0) rmdirSync(folder);
    return Array.prototype.push.call(made, folder);
  };
  (await openOrMakeFolder(root, join(root, "new"), made)).release();
  assert.deepEqual([...made], [join(root, "new"), join(root, "new")]);
});

folderTest("a root that is gone is not made again", async ({ root }) => {
  const gone = join(root, "gone");
  for (const folder of [gone, join(gone, "new")]) {
    await assert.rejects(openOrMakeFolder(gone, folder), { code: "ENOENT" });
    assert.ok(!existsSync(gone));
  }
});

folderTest("a folder that cannot be made is reported", async ({ root }) => {
  await assert.rejects(openOrMakeFolder(root, join(root, "folder/a.txt/new")), { code: "ENOTDIR" });
  await assert.rejects(openOrMakeFolder(root, join(root, "x".repeat(300))), { code: "ENAMETOOLONG" });
  if (!NO_PROC) await assert.rejects(openOrMakeFolder("/proc", "/proc/new"), { code: "ENOENT" });
});

folderTest(
  "a folder that may be searched but not read is opened, and none is made where that is denied",
  async ({ root }) => {
    for (const folder of [dirname(root), root]) chmodSync(folder, 0o755);
    chmodSync(join(root, "folder"), 0o311);
    await asOrdinaryUser(async () => {
      const folder = await openFolder(root, join(root, "folder"));
      assert.equal(await read(folder, "a.txt"), "inside");
      folder.release();
      await assert.rejects(openOrMakeFolder(root, join(root, "new")), { code: "EACCES" });
    });
    chmodSync(join(root, "folder"), 0o755);
  },
  NO_PERMISSIONS ?? NO_PROC,
);

folderTest("a folder that is known by its path alone must be that folder, and its file that file", async (at) => {
  const path = join(at.root, "folder");
  const error = await rejectsWith(CheckedFolder.look(at.root, join(path, "a.txt")), "path_conflict");
  assert.equal(error.path, "folder/a.txt");
  const folder = await CheckedFolder.look(at.root, path);
  assert.equal(folder.real, path);
  const [opened, other] = [await open(join(path, "a.txt")), await open(join(at.outside, "a.txt"))];
  try {
    await folder.verify("a.txt");
    await folder.verify(undefined, other);
    await folder.verify("a.txt", opened);
    assert.equal((await rejectsWith(folder.verify("a.txt", other), "bad_path")).path, "folder");
    renameSync(path, `${path}-away`);
    symlinkSync(`${path}-away`, path);
    await rejectsWith(folder.verify(), "bad_path");
    unlinkSync(path);
    mkdirSync(path);
    await rejectsWith(folder.verify(), "bad_path");
  } finally {
    await Promise.all([opened.close(), other.close()]);
  }
  folder.release();
});

folderTest(
  "no descriptor stays open, whether a folder is held or refused",
  async ({ root, outside, swap }) => {
    (await openFolder(root, join(root, "folder"))).release();
    (await openOrMakeFolder(root, join(root, "folder/new/er"))).release();
    await assert.rejects(openIn(await CheckedFolder.look(root, root), "none", O_RDONLY), { code: "ENOENT" });
    const checked = await CheckedFolder.look(root, join(root, "folder"));
    swap();
    await rejectsWith(openIn(checked, "a.txt", O_RDONLY), "bad_path");
    await rejectsWith(openFolder(root, outside), "bad_path");
    await assert.rejects(openFolder(root, join(root, "none")), { code: "ENOENT" });
    assert.equal(await inFolderOf(root, join(root, "away/a.txt"), async (_, name) => name), "a.txt");
    await assert.rejects(
      inFolderOf(root, join(root, "away/a.txt"), () => Promise.reject(systemError("EIO"))),
      { code: "EIO" },
    );
    assert.deepEqual(openFiles(dirname(root)), []);
    // Through it, the store has found out whether it can ask where a descriptor leads.
    assert.ok(!descriptors().includes("/"));
    assert.deepEqual(readdirSync(outside), ["a.txt"]);
  },
  NO_PROC,
);
