/** Text followers: frames end at character boundaries, and no byte is lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_BYTES, insideOf, MIXED_TEXT, pieces, prng, randomBytes } from "../fixture/bytes.ts";
import { Rig, type Running, settle } from "../fixture/rig.ts";
import { TestSink } from "../fixture/test-sink.ts";

/** Whether every frame but the last is valid UTF-8 by itself, as browsers require. */
function framesAreText({ sink }: Running): boolean {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return sink.frames.slice(0, -1).every((frame) => {
    try {
      strict.decode(frame.bytes);
      return true;
    } catch {
      return false;
    }
  });
}

/** The offsets that are not inside a UTF-8 character. */
function boundaries(bytes: Buffer): number[] {
  return [...bytes.keys()].filter((at) => ((bytes[at] as number) & 0xc0) !== 0x80);
}

/** Stalls some connections and lets others flow, at random. */
function disturb(running: readonly Running[], random: () => number): void {
  for (const { sink } of running) {
    if (random() < 0.05) sink.flow();
    if (random() < 0.05) sink.stall();
  }
}

test("text appended byte by byte is sent in whole characters", async () => {
  const rig = new Rig();
  const bytes = Buffer.from(MIXED_TEXT);
  const admission = await rig.admit();
  const running = rig.follow(admission, new TestSink("text"));
  const binary = rig.follow(admission);
  await settle();
  for (const byte of bytes) await rig.push(admission, Buffer.of(byte));
  assert.deepEqual(
    running.sink.frames.map((frame) => Buffer.from(frame.bytes).toString()),
    [...MIXED_TEXT],
  );
  assert.equal(binary.sink.frames.length, bytes.length, "others get each byte at once");
  await admission.end("complete");
});

test("text followers that begin anywhere, join at any time and stall get their bytes in whole characters", async () => {
  const random = prng(21);
  const text = Buffer.from(MIXED_TEXT.repeat(20));
  const starts = boundaries(text);
  for (let round = 0; round < 12; round++) {
    const rig = new Rig({ followerBudgetBytes: 1 + Math.floor(random() * 300) });
    const admission = await rig.admit();
    const running: Running[] = [];
    let size = 0;
    for (const piece of pieces(text, 1 + Math.floor(random() * 20), round)) {
      if (random() < 0.1) {
        const possible = starts.filter((at) => at <= size);
        const offset = possible[Math.floor(random() * possible.length)] ?? 0;
        running.push(rig.follow(admission, new TestSink("text", random() < 0.3), offset));
      }
      disturb(running, random);
      await rig.push(admission, piece);
      size += piece.length;
    }
    await admission.end("complete");
    for (const one of running) {
      one.sink.flow();
      await one.ended;
      assert.ok(one.sink.bytes.equals(text.subarray(one.start)), `round ${round}, from ${one.start}`);
      assert.ok(framesAreText(one), `round ${round}, from ${one.start}`);
    }
  }
});

test("bytes that are not text arrive unchanged, from any offset", async () => {
  const random = prng(22);
  for (let round = 0; round < 12; round++) {
    const rig = new Rig({ followerBudgetBytes: 500 });
    const bytes = Buffer.concat([ALL_BYTES, randomBytes(800, round), Buffer.from([0xf0, 0x9f, 0x9c])]);
    const admission = await rig.admit();
    const running: Running[] = [];
    let size = 0;
    for (const piece of pieces(bytes, 9, round)) {
      if (random() < 0.2) {
        const sink = new TestSink("text", random() < 0.3);
        running.push(rig.follow(admission, sink, Math.floor(random() * (size + 1))));
      }
      await rig.push(admission, piece);
      size += piece.length;
    }
    await admission.end("complete");
    for (const { sink, start, ended } of running) {
      sink.flow();
      await ended;
      const inside = insideOf(bytes, start);
      assert.ok(sink.bytes.equals(bytes.subarray(start + inside)), `round ${round}, from ${start}`);
      assert.ok(sink.frames.every((frame) => frame.bytes.length > 0));
    }
  }
});

test("an unfinished character at the end is sent with the end", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  const { sink, ended } = rig.follow(admission, new TestSink("text"));
  await rig.push(admission, Buffer.from([0x41, 0xe2, 0x82]));
  await settle();
  assert.deepEqual([...sink.bytes], [0x41]);
  await admission.end("complete");
  await ended;
  assert.deepEqual([...sink.bytes], [0x41, 0xe2, 0x82]);
});

