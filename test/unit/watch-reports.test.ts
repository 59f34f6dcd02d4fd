/** How reports of other processes become growth. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PeerReport } from "../../src/stores/file/peers/links.ts";
import { Reports } from "../../src/stores/file/watch/reports.ts";
import type { Watched } from "../../src/stores/file/watch/watched.ts";

/** Reports on a path whose looks find these generations. */
function reportsOf(...generations: string[]): Reports {
  let looks = 0;
  const look = async () => ({ generation: generations[Math.min(looks++, generations.length - 1)] ?? "" });
  return new Reports({ look } as unknown as Watched);
}

function news(type: PeerReport["type"], size: number, more: Partial<PeerReport> = {}): PeerReport {
  return { from: "owner", type, size, closed: false, ...more };
}

function grown(size: number, text: string, more: Partial<PeerReport> = {}): PeerReport {
  return news("grown", size, { bytes: Buffer.from(text), ...more });
}

async function begun(...generations: string[]): Promise<Reports> {
  const reports = reportsOf(...generations);
  await reports.confirm();
  assert.deepEqual(reports.take(news("state", 5, { generation: "g" }), "owner"), { size: 5, closed: false });
  await reports.confirm();
  await reports.confirm();
  return reports;
}

test("bytes are passed on from the size that was passed on last", async () => {
  const reports = await begun("g");
  assert.deepEqual(reports.take(grown(8, "abc"), "owner"), { size: 8, closed: false, bytes: Buffer.from("abc") });
  assert.deepEqual(reports.take(grown(8, "abc"), "owner"), undefined, "known already");
  reports.size = 10;
  assert.deepEqual(reports.take(grown(12, "cdef"), "owner"), { size: 12, closed: false, bytes: Buffer.from("ef") });
  assert.deepEqual(reports.take(grown(20, "xy"), "owner"), { size: 20, closed: false }, "there is a gap before them");
  assert.deepEqual(reports.take(news("grown", 21), "owner"), { size: 21, closed: false });
  assert.deepEqual(reports.take(grown(20, "late"), "owner"), undefined);
});

test("without certainty that it is the same content, only sizes are passed on", async () => {
  for (const generations of [["g", "h"], ["h", "g"], ["h"]]) {
    const reports = await begun(...generations);
    assert.deepEqual(reports.take(grown(8, "abc"), "owner"), { size: 8, closed: false }, generations.join(" "));
  }
  const reports = await begun("g");
  assert.equal(reports.take(news("ended", 5), "owner"), "change");
  assert.deepEqual(
    reports.take(grown(8, "abc"), "owner"),
    { size: 8, closed: false },
    "it has not said what it appends to",
  );
});

test("only the owner counts, and a change is noticed", async () => {
  const reports = await begun("g");
  assert.equal(reports.take(grown(8, "abc", { from: "other" }), "owner"), undefined);
  assert.equal(reports.take(news("state", 9, { from: "other", generation: "g" }), "owner"), "change");
  assert.ok(reports.has("other"));
  assert.equal(reports.take(news("none", 0, { from: "other" }), "owner"), undefined);
  assert.ok(!reports.has("other"));
  assert.equal(reports.take(news("gone", 0), "owner"), "change");
  assert.ok(!reports.has("owner"));
  assert.equal(reports.take(news("none", 0), "owner"), undefined);
});

test("what a process reports before it is the owner counts as soon as it is", async () => {
  const reports = await begun("g");
  assert.equal(reports.take(news("state", 5, { from: "next", generation: "g" }), "owner"), "change");
  assert.equal(reports.take(grown(8, "abc", { from: "next" }), "owner"), undefined);
  assert.equal(reports.ofOwner("owner"), undefined, "known already");
  assert.deepEqual(reports.ofOwner("next"), { size: 8, closed: false });
  assert.equal(reports.ofOwner("next"), undefined);
  assert.equal(reports.take(news("grown", 8, { from: "last", closed: true }), "next"), undefined);
  assert.deepEqual(reports.ofOwner("last"), { size: 8, closed: true });
  assert.equal(reports.ofOwner("last"), undefined, "once");
  reports.take(news("grown", 9, { from: "gone" }), "next");
  reports.take(news("gone", 0, { from: "gone" }), "next");
  assert.equal(reports.ofOwner("gone"), undefined);
});

test("a stream that is closed without more bytes is news", async () => {
  const reports = await begun("g");
  assert.deepEqual(reports.take(news("grown", 5, { closed: true }), "owner"), { size: 5, closed: true });
});
