/** Sections 2 and 3 of the wire contract: oversized messages are refused, where possible before they are buffered. */
import assert from "node:assert/strict";
import { closePayload, encodeFrame, OPCODE } from "../../fixture/frames.ts";
import type { V1Peer } from "../../fixture/v1.ts";
import type { WebSocketPeer } from "../../fixture/websocket.ts";
import type { Target } from "./target.ts";
import { append, expectEnd, follow, resume } from "./v1.ts";
import { section, type Wire } from "./wire.ts";

const CONTROL_BYTES = 65_536;

/** One byte more than the largest allowed message. */
const HUGE = 64 * 1024 * 1024 + 1;

export function messageSizesSection(target: Target): void {
  section(target, "2 and 3 the size of messages", {
    "a control message may have 64 KiB, and a larger one is closed with 1009; the session goes on": async (wire) => {
      const appending = await append(wire, "a.txt");
      const { peer } = appending;
      const padding = (bytes: number): string => `{"type":"padding","text":"${"x".repeat(bytes - 28)}"}`;
      assert.equal(padding(CONTROL_BYTES).length, CONTROL_BYTES);
      await peer.say(padding(CONTROL_BYTES));
      await peer.send("stored");
      await peer.acked(6);
      await peer.say(padding(CONTROL_BYTES + 1));
      assert.equal((await peer.closed()).code, 1009);
      const again = await resume(wire, "a.txt", appending);
      assert.equal(again.offset, 6);
      assert.equal(await again.peer.finish(), 6);
    },

    "the fragments of a control message count together": async (wire) => {
      const { peer } = await append(wire, "a.txt");
      await peer.peer.text("x".repeat(40_000), { fin: false });
      await peer.peer.frame(OPCODE.ping, "in between");
      await peer.peer.frame(OPCODE.continuation, "x".repeat(40_000));
      assert.equal((await peer.closed()).code, 1009);
    },

    "a control message of 64 KiB may come in hundreds of fragments with pings and empty ones between": async (wire) => {
      const { peer } = await append(wire, "a.txt");
      const text = `{"type":"padding","text":"${"x".repeat(CONTROL_BYTES - 28)}"}`;
      const step = 128;
      const between = [encodeFrame(OPCODE.ping, "p"), encodeFrame(OPCODE.continuation, "", { fin: false })];
      const frames: Buffer[] = [];
      for (let at = 0; at < CONTROL_BYTES; at += step) {
        const fin = at + step >= CONTROL_BYTES;
        frames.push(encodeFrame(at === 0 ? OPCODE.text : OPCODE.continuation, text.slice(at, at + step), { fin }));
        if (!fin) frames.push(...between);
      }
      await peer.peer.connection.write(Buffer.concat(frames));
      await peer.send("stored");
      assert.equal(await peer.finish(), 6);
    },

    "a control message of 62 MB is refused by its header alone": async (wire) => {
      if (wire.differs("gathered messages")) return wire.skip(wire.differs("gathered messages") ?? "");
      const { peer } = await append(wire, "a.txt");
      await peer.send("stored");
      await peer.acked(6);
      await peer.peer.text("{", { declaredLength: 62_000_000n });
      assert.equal((await peer.closed()).code, 1009);
      assert.equal((await wire.get("a.txt")).text, "stored");
    },

    "so is one whose header comes byte by byte, and one that is in fragments": async (wire) => {
      if (wire.differs("gathered messages")) return wire.skip(wire.differs("gathered messages") ?? "");
      const slow = await append(wire, "a.txt");
      for (const byte of [0x81, 0xff, 0, 0, 0, 0, 8, 0, 0, 0, 1, 2, 3, 4]) {
        await slow.peer.peer.part(Buffer.of(byte));
      }
      assert.equal((await slow.peer.closed()).code, 1009);
      const parts = await append(wire, "b.txt");
      await parts.peer.peer.text("x".repeat(60_000), { fin: false });
      await parts.peer.peer.frame(OPCODE.continuation, "x", { declaredLength: 62_000_000n });
      assert.equal((await parts.peer.closed()).code, 1009);
    },

    "a data message larger than the window is closed with 1008": async (wire) => {
      const { peer, window } = await append(wire, "a.txt");
      await peer.send("stored");
      await peer.acked(6);
      await peer.send(Buffer.alloc(window + 1));
      const { code, reason } = await peer.closed();
      assert.equal(code, 1008);
      assert.match(reason, /window/);
      assert.equal((await wire.get("a.txt")).text, "stored");
    },

    "a follower's message of more than 64 KiB is closed with 1009, and disturbs no other client": async (wire) => {
      const appender = await wire.appender("a.txt");
      const staying = await wire.follower("a.txt");
      const v1 = await follow(wire, "a.txt");
      await v1.control("start");
      const small = await wire.follower("a.txt");
      await small.binary(Buffer.alloc(CONTROL_BYTES));
      const ended = await Promise.all(
        [OPCODE.text, OPCODE.binary].map(async (opcode) => {
          const classic = await wire.follower("a.txt");
          await classic.frame(opcode, "x".repeat(CONTROL_BYTES + 1));
          return (await classic.end()).code;
        }),
      );
      await v1.peer.binary(Buffer.alloc(CONTROL_BYTES + 1));
      assert.deepEqual([...ended, (await v1.closed()).code], [1009, 1009, 1009]);
      await appender.send("everything");
      for (const follower of [staying, small]) await follower.received.atLeast(10);
      await appender.finish();
      for (const follower of [staying, small]) assert.equal((await follower.end()).code, 1000);
    },

    "a follower's message of 63 MiB is refused by its header alone": async (wire) => {
      if (wire.differs("gathered messages")) return wire.skip(wire.differs("gathered messages") ?? "");
      await wire.appender("a.txt");
      const classic = await wire.follower("a.txt");
      const v1 = await follow(wire, "a.txt");
      for (const peer of [classic, v1.peer]) await peer.binary("x", { declaredLength: 63n << 20n });
      assert.deepEqual([(await classic.end()).code, (await v1.closed()).code], [1009, 1009]);
    },

    "an appender's message of more than 64 MiB is closed with 1009: what came before stays, and was not all": async (
      wire,
    ) => {
      const appender = await wire.appender("a.txt");
      const watching = await follow(wire, "a.txt");
      await appender.binary("before ");
      await appender.binary("x", { declaredLength: BigInt(HUGE) });
      await expectRefused(wire, appender, 1009);
      await expectLost(wire, watching, "before ");
    },

    "an append that ends in broken frames was lost": async (wire) => {
      const appender = await wire.appender("a.txt");
      const watching = await follow(wire, "a.txt");
      await appender.binary("before ");
      await appender.binary("x", { reserved: 4 });
      await expectRefused(wire, appender, 1002);
      await expectLost(wire, watching, "before ");
    },

    "an append that ends with a text frame that can't be kept was lost": async (wire) => {
      const appender = await wire.appender("a.txt");
      const watching = await follow(wire, "a.txt");
      await appender.binary("before ");
      await appender.text(Buffer.from([0x61, 0xff]));
      if (!wire.differs("raw text frames")) {
        await appender.frame(OPCODE.close, closePayload(1000));
        return await expectEnd(watching, Buffer.from("before a\xff", "latin1"));
      }
      await expectRefused(wire, appender, 1007);
      await expectLost(wire, watching, "before ");
    },
  });
}

async function expectRefused(wire: Wire, peer: WebSocketPeer, expected: number): Promise<void> {
  const { code } = await peer.end();
  assert.ok(code === expected || (code === 1006 && wire.differs("close codes")), `${code} instead of ${expected}`);
}

/** Expects that a follower gets the bytes and the reason `lost`, and that the bytes are stored. */
async function expectLost(wire: Wire, follower: V1Peer, expected: string): Promise<void> {
  await expectEnd(follower, expected, "lost");
  assert.equal(String(await wire.stored("a.txt")), expected);
}
