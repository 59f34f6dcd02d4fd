/** One look at a path for all that wait there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Look, PathWatch, type Waiter } from "../../src/engine/standing/path-watch.ts";
import type { StoreStat } from "../../src/engine/storage/store.ts";
import { settle } from "../fixture/rig.ts";

const FOUND: StoreStat = { size: 1, modified: new Date(0), generation: "g", appending: false, ended: "complete" };

/** A watch of a path whose looks a test answers one by one. */
class Path {
  readonly waiting: boolean[] = [];
  readonly watch: PathWatch;
  readonly #asked: { answer: (found: StoreStat | undefined) => void; fail: (error: Error) => void }[] = [];

  constructor() {
    this.watch = new PathWatch("a", {
      stat: () => new Promise((answer, fail) => this.#asked.push({ answer, fail })),
      onWaiting: (watch, isWaiting) => {
        assert.equal(watch, this.watch);
        this.waiting.push(isWaiting);
      },
    });
  }

  /** How many looks are under way. */
  get looks(): number {
    return this.#asked.length;
  }

  async answer(found: StoreStat | undefined): Promise<void> {
    this.#asked.shift()?.answer(found);
    await settle();
  }

  async fail(): Promise<void> {
    this.#asked.shift()?.fail(new Error("no look"));
    await settle();
  }

  /** A look that finds `found`. */
  async look(found: StoreStat | undefined): Promise<Look> {
    const look = this.watch.look();
    await this.answer(found);
    return await look;
  }
}

function waiter(): Waiter & { times: number } {
  return {
    times: 0,
    woken() {
      this.times++;
    },
  };
}

test("calls during a look share the next one, which begins after it", async () => {
  const path = new Path();
  const first = path.watch.look();
  const others = [path.watch.look(), path.watch.look()];
  assert.equal(path.looks, 1);
  await path.answer(FOUND);
  assert.equal((await first).found, FOUND);
  assert.equal(path.looks, 1, "one look for both");
  const later = { ...FOUND, size: 2 };
  await path.answer(later);
  for (const other of others) assert.equal((await other).found, later);
  assert.equal(path.looks, 0);
  assert.equal((await path.look(later)).found, later);
});

test("two looks never run at once, also if one is asked for when another has just ended", async () => {
  const path = new Path();
  const first = path.watch.look();
  const next = path.watch.look();
  const third = first.then(() => path.watch.look());
  await path.answer(FOUND);
  assert.equal(path.looks, 1);
  const later = { ...FOUND, size: 2 };
  await path.answer(later);
  assert.deepEqual([(await next).found, (await third).found], [later, later]);
  assert.equal(path.looks, 0);
});

test("a look that fails rejects, and those that wait for the next one get it", async () => {
  const path = new Path();
  const failed = path.watch.look();
  const next = path.watch.look();
  const rejected = assert.rejects(failed, /no look/);
  await path.fail();
  await rejected;
  await path.answer(FOUND);
  assert.equal((await next).found, FOUND);
});

test("looks that find the same result in the same object; any change in another one", async () => {
  const path = new Path();
  const none = await path.look(undefined);
  assert.equal(none.found, undefined);
  assert.equal(await path.look(undefined), none);
  const look = await path.look(FOUND);
  assert.notEqual(look, none);
  assert.equal(await path.look({ ...FOUND, modified: new Date(5) }), look);
  const changes = [{ size: 2 }, { generation: "h" }, { appending: true }, { ended: "lost" as const }];
  for (const change of changes) {
    const other = await path.look({ ...FOUND, ...change });
    assert.deepEqual(other.found, { ...FOUND, ...change });
    assert.notEqual(await path.look(FOUND), other);
  }
  assert.equal((await path.look(undefined)).found, undefined);
});

test("a change wakes all waiters once; a look that finds the same wakes none", async () => {
  const path = new Path();
  const look = await path.look(FOUND);
  const [one, other] = [waiter(), waiter()];
  assert.ok(path.watch.join(one, 0, look));
  assert.ok(path.watch.join(other, 0, look));
  assert.deepEqual(path.waiting, [true]);
  path.watch.poll();
  assert.equal(path.looks, 1);
  path.watch.poll();
  assert.equal(path.looks, 1, "one look at a time");
  await path.answer(FOUND);
  assert.deepEqual([one.times, other.times, path.waiting], [0, 0, [true]]);
  path.watch.poll();
  await path.answer({ ...FOUND, size: 2 });
  assert.deepEqual([one.times, other.times, path.waiting], [1, 1, [true, false]]);
  await path.look(FOUND);
  path.watch.noticed();
  assert.deepEqual([one.times, other.times, path.waiting], [1, 1, [true, false]], "they no longer wait");
});

test("a look around that fails wakes the waiters, which look themselves", async () => {
  const path = new Path();
  const look = await path.look(FOUND);
  const one = waiter();
  path.watch.join(one, 0, look);
  path.watch.poll();
  await path.fail();
  assert.equal(one.times, 1);
});

test("who joins with an old look, or after a notice, must look again", async () => {
  const path = new Path();
  const old = await path.look(undefined);
  const look = await path.look(FOUND);
  const one = waiter();
  assert.equal(path.watch.join(one, 0, old), false);
  path.watch.noticed();
  assert.equal(path.watch.notices, 1);
  assert.equal(path.watch.join(one, 0, look), false);
  assert.deepEqual(path.waiting, []);
  assert.ok(path.watch.join(one, 1, look));
  path.watch.noticed();
  assert.equal(one.times, 1);
});

test("it tells when there is a first waiter, and when there is none any more", async () => {
  const path = new Path();
  const look = await path.look(FOUND);
  const [one, other] = [waiter(), waiter()];
  path.watch.leave(one);
  assert.deepEqual(path.waiting, []);
  path.watch.join(one, 0, look);
  path.watch.join(other, 0, look);
  path.watch.leave(one);
  path.watch.leave(one);
  assert.deepEqual(path.waiting, [true]);
  path.watch.leave(other);
  path.watch.leave(other);
  assert.deepEqual(path.waiting, [true, false]);
  path.watch.noticed();
  assert.deepEqual([one.times, other.times], [0, 0]);
});

test("a waiter may join again while the others are woken", async () => {
  const path = new Path();
  const look = await path.look(FOUND);
  let times = 0;
  const again: Waiter = {
    woken() {
      times++;
      path.watch.join(again, path.watch.notices, look);
    },
  };
  path.watch.join(again, 0, look);
  path.watch.noticed();
  assert.deepEqual([times, path.waiting], [1, [true, false, true]]);
});
