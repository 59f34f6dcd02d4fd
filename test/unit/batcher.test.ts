/** Batcher and channel: batches, order, failure, end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import { prng, randomBytes } from "../fixture/bytes.ts";
import { Rig, settle } from "../fixture/rig.ts";

const texts = (batches: readonly Uint8Array[]): string[] => batches.map((batch) => Buffer.from(batch).toString());

/** Runs everything that does not depend on the end of the turn. */
async function jobs(): Promise<void> {
  for (let job = 0; job < 40; job++) await undefined;
}

test("pieces of one turn become one batch, pieces of the next turn another", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  await rig.push(admission, "a", "b", "c");
  await rig.push(admission, "d");
  await rig.push(admission, "e", "f");
  assert.deepEqual(texts(rig.store.batches), ["abc", "d", "ef"]);
});

test("at rest a small piece is written at once; those that follow in its turn become one batch", async (t) => {
  // A pause of the test's process must not count as rest.
  t.mock.method(performance, "now", () => 1_000);
  const rig = new Rig();
  const admission = await rig.admit();
  for (const piece of ["a", "b", "c"]) {
    void rig.push(admission, piece);
    await jobs();
  }
  assert.deepEqual(texts(rig.store.batches), ["a"]);
  await settle();
  assert.deepEqual(texts(rig.store.batches), ["a", "bc"]);
});

test("during a burst, a batch waits for the end of the turn only if it is small", async (t) => {
  t.mock.method(performance, "now", () => 1_000);
  for (const [limits, enough] of [
    [{}, 16 * 1024],
    [{ batchBytes: 100 }, 100],
    [{ batchBytes: 1_000_000 }, 16 * 1024],
  ] as const) {
    const rig = new Rig(limits);
    const admission = await rig.admit();
    await rig.push(admission, "the burst begins");
    const written = rig.store.batches.length;
    void rig.push(admission, Buffer.alloc(enough));
    await jobs();
    assert.equal(rig.store.batches.length, written + 1, `${enough} bytes are enough`);
    void rig.push(admission, Buffer.alloc(enough - 1));
    await jobs();
    assert.equal(rig.store.batches.length, written + 1, `${enough - 1} bytes wait`);
    await admission.end("complete");
  }
});

test("messages that are delivered one by one during short writes become one batch", async (t) => {
  t.mock.method(performance, "now", () => 1_000);
  const rig = new Rig();
  const admission = await rig.admit();
  // As on Deno: all messages of a read are delivered in one turn, each in a job of its own.
  for (let message = 0; message < 1_000; message++) {
    void rig.push(admission, "x");
    await undefined;
    await undefined;
  }
  await settle();
  assert.deepEqual(
    rig.store.batches.map(({ length }) => length),
    [1, 999],
  );
  await admission.end("complete");
});

test("a burst ends a millisecond after its last write; an empty piece is no write", async (t) => {
  let nowMs = 1_000;
  t.mock.method(performance, "now", () => nowMs);
  const rig = new Rig();
  const admission = await rig.admit();
  for (const [afterMs, isAtOnce] of [
    [0, true],
    [0.9, false],
    [1, true],
    [5, true],
    [0, false],
  ] as const) {
    nowMs += afterMs;
    const written = rig.store.batches.length;
    void rig.push(admission, "x");
    await jobs();
    assert.equal(rig.store.batches.length - written, isAtOnce ? 1 : 0, `${afterMs} ms later`);
    await admission.batcher.idle;
    nowMs += 1;
    await rig.push(admission, "");
    nowMs -= 1;
  }
  await admission.end("complete");
});

test("pieces that arrive while a write is under way become one batch, in order", async () => {
  const rig = new Rig();
  rig.store.holding = true;
  const admission = await rig.admit();
  void rig.push(admission, "first ");
  const first = await rig.store.next();
  for (const word of ["second ", "third ", "fourth "]) {
    void rig.push(admission, word);
    await settle();
  }
  assert.equal(rig.store.held.length, 0, "one write at a time");
  await first.store();
  const rest = await rig.store.next();
  assert.equal(Buffer.from(rest.batch).toString(), "second third fourth ");
  await rest.store();
  await admission.batcher.idle;
  assert.equal(String(await rig.stored()), "first second third fourth ");
});

test("batches stay within their limit: many pieces are spread over several, a large piece is cut", async () => {
  const rig = new Rig({ batchBytes: 10 });
  const admission = await rig.admit();
  const pieces = ["1234", "5678", "90", "1", "23456789012345678901234567", "x", "", "y", "1234567890", "12345678901"];
  await rig.push(admission, ...pieces);
  for (const batch of rig.store.batches) assert.ok(batch.length > 0 && batch.length <= 10, `${batch.length} bytes`);
  assert.equal(texts(rig.store.batches).join(""), pieces.join(""));
  assert.equal(String(await rig.stored()), pieces.join(""));
});

