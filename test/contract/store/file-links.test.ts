/** Symbolic links in the file store: they may lead to places inside the root, never outside. */
import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Store } from "../../../src/engine/storage/store.ts";
import { StreamError } from "../../../src/protocol/errors.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { holding, listed, namesOf, put, readAll, rejectsWith, stored } from "./driver.ts";
import { fileTest } from "./file-root.ts";

fileTest("a link to a file inside is that file", async ({ store, root }) => {
  await put(store, "dir/real.txt", "one ");
  symlinkSync("dir/real.txt", join(root, "link.txt"));
  symlinkSync(join(root, "dir/real.txt"), join(root, "absolute.txt"));
  symlinkSync("../link.txt", join(root, "dir/twice.txt"));
  for (const name of ["link.txt", "absolute.txt", "dir/twice.txt"]) await put(store, name, `${name} `);
  assert.equal(readFileSync(join(root, "dir/real.txt"), "utf8"), "one link.txt absolute.txt dir/twice.txt ");
  assert.equal(String(await stored(store, "link.txt")), String(await stored(store, "dir/real.txt")));
  const rows = await listed(store, "");
  assert.deepEqual(
    rows?.map(({ name, kind }) => `${name} ${kind}`),
    ["absolute.txt file", "dir folder", "link.txt file"],
  );
});

fileTest("a file and a link to it can't both have an appender", async ({ store, root }) => {
  await put(store, "real.txt", "x");
  symlinkSync("real.txt", join(root, "link.txt"));
  await holding(store, "real.txt", () => rejectsWith(store.claim("link.txt"), "conflict"));
  await holding(store, "link.txt", () => rejectsWith(store.claim("real.txt"), "conflict"));
});

fileTest("a link to a folder inside is that folder", async ({ store, root }) => {
  await put(store, "dir/a.txt", "x");
  symlinkSync("dir", join(root, "linked"));
  await put(store, "linked/new/b.txt", "below");
  assert.equal(readFileSync(join(root, "dir/new/b.txt"), "utf8"), "below");
  assert.deepEqual(namesOf(await listed(store, "linked")), ["a.txt", "new"]);
  await holding(store, "dir/c.txt", () => rejectsWith(store.claim("linked/c.txt"), "conflict"));
});

fileTest("a link that leads out and back in again is allowed", async ({ store, root, outside }) => {
  await put(store, "a.txt", "x");
  symlinkSync(root, join(outside, "back"));
  symlinkSync(join(outside, "back", "a.txt"), join(root, "round.txt"));
  await put(store, "round.txt", "y");
  assert.equal(String(await stored(store, "a.txt")), "xy");
});

fileTest("no link leads into the reserved folder", async ({ store, root }) => {
  await put(store, "a.txt", "x");
  symlinkSync(".", join(root, "self"));
  symlinkSync(".httpfstream", join(root, "inner"));
  assert.equal(String(await stored(store, "self/a.txt")), "x");
  for (const path of ["self/.httpfstream/evil", "inner/evil", "inner/claims/evil"]) {
    await rejectsWith(store.claim(path), "bad_path");
    assert.equal(await store.stat(path), undefined);
  }
  for (const folder of ["self/.httpfstream", "inner", "inner/claims"])
    assert.equal(await listed(store, folder), undefined);
  const names = namesOf(await listed(store, "self"));
  assert.deepEqual(names, ["a.txt", "self"]);
});

fileTest("the reserved folder may not be a link: nothing of it is written or read elsewhere", async (at) => {
  const { store, root, outside } = at;
  await put(store, "a.txt", "x");
  renameSync(join(root, ".httpfstream"), join(root, "away"));
  symlinkSync(outside, join(root, ".httpfstream"));
  await rejectsWith(store.claim("a.txt"), "storage");
  await rejectsWith(store.stat("a.txt"), "storage");
  await rejectsWith(readAll(store.read("a.txt", 0, 1)), "storage");
  assert.throws(() => fileStore({ root }), { code: "storage" });
  assert.deepEqual(readdirSync(outside), []);
  unlinkSync(join(root, ".httpfstream"));
  assert.equal(await put(store, "a.txt", "y"), 2);
});

