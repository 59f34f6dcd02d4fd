/** Cutting the frames of a server into messages no larger than what arrives at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageCutter } from "../../src/client/connection/message-cutter.ts";
import { pieces, prng, randomBytes } from "../fixture/bytes.ts";
import { OPCODE } from "../fixture/frames.ts";

/** An unmasked frame, as a server sends it. */
function frame(opcode: number, payload: Uint8Array, fin = true): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = (fin ? 0x80 : 0) | opcode;
  header[1] = Math.min(length, length < 65_536 ? 126 : 127);
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

/** Parses frames; the bytes must end with a complete one. */
function framesOf(bytes: Buffer): { opcode: number; fin: boolean; payload: Buffer }[] {
  const frames: { opcode: number; fin: boolean; payload: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [first = 0, second = 0] = bytes.subarray(at);
    const size = second === 127 ? 10 : second === 126 ? 4 : 2;
    const length =
      size === 2 ? second : size === 4 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    const payload = bytes.subarray(at + size, at + size + length);
    assert.equal(payload.length, length, "a frame is cut off");
    frames.push({ opcode: first & 0x0f, fin: first >= 0x80, payload });
    at += size + length;
  }
  return frames;
}

test("every byte of every message is passed on, in messages no larger than what arrives at once", () => {
  const random = prng(3);
  for (let round = 0; round < 100; round++) {
    const sent: Buffer[] = [];
    const data: Buffer[] = [];
    for (let count = 0; count < 10; count++) {
      const payload = randomBytes(Math.floor(random() ** 4 * 200_000), round);
      data.push(payload);
      const half = Math.floor(random() * payload.length);
      if (random() < 0.5) sent.push(frame(OPCODE.text, payload));
      else {
        sent.push(frame(OPCODE.text, payload.subarray(0, half), false), frame(OPCODE.ping, Buffer.from("ping")));
        sent.push(frame(OPCODE.continuation, payload.subarray(half)));
      }
    }
    const cutter = new MessageCutter();
    const most = 1 + Math.floor(random() * 3_000);
    const cut = Buffer.concat(pieces(Buffer.concat(sent), most, round).flatMap((piece) => cutter.cut(piece)));
    const frames = framesOf(cut).filter(({ opcode }) => opcode !== OPCODE.ping);
    assert.ok(frames.every(({ opcode, fin, payload }) => opcode === OPCODE.text && fin && payload.length <= most));
    assert.ok(Buffer.concat(frames.map(({ payload }) => payload)).equals(Buffer.concat(data)));
  }
});

test("control frames stay whole, nothing follows a close frame, and invalid frames pass unchanged", () => {
  const close = frame(OPCODE.close, Buffer.from([3, 232]));
  const ping = frame(OPCODE.ping, Buffer.from("between"));
  const cutter = new MessageCutter();
  const cut = Buffer.concat(cutter.cut(Buffer.concat([ping, close, frame(OPCODE.text, Buffer.from("late"))])));
  assert.ok(cut.equals(Buffer.concat([ping, close])));
  const odd = [Buffer.from([0x80, 1, 65]), Buffer.from([0xc1, 1, 65]), Buffer.from([0x81, 0x81, 1, 2, 3, 4, 64, 9, 9])];
  for (const bytes of odd) assert.ok(Buffer.concat(new MessageCutter().cut(bytes)).equals(bytes));
});
