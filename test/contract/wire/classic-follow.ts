/** Section 2 of the wire contract: a follower gets every byte exactly once in text frames, and then the end. */
import assert from "node:assert/strict";
import { ALL_BYTES, MIXED_TEXT, numberedLines, pieces, sha256 } from "../../fixture/bytes.ts";
import { closePayload, encodeFrame, OPCODE } from "../../fixture/frames.ts";
import type { WebSocketPeer } from "../../fixture/websocket.ts";
import type { Target } from "./target.ts";
import { expectEnd, section, type Wire } from "./wire.ts";

export function classicFollowSection(target: Target): void {
  section(target, "2 classic follow", {
    "history, then live bytes, as text frames, then close 1000": async (wire) => {
      await wire.put("a.txt", "earlier session, ");
      const appender = await wire.appender("a.txt");
      const early = await wire.follower("a.txt");
      await appender.send("before the second follower, ");
      await early.received.atLeast(45);
      const late = await wire.follower("a.txt");
      await appender.send("after it");
      await appender.finish();
      for (const follower of [early, late]) {
        await expectEnd(follower, "earlier session, before the second follower, after it");
        assert.ok(
          follower.messages.every(({ opcode }) => opcode === OPCODE.text),
          "a frame was not text",
        );
      }
    },

    "a follower of an empty path stays": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      await follower.frame(OPCODE.ping, "still here?");
      await follower.pongs.atLeast(11);
      await appender.send("yes");
      await follower.received.atLeast(3);
      await appender.finish();
      await expectEnd(follower, "yes");
    },

    "an end without any bytes is an end": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      await appender.finish();
      await expectEnd(follower, "");
    },

    "a read has the bytes that a follower has received": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      for (let number = 0; number < 20; number++) {
        await appender.send(`${number} `);
        const seen = await follower.received.atLeast(2 * number + 1);
        assert.ok((await wire.get("a.txt")).text.startsWith(String(seen)), "a follower saw bytes that are not stored");
      }
    },

    "a long history, then live bytes": async (wire) => {
      const history = numberedLines(8 * 1024 * 1024);
      await wire.put("a.txt", history);
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      await appender.send("live");
      await appender.finish();
      await follower.end();
      assert.equal(sha256(follower.received.bytes()), sha256(Buffer.concat([history, Buffer.from("live")])));
    },

    "text frames end on character boundaries": async (wire) => {
      const bytes = Buffer.from(MIXED_TEXT.repeat(60));
      const appender = await wire.appender("a.txt");
      const live = await wire.follower("a.txt");
      for (const piece of pieces(bytes, 9, 8)) {
        const seen = live.received.length;
        await appender.binary(piece);
        if (piece.length > 3) await live.received.atLeast(seen + 1);
      }
      const late = await wire.follower("a.txt");
      await appender.finish();
      for (const follower of [live, late]) {
        await expectEnd(follower, bytes);
        expectWholeCharacters(follower);
      }
    },

    "a history that is read in large pieces keeps characters whole too": async (wire) => {
      const bytes = Buffer.from(`x${"漢".repeat(700_000)}`);
      await wire.put("a.txt", bytes);
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      await appender.finish();
      await expectEnd(follower, bytes);
      expectWholeCharacters(follower);
    },

    "messages have 32,768 bytes at most, however much comes at once, live and from the file": async (wire) => {
      const bytes = Buffer.from(`x${"漢字".repeat(60_000)}`);
      const appender = await wire.appender("a.txt");
      const live = await wire.follower("a.txt");
      await appender.binary(bytes);
      await live.received.atLeast(bytes.length);
      const late = await wire.follower("a.txt");
      await appender.binary(bytes);
      await appender.finish();
      for (const follower of [live, late]) {
        await expectEnd(follower, Buffer.concat([bytes, bytes]));
        expectWholeCharacters(follower);
        assert.ok(Math.max(...follower.messages.map(({ payload }) => payload.length)) <= 32_768);
      }
    },

    "a follower that asks for a start inside a character begins at the next one": async (wire) => {
      const bytes = Buffer.from("日本😀語");
      await wire.put("a.txt", bytes);
      const appender = await wire.appender("a.txt");
      const starts = ["offset=1", "offset=2", "offset=3", "tail=2", "tail=3", "tail=4", "tail=5", "tail=6"];
      const followers = await Promise.all(
        starts.map((start) => wire.follower("a.txt", { target: wire.at("a.txt", `verb=FOLLOW&${start}`) })),
      );
      await appender.finish();
      const expected = ["本😀語", "本😀語", "本😀語", "", "語", "語", "語", "語"];
      for (const [at, follower] of followers.entries()) await expectEnd(follower, expected[at] ?? "");
    },

    "so does one that begins at the tail, in the middle of a character whose rest is still to come": async (wire) => {
      const bytes = Buffer.from("日本");
      const appender = await wire.appender("a.txt");
      const first = await wire.follower("a.txt");
      await appender.binary(bytes.subarray(0, 4));
      await first.received.atLeast(3);
      const late = await wire.follower("a.txt", { target: wire.at("a.txt", "verb=FOLLOW&offset=4") });
      await appender.binary(bytes.subarray(4, 5));
      await appender.binary(Buffer.concat([bytes.subarray(5), Buffer.from(" at last")]));
      await appender.finish();
      await expectEnd(first, "日本 at last");
      await expectEnd(late, " at last");
    },

    "bytes that are not UTF-8 go out as they are": async (wire) => {
      const appender = await wire.appender("a.bin");
      const live = await wire.follower("a.bin");
      await appender.binary("text, then ");
      await live.received.atLeast(11);
      await appender.binary(ALL_BYTES);
      await appender.binary(ALL_BYTES);
      const bytes = Buffer.concat([Buffer.from("text, then "), ALL_BYTES, ALL_BYTES]);
      if (wire.differs("raw text frames")) return await expectNotText(live, bytes);
      await live.received.atLeast(bytes.length);
      const late = await wire.follower("a.bin");
      await appender.finish();
      for (const follower of [live, late]) await expectEnd(follower, bytes);
    },

    "an append that ends inside a character ends there for followers": async (wire) => {
      const bytes = Buffer.from("cut short: 漢").subarray(0, -1);
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      await appender.binary(bytes);
      await appender.finish();
      if (wire.differs("raw text frames")) await expectNotText(follower, bytes);
      else await expectEnd(follower, bytes);
      assert.ok((await wire.stored("a.txt")).equals(bytes));
    },

    "a follower that joins while the appender ends gets all bytes, live or as a whole": async (wire) => {
      await Promise.all(Array.from({ length: 40 }, (_, attempt) => raceTheEnd(wire, `${attempt}.txt`, attempt % 4)));
    },

    "followers that leave, with or without a close frame, do not disturb others": async (wire) => {
      const appender = await wire.appender("a.txt");
      const staying = await wire.follower("a.txt");
      const [polite, dropping, resetting] = await Promise.all([1, 2, 3].map(() => wire.follower("a.txt")));
      await appender.send("one ");
      await Promise.all([polite, dropping, resetting].map((follower) => follower?.received.atLeast(4)));
      assert.equal((await polite?.finish())?.code, 1000);
      dropping?.connection.drop();
      resetting?.connection.reset();
      await appender.send("two ");
      await staying.received.atLeast(8);
      await appender.send("three");
      await appender.finish();
      await expectEnd(staying, "one two three");
    },

    "what a follower sends is not stored": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      await follower.text("I am not the appender");
      await follower.frame(OPCODE.ping, "sent");
      await Promise.race([follower.pongs.atLeast(4), follower.end()]);
      await appender.send("I am");
      await appender.finish();
      assert.equal(String(await wire.stored("a.txt")), "I am");
    },

    "pings are answered on both sides": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      for (const peer of [appender, follower]) {
        await peer.frame(OPCODE.ping, "ping-pong");
        assert.equal(String(await peer.pongs.atLeast(9)), "ping-pong");
      }
    },
  });
}

