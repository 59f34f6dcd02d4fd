/** The operating system denies access: the error says so, and no claim is left behind. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { StreamError } from "../../../src/protocol/errors.ts";
import { keyOf } from "../../../src/stores/file/reserved/layout.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { asOrdinaryUser, NO_PERMISSIONS } from "../../fixture/privileges.ts";
import { listed, namesOf, put, readAll, rejectsWith, stored } from "./driver.ts";
import { type FileRoot, fileTest } from "./file-root.ts";

/** Registers a test that runs as an ordinary user, who owns the store. */
function deniedTest(
  what: string,
  prepare: (at: FileRoot) => void,
  run: (at: FileRoot) => Promise<void>,
  skip?: string,
): void {
  fileTest(
    what,
    async (at) => {
      if (process.getuid?.() === 0) {
        chmodSync(join(at.root, ".."), 0o755);
        chownSync(at.root, 65_534, 65_534);
      }
      prepare(at);
      try {
        await asOrdinaryUser(() => run(at));
      } finally {
        chmodSync(at.root, 0o755);
      }
    },
    NO_PERMISSIONS ?? skip,
  );
}

/** Checks that a promise rejects with `denied` and a message that names the path but not the root. */
async function isDenied(promise: Promise<unknown>, { root }: FileRoot, path: string): Promise<void> {
  const error = await rejectsWith(promise, "denied");
  assert.match(error.message, /permission/);
  assert.ok(error.message.includes(`"/${path}"`), error.message);
  assert.ok(!error.message.includes(root), error.message);
}

deniedTest(
  "a folder that can't be written to",
  ({ root }) => {
    mkdirSync(join(root, "closed"), { mode: 0o555 });
  },
  async (at) => {
    await isDenied(at.store.claim("closed/a.txt"), at, "closed/a.txt");
    await isDenied(at.store.claim("closed/deep/a.txt"), at, "closed/deep/a.txt");
    await isDenied(at.store.claim("closed/a.txt"), at, "closed/a.txt");
    assert.deepEqual(await listed(at.store, "closed"), []);
  },
);

deniedTest(
  "a folder that can be searched but not read",
  ({ root }) => {
    mkdirSync(join(root, "closed"));
    writeFileSync(join(root, "closed/a.txt"), "known ");
    chmodSync(join(root, "closed"), 0o311);
    if (process.getuid?.() !== 0) return;
    for (const name of ["closed", "closed/a.txt"]) chownSync(join(root, name), 65_534, 65_534);
  },
  async (at) => {
    assert.equal(await put(at.store, "closed/a.txt", "name"), 10);
    assert.equal(String(await stored(at.store, "closed/a.txt")), "known name");
    await isDenied(listed(at.store, "closed"), at, "closed");
  },
  process.platform === "linux" ? undefined : "only Linux opens a folder that it may not read",
);

deniedTest(
  "a file that can be written to but not read",
  ({ root }) => {
    writeFileSync(join(root, "a.txt"), "one ");
    if (process.getuid?.() === 0) chownSync(join(root, "a.txt"), 65_534, 65_534);
    chmodSync(join(root, "a.txt"), 0o200);
  },
  async (at) => {
    assert.equal(await put(at.store, "a.txt", "two"), 7);
    chmodSync(join(at.root, "a.txt"), 0o600);
    assert.equal(String(await stored(at.store, "a.txt")), "one two");
  },
);

deniedTest(
  "a file that can't be written to can still be read",
  ({ root }) => {
    writeFileSync(join(root, "a.txt"), "readable", { mode: 0o444 });
  },
  async (at) => {
    await isDenied(at.store.claim("a.txt"), at, "a.txt");
    assert.equal(String(await stored(at.store, "a.txt")), "readable");
  },
);

deniedTest(
  "a file that can't be read",
  ({ root }) => {
    writeFileSync(join(root, "a.txt"), "secret");
    chmodSync(join(root, "a.txt"), 0o000);
  },
  async (at) => {
    await isDenied(readAll(at.store.read("a.txt", 0, 6)), at, "a.txt");
    await isDenied(at.store.claim("a.txt"), at, "a.txt");
  },
);

