/** Changes of one subscription by several processes, and by several calls of one. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
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
  const following = [1, 2].map((each) =>
    records.change(RECORD, async () => {
      events.push(`following ${each}`);
      return RECORD;
    }),
  );
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
  await Promise.all(following);
  assert.deepEqual(events.slice(2), ["following 1", "following 2"]);
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

claimTest("a claim that fails otherwise is not tried again", async ({ reserved, owner, root, t }) => {
  await new FileSubscriptions(reserved, owner, false).change(RECORD, async () => RECORD);
  t.mock.method(Math, "random", assert.fail);
  writeFileSync(new OtherProcess(root).folder(FILE), "a file");
  await rejectsWith(new FileSubscriptions(reserved, owner, false).change(RECORD, refused), "path_conflict");
});
