/**
 * Processes of versions from before the lease of the root. They have their entries in the folder `claims`, and know of
 * no other place.
 */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { StreamError } from "../../src/protocol/errors.ts";
import { makeFolder } from "../../src/stores/file/folders/folder.ts";
import { closeToEarlier } from "../../src/stores/file/reserved/format.ts";
import { keyOf } from "../../src/stores/file/reserved/layout.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { type ClaimPlace, claimTest, PATH } from "../fixture/claims.ts";
import { NO_DEATH, OtherProcess } from "../fixture/other-process.ts";
import { until } from "../fixture/until.ts";

/** The folder in which an earlier version has its entries of {@link PATH}. */
function former({ reserved, file }: ClaimPlace): string {
  return join(dirname(reserved.claims), "claims", keyOf(file));
}

/** Claims {@link PATH} as an earlier version does. */
function claimAsBefore(at: ClaimPlace, other: OtherProcess, ...more: string[]): void {
  other.beat();
  mkdirSync(former(at), { recursive: true });
  for (const name of [`1-${other.record.id}`, ...more])
    writeFileSync(join(former(at), name), `${JSON.stringify(other.record)}\n`);
}

claimTest("the first claim keeps them out: they can make no entry, and refuse the root when they start", async (at) => {
  const handle = await fileStore({ root: at.root }).claim(PATH);
  assert.equal(readlinkSync(dirname(former(at))), "format-2");
  // This is how they make an entry, and what they check at the start.
  await assert.rejects(makeFolder(former(at)));
  assert.ok(!existsSync(former(at)));
  await handle.release();
});

claimTest("a path that one of them has is refused, and they keep what others can read of it", async (at) => {
  const other = new OtherProcess(at.root);
  claimAsBefore(at, other, "watch-other", "ended-complete-0-x");
  await rejectsWith(at.take(), "conflict");
  assert.deepEqual(at.names(), [`1-${other.record.id}`, "ended-complete-0-x", "watch-other"]);
  await rejectsWith(fileStore({ root: at.root }).claim(PATH), "conflict");
  await rejectsWith(at.take(), "conflict");
});

claimTest(
  "a path that one of them had when it ended is taken at once",
  async (at) => {
    claimAsBefore(at, new OtherProcess(at.root, "dead"));
    const claim = await at.take();
    assert.deepEqual([claim.isInherited, claim.wasSilent], [true, false]);
  },
  { skip: NO_DEATH },
);

claimTest("a silent one is fenced off, whatever else stands where its entries are", async (at) => {
  const silent = new OtherProcess(at.root);
  claimAsBefore(at, silent, "away-0-x");
  mkdirSync(at.reserved.claims, { recursive: true });
  new OtherProcess(at.root, "dead").leave(PATH, "3-dead");
  writeFileSync(join(dirname(former(at)), "file"), "x");
  const { ino } = statSync(at.file);
  await at.silence(10_000, silent);
  const claim = await at.take();
  assert.deepEqual([claim.isInherited, claim.wasSilent], [true, true]);
  assert.notEqual(statSync(at.file).ino, ino);
  assert.equal(readFileSync(at.file, "utf8"), "before");
  assert.deepEqual(readdirSync(at.reserved.claims), [keyOf(PATH)]);
});

claimTest("where the link is removed, an append goes on by path, and the link is back", async (at) => {
  const handle = await fileStore({ root: at.root }).claim(PATH);
  rmSync(dirname(former(at)));
  await until("an entry", () => at.names().length === 1);
  assert.equal(readlinkSync(dirname(former(at))), "format-2");
  assert.equal(await handle.append(Buffer.from(" after")), 12);
  await handle.release("complete");
  assert.deepEqual(at.names(), []);
});

claimTest("where the link is removed, an append ends whose path one of them has claimed meanwhile", async (at) => {
  const handle = await fileStore({ root: at.root }).claim(PATH);
  rmSync(dirname(former(at)));
  claimAsBefore(at, new OtherProcess(at.root));
  await until("the owner to notice", () => handle.revoked.aborted);
  await rejectsWith(handle.append(Buffer.from("late")), "fenced");
  await handle.release("complete");
  assert.equal(readFileSync(at.file, "utf8"), "before");
});

claimTest("a file in the place of the link keeps them out, too", async (at) => {
  mkdirSync(dirname(dirname(former(at))), { recursive: true });
  writeFileSync(dirname(former(at)), "format-2\n");
  const handle = await fileStore({ root: at.root }).claim(PATH);
  await assert.rejects(makeFolder(former(at)));
  await handle.release();
  assert.equal(readFileSync(dirname(former(at)), "utf8"), "format-2\n");
});

claimTest("a root of a later format is refused, and so is any other link", async (at) => {
  mkdirSync(dirname(dirname(former(at))), { recursive: true });
  const open = fileStore({ root: at.root });
  for (const [target, why] of [
    ["format-3", /later version/],
    ["elsewhere", /Remove the link/],
  ] as const) {
    symlinkSync(target, dirname(former(at)));
    const isRefusal = (error: unknown): boolean =>
      error instanceof StreamError && error.code === "storage" && why.test(error.message);
    assert.throws(() => fileStore({ root: at.root }), isRefusal);
    assert.throws(() => closeToEarlier(at.reserved), isRefusal);
    await assert.rejects(async () => open.tidy?.(), isRefusal);
    await assert.rejects(at.take(), isRefusal);
    rmSync(dirname(former(at)));
  }
});