deniedTest(
  "a folder that can't be searched",
  ({ root }) => {
    mkdirSync(join(root, "closed"));
    writeFileSync(join(root, "closed/a.txt"), "secret");
    chmodSync(join(root, "closed"), 0o000);
  },
  async (at) => {
    await isDenied(listed(at.store, "closed"), at, "closed");
    await isDenied(at.store.stat("closed/a.txt"), at, "closed/a.txt");
    await isDenied(readAll(at.store.read("closed/a.txt", 0, 6)), at, "closed/a.txt");
    await isDenied(at.store.claim("closed/a.txt"), at, "closed/a.txt");
    await isDenied(at.store.remove("closed/a.txt"), at, "closed/a.txt");
    assert.deepEqual(namesOf(await listed(at.store, "")), ["closed"], "the others are still listed");
  },
);

deniedTest(
  "permission that is withdrawn during an append, and restored",
  () => {},
  async (at) => {
    const { store, root } = at;
    await put(store, "dir/a.txt", "");
    const handle = await store.claim("dir/a.txt");
    await handle.append(Buffer.from("one "));
    chmodSync(join(root, "dir"), 0o000);
    await isDenied(handle.append(Buffer.from("two ")), at, "dir/a.txt");
    assert.equal(handle.offset, 4);
    chmodSync(join(root, "dir"), 0o755);
    assert.equal(await handle.append(Buffer.from("three")), 9);
    await handle.release();
    assert.equal(String(await stored(store, "dir/a.txt")), "one three");
  },
);

deniedTest(
  "once permission is granted, a refused path can be claimed",
  ({ root }) => {
    writeFileSync(join(root, "a.txt"), "one ");
    chmodSync(join(root, "a.txt"), 0o444);
    if (process.getuid?.() === 0) chownSync(join(root, "a.txt"), 65_534, 65_534);
  },
  async (at) => {
    await isDenied(at.store.claim("a.txt"), at, "a.txt");
    chmodSync(join(at.root, "a.txt"), 0o644);
    assert.equal(await put(at.store, "a.txt", "two"), 7);
  },
);

deniedTest(
  "a root that can't be created",
  ({ root }) => chmodSync(root, 0o555),
  async ({ root }) => {
    assert.throws(
      () => fileStore({ root: join(root, "below", "that") }),
      (error) => error instanceof StreamError && error.code === "denied" && error.message.includes(root),
    );
  },
);

test("a root that is a file", () => {
  assert.throws(
    () => fileStore({ root: import.meta.filename }),
    (error) => error instanceof StreamError && error.code === "path_conflict" && /root folder/i.test(error.message),
  );
});

deniedTest(
  "an unreadable file is refused before its bytes are requested",
  ({ root }) => {
    writeFileSync(join(root, "a.txt"), "secret");
    if (process.getuid?.() === 0) chownSync(join(root, "a.txt"), 65_534, 65_534);
    chmodSync(join(root, "a.txt"), 0o200);
  },
  async (at) => {
    await isDenied(at.store.stat("a.txt"), at, "a.txt");
    chmodSync(join(at.root, "a.txt"), 0o600);
    assert.equal(String(await stored(at.store, "a.txt")), "secret");
  },
);

deniedTest(
  "a session that can't be read is left alone",
  ({ root }) => {
    mkdirSync(join(root, ".httpfstream/sessions"), { recursive: true });
    const session = join(root, ".httpfstream/sessions", `${keyOf("a.txt")}.json`);
    writeFileSync(session, JSON.stringify({ path: "a.txt", digest: "0".repeat(64) }));
    chmodSync(session, 0o000);
  },
  async (at) => {
    await isDenied(at.store.sessions.find("a.txt"), at, "a.txt");
    assert.deepEqual(await at.store.sessions.list(), []);
    assert.equal(readdirSync(join(at.root, ".httpfstream/sessions")).length, 1);
  },
);
