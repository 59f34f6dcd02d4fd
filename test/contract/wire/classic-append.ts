/** Section 2 of the wire contract: the server stores exactly what an appender sends. */
import assert from "node:assert/strict";
import { ALL_BYTES, MIXED_TEXT, numberedLines, pieces, randomBytes, sha256 } from "../../fixture/bytes.ts";
import { closePayload, encodeFrame, OPCODE } from "../../fixture/frames.ts";
import type { WebSocketPeer } from "../../fixture/websocket.ts";
import type { Target } from "./target.ts";
import { section, type Wire } from "./wire.ts";

export function classicAppendSection(target: Target): void {
  section(target, "2 classic append", {
    "text and binary frames are stored as they are, in order": async (wire) => {
      if (wire.differs("text appends")) return await expectTextRefused(wire);
      const appender = await wire.appender("a.txt");
      await appender.text("text ");
      await appender.binary("binary ");
      await appender.text(MIXED_TEXT);
      await appender.finish();
      assert.equal(String(await wire.stored("a.txt")), `text binary ${MIXED_TEXT}`);
    },

    "binary frames keep every byte value": async (wire) => {
      const appender = await wire.appender("a.bin");
      await appender.binary(ALL_BYTES);
      await appender.binary(Buffer.from(ALL_BYTES).reverse());
      await appender.finish();
      assert.ok((await wire.stored("a.bin")).equals(Buffer.concat([ALL_BYTES, Buffer.from(ALL_BYTES).reverse()])));
    },

    "twenty thousand frames of one byte each, in one piece, are stored in order": async (wire) => {
      const text = numberedLines(20_000);
      const appender = await wire.appender("a.txt");
      const frames = Array.from(text, (byte) => encodeFrame(OPCODE.binary, Uint8Array.of(byte)));
      await appender.connection.write(Buffer.concat(frames));
      await appender.finish();
      assert.ok((await wire.stored("a.txt")).equals(text));
    },

    "text frames keep every byte value, as the Go client sends them": async (wire) => {
      await textFrames(wire, [ALL_BYTES, randomBytes(10_000, 2)]);
    },

    "a character split between two text frames is kept": async (wire) => {
      const bytes = Buffer.from(MIXED_TEXT.repeat(20));
      await textFrames(wire, pieces(bytes, 7, 3));
    },

    "a fragmented message may split characters": async (wire) => {
      const appender = await wire.appender("a.txt");
      const cut = pieces(Buffer.from(MIXED_TEXT), 3, 4);
      for (const [at, piece] of cut.entries()) {
        const opcode = at === 0 ? wire.opcode : OPCODE.continuation;
        await appender.frame(opcode, piece, { fin: at === cut.length - 1 });
      }
      await appender.finish();
      assert.equal(String(await wire.stored("a.txt")), MIXED_TEXT);
    },

    "a fragmented text message that ends inside a character loses nothing silently": async (wire) => {
      const appender = await wire.appender("a.txt");
      const bytes = Buffer.from("well 漢字");
      await appender.text(bytes.subarray(0, 3), { fin: false });
      await appender.frame(OPCODE.continuation, bytes.subarray(3, -1));
      await appender.text(bytes.subarray(-1));
      await expectKept(wire, appender, bytes);
    },

    "a ping between the fragments of a message is answered, and the message stays whole": async (wire) => {
      const appender = await wire.appender("a.txt");
      await appender.frame(wire.opcode, "one, ", { fin: false });
      await appender.frame(OPCODE.ping, "are you there?");
      await appender.frame(OPCODE.continuation, "two, ", { fin: false });
      await appender.frame(OPCODE.pong, "unasked");
      await appender.frame(OPCODE.continuation, "three");
      assert.equal(String(await appender.pongs.atLeast(14)), "are you there?");
      await appender.finish();
      assert.equal(String(await wire.stored("a.txt")), "one, two, three");
    },

    "empty frames add nothing": async (wire) => {
      const appender = await wire.appender("a.txt");
      for (const data of ["", "a", "", "b", ""]) {
        await appender.send(data);
        await appender.binary("");
      }
      await appender.finish();
      assert.equal(String(await wire.stored("a.txt")), "ab");
    },

    "data goes to the end of the file": async (wire) => {
      await wire.put("a.txt", "first, ");
      for (const word of ["second, ", "third"]) {
        const appender = await wire.admitted("a.txt");
        await appender.send(word);
        await appender.finish();
      }
      assert.equal(String(await wire.stored("a.txt")), "first, second, third");
    },

    "one frame of five megabytes": async (wire) => {
      const bytes = randomBytes(5 * 1024 * 1024, 5);
      const appender = await wire.appender("a.bin");
      await appender.binary(bytes);
      await appender.finish();
      assert.equal(sha256(await wire.stored("a.bin")), sha256(bytes));
    },

    "sixteen megabytes at full speed": async (wire) => {
      const bytes = numberedLines(16 * 1024 * 1024);
      const appender = await wire.appender("a.txt");
      const frames: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += 40_000) frames.push(appender.encode(bytes.subarray(at, at + 40_000)));
      await appender.connection.write(Buffer.concat(frames));
      await appender.finish();
      assert.equal(sha256(await wire.stored("a.txt")), sha256(bytes));
    },

    "two thousand frames of one byte": async (wire) => {
      const bytes = numberedLines(2_000);
      const appender = await wire.appender("a.txt");
      await appender.connection.write(Buffer.concat([...bytes].map((byte) => appender.encode(Buffer.of(byte)))));
      await appender.finish();
      assert.equal(String(await wire.stored("a.txt")), String(bytes));
    },

    "typing slowly: every keystroke is stored before the next": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      for (const [at, key] of [..."slowly"].entries()) {
        await appender.send(key);
        await follower.received.atLeast(at + 1);
      }
      assert.equal((await wire.get("a.txt")).text, "slowly");
    },

    "frames in the same packet as the upgrade request are not lost": async (wire) => {
      const early = Buffer.concat([encodeFrame(OPCODE.binary, "early "), encodeFrame(OPCODE.binary, "bird")]);
      const peer = await wire.upgrade({ target: wire.at("a.txt", "verb=APPEND"), early });
      if (wire.differs("early frames") && (await peer.head).status === 400) {
        await wire.admitted("a.txt");
        assert.equal((await wire.get("a.txt")).text, "");
        return;
      }
      await peer.opened();
      await peer.finish();
      assert.equal(String(await wire.stored("a.txt")), "early bird");
    },

    "an appender that has closed cleanly is gone, although it keeps its connection": async (wire) => {
      const appender = await wire.appender("a.txt");
      const { socket } = appender.connection;
      // The client keeps its half of the connection open even after the server has closed its own, as a suspended
      // client does.
      socket.allowHalfOpen = true;
      socket.end = () => socket;
      const follower = await wire.follower("a.txt");
      await appender.send("all of it");
      await appender.frame(OPCODE.close, closePayload(1000));
      assert.equal((await follower.end()).code, 1000);
      assert.equal(String(await wire.stored("a.txt")), "all of it");
      await wire.admitted("a.txt");
    },

    "offset=N appends only to a path of that size": async (wire) => {
      await wire.put("a.txt", "12345");
      for (const path of ["a.txt", "new.txt"]) {
        const refusal = await (await wire.upgrade({ target: wire.at(path, "verb=APPEND&offset=4") })).response();
        assert.equal(refusal.status, 412, refusal.text);
      }
      assert.equal((await wire.get("new.txt")).status, 404);
      const peer = await wire.upgrade({ target: wire.at("a.txt", "verb=APPEND&offset=5"), kind: "binary" });
      const appender = await peer.opened();
      await appender.send("67890");
      await appender.finish();
      assert.equal(String(await wire.stored("a.txt")), "1234567890");
    },

    "frames and the close right after the 101 are not lost": async (wire) => {
      for (let attempt = 0; attempt < 20; attempt++) {
        const appender = await wire.appender(`${attempt}.txt`);
        const frames = ["at ", "once"].map((word) => appender.encode(word));
        await appender.connection.write(Buffer.concat([...frames, encodeFrame(OPCODE.close, closePayload(1000))]));
        assert.equal((await appender.end()).code, 1000);
        assert.equal(String(await wire.stored(`${attempt}.txt`)), "at once");
      }
    },
  });
}

