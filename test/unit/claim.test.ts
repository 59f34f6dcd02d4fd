/** Claims of a path, and what becomes of the claims of other processes. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Claim } from "../../src/stores/file/claims/claim.ts";
import { requestHandover } from "../../src/stores/file/claims/handover.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { type ClaimPlace, claimTest, PATH } from "../fixture/claims.ts";
import { NO_DEATH, OtherProcess } from "../fixture/other-process.ts";

/** A `check` that counts its calls. */
function counted(): { calls: number; check: () => Promise<void> } {
  const counter = {
    calls: 0,
    check: async (): Promise<void> => {
      counter.calls++;
    },
  };
  return counter;
}

/** Checks that a refused claim has left no trace. */
function nothingLeft({ file, owner, names }: ClaimPlace, ...left: string[]): void {
  assert.deepEqual(names(), left.sort());
  assert.ok(!Claim.isClaimed(file));
  assert.ok(!existsSync(owner.signOf(owner.record)), "no sign of life");
}

claimTest("a free path: an entry and a sign of life, until it is released", async (at) => {
  const counter = counted();
  const claim = await at.take(counter);
  assert.deepEqual([claim.isInherited, claim.wasSilent, claim.isOurs(), counter.calls], [false, false, true, 1]);
  const [entry = "", ...more] = at.names();
  assert.deepEqual([entry.slice(0, 2), more], ["1-", []]);
  const text = readFileSync(join(new OtherProcess(at.root).folder(PATH), entry), "utf8");
  assert.deepEqual(JSON.parse(text), at.owner.record);
  assert.ok(existsSync(at.owner.signOf(at.owner.record)));
  assert.ok(Claim.isClaimed(at.file));
  await rejectsWith(at.take(), "conflict");
  assert.deepEqual(at.names(), [entry]);
  await claim.release("complete");
  nothingLeft(at);
  assert.deepEqual(readdirSync(at.reserved.claims), []);
  await at.take();
});

claimTest(
  "the path of a process that has ended is taken at once, and its file stays",
  async ({ root, file, take, names }) => {
    const dead = new OtherProcess(root, "dead");
    dead.claim(PATH, 7);
    const { ino } = statSync(file);
    const counter = counted();
    const claim = await take(counter);
    assert.deepEqual([claim.isInherited, claim.wasSilent, counter.calls], [true, false, 2]);
    assert.deepEqual(
      names().map((name) => name.slice(0, 2)),
      ["8-"],
    );
    assert.equal(statSync(file).ino, ino);
  },
  { skip: NO_DEATH },
);

claimTest("the path of a living process is refused, and nothing changes", async (at) => {
  const entry = new OtherProcess(at.root).claim(PATH);
  const counter = counted();
  const error = await rejectsWith(at.take(counter), "conflict");
  assert.equal(error.headers["Retry-After"], "10");
  assert.equal(counter.calls, 0);
  nothingLeft(at, entry);
});

claimTest("the path of a silent process is taken over, and its file is replaced by a copy", async (at) => {
  const { root, file, take, names, silence } = at;
  const silent = new OtherProcess(root);
  silent.claim(PATH);
  const { ino } = statSync(file);
  await silence(9_999, silent);
  await rejectsWith(take(), "conflict");
  await silence(1, silent);
  await rejectsWith(take({ extraLeaseMs: 5_000 }), "conflict");
  const counter = counted();
  const claim = await take(counter);
  assert.deepEqual([claim.isInherited, claim.wasSilent, counter.calls], [true, true, 2]);
  assert.deepEqual(
    names().map((name) => name.slice(0, 2)),
    ["2-"],
  );
  assert.notEqual(statSync(file).ino, ino);
  assert.equal(readFileSync(file, "utf8"), "before");
  await claim.release();
  new OtherProcess(root).claim("b.txt");
  const other = new OtherProcess(root);
  other.claim(PATH);
  await silence(15_000, other);
  assert.ok((await take({ extraLeaseMs: 5_000 })).wasSilent);
});

claimTest("a takeover that another process has begun is finished, also where the file is gone", async (at) => {
  const { root, file, take, names } = at;
  const gone = new OtherProcess(root);
  for (const isThere of [true, false]) {
    gone.leave(PATH, "away-3-gone");
    if (!isThere) rmSync(file);
    const claim = await take();
    assert.deepEqual([claim.isInherited, claim.wasSilent], [true, false]);
    assert.deepEqual(
      names().map((name) => name.slice(0, 2)),
      ["4-"],
    );
    assert.equal(existsSync(file), isThere);
    await claim.release();
  }
});

claimTest("a path whose handover another process requests is refused until the request is withdrawn", async (at) => {
  const request = new OtherProcess(at.root).request(PATH);
  const error = await rejectsWith(at.take(), "conflict");
  assert.deepEqual(error.headers, {});
  nothingLeft(at);
  rmSync(request);
  const claim = await at.take();
  await claim.release();
  await requestHandover(at.reserved, at.owner, at.file);
  await at.take();
});