test("every byte is stored once and in order, whatever the sizes", async () => {
  const random = prng(4);
  for (let round = 0; round < 50; round++) {
    const rig = new Rig({ batchBytes: 1 + Math.floor(random() * 300) });
    const admission = await rig.admit();
    const all: Buffer[] = [];
    for (let count = 0; count < 40; count++) {
      const piece = randomBytes(Math.floor(random() * random() * 1000), round * 100 + count);
      all.push(piece);
      admission.batcher.push(piece);
      if (random() < 0.3) await settle();
    }
    await admission.end("complete");
    assert.ok((await rig.stored()).equals(Buffer.concat(all)), `round ${round}`);
  }
});

test("queued counts the bytes that are received but not yet stored", async () => {
  const rig = new Rig();
  rig.store.holding = true;
  const told: number[] = [];
  const admission = await rig.admit("a", { stored: (offset) => told.push(offset) });
  void rig.push(admission, "12345");
  const first = await rig.store.next();
  void rig.push(admission, "678");
  assert.equal(admission.batcher.queued, 8);
  await first.store();
  const second = await rig.store.next();
  assert.equal(admission.batcher.queued, 3);
  await second.store();
  await admission.batcher.idle;
  assert.equal(admission.batcher.queued, 0);
  assert.deepEqual(told, [5, 8]);
});

test("the end waits for what was received, and accepts nothing more", async () => {
  const rig = new Rig();
  rig.store.holding = true;
  const admission = await rig.admit();
  void rig.push(admission, "one ");
  const first = await rig.store.next();
  void rig.push(admission, "two ");
  const ended = admission.end("complete");
  void rig.push(admission, "too late");
  await first.store();
  await (await rig.store.next()).store();
  assert.deepEqual(await ended, { size: 8, reason: "complete" });
  assert.equal(String(await rig.stored()), "one two ");
});

test("the first reason for an end stands", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  const ends = [admission.end("restarting"), admission.end("complete"), admission.end("lost")];
  for (const end of ends) assert.deepEqual(await end, { size: 0, reason: "restarting" });
});

test("a failed write ends the append: nothing more is accepted, and the failure is reported once", async () => {
  const rig = new Rig();
  rig.store.holding = true;
  const failures: StreamError[] = [];
  const admission = await rig.admit("a", { failed: (error) => failures.push(error) });
  void rig.push(admission, "one ");
  const first = await rig.store.next();
  void rig.push(admission, "two ");
  first.fail("no_space");
  await admission.batcher.idle;
  void rig.push(admission, "three ");
  assert.equal(admission.batcher.queued, 0);
  assert.deepEqual(
    failures.map(({ code }) => code),
    ["no_space"],
  );
  assert.equal(admission.batcher.error?.code, "no_space");
  assert.deepEqual(await admission.end("complete"), { size: 0, reason: "failed" });
  assert.equal(rig.store.held.length, 0, "nothing more was written");
});

test("of a write that fails halfway, the stored part counts", async () => {
  const rig = new Rig();
  await rig.push(await rig.admit("b"), "other");
  const admission = await rig.admit();
  const { sink, ended } = rig.follow(admission);
  rig.store.holding = true;
  void rig.push(admission, "half|lost");
  const held = await rig.store.next();
  await held.storePart(5);
  held.fail("no_space");
  await admission.batcher.idle;
  assert.deepEqual(await admission.end("complete"), { size: 5, reason: "failed" });
  assert.equal(await ended, "failed");
  assert.equal(String(sink.bytes), "half|");
  assert.equal(String(await rig.stored()), "half|");
});

test("a removed resource ends the append as deleted", async () => {
  const rig = new Rig();
  rig.store.holding = true;
  const admission = await rig.admit();
  void rig.push(admission, "x");
  (await rig.store.next()).fail("changed");
  assert.equal((await admission.end("complete")).reason, "deleted");
});

test("errors of a store become StreamErrors", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  Object.assign(rig.store, { holding: true });
  void rig.push(admission, "x");
  const held = await rig.store.next();
  held.fail("storage");
  await admission.batcher.idle;
  assert.ok(admission.batcher.error instanceof StreamError);
  await admission.end("lost");
});

test("a path whose release fails is free nevertheless, and the end does not reject", async () => {
  const rig = new Rig();
  const failures: string[] = [];
  const admission = await rig.admit("a", { failed: (error) => failures.push(error.message) });
  const { sink, ended } = rig.follow(admission);
  await rig.push(admission, "stored");
  rig.store.beforeRelease = Promise.reject(new Error("the disk says no to close"));
  rig.store.beforeRelease.catch(() => {});
  const outcome = await admission.end("complete");
  assert.equal(outcome.size, 6);
  await ended;
  assert.equal(String(sink.bytes), "stored");
  assert.match(admission.batcher.error?.message ?? "", /says no/);
  assert.equal(admission.batcher.error?.code, "storage");
  assert.equal(failures.length, 1);
  rig.store.beforeRelease = Promise.resolve();
  await (await rig.admit()).end("complete");
});