/** Appends text frames with any bytes, and checks that they are kept. */
async function textFrames(wire: Wire, frames: Buffer[]): Promise<void> {
  const appender = await wire.appender("a.txt");
  for (const frame of frames) await appender.text(frame);
  await expectKept(wire, appender, Buffer.concat(frames));
}

/** Checks that text frames are stored exactly, or refused without altering bytes where the runtime can't keep them. */
async function expectKept(wire: Wire, appender: WebSocketPeer, sent: Buffer): Promise<void> {
  const { code } = await appender.finish();
  const stored = await wire.stored("a.txt");
  if (!wire.differs("raw text frames")) {
    assert.deepEqual([code, stored.length, sha256(stored)], [1000, sent.length, sha256(sent)]);
    return;
  }
  // A runtime that drops the connection by itself gives no reason.
  assert.ok(code === 1007 || (code === 1006 && wire.differs("close codes")), `expected 1007, got ${code}`);
  assert.ok(sent.subarray(0, stored.length).equals(stored), "what is stored is not a prefix of what was sent");
}

async function expectTextRefused(wire: Wire): Promise<void> {
  const appender = await wire.appender("a.txt");
  await appender.binary("binary ");
  await appender.text("text");
  await appender.binary(" never");
  const closed = await appender.end();
  assert.equal(closed.code, 1007);
  assert.match(closed.reason, /binary/);
  assert.equal(String(await wire.stored("a.txt")), "binary ");
}
