/** Open sessions on disk, whatever else is in their folder. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { keyOf, type Reserved, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { FileSessions } from "../../src/stores/file/sessions.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { asOrdinaryUser, NO_PERMISSIONS } from "../fixture/privileges.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const RECORD = { path: "a.txt", digest: "0123456789abcdef".repeat(4) };

/** A claim that another process has taken over. */
const LOST = { epoch: 1, isOurs: () => false };

interface Place {
  readonly reserved: Reserved;
  readonly sessions: FileSessions;
  /** Puts a value, or any text, in the place of a path's session. Returns the file. */
  put(value: unknown, path?: string): string;
}

function sessionsTest(what: string, run: (at: Place) => Promise<void>, skip: string | false = false): void {
  test(what, { skip }, async () => {
    const root = realpathSync(await temporaryFolder("sessions"));
    const reserved = reservedIn(root);
    const put = (value: unknown, path = RECORD.path): string => {
      mkdirSync(reserved.sessions, { recursive: true });
      const file = join(reserved.sessions, `${keyOf(path)}.json`);
      writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
      return file;
    };
    try {
      await run({ reserved, sessions: new FileSessions(reserved, false), put });
    } finally {
      await removeFolder(root);
    }
  });
}

sessionsTest("a session is there from its saving to its removal", async ({ reserved }) => {
  for (const durable of [true, false]) {
    const sessions = new FileSessions(reserved, durable);
    assert.equal(sessions.mayBeOpen("a.txt"), false);
    assert.deepEqual([await sessions.find("a.txt"), await sessions.list()], [undefined, []]);
    await sessions.save({ ...RECORD, graceLeftMs: 0 });
    assert.equal(sessions.mayBeOpen("a.txt"), true);
    assert.deepEqual(await sessions.find("a.txt"), { ...RECORD, graceLeftMs: 0 });
    await sessions.save({ ...RECORD, graceLeftMs: 1 }, LOST);
    assert.deepEqual(await sessions.list(), [{ ...RECORD, graceLeftMs: 0 }]);
    await sessions.remove("a.txt", LOST);
    assert.equal(sessions.mayBeOpen("a.txt"), true);
    await sessions.remove("a.txt");
    assert.equal(sessions.mayBeOpen("a.txt"), false);
    assert.deepEqual(await sessions.list(), []);
  }
});

/** What is no session of `a.txt`. */
const INVALID: readonly unknown[] = [
  "torn",
  "null",
  "7",
  '"text"',
  {},
  { ...RECORD, path: undefined },
  { ...RECORD, path: 7 },
  { ...RECORD, path: "b.txt" },
  { ...RECORD, digest: undefined },
  { ...RECORD, digest: 7 },
  { ...RECORD, digest: ["0".repeat(64)] },
  { ...RECORD, digest: "0".repeat(63) },
  { ...RECORD, digest: "0".repeat(65) },
  { ...RECORD, digest: `${"0".repeat(63)}G` },
  { ...RECORD, graceLeftMs: -1 },
  { ...RECORD, graceLeftMs: "1" },
  { ...RECORD, graceLeftMs: null },
];

sessionsTest("what is no session can resume nothing, and is removed", async ({ sessions, put }) => {
  for (const value of INVALID) {
    const file = put(value);
    const what = JSON.stringify(value);
    assert.equal(await sessions.find("a.txt"), undefined, what);
    assert.deepEqual(await sessions.list(), [], what);
    assert.ok(!existsSync(file), what);
  }
  const file = put("");
  rmSync(file);
  mkdirSync(join(file, "deep"), { recursive: true });
  assert.equal(await sessions.find("a.txt"), undefined);
  assert.deepEqual(await sessions.list(), []);
  assert.ok(!existsSync(file));
});

sessionsTest(
  "a session under another name is removed, and the others are listed",
  async ({ reserved, sessions, put }) => {
    put(RECORD);
    put({ ...RECORD, path: "b.txt" }, "b.txt");
    writeFileSync(join(reserved.sessions, "other.json"), JSON.stringify(RECORD));
    const paths = (await sessions.list()).map(({ path }) => path);
    assert.deepEqual(paths.sort(), ["a.txt", "b.txt"]);
    assert.equal(readdirSync(reserved.sessions).length, 2);
  },
);

sessionsTest("a folder that cannot be read or written is reported", async ({ reserved, sessions }) => {
  mkdirSync(join(reserved.root, ".httpfstream"));
  writeFileSync(reserved.sessions, "a file");
  assert.equal((await rejectsWith(sessions.save(RECORD), "path_conflict")).path, "a.txt");
  await assert.rejects(sessions.list(), { code: "ENOTDIR" });
  assert.equal((await rejectsWith(sessions.remove("a.txt"), "path_conflict")).path, "a.txt");
  assert.equal(sessions.mayBeOpen("a.txt"), false);
});

sessionsTest("a session that something else is in the place of cannot be removed", async ({ sessions, put }) => {
  const file = put("");
  rmSync(file);
  mkdirSync(file);
  await rejectsWith(sessions.remove("a.txt"), "path_conflict", "denied");
  assert.ok(existsSync(file));
});

sessionsTest(
  "a session that this process may not read now is reported, and stays",
  async ({ reserved, sessions, put }) => {
    const file = put(RECORD);
    for (const folder of [reserved.root, join(reserved.sessions, "..")]) chmodSync(folder, 0o755);
    if (process.getuid?.() === 0) chownSync(reserved.sessions, 65_534, 65_534);
    chmodSync(file, 0);
    await asOrdinaryUser(async () => {
      assert.equal((await rejectsWith(sessions.find("a.txt"), "denied")).path, "a.txt");
      assert.deepEqual(await sessions.list(), []);
    });
    chmodSync(file, 0o600);
    assert.deepEqual(await sessions.list(), [RECORD]);
  },
  NO_PERMISSIONS,
);
