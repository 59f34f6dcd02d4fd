/** Claims by the lease of the whole root: those of other processes, and what becomes of our own when one arrives. */
import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Store } from "../../src/engine/storage/store.ts";
import { claimantsOf } from "../../src/stores/file/claims/entries.ts";
import { HEADER_BYTES, leaseHeader, type SlotState, slotText } from "../../src/stores/file/claims/lease-files.ts";
import { keyOf } from "../../src/stores/file/reserved/layout.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { type ClaimPlace, claimTest, PATH } from "../fixture/claims.ts";
import { NOT_LOCAL } from "../fixture/local.ts";
import { NO_DEATH, OtherProcess } from "../fixture/other-process.ts";
import { breakLease, goByPath } from "../fixture/second-process.ts";
import { until } from "../fixture/until.ts";

/** Gives another process the lease, with slots in these states: first of other paths, last of {@link PATH}. */
function leased({ reserved }: ClaimPlace, other: OtherProcess, ...states: SlotState[]): void {
  other.beat();
  const others = states.slice(0, -1).map((state, at) => slotText(state, keyOf(`other-${at}`)));
  const slots = [...others, slotText(states.at(-1) as SlotState, keyOf(PATH))].join("");
  mkdirSync(reserved.leases, { recursive: true });
  writeFileSync(join(reserved.leases, "held"), `${leaseHeader(other.record)}${slots}`);
}

/** Gives the first slot of a lease another text. */
function writeSlot({ reserved }: ClaimPlace, text: string): void {
  const fd = openSync(join(reserved.leases, "held"), "r+");
  writeSync(fd, Buffer.from(text), 0, text.length, HEADER_BYTES);
  closeSync(fd);
}

/** Whether a listing shows an append to {@link PATH}. */
async function appendingIn(store: Store): Promise<boolean | undefined> {
  for await (const entry of (await store.list("")) ?? []) if (entry.name === PATH) return entry.appending === true;
  return undefined;
}

claimTest("a path that a living process has by its lease is refused, and its other paths are free", async (at) => {
  const { root, file, owner, reserved, take } = at;
  const other = new OtherProcess(root);
  leased(at, other, "-", "+");
  assert.deepEqual(
    (await claimantsOf(reserved, owner, file)).map(({ owner: { id } }) => id),
    [other.record.id],
  );
  await rejectsWith(take(), "conflict");
  await (await take({ file: join(root, "other-0") })).release();
  await rejectsWith(take(), "conflict");
});

claimTest(
  "a path that a dead process had by its lease is taken at once, and its file stays",
  async (at) => {
    const { ino } = statSync(at.file);
    leased(at, new OtherProcess(at.root, "dead"), "+", "+");
    assert.deepEqual(await claimantsOf(at.reserved, at.owner, at.file), []);
    const claim = await at.take();
    assert.deepEqual([claim.isInherited, claim.wasSilent], [true, false]);
    assert.equal(statSync(at.file).ino, ino);
    await claim.release();
    assert.equal((await at.take()).isInherited, false, "only once");
  },
  { skip: NO_DEATH },
);

claimTest(
  "a path that a silent process has by its lease is taken over, and its file is replaced by a copy",
  async (at) => {
    const { root, file, take, silence } = at;
    const silent = new OtherProcess(root);
    leased(at, silent, "+", "+");
    const { ino } = statSync(file);
    await silence(9_999, silent);
    await rejectsWith(take(), "conflict");
    await silence(1, silent);
    await rejectsWith(take({ extraLeaseMs: 5_000 }), "conflict");
    const claim = await take();
    assert.deepEqual([claim.isInherited, claim.wasSilent], [true, true]);
    assert.notEqual(statSync(file).ino, ino);
    assert.equal(readFileSync(file, "utf8"), "before");
    await claim.release();
    const again = await take();
    assert.equal(again.isInherited, false, "its owner is fenced off once");
    silent.beat();
    const other = await rejectsWith(take({ file: join(root, "other-0") }), "conflict");
    assert.ok(other, "it keeps what was not taken over");
  },
);

claimTest("a takeover from a lease that another process has begun is finished", async (at) => {
  const { ino } = statSync(at.file);
  leased(at, new OtherProcess(at.root), "!");
  const claim = await at.take();
  assert.deepEqual([claim.isInherited, claim.wasSilent], [true, false]);
  assert.notEqual(statSync(at.file).ino, ino);
});

claimTest("a lease that is torn, or not a file, does not block claims", async ({ reserved, take }) => {
  mkdirSync(reserved.leases, { recursive: true });
  writeFileSync(join(reserved.leases, "held"), Buffer.alloc(2_000));
  mkdirSync(join(reserved.leases, "folder"));
  assert.equal((await take()).isInherited, false);
});

claimTest(
  "a process that has the root to itself makes no entries, and gives its lease up when it has no more claims",
  async (at) => {
    const store = fileStore({ root: at.root });
    const handles = [await store.claim(PATH), await store.claim("b.txt")];
    assert.deepEqual(readdirSync(at.reserved.leases), ["held"]);
    assert.ok(!existsSync(at.reserved.claims));
    for (const handle of handles) await handle.release("complete");
    const again = await store.claim("c.txt");
    assert.deepEqual(readdirSync(at.reserved.leases), ["held"], "it is kept for the next claim");
    await again.release();
    await until("the lease to be given up", () => readdirSync(at.reserved.leases).length === 0);
    await until("the sign of life to end", () => readdirSync(at.reserved.servers).length === 0);
    assert.ok(!existsSync(at.reserved.claims));
  },
  { skip: NOT_LOCAL },
);

