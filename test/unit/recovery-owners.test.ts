/** Recovery: whose segments it takes, what it does with torn ones, and how its runs follow each other. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import type { OwnerRecord } from "../../src/stores/file/claims/owner.ts";
import { encodeOwner } from "../../src/stores/file/journal/record.ts";
import { Recovery } from "../../src/stores/file/journal/recovery.ts";
import { nameIn } from "../../src/stores/file/reserved/atomic-write.ts";
import { keyOf } from "../../src/stores/file/reserved/layout.ts";
import { JournalRig } from "../fixture/journal.ts";
import { until } from "../fixture/until.ts";

interface Parts {
  readonly rig: JournalRig;
  readonly recovery: Recovery;
  /** The file of which all segments have the bytes `def` at offset 3. It lacks them. */
  readonly file: string;
  /** Leaves a segment of an owner, and returns its path. */
  leave(owner: OwnerRecord, name?: string): string;
}

async function parts(t: TestContext): Promise<Parts> {
  const rig = await JournalRig.make(t);
  const file = join(rig.root, "a.bin");
  writeFileSync(file, "abc");
  const { ino: inode, birthtimeMs: bornMs } = statSync(file);
  const record = { file: { name: "a.bin", inode, bornMs }, offset: 3, bytes: Buffer.from("def"), keptMs: 1 };
  const leave = (owner: OwnerRecord, name = "1_1_x_1"): string => rig.leave(name, owner, [record]);
  return { rig, recovery: new Recovery(rig.root, rig.reserved, rig.owner), file, leave };
}

/** This process's record, as another owner. */
function another({ owner }: JournalRig, changes: Partial<OwnerRecord> = {}): OwnerRecord {
  return { ...owner.record, id: "another", ...changes };
}

/** The same from before a reboot. */
function earlier(rig: JournalRig): OwnerRecord {
  return another(rig, { scope: "host another-boot pid:[1]" });
}

/** Creates an owner's sign of life. */
function signOf({ owner }: JournalRig, of: OwnerRecord): string {
  const sign = owner.signOf(of);
  mkdirSync(dirname(sign), { recursive: true });
  writeFileSync(sign, "");
  return sign;
}

test("the own segments, and those of a living process, are left alone", async (t) => {
  const { rig, recovery, file, leave } = await parts(t);
  const other = another(rig);
  signOf(rig, other);
  const segments = [leave(rig.owner.record, "1_1_x_own"), leave(other, "1_1_x_other")];
  await recovery.once();
  assert.deepEqual(segments.map(existsSync), [true, true]);
  assert.equal(readFileSync(file, "utf8"), "abc");
});

test("the segment of a process that has died since the system started is removed; nothing is written", async (t) => {
  const { rig, recovery, file, leave } = await parts(t);
  const dead = another(rig, { started: "1" });
  // It has left its sign of life behind, too.
  signOf(rig, dead);
  const segment = leave(dead);
  await recovery.once();
  assert.ok(!existsSync(segment));
  assert.equal(readFileSync(file, "utf8"), "abc");
});

test("an owner whose sign of life is gone has ended, even if its process has not", async (t) => {
  const { rig, recovery, leave } = await parts(t);
  const segment = leave(another(rig));
  await recovery.once();
  assert.ok(!existsSync(segment));
});

test("an owner from before a reboot that was seen to give signs of life is alive", async (t) => {
  const { rig, recovery, file, leave } = await parts(t);
  const owner = earlier(rig);
  const sign = signOf(rig, owner);
  await rig.owner.signs.look(sign);
  utimesSync(sign, 1, 1);
  await rig.owner.signs.look(sign);
  const segment = leave(owner);
  await recovery.once();
  assert.ok(existsSync(segment));
  assert.equal(readFileSync(file, "utf8"), "abc");
});

