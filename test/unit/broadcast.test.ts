/** The live set of a path: who gets each chunk, and which recent chunks are kept for members that lag. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broadcast, type Member } from "../../src/engine/follow/broadcast.ts";
import type { LiveChunk } from "../../src/engine/follow/live-chunk.ts";
import { RecentPool } from "../../src/engine/follow/recent-chunks.ts";

/** A member that takes chunks until it is told to be slow. */
class Reader implements Member {
  readonly taken: LiveChunk[] = [];
  slow = false;
  dismissals = 0;

  take(live: LiveChunk): boolean {
    if (!this.slow) this.taken.push(live);
    return !this.slow;
  }

  dismissed(): void {
    this.dismissals++;
  }

  /** What it has taken, as text. */
  get text(): string {
    return this.taken.map(({ bytes }) => Buffer.from(bytes).toString()).join("");
  }
}

/** Delivers text at the tail. */
function deliver(broadcast: Broadcast, text: string): void {
  const bytes = Buffer.from(text);
  broadcast.deliver({ bytes, end: broadcast.tail + bytes.length });
}

function recentText(broadcast: Broadcast, offset: number): string | undefined {
  const chunk = broadcast.recent(offset);
  return chunk && Buffer.from(chunk.bytes).toString();
}

test("a member gets every chunk from its joining to its leaving", () => {
  const broadcast = new Broadcast(10, new RecentPool(100));
  const reader = new Reader();
  deliver(broadcast, "before");
  broadcast.join(reader);
  deliver(broadcast, "one ");
  deliver(broadcast, "two");
  assert.equal(broadcast.size, 1);
  broadcast.leave(reader);
  deliver(broadcast, "after");
  assert.deepEqual([reader.text, broadcast.size, broadcast.tail], ["one two", 0, 28]);
});

test("a member that is too slow leaves the live set, and the others get every chunk", () => {
  const broadcast = new Broadcast(0, new RecentPool(100));
  const [first, slow, last] = [new Reader(), new Reader(), new Reader()];
  for (const reader of [first, slow, last]) broadcast.join(reader);
  deliver(broadcast, "one ");
  slow.slow = true;
  deliver(broadcast, "two ");
  slow.slow = false;
  deliver(broadcast, "three");
  assert.deepEqual([first.text, slow.text, last.text], ["one two three", "one ", "one two three"]);
  assert.equal(broadcast.size, 2);
});

test("chunks are kept from the one that a member missed on, and only while a member lags", () => {
  const broadcast = new Broadcast(5, new RecentPool(100));
  const [slow, slower, prompt] = [new Reader(), new Reader(), new Reader()];
  for (const reader of [slow, slower, prompt]) broadcast.join(reader);
  deliver(broadcast, "one ");
  assert.equal(broadcast.recent(5), undefined, "no member lags");
  slow.slow = true;
  slower.slow = true;
  deliver(broadcast, "two ");
  deliver(broadcast, "three ");
  assert.equal(broadcast.recent(5), undefined, "no member missed it");
  assert.deepEqual([recentText(broadcast, 9), recentText(broadcast, 13)], ["two ", "three "]);
  assert.equal(broadcast.recent(10), undefined, "no chunk begins there");
  assert.equal(broadcast.recent(9), prompt.taken[1], "it is shared with the live set");

  slow.slow = false;
  broadcast.join(slow);
  assert.equal(recentText(broadcast, 9), "two ", "another one still lags");
  broadcast.leave(slow);
  broadcast.leave(prompt);
  assert.equal(recentText(broadcast, 9), "two ");
  broadcast.leave(slower);
  assert.deepEqual([recentText(broadcast, 9), recentText(broadcast, 13)], [undefined, undefined]);
  deliver(broadcast, "four");
  assert.equal(broadcast.recent(19), undefined);
});

