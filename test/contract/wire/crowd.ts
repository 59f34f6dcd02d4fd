/** Section 2 of the wire contract under load: many followers, many paths, and followers that do not read. */
import assert from "node:assert/strict";
import { MIXED_TEXT, numberedLines, pieces, prng, sha256 } from "../../fixture/bytes.ts";
import { encodeFrame, OPCODE } from "../../fixture/frames.ts";
import type { WebSocketPeer } from "../../fixture/websocket.ts";
import type { Target } from "./target.ts";
import { expectEnd, section } from "./wire.ts";

/** More bytes than all buffers between two processes hold, and more than Bun would buffer. */
const STALL_BYTES = 40 * 1024 * 1024;

export function crowdSection(target: Target): void {
  section(target, "2 crowds", {
    "of twenty clients that append at once, one is admitted": async (wire) => {
      const peers = await Promise.all(
        Array.from({ length: 20 }, () => wire.upgrade({ target: wire.at("a.txt", "verb=APPEND") })),
      );
      const statuses = await Promise.all(peers.map(async (peer) => (await peer.head).status));
      assert.deepEqual(statuses.sort(), [101, ...Array<number>(19).fill(403)]);
    },

    "followers that join during appends get every byte once": async (wire) => {
      const bytes = Buffer.from(Array.from({ length: 3_000 }, (_, line) => `${line} ${MIXED_TEXT}`).join(""));
      const random = prng(9);
      const appender = await wire.appender("a.txt");
      const joining: Promise<WebSocketPeer>[] = [];
      const cut = pieces(bytes, 400, 10);
      for (const piece of cut) {
        const written = appender.binary(piece);
        if (random() < 40 / cut.length) joining.push(wire.follower("a.txt"));
        if (random() < 0.2) await Promise.all([written, wire.get("a.txt", "tail=1")]);
      }
      const followers = await Promise.all(joining);
      assert.ok(followers.length > 10, `${followers.length} followers joined`);
      await appender.finish();
      for (const follower of followers) await expectEnd(follower, bytes);
    },

    "a flood of small messages reaches its followers in few frames": async (wire) => {
      const bytes = numberedLines(60_000);
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      // One write, so that the server receives everything at once, however its runtime delivers it.
      const messages = pieces(bytes, 30, 12);
      await appender.connection.write(Buffer.concat(messages.map((piece) => encodeFrame(OPCODE.binary, piece))));
      await appender.finish();
      await expectEnd(follower, bytes);
      const frames = follower.messages.length;
      assert.ok(frames < messages.length / 10, `${frames} frames for ${messages.length} messages`);
    },

    "followers that come and go do not disturb those that stay": async (wire) => {
      const bytes = numberedLines(400_000);
      const appender = await wire.appender("a.txt");
      const staying = await Promise.all(Array.from({ length: 5 }, () => wire.follower("a.txt")));
      const leaving: Promise<void>[] = [];
      for (const [at, piece] of pieces(bytes, 20_000, 11).entries()) {
        leaving.push(wire.follower("a.txt").then((follower) => follower.connection[at % 2 ? "reset" : "drop"]()));
        await appender.send(piece);
        await leaving[at];
      }
      await appender.finish();
      for (const follower of staying) await expectEnd(follower, bytes);
    },

    "a follower that stops reading slows no other client, and gets every byte when it reads on": async (wire) => {
      const bytes = numberedLines(STALL_BYTES);
      const appender = await wire.appender("a.txt");
      const stalled = await wire.follower("a.txt");
      const reading = await wire.follower("a.txt");
      stalled.connection.socket.pause();
      for (let at = 0; at < bytes.length; at += 60_000) await appender.send(bytes.subarray(at, at + 60_000));
      await reading.received.atLeast(bytes.length);
      stalled.connection.socket.resume();
      await stalled.received.atLeast(bytes.length - 1);
      await appender.send("live again");
      await appender.finish();
      const all = sha256(Buffer.concat([bytes, Buffer.from("live again")]));
      for (const follower of [reading, stalled]) {
        assert.equal((await follower.end()).code, 1000);
        assert.equal(sha256(follower.received.bytes()), all);
      }
    },

    "a follower that is stalled when the appender ends still gets the rest and a clean end": async (wire) => {
      const bytes = numberedLines(STALL_BYTES / 2);
      const appender = await wire.appender("a.txt");
      const stalled = await wire.follower("a.txt");
      stalled.connection.socket.pause();
      for (let at = 0; at < bytes.length; at += 60_000) await appender.send(bytes.subarray(at, at + 60_000));
      await appender.finish();
      await wire.admitted("a.txt");
      stalled.connection.socket.resume();
      assert.equal((await stalled.end()).code, 1000);
      assert.equal(sha256(stalled.received.bytes()), sha256(bytes));
    },

    "two hundred followers at once": async (wire) => {
      const appender = await wire.appender("a.txt");
      const joining = Promise.all(Array.from({ length: 200 }, () => wire.follower("a.txt")));
      await appender.send("to ");
      const followers = await joining;
      await appender.send("everyone");
      await appender.finish();
      for (const follower of followers) await expectEnd(follower, "to everyone");
    },

    "fifty paths at once do not mix": async (wire) => {
      await Promise.all(
        Array.from({ length: 50 }, async (_, path) => {
          const bytes = numberedLines(20_000, `path ${path} line`);
          const appender = await wire.appender(`${path}/a.txt`);
          const follower = await wire.follower(`${path}/a.txt`);
          for (const piece of pieces(bytes, 3_000, path)) await appender.send(piece);
          await appender.connection.write(encodeFrame(OPCODE.close));
          await expectEnd(follower, bytes);
        }),
      );
    },
  });
}
