/** Standing follows under random schedules of appends, removals and writes behind the server's back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Admission } from "../../src/engine/append/registry.ts";
import type { FollowEnd } from "../../src/engine/follow/follower.ts";
import { removePath } from "../../src/engine/sessions/removal.ts";
import { Sessions } from "../../src/engine/sessions/sessions.ts";
import type { StandingFollow } from "../../src/engine/standing/standing-follow.ts";
import { StandingFollows } from "../../src/engine/standing/standing-follows.ts";
import { Rig, settle } from "../fixture/rig.ts";
import { TestSink } from "../fixture/test-sink.ts";
import { settings } from "./settings.ts";

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const ACTIONS = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("push" as const), bytes: fc.integer({ min: 1, max: 400 }) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant("begin" as const) }) },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant("end" as const), lost: fc.boolean(), isAwaited: fc.boolean() }),
    },
    // Another program writes. A look may find it at any later time.
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("foreign" as const), bytes: fc.nat({ max: 200 }), isSeen: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), isAwaited: fc.boolean() }) },
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant("wait" as const), micro: fc.nat({ max: 40 }), macro: fc.nat({ max: 2 }) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("join" as const), where: share, stalled: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("stall" as const, "flow" as const), who: share }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), who: share }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("hold" as const, "release" as const) }) },
  ),
  { maxLength: 80, size: "max" },
);

const SCHEDULES = fc.record({
  limits: fc.record({
    followerBudgetBytes: fc.integer({ min: 1, max: 1500 }),
    batchBytes: fc.integer({ min: 1, max: 700 }),
    recentBytes: fc.integer({ min: 1, max: 3000 }),
  }),
  actions: ACTIONS,
});

type Schedule = typeof SCHEDULES extends fc.Arbitrary<infer T> ? T : never;

/** A follower, and what it was told. */
interface Watcher {
  readonly follow: StandingFollow;
  readonly sink: TestSink;
  readonly idle: { readonly offset: number; readonly reason: string }[];
  /** The generation that it was told last; empty before the path began. */
  generation: string;
  readonly wasMissing: boolean;
  end: FollowEnd | undefined;
  hasLeft: boolean;
}

class World {
  readonly #rig: Rig;
  readonly #sessions: Sessions;
  readonly #standing: StandingFollows;
  readonly #watchers: Watcher[] = [];
  readonly #pending: Promise<unknown>[] = [];
  /** The last bytes of each content that was removed, by generation. */
  readonly #removed = new Map<string, Buffer>();
  #admission: Admission | undefined;
  #produced = 0;

  constructor(limits: Schedule["limits"]) {
    this.#rig = new Rig(limits);
    const { registry } = this.#rig;
    this.#sessions = new Sessions(registry, (_path, error) => assert.fail(String(error)));
    this.#standing = new StandingFollows({ registry, sessions: this.#sessions });
  }