fileTest("the root itself may be a link", async ({ store, root, outside }) => {
  symlinkSync(root, join(outside, "other-name"));
  const other = fileStore({ root: join(outside, "other-name") });
  await put(other, "dir/a.txt", "x");
  assert.equal(String(await stored(store, "dir/a.txt")), "x");
  await holding(store, "dir/a.txt", () => rejectsWith(other.claim("dir/a.txt"), "conflict"));
});

/** Checks that a path can be neither read, written nor listed. */
async function isSealed(store: Store, path: string): Promise<void> {
  await rejectsWith(store.claim(path), "bad_path");
  await rejectsWith(store.claim(path, { create: false }), "bad_path");
  await rejectsWith(readAll(store.read(path, 0, 6)), "bad_path", "changed");
  assert.equal(await store.stat(path), undefined);
  assert.equal(await listed(store, path), undefined);
  await store.remove(path).catch(() => false);
}

fileTest("links that lead out are refused", async ({ store, root, outside }) => {
  mkdirSync(join(outside, "folder"));
  writeFileSync(join(outside, "secret"), "secret");
  writeFileSync(join(outside, "folder/secret"), "secret");
  const links: Record<string, string> = {
    file: join(outside, "secret"),
    relative: "../root-outside/secret",
    folder: join(outside, "folder"),
    parent: "..",
    system: "/etc",
    device: "/dev/zero",
    chained: "file",
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name));
  for (const path of Object.keys(links)) await isSealed(store, path);
  for (const path of [
    "folder/secret",
    "folder/new",
    "folder/new/deep",
    "parent/root-outside/secret",
    "system/hostname",
  ]) {
    await isSealed(store, path);
  }
  assert.deepEqual(await listed(store, ""), []);
  assert.equal(readFileSync(join(outside, "secret"), "utf8"), "secret");
  assert.equal(readFileSync(join(outside, "folder/secret"), "utf8"), "secret");
  assert.ok(!existsSync(join(outside, "folder/new")));
});

fileTest("links that lead nowhere, or in circles, are refused, and nothing is created at their target", async (at) => {
  const { store, root, outside } = at;
  symlinkSync(join(outside, "not-there"), join(root, "dangling"));
  symlinkSync("inside-not-there", join(root, "dangling-inside"));
  symlinkSync("circle-2", join(root, "circle-1"));
  symlinkSync("circle-1", join(root, "circle-2"));
  for (const name of ["dangling", "dangling-inside", "circle-1"]) {
    await isSealed(store, name);
    await isSealed(store, `${name}/below`);
    assert.ok(lstatSync(join(root, name)).isSymbolicLink());
  }
  assert.ok(!existsSync(join(outside, "not-there")));
  assert.ok(!existsSync(join(root, "inside-not-there")));
  assert.deepEqual(await listed(store, ""), []);
});

fileTest("dot segments do not lead out either", async ({ store, outside }) => {
  writeFileSync(join(outside, "secret"), "secret");
  for (const path of ["../root-outside/secret", "a/../../root-outside/secret"]) await isSealed(store, path);
  assert.equal(readFileSync(join(outside, "secret"), "utf8"), "secret");
});

for (const name of [
  "sessions",
  "servers",
  "claims",
  "entries",
  "leases",
  "wanted",
  "streams",
  "journal",
  "temporary",
]) {
  fileTest(
    `a link in the place of the store's own folder "${name}" is refused, and nothing behind it changes`,
    async ({ root, outside }) => {
      mkdirSync(join(outside, "folder"));
      writeFileSync(join(outside, "file"), "theirs");
      mkdirSync(join(root, ".httpfstream"), { recursive: true });
      symlinkSync(outside, join(root, ".httpfstream", name));
      assert.throws(
        () => fileStore({ root }),
        (error) => error instanceof StreamError && error.code === "storage" && error.message.includes(name),
      );
      assert.deepEqual(readdirSync(outside).sort(), ["file", "folder"]);
    },
  );
}
