/** Frames between the processes of a machine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Frame, FrameParser, HEADER_BYTES, headerOf, KIND } from "../../src/stores/file/peers/frames.ts";

const FRAMES: readonly Frame[] = [
  { kind: KIND.HELLO, id: 0, size: 0, closed: false, payload: Buffer.from("{}") },
  { kind: KIND.GROWN, id: 2 ** 32 - 1, size: 2 ** 52, closed: true, payload: Buffer.alloc(70_000, "x") },
  { kind: KIND.NONE, id: 7, size: 1, closed: false, payload: Buffer.alloc(0) },
];

function encoded(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.flatMap((frame) => [headerOf(frame), frame.payload]));
}

function plain({ payload, ...rest }: Frame): object {
  return { ...rest, payload: Buffer.from(payload).toString("latin1") };
}

for (const pieceBytes of [1, 7, HEADER_BYTES, 50_000, 1_000_000]) {
  test(`frames are what they were, however they are cut: ${pieceBytes}`, () => {
    const bytes = encoded([...FRAMES, ...FRAMES]);
    const parser = new FrameParser();
    const got: Frame[] = [];
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      got.push(...parser.push(Buffer.from(bytes.subarray(at, at + pieceBytes))));
    }
    assert.deepEqual(got.map(plain), [...FRAMES, ...FRAMES].map(plain));
  });
}

test("a frame that is too large is an error", () => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(2 ** 31, 0);
  assert.throws(() => new FrameParser().push(header), RangeError);
});