test("the end dismisses the members that are left, once, and drops what was kept", () => {
  const broadcast = new Broadcast(0, new RecentPool(100));
  const [reader, slow, gone] = [new Reader(), new Reader(), new Reader()];
  for (const member of [reader, slow, gone]) broadcast.join(member);
  slow.slow = true;
  broadcast.leave(gone);
  deliver(broadcast, "one");
  broadcast.dissolve();
  assert.deepEqual([reader.dismissals, slow.dismissals, gone.dismissals], [1, 0, 0]);
  assert.deepEqual([broadcast.size, broadcast.recent(0)], [0, undefined]);
  broadcast.dissolve();
  assert.equal(reader.dismissals, 1);
});

test("it delivers a channel's chunks until the channel ends", async () => {
  const broadcast = new Broadcast(0, new RecentPool(0));
  const reader = new Reader();
  broadcast.join(reader);
  const chunks = ["one ", "two ", "three"];
  let end = 0;
  await broadcast.run(
    new ReadableStream({
      pull(controller) {
        const text = chunks.shift();
        if (text === undefined) return controller.close();
        end += text.length;
        controller.enqueue({ bytes: Buffer.from(text), end });
      },
    }),
  );
  assert.deepEqual([reader.text, broadcast.tail], ["one two three", 13]);
});

test("the unfinished character at the tail is carried to the next chunk, and forgotten by a skip", () => {
  const broadcast = new Broadcast(0, new RecentPool(0));
  const reader = new Reader();
  broadcast.join(reader);
  broadcast.deliver({ bytes: Buffer.from([0x41, 0xe2, 0x82]), end: 3 });
  assert.deepEqual([...broadcast.carry], [0xe2, 0x82]);
  broadcast.deliver({ bytes: Buffer.from([0xac, 0xe2]), end: 5 });
  assert.deepEqual(
    reader.taken.map(({ text }) => Buffer.from(text.bytes).toString()),
    ["A", "€"],
  );
  broadcast.skipTo(20);
  assert.deepEqual([broadcast.tail, broadcast.carry.length], [20, 0]);
});

/** A path with a member that lags, so that all its chunks are kept. */
function lagging(pool: RecentPool): { broadcast: Broadcast; slow: Reader } {
  const broadcast = new Broadcast(0, pool);
  const slow = new Reader();
  slow.slow = true;
  broadcast.join(slow);
  return { broadcast, slow };
}

test("the pool keeps as many bytes as it may over all paths, and drops the oldest first", () => {
  const pool = new RecentPool(10);
  const [one, other] = [lagging(pool), lagging(pool)];
  const kept = (): (string | undefined)[] => [
    recentText(one.broadcast, 0),
    recentText(other.broadcast, 0),
    recentText(one.broadcast, 4),
    recentText(other.broadcast, 3),
  ];
  deliver(one.broadcast, "1111");
  deliver(other.broadcast, "222");
  deliver(one.broadcast, "333");
  assert.deepEqual(kept(), ["1111", "222", "333", undefined], "exactly full");
  deliver(other.broadcast, "4");
  assert.deepEqual(kept(), [undefined, "222", "333", "4"], "one byte too many costs the oldest chunk");
  deliver(one.broadcast, "five5");
  assert.deepEqual(kept(), [undefined, undefined, "333", "4"]);
  assert.equal(recentText(one.broadcast, 7), "five5");
  deliver(other.broadcast, "a chunk of more than ten bytes");
  assert.deepEqual(kept(), [undefined, undefined, undefined, undefined]);
  assert.equal(recentText(other.broadcast, 4), undefined, "it never fits");
});

test("what a path no longer needs makes room for the others", () => {
  const pool = new RecentPool(10);
  const [one, other] = [lagging(pool), lagging(pool)];
  deliver(one.broadcast, "11111");
  deliver(one.broadcast, "22222");
  one.broadcast.leave(one.slow);
  deliver(other.broadcast, "33333");
  deliver(other.broadcast, "44444");
  assert.deepEqual([recentText(other.broadcast, 0), recentText(other.broadcast, 5)], ["33333", "44444"]);
  deliver(other.broadcast, "5");
  assert.deepEqual([recentText(other.broadcast, 0), recentText(other.broadcast, 5)], [undefined, "44444"]);
});
