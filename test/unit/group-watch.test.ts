/** Watching an append of another process of the group: what counts are its reports, and what the lease shows. */
import assert from "node:assert/strict";
import fs, { appendFileSync, mkdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { AppendUpdate } from "../../src/engine/storage/store.ts";
import { groupLease, joinLease } from "../../src/stores/file/claims/group-lease.ts";
import type { Lease } from "../../src/stores/file/claims/lease.ts";
import { Owner } from "../../src/stores/file/claims/owner.ts";
import { joinGroup } from "../../src/stores/file/groups/process-group.ts";
import type { PeerReport } from "../../src/stores/file/peers/links.ts";
import { ownIdentity } from "../../src/stores/file/processes/process-identity.ts";
import { keyOf, type Reserved, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { watchFile } from "../../src/stores/file/watch/watch.ts";
import type { Seen } from "../../src/stores/file/watch/watched.ts";
import { NOT_LOCAL } from "../fixture/local.ts";
import { fakeClock } from "../fixture/other-process.ts";
import { breakLease } from "../fixture/second-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const GROUP = { id: "group-1", ...ownIdentity() };
joinGroup(GROUP);

const PATH = "a.txt";
const KEY = keyOf(PATH);

/** A process of the group. All are this process in truth. */
class Member {
  readonly owner: Owner;
  readonly #reserved: Reserved;
  #lease: Lease | undefined;
  #at: number | undefined;
  readonly #entry: string;

  constructor(reserved: Reserved) {
    this.#reserved = reserved;
    this.owner = new Owner(reserved);
    this.#entry = join(reserved.claims, KEY, `1-${this.owner.record.id}`);
    this.join();
  }

  get id(): string {
    return this.owner.record.id;
  }

  /** Joins the lease of the group, which it takes if it is free. */
  join(): void {
    this.#lease = joinLease(this.#reserved, this.owner.record, GROUP);
  }

  /** Claims the path by the lease. */
  claim(): void {
    this.#at = this.#lease?.mark(KEY, false) as number;
    assert.equal(typeof this.#at, "number");
  }

  release(): void {
    this.#lease?.free(this.#at as number);
  }

  /** Enters the claim by path, as after the lease was broken. */
  enter(): void {
    mkdirSync(join(this.#reserved.claims, KEY), { recursive: true });
    writeFileSync(this.#entry, JSON.stringify(this.owner.record));
    this.#lease?.remove();
  }

  /** Releases what it has entered. */
  leave(): void {
    rmSync(this.#entry);
  }

  news(type: PeerReport["type"], size: number, more: Partial<PeerReport> = {}): PeerReport {
    return { from: this.id, type, size, closed: false, ...more };
  }
}

interface Place {
  readonly t: TestContext;
  readonly root: string;
  readonly file: string;
  /** Two processes of the group. The first one has the path by the lease. */
  readonly one: Member;
  readonly other: Member;
  /** What the watch has yielded. */
  readonly seen: AppendUpdate[];
  /** What the record of the path says. */
  record: Seen;
  /** The present term of the group. */
  term(): string | undefined;
  /** Begins a watch of a third process. */
  watch(): void;
  /** Reports to the watch. */
  tell(news: PeerReport): void;
  /** Resolves when the watch has looked at the claim again. */
  look(): Promise<void>;
  /** Resolves when the watch has yielded this. */
  sees(growth: AppendUpdate): Promise<void>;
}

/** Registers a test in which pauses take no time. */
function watchTest(what: string, run: (at: Place) => Promise<void>): void {
  test(what, { skip: NOT_LOCAL, timeout: 20_000 }, async (t) => {
    const root = realpathSync(await temporaryFolder("group-watch"));
    const reserved = reservedIn(root);
    const file = join(root, PATH);
    writeFileSync(file, "12345");
    const [one, other] = [new Member(reserved), new Member(reserved)];
    one.claim();
    const owner = new Owner(reserved);
    const over = new AbortController();
    const { setTimeout } = globalThis;
    let pauses = 0;
    t.mock.method(globalThis, "setTimeout", (done: () => void) => {
      pauses++;
      return setTimeout(done, 0);
    });
    let tell: (news: PeerReport) => void = () => {};
    const place: Place = {
      ...{ t, root, file, one, other },
      seen: [],
      record: { generation: "g" },
      term: () => groupLease(reserved)?.term,
      watch: () => {
        const watched = watchFile({
          ...{ reserved, owner, file, signal: over.signal },
          resumable: async () => false,
          look: async () => place.record,
          listen: (listener) => {
            tell = listener;
            return () => {};
          },
        });
        void (async () => {
          for await (const growth of watched) place.seen.push(growth);
        })();
      },
      tell: (news) => tell(news),
      look: () => {
        const since = pauses;
        return until("a look at the claim", () => pauses > since + 25).then(() => {});
      },
      sees: async ({ size, ended }) => {
        const isIt = (seen: AppendUpdate): boolean => seen.size === size && seen.ended === ended;
        await until(`size ${size}, end ${ended}`, () => place.seen.some(isIt));
      },
    };
    try {
      await run(place);
    } finally {
      over.abort();
      t.mock.restoreAll();
      await removeFolder(root);
    }
  });
}

watchTest("an append by the lease is seen by its reports, and its end", async ({ one, watch, tell, sees, seen }) => {
  watch();
  tell(one.news("state", 5, { generation: "g" }));
  await sees({ size: 5 });
  tell(one.news("grown", 8));
  await sees({ size: 8 });
  tell(one.news("ended", 8, { reason: "complete" }));
  await sees({ size: 8, ended: "complete" });
  assert.equal(seen.length, 3);
});

watchTest("an append goes on when the lease was broken, and the group has the next one", async (at) => {
  const { root, one, other, watch, tell, look, sees, seen, term } = at;
  watch();
  tell(one.news("state", 5, { generation: "g" }));
  await sees({ size: 5 });
  breakLease(root);
  one.enter();
  other.join();
  const next = term();
  assert.ok(next);
  await look();
  tell(one.news("grown", 8));
  await sees({ size: 8 });
  tell(one.news("ended", 8, { reason: "complete" }));
  await sees({ size: 8, ended: "complete" });
  assert.deepEqual([seen.length, term()], [3, next]);
});

watchTest("bytes that a process has stored before it is seen as the owner are not forgotten", async (at) => {
  const { one, other, watch, look, tell, sees } = at;
  watch();
  tell(one.news("state", 5, { generation: "g" }));
  await sees({ size: 5 });
  // Its report comes while the look still finds the first one.
  tell(other.news("state", 5, { generation: "g" }));
  tell(other.news("grown", 8));
  await look();
  one.release();
  other.claim();
  await sees({ size: 8 });
});

watchTest("a follow of a path that is claimed by path does not break the lease", async (at) => {
  const { root, file, one, other, watch, look, sees, term } = at;
  breakLease(root);
  one.enter();
  other.join();
  const before = term();
  assert.ok(before);
  watch();
  await sees({ size: 5 });
  appendFileSync(file, "678");
  await sees({ size: 8 });
  await look();
  assert.equal(term(), before);
  at.record = { generation: "g", ended: "failed" };
  one.leave();
  await sees({ size: 8, ended: "failed" });
  assert.equal(term(), before);
});

watchTest("a process that finds the path taken is not taken for its owner", async (at) => {
  const { root, one, other, watch, tell, look, sees, seen } = at;
  breakLease(root);
  one.enter();
  other.join();
  watch();
  tell(one.news("state", 5, { generation: "g" }));
  await sees({ size: 5 });
  // Its entry comes first in the folder, or last.
  const others = ["0-early", "9-late"].map((name) => join(root, ".httpfstream", "entries", KEY, name));
  for (const entry of others) writeFileSync(entry, JSON.stringify(other.owner.record));
  await look();
  tell(one.news("grown", 8));
  await sees({ size: 8 });
  tell(one.news("ended", 8, { reason: "complete" }));
  await until("the end", () => seen.at(-1)?.ended === "complete");
});

watchTest("an owner that does not report is followed by its file, and keeps its lease", async (at) => {
  const { file, one, watch, look, tell, sees, term } = at;
  const before = term();
  watch();
  await sees({ size: 5 });
  appendFileSync(file, "678");
  await sees({ size: 8 });
  await look();
  tell(one.news("state", 9, { generation: "g" }));
  await sees({ size: 9 });
  assert.equal(term(), before);
  appendFileSync(file, "9");
  at.record = { generation: "g", ended: "complete" };
  one.release();
  await sees({ size: 9, ended: "complete" });
});

watchTest("a watch that has begun by files goes on with the reports, once the group has the lease", async (at) => {
  const { root, one, other, watch, look, tell, sees, seen, term } = at;
  breakLease(root);
  one.enter();
  watch();
  await sees({ size: 5 });
  other.join();
  await look();
  tell(one.news("state", 6, { generation: "g" }));
  await sees({ size: 6 });
  at.record = { generation: "g", ended: "complete" };
  one.leave();
  await until("the end", () => seen.at(-1)?.ended === "complete");
  assert.ok(term());
});

watchTest("many watches share a look at the lease", async ({ t, one, watch, tell, look, seen }) => {
  const clock = fakeClock(t);
  const opened = t.mock.method(fs, "openSync");
  syncBuiltinESMExports();
  const looks = (): number => opened.mock.calls.filter(({ arguments: [file] }) => String(file).endsWith("held")).length;
  try {
    for (let count = 1; count <= 20; count++) {
      watch();
      tell(one.news("state", 5, { generation: "g" }));
      await until("its size", () => seen.length === count);
    }
    await look();
    assert.equal(looks(), 1);
    clock.nowMs += 50;
    await look();
    assert.equal(looks(), 2);
  } finally {
    opened.mock.restore();
    syncBuiltinESMExports();
  }
});