function expectWholeCharacters(follower: WebSocketPeer): void {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (const { payload } of follower.messages) {
    assert.doesNotThrow(
      () => decoder.decode(payload),
      `a text frame is not UTF-8: …${payload.subarray(-8).toString("hex")}`,
    );
  }
}

/** Expects what the contract says for followers that cannot be sent raw text frames. */
async function expectNotText(follower: WebSocketPeer, sent: Buffer): Promise<void> {
  const closed = await follower.end();
  assert.equal(closed.code, 1007, closed.reason);
  assert.match(closed.reason, /httpfstream\.v1/);
  const received = follower.received.bytes();
  assert.ok(sent.subarray(0, received.length).equals(received), "bytes were altered before the close");
}

/** Sends the last frames and the end while a follower joins; the order of the last two varies. */
async function raceTheEnd(wire: Wire, name: string, order: number): Promise<void> {
  const appender = await wire.appender(name);
  const end = encodeFrame(OPCODE.close, closePayload(1000));
  const opening = order < 2 ? wire.upgrade({ target: wire.at(name, "verb=FOLLOW") }) : undefined;
  if (order % 2) await appender.send("everything, ");
  void appender.connection.write(Buffer.concat([appender.encode("to the last byte"), end]));
  const follower = await (opening ?? wire.upgrade({ target: wire.at(name, "verb=FOLLOW") }));
  const expected = order % 2 ? "everything, to the last byte" : "to the last byte";
  const { status } = await follower.head;
  if (status === 101) return await expectEnd(follower, expected);
  const { text } = await follower.response();
  assert.deepEqual([status, text], [200, expected], "a plain answer says that there is no appender, so it is complete");
}
