/** What waits for a watch that is slow. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PeerReport } from "../../src/stores/file/peers/links.ts";
import { Inbox } from "../../src/stores/file/watch/inbox.ts";

function inboxOf(): {
  readonly inbox: Inbox;
  readonly tell: (news: PeerReport) => void;
  readonly rest: () => PeerReport[];
} {
  let tell: (news: PeerReport) => void = () => {};
  const inbox = new Inbox((listener) => {
    tell = listener;
    return () => {};
  }, new AbortController().signal);
  const rest = (): PeerReport[] => {
    const taken: PeerReport[] = [];
    for (let news = inbox.take(); news; news = inbox.take()) taken.push(news);
    return taken;
  };
  return { inbox, tell: (news) => tell(news), rest };
}

function grown(from: string, size: number, bytes: number): PeerReport {
  return { from, type: "grown", size, closed: false, bytes: new Uint8Array(bytes) };
}

test("reports are taken in their order, with their bytes", async () => {
  const { inbox, tell, rest } = inboxOf();
  for (let size = 1; size <= 3; size++) tell(grown("a", size, 1));
  assert.equal(inbox.take()?.size, 1);
  tell(grown("a", 4, 1));
  await inbox.wait();
  const left = rest();
  assert.deepEqual([left.map(({ size }) => size), left.every(({ bytes }) => bytes?.length === 1)], [[2, 3, 4], true]);
  assert.equal(inbox.take(), undefined);
  tell(grown("a", 5, 1));
  assert.equal(rest().length, 1);
});

test("of too many reports, the last growth of each append is left", () => {
  const { tell, rest } = inboxOf();
  for (let size = 1; size <= 3_000; size++) tell(grown("a", size, 100));
  tell({ from: "a", type: "ended", size: 3_000, closed: false, reason: "complete" });
  tell({ from: "b", type: "state", size: 3_000, closed: false, generation: "g" });
  for (let size = 3_001; size <= 4_095; size++) tell(grown("b", size, 100));
  const left = rest().map(({ from, type, size, bytes }) => `${from} ${type} ${size} ${bytes?.length}`);
  const kept = ["a grown 3000 undefined", "a ended 3000 undefined", "b state 3000 undefined", "b grown 4095 undefined"];
  assert.deepEqual(left, kept);
});

test("of too many bytes, the growth is left", () => {
  const { tell, rest } = inboxOf();
  for (let size = 1; size <= 9; size++) tell(grown("a", size * 1024 * 1024, 1024 * 1024));
  tell(grown("a", 10 * 1024 * 1024, 1024 * 1024));
  const left = rest().map(({ size, bytes }) => [size / 1024 / 1024, bytes?.length]);
  assert.deepEqual(left, [
    [9, undefined],
    [10, 1024 * 1024],
  ]);
});

test("a fast append never makes the inbox longer than the watch can take", () => {
  const { tell, rest } = inboxOf();
  for (let size = 1; size <= 100_000; size++) tell(grown("a", size, 1));
  const left = rest();
  assert.ok(left.length <= 4_096, `${left.length} reports`);
  assert.equal(left.at(-1)?.size, 100_000);
});