test("a character that one appender begins and the next one finishes is sent whole", async () => {
  const rig = new Rig();
  const first = await rig.admit();
  await rig.push(first, Buffer.from([0x41, 0xe2, 0x82]));
  await first.end("complete");
  const second = await rig.admit();
  const fromStart = rig.follow(second, new TestSink("text"), 0);
  const fromEnd = rig.follow(second, new TestSink("text"), 3);
  await settle();
  await rig.push(second, Buffer.from([0xac, 0x42]));
  await settle();
  assert.equal(String(fromStart.sink.bytes), "A€B");
  assert.equal(String(fromEnd.sink.bytes), "B");
  await second.end("complete");
  await Promise.all([fromStart.ended, fromEnd.ended]);
  assert.ok(framesAreText(fromStart));
});

test("a text follower that begins inside a character begins with the next one; others get every byte", async () => {
  const rig = new Rig();
  const text = "€ä🜁b";
  const admission = await rig.admit();
  await rig.push(admission, text);
  const bytes = Buffer.from(text);
  for (let offset = 0; offset <= bytes.length; offset++) {
    const running = rig.follow(admission, new TestSink("text"), offset);
    const binary = rig.follow(admission, new TestSink(), offset);
    await settle();
    assert.ok(running.sink.bytes.equals(bytes.subarray(offset + insideOf(bytes, offset))), `from ${offset}`);
    assert.ok(binary.sink.bytes.equals(bytes.subarray(offset)), `from ${offset}`);
  }
  await admission.end("complete");
});

test("a text follower shares the frames of the live set as soon as it is on a character boundary", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  await rig.push(admission, Buffer.from([0x41, 0xe2]));
  const running = [0, 1, 2].map((offset) => rig.follow(admission, new TestSink("text"), offset));
  await settle();
  await rig.push(admission, Buffer.from([0x82]));
  await rig.push(admission, Buffer.from([0xac, 0x42]));
  await rig.push(admission, "shared");
  const [first, ...others] = running.map(({ sink }) => sink.frames.at(-1));
  assert.equal(first && Buffer.from(first.bytes).toString(), "shared");
  for (const other of others) assert.equal(other, first);
  assert.deepEqual(
    running.map(({ sink }) => String(sink.bytes)),
    ["A€Bshared", "€Bshared", "Bshared"],
  );
  await admission.end("complete");
});

test("a text follower on a boundary shares frames from its first one on, and reads only what it needs", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  const fromStart = rig.follow(admission, new TestSink("text"));
  await settle();
  assert.equal(rig.store.reads, 0);
  await rig.push(admission, "stored");
  const fromEnd = rig.follow(admission, new TestSink("text"), 6);
  await settle();
  assert.equal(rig.store.reads, 1, "to see where it begins");
  await rig.push(admission, "live");
  assert.equal(fromEnd.sink.frames[0], fromStart.sink.frames[1]);
  await admission.end("complete");
});

test("at the end a text follower gets what was left undecided, as text, and no empty frame", async () => {
  for (const [bytes, offset, rest] of [
    [[0x41, 0xe2, 0x82], 1, [0xe2, 0x82]],
    [[0x41, 0xe2, 0x82], 2, [0x82]],
    [[0x41, 0xe2], 2, []],
    [[0x41, 0x42], 1, [0x42]],
  ] as const) {
    const rig = new Rig();
    const admission = await rig.admit();
    await rig.push(admission, Buffer.from(bytes));
    const { sink, ended } = rig.follow(admission, new TestSink("text"), offset);
    await admission.end("complete");
    await ended;
    assert.deepEqual([...sink.bytes], [...rest]);
    assert.ok(sink.frames.every((frame) => frame.text && frame.bytes.length > 0));
  }
});

test("a long catch-up as text reuses memory, and every byte is correct", async () => {
  const rig = new Rig();
  const text = Buffer.from(MIXED_TEXT.repeat(Math.ceil(2_000_000 / Buffer.byteLength(MIXED_TEXT))));
  const admission = await rig.admit();
  await rig.push(admission, text);
  const running = rig.follow(admission, new TestSink("text", true));
  for (let passed = 0; passed < 2 * text.length; passed += 100_000) {
    running.sink.pass(100_000);
    await settle();
  }
  const sent = running.sink.frames.length;
  assert.ok(sent > 5, `${sent} pieces`);
  assert.ok(framesAreText(running));
  assert.ok(running.sink.bytes.equals(text));
  await admission.end("complete");
  assert.equal(await running.ended, "complete");
});