test("an owner from before a reboot whose sign of life is old is silent, and its bytes are restored", async (t) => {
  const { rig, recovery, file, leave } = await parts(t);
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  const owner = earlier(rig);
  const sign = signOf(rig, owner);
  for (; nowMs < 10_000; nowMs += 2_000) await rig.owner.signs.look(sign);
  const segment = leave(owner);
  await recovery.once();
  assert.ok(!existsSync(segment));
  assert.equal(readFileSync(file, "utf8"), "abcdef");
});

for (const [what, change, isLeft] of [
  ["is touched", (sign: string) => utimesSync(sign, 1, 1), true],
  ["is removed", (sign: string) => rmSync(sign), false],
] as const) {
  test(`recovery waits until a doubtful sign of life ${what}`, async (t) => {
    const { rig, recovery, leave } = await parts(t);
    const owner = earlier(rig);
    const sign = signOf(rig, owner);
    const segment = leave(owner);
    const recovered = recovery.once();
    await until("a look at the sign of life", () => rig.owner.signs.known(sign));
    change(sign);
    await recovered;
    assert.equal(existsSync(segment), isLeft);
  });
}

test("what is torn, or no segment, is removed if its process has died, and only then", async (t) => {
  const { rig, recovery, file, leave } = await parts(t);
  const { journal } = rig.reserved;
  mkdirSync(journal, { recursive: true });
  const deadName = (name: string): string => join(journal, `${process.pid}_1_${keyOf(rig.owner.record.scope)}_${name}`);
  const whole = Buffer.from(encodeOwner(rig.owner.record));
  const stays = [nameIn(journal), join(journal, "by hand")];
  for (const path of stays) writeFileSync(path, whole.subarray(0, 20));
  writeFileSync(deadName("torn"), whole.subarray(0, 20));
  writeFileSync(deadName("empty"), "");
  mkdirSync(join(deadName("folder"), "deep"), { recursive: true });
  const segment = leave(earlier(rig));
  await recovery.once();
  assert.deepEqual(
    rig.names().map((name) => join(journal, name)),
    stays.sort(),
  );
  assert.ok(!existsSync(segment));
  assert.equal(readFileSync(file, "utf8"), "abcdef");
});

test("an owner whose sign of life cannot be looked at may live", async (t) => {
  const { rig, recovery, leave } = await parts(t);
  mkdirSync(dirname(rig.reserved.servers), { recursive: true });
  writeFileSync(rig.reserved.servers, "a file");
  const segment = leave(earlier(rig));
  await recovery.once();
  assert.ok(existsSync(segment));
});

test("a root without a journal, or with a file in its place, has nothing to recover", async (t) => {
  const { rig, recovery } = await parts(t);
  await recovery.once();
  mkdirSync(dirname(rig.reserved.journal), { recursive: true });
  writeFileSync(rig.reserved.journal, "a file");
  await recovery.again();
  assert.equal(readFileSync(rig.reserved.journal, "utf8"), "a file");
});

test("callers share a run that has not begun; a run does not begin before the former one is over", async (t) => {
  const { rig, recovery, leave } = await parts(t);
  const owner = earlier(rig);
  const sign = signOf(rig, owner);
  const first = leave(owner, "1_1_x_1");
  const run = recovery.again();
  assert.equal(recovery.again(), run);
  assert.equal(recovery.once(), run);
  await until("a look at the sign of life", () => rig.owner.signs.known(sign));
  // The first run waits for the sign of life, and has listed the segments before.
  const second = leave({ ...owner, id: "gone" }, "1_1_x_2");
  const next = recovery.again();
  assert.notEqual(next, run);
  assert.equal(recovery.again(), next);
  assert.equal(recovery.once(), run, "the first one counts");
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(existsSync(second));
  rmSync(sign);
  await run;
  assert.ok(!existsSync(first));
  await next;
  assert.ok(!existsSync(second));
  const third = leave({ ...owner, id: "gone" }, "1_1_x_3");
  await recovery.once();
  assert.ok(existsSync(third), "it has run once");
  await recovery.again();
  assert.ok(!existsSync(third));
});
