/** This process as an owner of claims: its signs of life, and what it checks at each. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { type OwnedClaim, Owner, ownerOf } from "../../src/stores/file/claims/owner.ts";
import { reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { type FakeClock, fakeClock, OtherProcess } from "../fixture/other-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** A claim that counts what its owner asks it. */
class CountedClaim implements OwnedClaim {
  verified = 0;
  listened = 0;
  /** What {@link listen} waits for. */
  until: Promise<void> = Promise.resolve();

  verify(): void {
    this.verified++;
  }

  async listen(): Promise<void> {
    this.listened++;
    await this.until;
  }
}

interface Place {
  readonly root: string;
  readonly owner: Owner;
  /** The file that the owner touches. */
  readonly sign: string;
  readonly clock: FakeClock;
  /** Sets the wall clock. */
  readonly setDate: (ms: number) => void;
  /** Lets a second pass, and waits until the owner has done what it does then. */
  second(passedMs?: number): Promise<void>;
}

const NO_CLAIM: OwnedClaim = { verify: () => {}, listen: async () => {} };

function ownerTest(what: string, run: (at: Place) => Promise<void>): void {
  test(what, async (t: TestContext) => {
    const root = realpathSync(await temporaryFolder("owner"));
    const clock = fakeClock(t);
    const date = t.mock.method(Date, "now", () => 1_000_000_000_000);
    t.mock.timers.enable({ apis: ["setInterval"] });
    const owner = new Owner(reservedIn(root));
    const second = async (passedMs = 1_000): Promise<void> => {
      clock.nowMs += passedMs;
      t.mock.timers.tick(1_000);
      // The owner does one thing at a time.
      await owner.end(NO_CLAIM);
      await new Promise((resolve) => setImmediate(resolve));
    };
    const setDate = (ms: number): void => date.mock.mockImplementation(() => ms);
    try {
      await run({ root, owner, sign: owner.signOf(owner.record), clock, setDate, second });
    } finally {
      await removeFolder(root);
    }
  });
}

test("the stores on one root share an owner", () => {
  const owner = ownerOf("/one", reservedIn("/one"));
  assert.equal(ownerOf("/one", reservedIn("/one")), owner);
  assert.notEqual(ownerOf("/other", reservedIn("/other")), owner);
});

ownerTest("its sign of life is there from the first claim to the end of the last one", async ({ owner, sign }) => {
  const [one, two] = [new CountedClaim(), new CountedClaim()];
  assert.ok(!existsSync(sign));
  await owner.begin(one);
  assert.deepEqual(JSON.parse(readFileSync(sign, "utf8")), owner.record);
  const { ino } = statSync(sign);
  await owner.begin(two);
  assert.equal(statSync(sign).ino, ino, "it is not made again");
  await owner.end(one);
  assert.ok(existsSync(sign));
  await owner.end(two);
  assert.ok(!existsSync(sign));
  await Promise.all([owner.begin(one), owner.end(one), owner.begin(two)]);
  assert.ok(existsSync(sign), "a claim that begins while the last one ends keeps it");
  await owner.end(two);
  assert.ok(!existsSync(sign));
});

ownerTest("its signs of life follow the clock, and differ if the clock does not move on", async (at) => {
  const { owner, sign, setDate, second } = at;
  const claim = new CountedClaim();
  await owner.begin(claim);
  const times: number[] = [];
  for (const date of [2_000_000, 2_000_000, 1_000_000, 1_000_000, 9_000_000]) {
    setDate(date);
    await second();
    times.push(statSync(sign).mtimeMs);
  }
  assert.deepEqual(times, [2_000_000, 2_001_000, 2_002_000, 2_003_000, 9_000_000]);
  await owner.end(claim);
  await second();
  assert.ok(!existsSync(sign));
});

