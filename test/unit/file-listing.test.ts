/** Listings of folders: which rows they have, and when they let other work go on. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { StoreEntry } from "../../src/engine/storage/store.ts";
import { assertListable, type FolderListing, listFolder } from "../../src/stores/file/listing.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { fakeClock } from "../fixture/other-process.ts";
import { asOrdinaryUser, NO_PERMISSIONS } from "../fixture/privileges.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

interface Place {
  readonly root: string;
  readonly t: TestContext;
  /** A listing of a folder, in which no file is appended to, and no link is followed. */
  list(path: string, options?: Partial<FolderListing>): AsyncGenerator<StoreEntry, void, void>;
}

function listingTest(what: string, run: (at: Place) => Promise<void>, skip: string | false = false): void {
  test(what, { skip }, async (t) => {
    const root = realpathSync(await temporaryFolder("listing"));
    const follow = async (): Promise<undefined> => undefined;
    const appended = async () => (): boolean => false;
    try {
      await run({
        root,
        t,
        list: (path, options) => listFolder({ root, path, real: join(root, path), follow, appended, ...options }),
      });
      if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(root), []);
    } finally {
      await removeFolder(root);
    }
  });
}

async function namesOf(rows: AsyncIterable<StoreEntry>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of rows) names.push(name);
  return names;
}

listingTest("a row has all that is known of a file or a folder", async ({ root, list }) => {
  mkdirSync(join(root, "dir/below"), { recursive: true });
  writeFileSync(join(root, "dir/a.txt"), "123");
  writeFileSync(join(root, "dir/b.txt"), "");
  const asked: string[][] = [];
  const appended = async () => async (path: string, file: string) => {
    asked.push([path, file]);
    return path === "dir/b.txt";
  };
  const rows: StoreEntry[] = [];
  for await (const row of list("dir", { appended })) rows.push(row);
  const modified = (name: string): Date => statSync(join(root, "dir", name)).mtime;
  assert.deepEqual(rows, [
    { name: "a.txt", kind: "file", size: 3, modified: modified("a.txt"), appending: false },
    { name: "b.txt", kind: "file", size: 0, modified: modified("b.txt"), appending: true },
    { name: "below", kind: "folder", size: 0, modified: modified("below"), appending: false },
  ]);
  assert.deepEqual(asked, [
    ["dir/a.txt", join(root, "dir/a.txt")],
    ["dir/b.txt", join(root, "dir/b.txt")],
  ]);
  asked.length = 0;
  writeFileSync(join(root, "c.txt"), "");
  assert.deepEqual(await namesOf(list("", { appended })), ["c.txt", "dir"]);
  assert.deepEqual(asked, [["c.txt", join(root, "c.txt")]]);
});

listingTest("what is neither a file nor a folder has no row", async ({ root, list }) => {
  for (const name of ["a", "c"]) writeFileSync(join(root, name), "");
  spawnSync("mkfifo", [join(root, "b")]);
  assert.deepEqual(await namesOf(list("")), ["a", "c"]);
});

listingTest("a limit counts rows, not names that have none", async ({ root, list }) => {
  symlinkSync("none", join(root, "a"));
  for (const name of ["b", "c", "d"]) writeFileSync(join(root, name), "");
  assert.deepEqual(await namesOf(list("")), ["b", "c", "d"]);
  assert.deepEqual(await namesOf(list("", { limit: 2 })), ["b", "c"]);
  assert.deepEqual(await namesOf(list("", { limit: 0 })), []);
  assert.deepEqual(await namesOf(list("", { after: "b" })), ["c", "d"]);
  assert.deepEqual(await namesOf(list("", { after: "b", limit: 1 })), ["c"]);
  assert.deepEqual(await namesOf(list("", { after: "bb" })), ["c", "d"]);
});

listingTest("a link has the row of what it leads to, if that can be looked at", async ({ root, list }) => {
  mkdirSync(join(root, "dir"));
  writeFileSync(join(root, "a.txt"), "12345");
  for (const name of ["fails", "file", "folder", "out"]) symlinkSync("x", join(root, "dir", name));
  const follow = async (link: string) => {
    if (link === "dir/fails") throw new Error("no");
    if (link === "dir/out") return undefined;
    return statSync(link === "dir/file" ? join(root, "a.txt") : root);
  };
  const rows: string[] = [];
  for await (const { name, kind, size } of list("dir", { follow })) rows.push(`${name} ${kind} ${size}`);
  assert.deepEqual(rows, ["file file 5", "folder folder 0"]);
});