claimTest(
  "a claim learns at the next sign of life that its handover is requested",
  async ({ root, take, t }) => {
    const claim = await take();
    assert.equal(claim.handoverRequested.aborted, false);
    new OtherProcess(root).request("another.txt");
    t.mock.timers.tick(1_000);
    const asked = new Promise((resolve) => claim.handoverRequested.addEventListener("abort", resolve));
    // The owner does one thing at a time.
    await (await take({ file: join(root, "b.txt") })).release();
    assert.equal(claim.handoverRequested.aborted, false, "that of another path");
    new OtherProcess(root).request(PATH);
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(1_000);
    await asked;
    assert.equal(claim.revoked.aborted, false);
  },
  { before: (t) => t.mock.timers.enable({ apis: ["setInterval"] }) },
);

claimTest(
  "a claim that was taken over during a pause is revoked at the next sign of life",
  async ({ clock, take, moveAway, t }) => {
    const claim = await take();
    const revoked = new Promise((resolve) => claim.revoked.addEventListener("abort", resolve));
    moveAway();
    clock.nowMs += 5_000;
    t.mock.timers.tick(1_000);
    await revoked;
    assert.equal(claim.revoked.reason.code, "fenced");
  },
  { before: (t) => t.mock.timers.enable({ apis: ["setInterval"] }) },
);

claimTest("a claim that was taken over is revoked when it is looked at, or after a pause", async (at) => {
  const { clock, owner, take, moveAway } = at;
  for (const isDoubtful of [true, false]) {
    const claim = await take();
    assert.equal(claim.isOurs(isDoubtful), true);
    const entry = moveAway();
    if (!isDoubtful) {
      assert.equal(claim.isOurs(), true, "no other process takes over what gave a sign of life just now");
      clock.nowMs += 5_000;
    }
    assert.equal(claim.revoked.aborted, false);
    assert.equal(claim.isOurs(isDoubtful), false);
    assert.equal(claim.revoked.reason.code, "fenced");
    renameSync(join(dirname(entry), `away-${basename(entry)}`), entry);
    assert.equal(claim.isOurs(true), false, "for good");
    await claim.release("complete");
    // The process that took over restores it once more. That is not a claim of this process any more.
    writeFileSync(entry, JSON.stringify(owner.record));
  }
});

claimTest(
  "the entry of a claim that was taken over is removed, and again after a lease; there is no end marker",
  async ({ root, take, names, moveAway, t }) => {
    const other = new OtherProcess(root);
    other.leave(PATH, "watch-another");
    const claim = await take();
    const entry = moveAway();
    claim.isOurs(true);
    const restore = (): void => renameSync(join(dirname(entry), `away-${basename(entry)}`), entry);
    restore();
    await claim.leaveEndMarker("complete");
    await claim.release("complete");
    assert.deepEqual(names(), ["watch-another"]);
    writeFileSync(entry, "restored");
    t.mock.timers.tick(9_999);
    await take({ file: join(root, "b.txt") });
    assert.ok(existsSync(entry));
    t.mock.timers.tick(1);
    while (existsSync(entry)) await new Promise((resolve) => setImmediate(resolve));
  },
  { before: (t) => t.mock.timers.enable({ apis: ["setTimeout"] }) },
);

claimTest("an end marker is left if another process watches, and not if nothing was appended", async (at) => {
  const { root, take, names } = at;
  const claim = await take();
  const [entry = ""] = names();
  await claim.leaveEndMarker("complete");
  assert.deepEqual(names(), [entry], "there is no watcher");
  const other = new OtherProcess(root);
  other.leave(PATH, "watch-another");
  await claim.leaveEndMarker("complete");
  assert.deepEqual(names(), [entry, `ended-complete-${entry}`, "watch-another"]);
  await claim.release("complete");
  assert.deepEqual(names(), [`ended-complete-${entry}`, "watch-another"]);
  await (await take()).release("failed");
  assert.equal(names().filter((name) => name.startsWith("ended-failed-2-")).length, 1);
  await (await take()).release();
  assert.equal(names().length, 3);
  rmSync(join(other.folder(PATH), "watch-another"));
  await (await take()).release();
  assert.deepEqual(names(), []);
});

claimTest("a claim whose entry has gone, or cannot be reached, frees its path", async (at) => {
  const { root, take, file } = at;
  const folder = new OtherProcess(root).folder(PATH);
  const first = await take();
  rmSync(folder, { recursive: true });
  await first.release("complete");
  const second = await take();
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "a file");
  await assert.rejects(second.release("complete"), { code: "ENOTDIR" });
  assert.ok(!Claim.isClaimed(file));
  rmSync(folder);
  const third = await take();
  new OtherProcess(root).leave(PATH, "watch-another");
  mkdirSync(join(folder, `ended-complete-${basename(at.names()[0] ?? "")}`));
  await assert.rejects(third.release("complete"), { code: "EISDIR" });
  assert.ok(!Claim.isClaimed(file));
});

claimTest("a claim that was released was not taken over", async ({ clock, take }) => {
  const claim = await take();
  await claim.release();
  clock.nowMs += 60_000;
  assert.equal(claim.isOurs(true), true);
});

claimTest("a claim that its check refuses leaves nothing behind", async (at) => {
  const error = new Error("no");
  await assert.rejects(at.take({ check: () => Promise.reject(error) }), error);
  nothingLeft(at);
});
