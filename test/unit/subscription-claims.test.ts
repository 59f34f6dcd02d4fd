/** Changes of one subscription by several processes, and by several calls of one. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { FileSubscriptions } from "../../src/stores/file/subscriptions.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { claimTest } from "../fixture/claims.ts";
import { gate } from "../fixture/journal.ts";
import { OtherProcess } from "../fixture/other-process.ts";
import { fileOf, recordOf } from "../fixture/subscription-files.ts";
import { until } from "../fixture/until.ts";

const RECORD = recordOf("a");
/** The file as claims name it. */
const FILE = `.httpfstream/subscriptions/${fileOf(RECORD)}`;

/** A change that must not be asked for. */
const refused = async (): Promise<never> => assert.fail("it has no claim");

claimTest("changes of one subscription run one after the other, also after one that fails", async (at) => {
  const records = new FileSubscriptions(at.reserved, at.owner, false);
  const events: string[] = [];
  const first = gate();
  const failing = records.change(RECORD, async () => {
    events.push("first");
    await first.promise;
    return null;
  });
  // No call waits for the claim of another one.
  at.t.mock.method(Math, "random", assert.fail);
  const second = gate();
  const following = records.change(RECORD, async () => {
    events.push("second");
    await second.promise;
    return RECORD;
  });
  const elsewhere = records.change(recordOf("b"), async () => {
    events.push("elsewhere");
    return undefined;
  });
  await elsewhere;
  await until("the first change", () => events.includes("first"));
  assert.equal(events.length, 2);
  const failure = new Error("no");
  first.fail(failure);
  await assert.rejects(failing, failure);
  await until("the second change", () => events.includes("second"));
  const last = records.change(RECORD, async () => {
    events.push("last");
    return undefined;
  });
  await turn();
  second.open();
  await Promise.all([following, last]);
  assert.deepEqual(events.slice(2), ["second", "last"]);
  assert.deepEqual(at.names(), []);
  assert.deepEqual(readdirSync(at.reserved.claims), []);
});

claimTest("a change waits for that of another process, and follows it", async ({ root, reserved, owner, clock, t }) => {
  const records = new FileSubscriptions(reserved, owner, false);
  const other = new OtherProcess(root);
  other.claim(FILE);
  let pauses = 0;
  t.mock.method(Math, "random", () => {
    clock.nowMs += 100;
    if (++pauses === 3) other.release(FILE);
    return 0;
  });
  await records.change(RECORD, async () => RECORD);
  assert.equal(pauses, 3);
  assert.deepEqual(await records.find(RECORD), RECORD);
});

claimTest("a change gives up after fifteen seconds", async ({ root, reserved, owner, clock, t }) => {
  const records = new FileSubscriptions(reserved, owner, false);
  const other = new OtherProcess(root);
  other.claim(FILE);
  let pauses = 0;
  t.mock.method(Math, "random", () => {
    clock.nowMs += [5_000, 9_999, 1][pauses++] ?? 0;
    other.beat();
    return 0;
  });
  const busy = await rejectsWith(records.change(RECORD, refused), "busy");
  assert.deepEqual([pauses, busy.headers?.["Retry-After"]], [3, "1"]);
  assert.equal((busy.cause as { code?: string }).code, "conflict");
});

claimTest("a claim that fails otherwise is not tried again", async ({ reserved, owner, root, silence, t }) => {
  const records = new FileSubscriptions(reserved, owner, false);
  await records.change(RECORD, async () => RECORD);
  t.mock.method(Math, "random", assert.fail);
  const silent = new OtherProcess(root);
  silent.claim(FILE);
  await silence(10_000, silent);
  // The takeover copies the file, and finds that its folder leads elsewhere.
  renameSync(reserved.subscriptions, join(root, "moved"));
  symlinkSync("../..", reserved.subscriptions);
  await rejectsWith(records.change(RECORD, refused), "bad_path");
  rmSync(reserved.claims, { recursive: true });
  mkdirSync(reserved.claims);
  writeFileSync(silent.folder(FILE), "a file");
  await rejectsWith(records.change(RECORD, refused), "path_conflict");
});