listingTest("the store's own folder has no row, under any path of the root", async ({ root, list }) => {
  mkdirSync(join(root, ".httpfstream"));
  mkdirSync(join(root, "dir/.httpfstream"), { recursive: true });
  assert.deepEqual(await namesOf(list("")), ["dir"]);
  assert.deepEqual(await namesOf(list("self", { real: root })), ["dir"]);
  assert.deepEqual(await namesOf(list("dir")), [".httpfstream"]);
});

listingTest("files that disappear while they are listed are left out", async ({ root, list }) => {
  for (const name of ["a", "b", "c"]) writeFileSync(join(root, name), "");
  const rows = list("");
  assert.equal((await rows.next()).value?.name, "a");
  rmSync(join(root, "b"));
  assert.deepEqual(await namesOf(rows), ["c"]);
});

listingTest("an aborted listing fails with the reason of the abort, wherever it is", async ({ root, list }) => {
  for (const name of ["a", "b"]) writeFileSync(join(root, name), "");
  const reason = new Error("stop");
  await assert.rejects(namesOf(list("", { signal: AbortSignal.abort(reason) })), reason);
  await assert.rejects(namesOf(list("none", { signal: AbortSignal.abort(reason) })), reason);
  const stop = new AbortController();
  const rows = list("", { signal: stop.signal });
  await rows.next();
  stop.abort(reason);
  await assert.rejects(rows.next(), reason);
});

listingTest("a folder that cannot be listed", async ({ root, list }) => {
  writeFileSync(join(root, "file"), "");
  await assert.rejects(assertListable(root, join(root, "none")), { code: "ENOENT" });
  await assert.rejects(assertListable(root, join(root, "file")), { code: "ENOTDIR" });
  mkdirSync(join(root, "folder"));
  for (const folder of [root, join(root, "folder")]) await assertListable(root, folder);
  assert.equal((await rejectsWith(namesOf(list("none")), "not_found")).path, "none");
  const { signal } = new AbortController();
  await rejectsWith(namesOf(list("file", { signal })), "path_conflict");
});

listingTest(
  "a folder that can be searched but not read cannot be listed",
  async ({ root }) => {
    mkdirSync(join(root, "folder"));
    chmodSync(root, 0o755);
    chmodSync(join(root, "folder"), 0o311);
    await asOrdinaryUser(() => assert.rejects(assertListable(root, join(root, "folder")), { code: "EACCES" }));
  },
  NO_PERMISSIONS,
);

/** Lists a hundred files. Returns for each but the first whether other work went on before its row. */
async function turns({ root, list }: Place, beforeNext: (row: number) => void): Promise<boolean[]> {
  for (let at = 0; at < 100; at++) writeFileSync(join(root, `${100 + at}`), "");
  let count = 0;
  let isOver = false;
  const turn = (): void => {
    count++;
    if (!isOver) setImmediate(turn);
  };
  turn();
  const counts: number[] = [];
  for await (const { name } of list("")) {
    counts.push(count);
    beforeNext(Number(name) - 100);
  }
  isOver = true;
  assert.equal(counts.length, 100);
  return counts.slice(1).map((each, at) => each > (counts[at] ?? 0));
}

listingTest("a listing lets other work go on when it has taken more than four milliseconds", async (at) => {
  const clock = fakeClock(at.t);
  const found = await turns(at, () => {
    clock.nowMs += 4;
  });
  assert.deepEqual(
    found,
    Array.from({ length: 99 }, (_, row) => row % 2 === 1),
  );
});

listingTest("after a slow look, the next 64 do not block other work", async (at) => {
  let nowMs = 1_000;
  let calls = 0;
  /** How long the look at a row takes. */
  let tookMs = 0;
  at.t.mock.method(performance, "now", () => {
    // Each look asks three times: before its turn, and before and after the system call.
    if (++calls === 3) nowMs += tookMs;
    return nowMs;
  });
  const found = await turns(at, (row) => {
    calls = 0;
    nowMs = 1_000;
    tookMs = [2, 3][row] ?? 0;
  });
  assert.deepEqual(
    found,
    Array.from({ length: 99 }, (_, row) => row >= 2 && row < 66),
  );
});
