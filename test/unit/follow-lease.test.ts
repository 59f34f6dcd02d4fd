/** The lease of a follower releases everything, whenever the follower leaves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LeasedSource } from "../../src/engine/append/registry.ts";
import { Broadcast } from "../../src/engine/follow/broadcast.ts";
import type { Followable } from "../../src/engine/follow/followable.ts";
import { RecentPool } from "../../src/engine/follow/recent-chunks.ts";
import { FollowLease } from "../../src/engine/sessions/follow-lease.ts";

/** A leased source that counts how often it was released. */
class CountingSource implements LeasedSource {
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

test("it moves to the next source, and releases the previous one", async () => {
  const [first, second] = [new CountingSource(), new CountingSource()];
  const lease = new FollowLease(first, async () => second);
  assert.equal(lease.source, first.source);
  assert.equal(await lease.next(), second.source);
  assert.equal(lease.source, second.source);
  assert.deepEqual([first.left, second.left], [1, 0]);
  lease.leave();
  assert.deepEqual([first.left, second.left], [1, 1]);
});

test("a source that is found after the follower has left is released", async () => {
  const [first, second] = [new CountingSource(), new CountingSource()];
  let find = (_found: LeasedSource): void => {};
  const found = new Promise<LeasedSource>((resolve) => {
    find = resolve;
  });
  const lease = new FollowLease(first, () => found);
  const next = lease.next();
  lease.leave();
  find(second);
  assert.equal(await next, undefined);
  assert.deepEqual([first.left, second.left], [1, 1]);
});

test("a search that finds nothing after the follower has left releases nothing twice", async () => {
  const first = new CountingSource();
  const lease = new FollowLease(first, async () => undefined);
  const next = lease.next();
  lease.leave();
  assert.equal(await next, undefined);
  assert.equal(first.left, 1);
});

test("if there is no next source, or the search for one fails, the lease stays as it is", async () => {
  for (const seek of [async () => undefined, () => Promise.reject(new Error("the server shuts down"))]) {
    const first = new CountingSource();
    const lease = new FollowLease(first, seek);
    assert.equal(await lease.next(), undefined);
    assert.deepEqual([lease.source, first.left], [first.source, 0]);
    lease.leave();
    assert.equal(first.left, 1);
  }
});