for (const kept of [false, true]) {
  const what = kept ? "a kept claim" : "an append";
  claimTest(`${what} of another process is seen as such in its lease, and the lease stays`, async (at) => {
    const other = new OtherProcess(at.root);
    leased(at, other, "+");
    writeSlot(at, slotText("+", keyOf(PATH), kept));
    const store = fileStore({ root: at.root });
    const seen = await store.stat(PATH);
    assert.deepEqual([seen?.appending, seen?.kept ?? false], [true, kept]);
    assert.deepEqual(await appendingIn(store), !kept);
    assert.deepEqual(readdirSync(at.reserved.leases), ["held"]);
  });

  claimTest(
    `${what} is seen as such in the slot and, once the lease is broken, in the entry`,
    async (at) => {
      const store = fileStore({ root: at.root });
      // A slot is used again, whatever it was used for before.
      await (await store.claim("b.txt", { kept: !kept })).release("complete");
      const handle = await store.claim(PATH, { kept });
      const [, slot, ...more] = readFileSync(join(at.reserved.leases, "held"), "latin1").trimEnd().split("\n");
      assert.deepEqual([slot?.trimEnd(), more], [`+${keyOf(PATH)}${kept ? "k" : ""}`, []]);
      assert.equal((await store.stat(PATH))?.kept ?? false, kept);
      await goByPath(at.root);
      const [entry] = await claimantsOf(at.reserved, at.owner, at.file);
      assert.equal(entry?.slot, undefined);
      assert.equal(entry?.owner.isKept ?? false, kept);
      assert.equal((await store.stat(PATH))?.kept ?? false, kept);
      assert.deepEqual(await appendingIn(store), !kept);
      await handle.release("complete");
      assert.deepEqual(at.names(), []);
    },
    { skip: NOT_LOCAL },
  );
}

claimTest(
  "an append that cannot be entered by path stays in the broken lease until it can be",
  async (at) => {
    const handle = await fileStore({ root: at.root }).claim(PATH);
    writeFileSync(at.reserved.claims, "a file");
    breakLease(at.root);
    // Its owner tries to enter it before it looks for watchers.
    await assert.rejects(async () => handle.leaveEndMarker?.("complete"));
    const [broken = ""] = readdirSync(at.reserved.leases);
    assert.ok(readFileSync(join(at.reserved.leases, broken), "latin1").includes(`+${keyOf(PATH)}`));
    assert.equal(await handle.append(Buffer.from(" one")), 10);
    rmSync(at.reserved.claims);
    await until("an entry", () => existsSync(at.reserved.claims) && at.names().length === 1);
    await until("the lease to be removed", () => readdirSync(at.reserved.leases).length === 0);
    assert.equal(at.names().length, 1);
    await handle.release("complete");
    assert.deepEqual(at.names(), []);
  },
  { skip: NOT_LOCAL },
);

claimTest("an append goes on by path when another process arrives, and is recorded and released there", async (at) => {
  const store = fileStore({ root: at.root });
  const handle = await store.claim(PATH);
  await handle.append(Buffer.from(" one"));
  assert.equal((await store.stat(PATH))?.appending, true);
  await goByPath(at.root);
  assert.equal(at.names().length, 1, "it has an entry now");
  assert.equal(await handle.append(Buffer.from(" two")), 14);
  await rejectsWith(store.claim(PATH), "conflict");
  await handle.release("complete");
  assert.deepEqual(at.names(), []);
  assert.equal((await store.stat(PATH))?.ended, "complete");
});

claimTest("an append whose slot was moved away meanwhile is fenced, and must still be fenced off", async (at) => {
  const store = fileStore({ root: at.root });
  const handle = await store.claim(PATH);
  breakLease(at.root);
  const [broken = ""] = readdirSync(at.reserved.leases);
  const lease = join(at.reserved.leases, broken);
  const text = readFileSync(lease, "latin1");
  // In one turn, so that its owner has not looked yet. The owner keeps the file open.
  const fd = openSync(lease, "r+");
  const place = text.indexOf(`+${keyOf(PATH)}`);
  writeSync(fd, Buffer.from("!"), 0, 1, place);
  closeSync(fd);
  await until("the owner to notice", () => handle.revoked.aborted);
  await rejectsWith(handle.append(Buffer.from("late")), "fenced");
  await until("it to leave what the next one must fence off", () =>
    at.names().some((name) => name.startsWith("away-")),
  );
  await handle.release("complete");
  assert.equal(readFileSync(at.file, "utf8"), "before");
  const { ino } = statSync(at.file);
  await (await at.take()).release();
  assert.notEqual(statSync(at.file).ino, ino);
});

claimTest("an append whose lease is removed goes on by path", async (at) => {
  const handle = await fileStore({ root: at.root }).claim(PATH);
  rmSync(dirname(at.reserved.leases), { recursive: true });
  await until("an entry", () => at.names().length === 1);
  assert.equal(await handle.append(Buffer.from(" after")), 12);
  assert.equal(handle.isRevoked?.(), false);
  await handle.release("complete");
  assert.deepEqual(at.names(), []);
});

claimTest("an append whose lease is removed ends if another process has the path by then", async (at) => {
  const handle = await fileStore({ root: at.root }).claim(PATH);
  rmSync(dirname(at.reserved.leases), { recursive: true });
  new OtherProcess(at.root).claim(PATH);
  await until("the owner to notice", () => handle.revoked.aborted);
  await handle.release("complete");
});
