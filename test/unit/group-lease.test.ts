/** The lease that the processes of a group share: who has a path, and what others see of it. */
import assert from "node:assert/strict";
import fs, {
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { claimantsOf } from "../../src/stores/file/claims/entries.ts";
import { endGroup, groupLease, groupView, joinLease } from "../../src/stores/file/claims/group-lease.ts";
import { Lease } from "../../src/stores/file/claims/lease.ts";
import {
  breakForeignLease,
  foreignSlots,
  leasesIn,
  ownerOfLease,
  type SlotState,
} from "../../src/stores/file/claims/lease-files.ts";
import type { LeasedClaim, Mark } from "../../src/stores/file/claims/mark.ts";
import { Owner } from "../../src/stores/file/claims/owner.ts";
import { RootLease } from "../../src/stores/file/claims/root-lease.ts";
import { sweep } from "../../src/stores/file/claims/sweep.ts";
import { joinGroup } from "../../src/stores/file/groups/process-group.ts";
import { ownIdentity } from "../../src/stores/file/processes/process-identity.ts";
import { keyOf, type Reserved, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { NOT_LOCAL } from "../fixture/local.ts";
import { NO_DEATH, OtherProcess } from "../fixture/other-process.ts";
import { breakLease } from "../fixture/second-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const GROUP = { id: "group-1", ...ownIdentity() };
joinGroup(GROUP);

const PATH = "a.txt";
const KEY = keyOf(PATH);

/** One process of the group. All are this process in truth. */
class Member {
  readonly owner: Owner;
  readonly lease: RootLease;
  readonly entered: string[] = [];

  constructor(reserved: Reserved) {
    this.owner = new Owner(reserved);
    this.lease = new RootLease(reserved, this.owner);
  }

  /** Claims a path. Undefined if that must be done by path. */
  async mark(path = PATH, isKept = false): Promise<Mark | undefined> {
    let mark: Mark | undefined;
    const marked = (made: Mark): void => {
      mark = made;
    };
    await this.lease.mark(keyOf(path), path, this.claim(path, isKept, marked));
    return mark;
  }

  claim(path = PATH, isKept = false, marked: (mark: Mark) => void = () => {}): LeasedClaim {
    const enterByPath = async (state: () => SlotState | undefined): Promise<void> => {
      this.entered.push(`${path} ${state()}`);
    };
    return { path, isKept, leaseMs: 10_000, marked, enterByPath };
  }
}

interface Place {
  readonly root: string;
  readonly reserved: Reserved;
  readonly one: Member;
  readonly other: Member;
  /** The present term of the group. */
  term(): string;
}

function groupTest(what: string, run: (at: Place) => Promise<void>, skip: string | false | undefined = false): void {
  test(what, { skip: skip || NOT_LOCAL, timeout: 20_000 }, async () => {
    const root = realpathSync(await temporaryFolder("group"));
    const reserved = reservedIn(root);
    writeFileSync(join(root, PATH), "");
    try {
      const term = (): string => groupLease(reserved)?.term ?? "none";
      await run({ root, reserved, one: new Member(reserved), other: new Member(reserved), term });
    } finally {
      await removeFolder(root);
    }
  });
}

groupTest(
  "a path that one process has is refused to the other one, until it is free",
  async ({ one, other, reserved }) => {
    const mark = await one.mark();
    assert.ok(mark?.isThere);
    await rejectsWith(other.mark(), "conflict");
    assert.ok(await other.mark("b.txt"), "its other paths are free");
    assert.equal(ownerOfLease(join(reserved.leases, "held"))?.id, GROUP.id);
    assert.ok(mark.free());
    assert.ok(await other.mark());
    await rejectsWith(one.mark(), "conflict");
  },
);

groupTest("each process of the group sees what the others have, and whether it is kept", async (at) => {
  const { one, other, reserved, root } = at;
  const file = join(root, PATH);
  await one.mark(PATH, true);
  const [found] = await claimantsOf(reserved, other.owner, file);
  assert.deepEqual([found?.owner.id, found?.owner.isKept], [one.owner.record.id, true]);
  assert.equal(groupView(reserved, other.owner.record)?.ownerOf(KEY)?.id, one.owner.record.id);
  assert.equal(groupView(reserved, one.owner.record)?.ownerOf(KEY), undefined, "it is its own");
  await other.mark("c.txt");
  assert.ok(other.lease.mayBeElsewhere(KEY));
  assert.ok(!other.lease.mayBeElsewhere(keyOf("b.txt")));
});

groupTest("other processes see the claims of all of the group as slots of living owners", async (at) => {
  const { one, other, reserved, root } = at;
  await one.mark();
  await other.mark("b.txt");
  const outsider = new OtherProcess(root);
  const slots = foreignSlots(reserved, outsider.record);
  const keys = slots.map(({ key, owner }) => [key, owner.id]);
  assert.ok(keys.some(([key, id]) => key === KEY && id === one.owner.record.id));
  assert.ok(keys.some(([key, id]) => key === keyOf("b.txt") && id === other.owner.record.id));
});

groupTest(
  "when another process breaks the lease, all enter what they have by path",
  async ({ root, one, other, reserved }) => {
    const mark = await one.mark();
    await other.mark("b.txt");
    breakLease(root);
    assert.equal(mark?.isIntact, false);
    await until("the conversions", () => one.entered.length + other.entered.length === 2);
    assert.deepEqual([one.entered, other.entered], [[`${PATH} +`], ["b.txt +"]]);
    await until("nothing to be left", () => {
      return readdirSync(reserved.leases).length + readdirSync(reserved.groups).length === 0;
    });
    assert.equal(await one.mark("c.txt"), undefined, "claims are by path for a while");
  },
);

groupTest(
  "a process that claims by path keeps the others of the group away, and does not break the lease",
  async (at) => {
    const { one, other, reserved } = at;
    await one.mark("b.txt");
    await other.mark("c.txt");
    const reservation = await one.lease.reserve(KEY, one.claim());
    assert.ok(reservation?.isIntact);
    await rejectsWith(other.mark(), "conflict");
    await rejectsWith(other.lease.reserve(KEY, other.claim()), "conflict");
    reservation.free();
    assert.ok(await other.lease.reserve(KEY, other.claim()));
    assert.deepEqual(readdirSync(reserved.leases).includes("held"), true);
  },
);

groupTest("a requested path is claimed by path, where the request is respected", async ({ one, reserved }) => {
  await one.mark("b.txt");
  mkdirSync(reserved.handovers);
  writeFileSync(join(reserved.handovers, KEY), "{}");
  assert.equal(await one.mark(), undefined);
});

groupTest(
  "a path of a process that has ended breaks the lease, and is then taken over by path",
  async ({ one, reserved, root, term }) => {
    await one.mark("b.txt");
    const dead = new OtherProcess(root, "dead");
    const folder = join(reserved.groups, term());
    writeFileSync(join(folder, "member-dead"), JSON.stringify(dead.record));
    linkSync(join(folder, "member-dead"), join(folder, KEY));
    assert.equal(await one.mark(), undefined);
    assert.equal(term(), "none");
    await until("the other claim to be entered", () => one.entered.length === 1);
  },
  NO_DEATH,
);

groupTest(
  "what a process that has ended has left in a term is removed, once the lease is broken",
  async ({ one, reserved, root, term }) => {
    await one.mark("b.txt");
    const dead = new OtherProcess(root, "dead");
    const folder = join(reserved.groups, term());
    writeFileSync(join(folder, "member-dead"), JSON.stringify(dead.record));
    linkSync(join(folder, "member-dead"), join(folder, KEY));
    await sweep(reserved, one.owner);
    assert.equal(term(), "none");
    assert.ok(!existsSync(join(folder, KEY)));
  },
  NO_DEATH,
);

groupTest("a torn link does not keep a path for ever", async ({ one, reserved, term }) => {
  await one.mark("b.txt");
  writeFileSync(join(reserved.groups, term(), KEY), "");
  assert.equal(await one.mark(), undefined);
  assert.equal(term(), "none");
});

groupTest("a process that has nothing more leaves the lease to the others", async ({ one, other, reserved }) => {
  const mark = await one.mark();
  await other.mark("b.txt");
  const { ino } = statSync(join(reserved.leases, "held"));
  mark?.free();
  await until("its slots to be gone", () => readdirSync(reserved.leases).length === 2);
  assert.equal(statSync(join(reserved.leases, "held")).ino, ino);
  assert.ok(await one.mark(), "it joins again");
  assert.equal(statSync(join(reserved.leases, "held")).ino, ino);
});

groupTest("a process that has not noticed that the lease is broken does not claim by a later one", async (at) => {
  const { one, reserved } = at;
  // A file that is removed may leave its inode to the next one.
  for (let round = 0; round < 20; round++) {
    const [first, late] = [new Owner(reserved).record, new Owner(reserved).record];
    const finished = joinLease(reserved, first, GROUP);
    const stalled = joinLease(reserved, late, GROUP);
    breakForeignLease(reserved);
    finished?.remove();
    const next = joinLease(reserved, one.owner.record, GROUP);
    assert.equal(stalled?.isIntact, false);
    assert.equal(typeof next?.mark(KEY, false), "number");
    assert.equal(stalled?.mark(KEY, false), "broken");
    breakForeignLease(reserved);
    stalled?.remove();
    next?.remove();
    assert.equal(next?.isIntact, false, "what is held by it does not count for a later one either");
  }
});

groupTest("a claim whose slot could not be written keeps no path from the group", async ({ one, other, reserved }) => {
  const lease = joinLease(reserved, one.owner.record, GROUP);
  assert.ok(lease?.links);
  // As on a full disk.
  const slots = leasesIn(reserved).find((name) => ownerOfLease(name)?.id === one.owner.record.id) as string;
  const held = join(reserved.leases, "held");
  const shared = { held: { fd: openSync(held, "r"), found: statSync(held) }, links: lease.links };
  const full = new Lease(reserved, openSync(slots, "r"), shared, 1);
  assert.throws(() => full.mark(KEY, false), { code: "EBADF" });
  assert.equal(lease.links.has(KEY), false);
  assert.ok(await other.mark());
  lease.remove();
});

groupTest("the lease ends with the group", async ({ one, reserved }) => {
  (await one.mark())?.free();
  endGroup(reserved, { id: "another" });
  assert.ok(existsSync(join(reserved.leases, "held")));
  endGroup(reserved, GROUP);
  assert.ok(!existsSync(join(reserved.leases, "held")));
});

groupTest("the end of a group removes no lease that another process has taken meanwhile", async ({ one, reserved }) => {
  (await one.mark())?.free();
  const held = join(reserved.leases, "held");
  const outsider = JSON.stringify({ ...one.owner.record, id: "outsider" }).padEnd(1_024);
  const { renameSync } = fs;
  fs.renameSync = (from, to) => {
    rmSync(held);
    writeFileSync(held, outsider);
    renameSync(from, to);
  };
  syncBuiltinESMExports();
  try {
    endGroup(reserved, GROUP);
  } finally {
    fs.renameSync = renameSync;
    syncBuiltinESMExports();
  }
  const left = leasesIn(reserved).map((lease) => ownerOfLease(lease)?.id);
  assert.ok(left.includes("outsider"), "it may have claims");
});

groupTest("another process with claims keeps the group from the lease", async ({ root, one, reserved }) => {
  const outsider = new OtherProcess(root);
  outsider.claim("b.txt");
  assert.equal(await one.mark(), undefined);
  assert.equal(groupLease(reserved), undefined);
});