  async act(action: Schedule["actions"][number]): Promise<void> {
    const { store, registry } = this.#rig;
    switch (action.do) {
      case "begin":
        if (!this.#admission && !registry.isTaken("a")) this.#admission = await this.#rig.admit();
        return;
      case "push":
        this.#admission?.batcher.push(this.#bytes(action.bytes));
        return;
      case "end":
        return await this.#end(action.lost ? "lost" : "complete", action.isAwaited);
      case "foreign":
        return await this.#foreign(action.bytes, action.isSeen);
      case "remove":
        return await this.#remove(action.isAwaited);
      case "wait":
        for (let turn = 0; turn < action.micro; turn++) await undefined;
        for (let turn = 0; turn < action.macro; turn++) await new Promise((resolve) => setImmediate(resolve));
        return;
      case "join":
        return await this.#join(action.where, action.stalled);
      case "hold":
        store.holding = true;
        return;
      case "release":
        return await store.letGo();
      default:
        return this.#disturb(action);
    }
  }

  /** Lets everything settle, and checks that every follower has every byte once. */
  async finish(): Promise<void> {
    const { store, registry } = this.#rig;
    await store.letGo();
    for (const { sink } of this.#watchers) sink.flow();
    await this.#end("complete", true);
    await Promise.all(this.#pending);
    registry.notices.notify("a");
    const found = await store.stat("a");
    const content = await this.#rig.stored();
    const isDone = ({ end, hasLeft, idle, ...watcher }: Watcher): boolean => {
      const isUnbound = watcher.wasMissing && watcher.sink.length === 0;
      const isCurrent = watcher.generation === (found?.generation ?? "") || isUnbound;
      return hasLeft || end !== undefined || (isCurrent && idle.at(-1)?.offset === content.length);
    };
    for (let turn = 0; turn < 3; turn++) await settle();
    for (let turn = 0; turn < 100 && !this.#watchers.every(isDone); turn++) await settle();
    for (const watcher of this.#watchers) this.#check(watcher, content, found?.generation ?? "");
    for (const { follow } of this.#watchers) {
      follow.stop();
      follow.leave();
    }
    await settle();
    for (const { end } of this.#watchers) assert.ok(end, "it ends when it is stopped");
  }

  #check(watcher: Watcher, content: Buffer, generation: string): void {
    const { follow, sink, idle, end, hasLeft } = watcher;
    const expected = watcher.generation === generation ? content : this.#removed.get(watcher.generation);
    const got = sink.bytes;
    const from = (expected ?? Buffer.alloc(0)).subarray(follow.start);
    assert.ok(got.equals(from.subarray(0, got.length)), `the bytes from ${follow.start} on`);
    const offsets = idle.map(({ offset }) => offset);
    assert.deepEqual(
      offsets,
      offsets.toSorted((one, other) => one - other),
    );
    if (hasLeft) return;
    // A path that did not exist, and was removed before its first byte, may begin anew.
    const isUnbound = watcher.wasMissing && got.length === 0 && content.length === 0;
    if (end === undefined) {
      if (!isUnbound) assert.equal(watcher.generation, generation, "a follow of content that is gone ends");
      if (!isUnbound) assert.equal(got.length, from.length, "all bytes");
      assert.equal(offsets.at(-1), content.length, "it was told that nothing is appended");
    } else {
      assert.ok(end === "deleted" || end === "replaced", end);
      assert.notEqual(watcher.generation, generation);
    }
  }

  #bytes(count: number): Buffer {
    const from = this.#produced;
    this.#produced += count;
    return Buffer.from(Array.from({ length: count }, (_, at) => ((from + at) * 167 + ((from + at) >> 8) * 13) & 0xff));
  }

  async #end(reason: "complete" | "lost", isAwaited: boolean): Promise<void> {
    const admission = this.#admission;
    this.#admission = undefined;
    if (!admission) return;
    const ended = admission.end(reason);
    this.#pending.push(ended);
    if (!isAwaited) return;
    await this.#rig.store.letGo();
    await ended;
  }

  async #foreign(count: number, isSeen: boolean): Promise<void> {
    const { store, registry } = this.#rig;
    if (registry.isTaken("a")) return;
    await store.append("a", this.#bytes(count).toString("latin1"));
    if (isSeen) registry.notices.notify("a");
  }

  async #remove(isAwaited: boolean): Promise<void> {
    const { store, registry } = this.#rig;
    const found = await store.stat("a");
    if (!found || registry.isTaken("a")) return;
    this.#removed.set(found.generation, await this.#rig.stored());
    if (registry.isTaken("a")) return;
    const removed = removePath({ registry, sessions: this.#sessions }, "a");
    this.#pending.push(removed);
    if (isAwaited) await removed;
    else await Promise.race([removed, settle()]);
  }

  async #join(where: number, stalled: boolean): Promise<void> {
    const size = (await this.#rig.store.stat("a"))?.size ?? 0;
    const start = { offset: Math.floor(where * (size + 1)) };
    // The path may be removed before it is opened.
    const follow = await this.#standing.open("a", { start, generation: undefined }).catch(() => undefined);
    if (!follow) return;
    const sink = new TestSink("binary", stalled);
    const { generation } = follow.content;
    const known = { follow, sink, idle: [], generation, wasMissing: follow.isMissing };
    const watcher: Watcher = { ...known, end: undefined, hasLeft: false };
    this.#watchers.push(watcher);
    const face = {
      text: false,
      started: (offset: number, name: string) => {
        assert.deepEqual([offset, follow.start, sink.length], [0, 0, 0]);
        watcher.generation = name;
      },
      idle: (offset: number, reason: string) => {
        assert.equal(offset, follow.start + sink.length, "everything before it was sent");
        watcher.idle.push({ offset, reason });
      },
    };
    follow.run(sink, face).then(
      (end) => {
        watcher.end = end;
      },
      (error: unknown) => assert.fail(String((error as Error).stack)),
    );
  }

  #disturb({ do: what, who }: Extract<Schedule["actions"][number], { who: number }>): void {
    const watcher = this.#watchers[Math.floor(who * this.#watchers.length)];
    if (!watcher || watcher.hasLeft) return;
    if (what === "stall") watcher.sink.stall();
    else if (what === "flow") watcher.sink.flow();
    else {
      watcher.hasLeft = true;
      watcher.follow.stop();
    }
  }
}

test("in any order of events a standing follow gets every byte once, and is told when nothing is appended", async () => {
  const property = fc.asyncProperty(SCHEDULES, async ({ limits, actions }) => {
    const world = new World(limits);
    for (const action of actions) await world.act(action);
    await world.finish();
  });
  await fc.assert(property, settings(300));
});
