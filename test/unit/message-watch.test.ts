/** Checking the sizes of messages by their frame headers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageWatch } from "../../src/runtime/node/message-watch.ts";
import { FOLLOWER_LIMITS, type MessageLimits, sessionLimits } from "../../src/server/platform/message-limits.ts";
import { pieces, prng } from "../fixture/bytes.ts";
import { encodeFrame, OPCODE } from "../fixture/frames.ts";

const LIMITS: MessageLimits = sessionLimits({ messageBytes: 200_000, windowBytes: 100_000 });

test("messages of any size up to the limit of their kind pass, however they are fragmented", () => {
  const random = prng(6);
  for (let round = 0; round < 50; round++) {
    const frames: Buffer[] = [];
    for (let count = 0; count < 8; count++) {
      const text = random() < 0.5;
      const payload = Buffer.alloc(Math.floor(random() ** 4 * (text ? 65_537 : 100_001)));
      const half = Math.floor(random() * payload.length);
      const opcode = text ? OPCODE.text : OPCODE.binary;
      if (random() < 0.5) frames.push(encodeFrame(opcode, payload));
      else {
        frames.push(encodeFrame(opcode, payload.subarray(0, half), { fin: false }), encodeFrame(OPCODE.ping, "ping"));
        frames.push(encodeFrame(OPCODE.continuation, payload.subarray(half)));
      }
    }
    const watch = new MessageWatch(LIMITS);
    for (const piece of pieces(Buffer.concat(frames), 1 + Math.floor(random() * 3_000), round)) {
      assert.equal(watch.look(piece), undefined);
    }
  }
});

test("a message that is too large is refused as soon as its header has arrived", () => {
  for (const [opcode, most, code] of [
    [OPCODE.text, 65_536, "too_large"],
    [OPCODE.binary, 100_000, "protocol"],
  ] as const) {
    const frame = encodeFrame(opcode, "", { declaredLength: BigInt(most + 1) });
    for (const size of [1, 3, frame.length]) {
      const watch = new MessageWatch(LIMITS);
      const found = pieces(frame, size, 1).map((piece) => watch.look(piece)?.refusal().code);
      assert.deepEqual([found.slice(0, -1).filter(Boolean), found.at(-1)], [[], code]);
    }
    const parts = new MessageWatch(LIMITS);
    assert.equal(parts.look(encodeFrame(opcode, Buffer.alloc(most), { fin: false })), undefined);
    assert.equal(parts.look(encodeFrame(OPCODE.continuation, "x"))?.refusal().code, code);
  }
  assert.equal(new MessageWatch(FOLLOWER_LIMITS).look(encodeFrame(OPCODE.binary, Buffer.alloc(65_536))), undefined);
});
