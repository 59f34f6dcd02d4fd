/** What a follower holds on to: it lets go of everything, whenever it leaves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LeasedSource } from "../../src/engine/append/registry.ts";
import { Broadcast } from "../../src/engine/follow/broadcast.ts";
import type { Followable } from "../../src/engine/follow/followable.ts";
import { RecentPool } from "../../src/engine/follow/recent-chunks.ts";
import { FollowLease } from "../../src/engine/sessions/follow-lease.ts";

/** Something to hold, which tells how often it was let go. */
class Place implements LeasedSource {
  left = 0;
  readonly source: Followable = {
    path: "a",
    generation: "0",
    size: 0,
    broadcast: new Broadcast(0, new RecentPool(0)),
    outcome: undefined,
  };

  leave(): void {
    this.left++;
  }
}

test("it goes on with what there is next, and lets go of what was", async () => {
  const [first, second] = [new Place(), new Place()];
  const hold = new FollowLease(first, async () => second);
  assert.equal(hold.source, first.source);
  assert.equal(await hold.next(), second.source);
  assert.equal(hold.source, second.source);
  assert.deepEqual([first.left, second.left], [1, 0]);
  hold.leave();
  assert.deepEqual([first.left, second.left], [1, 1]);
});

test("what is found for somebody who has left meanwhile is let go", async () => {
  const [first, second] = [new Place(), new Place()];
  let find = (_found: LeasedSource): void => {};
  const found = new Promise<LeasedSource>((resolve) => {
    find = resolve;
  });
  const hold = new FollowLease(first, () => found);
  const next = hold.next();
  hold.leave();
  find(second);
  assert.equal(await next, undefined);
  assert.deepEqual([first.left, second.left], [1, 1]);
});

test("where nothing is found, or it can't be looked for, there is nothing next and everything as it was", async () => {
  for (const seek of [async () => undefined, () => Promise.reject(new Error("the server shuts down"))]) {
    const first = new Place();
    const hold = new FollowLease(first, seek);
    assert.equal(await hold.next(), undefined);
    assert.deepEqual([hold.source, first.left], [first.source, 0]);
    hold.leave();
    assert.equal(first.left, 1);
  }
});