ownerTest("it is fresh for half a lease after a sign of life", async ({ owner, clock, second }) => {
  assert.equal(owner.isFresh, false, "before the first one");
  const claim = new CountedClaim();
  await owner.begin(claim);
  clock.nowMs += 4_999;
  assert.equal(owner.isFresh, true);
  clock.nowMs += 1;
  assert.equal(owner.isFresh, false);
  await second(0);
  assert.equal(owner.isFresh, true);
  clock.nowMs += 5_000;
  assert.equal(owner.isFresh, false);
  await owner.end(claim);
});

ownerTest("it verifies its claims at the first sign of life after a pause", async ({ owner, second }) => {
  const claims = [new CountedClaim(), new CountedClaim()];
  for (const claim of claims) await owner.begin(claim);
  const verified = (): number[] => claims.map((claim) => claim.verified);
  await second();
  await second(4_999);
  assert.deepEqual(verified(), [0, 0]);
  await second(5_000);
  assert.deepEqual(verified(), [1, 1]);
  await second();
  assert.deepEqual(verified(), [1, 1]);
  for (const claim of claims) await owner.end(claim);
});

ownerTest("a sign of life that another program removes is there again a second later", async (at) => {
  const { owner, sign, second } = at;
  const claim = new CountedClaim();
  await owner.begin(claim);
  rmSync(sign);
  await second();
  assert.deepEqual(JSON.parse(readFileSync(sign, "utf8")), owner.record);
  await owner.end(claim);
});

ownerTest("it does not stay fresh if its signs of life fail", async ({ owner, sign, second }) => {
  const claim = new CountedClaim();
  await owner.begin(claim);
  rmSync(sign);
  symlinkSync(sign, sign);
  for (let count = 0; count < 5; count++) await second();
  assert.equal(owner.isFresh, false);
  rmSync(sign);
  await second();
  assert.equal(owner.isFresh, true);
  assert.equal(claim.verified, 1);
  await owner.end(claim);
});

ownerTest("its claims look for requests while there is one for any path", async ({ root, owner, second }) => {
  const claims = [new CountedClaim(), new CountedClaim()];
  for (const claim of claims) await owner.begin(claim);
  await second();
  assert.deepEqual(
    claims.map(({ listened }) => listened),
    [0, 0],
  );
  const request = new OtherProcess(root).request("a.txt");
  await second();
  rmSync(request);
  await second();
  assert.deepEqual(
    claims.map(({ listened }) => listened),
    [1, 1],
  );
  for (const claim of claims) await owner.end(claim);
});

test("what takes longer than a second is not begun again meanwhile", async (t) => {
  const root = realpathSync(await temporaryFolder("owner"));
  t.mock.timers.enable({ apis: ["setInterval"] });
  const owner = new Owner(reservedIn(root));
  const claim = new CountedClaim();
  await owner.begin(claim);
  new OtherProcess(root).request("a.txt");
  let go = (): void => {};
  claim.until = new Promise((resolve) => {
    go = resolve;
  });
  t.mock.timers.tick(5_000);
  const settled = owner.end(NO_CLAIM);
  go();
  await settled;
  assert.equal(claim.listened, 1);
  await owner.end(claim);
  await removeFolder(root);
});

ownerTest("a sign of life that is due when the last claim ends is not given", async ({ owner, sign, second }) => {
  const claim = new CountedClaim();
  await owner.begin(claim);
  const ended = owner.end(claim);
  await second();
  await ended;
  assert.ok(!existsSync(sign));
});

ownerTest("a claim whose sign of life cannot be given ends like any other", async ({ owner, sign }) => {
  const claim = new CountedClaim();
  mkdirSync(dirname(dirname(sign)), { recursive: true });
  writeFileSync(dirname(sign), "a file");
  await assert.rejects(owner.begin(claim), { code: "EEXIST" });
  await owner.end(claim);
  rmSync(dirname(sign));
  await owner.begin(claim);
  assert.ok(existsSync(join(sign)));
  await owner.end(claim);
});
