/** Section 3 of the wire contract: appends are acknowledged, and protocol violations are refused. */
import assert from "node:assert/strict";
import { ALL_BYTES, pieces, randomBytes, sha256 } from "../../fixture/bytes.ts";
import { OPCODE } from "../../fixture/frames.ts";
import { OFFER } from "../../fixture/v1.ts";
import type { Target } from "./target.ts";
import { append, expectEnd, follow, refused } from "./v1.ts";
import { section, type Wire } from "./wire.ts";

export function v1AppendSection(target: Target): void {
  section(target, "3 httpfstream.v1: appending", {
    "the subprotocol is echoed when it is offered, among others too, and nothing else ever is": async (wire) => {
      const offers: [string, string | null][] = [
        ["httpfstream.v1", "httpfstream.v1"],
        ["chat, httpfstream.v1, x", "httpfstream.v1"],
        ["httpfstream.v1,chat", "httpfstream.v1"],
        ["chat ,httpfstream.v1", "httpfstream.v1"],
        ["httpfstream.v2", null],
        ["HTTPFSTREAM.V1", null],
        ["chat", null],
      ];
      for (const [at, [offer, echo]] of offers.entries()) {
        const peer = await wire.appender(`${at}.txt`, { headers: { "Sec-WebSocket-Protocol": offer } });
        assert.equal((await peer.head).headers.get("sec-websocket-protocol"), echo, `offered ${offer}`);
        const follower = await wire.follower(`${at}.txt`, { headers: { "Sec-WebSocket-Protocol": offer } });
        assert.equal((await follower.head).headers.get("sec-websocket-protocol"), echo, `offered ${offer}`);
      }
    },

    "start, ack, end: the bytes are stored, and followers learn that it is complete": async (wire) => {
      const { peer, offset, session } = await append(wire, "new/a.bin");
      assert.equal(offset, 0);
      assert.ok(session.length >= 16, `a session token of ${session.length} characters can be guessed`);
      assert.equal((await wire.get("new/a.bin")).status, 200, "the file exists from the start on");
      const follower = await follow(wire, "new/a.bin");
      await peer.send(ALL_BYTES);
      await peer.acked(256);
      assert.ok((await wire.get("new/a.bin")).body.equals(ALL_BYTES), "what is acknowledged is stored");
      await peer.send("more");
      assert.equal(await peer.finish(), 260);
      await expectEnd(follower, Buffer.concat([ALL_BYTES, Buffer.from("more")]));
    },

    "acks never go back and never run ahead, and the last covers everything": async (wire) => {
      const bytes = randomBytes(3_000_000, 5);
      const { peer, window } = await append(wire, "a.bin");
      let sent = 0;
      for (const piece of pieces(bytes, 90_000, 6)) {
        sent += piece.length;
        if (sent > window) await peer.acked(sent - window);
        await peer.send(piece);
      }
      assert.equal(await peer.finish(), bytes.length);
      const acks = peer.controls.filter(({ type }) => type === "ack").map(({ offset }) => offset);
      assert.ok(
        acks.every((ack, at) => ack >= (acks[at - 1] ?? 0) && ack <= bytes.length),
        "the acks are not in order",
      );
      assert.equal(sha256(await wire.stored("a.bin")), sha256(bytes));
    },

    "an empty append is an append": async (wire) => {
      const { peer } = await append(wire, "a.txt");
      const follower = await follow(wire, "a.txt");
      assert.equal(await peer.finish(), 0);
      await expectEnd(follower, "");
    },

    "a later append continues at the size": async (wire) => {
      await wire.put("a.txt", "earlier ");
      const { peer, offset } = await append(wire, "a.txt");
      assert.equal(offset, 8);
      await peer.send("later");
      assert.equal(await peer.finish(), 13);
      assert.equal(String(await wire.stored("a.txt")), "earlier later");
    },

    "frames may be empty, fragmented, and as large as the window": async (wire) => {
      const { peer, window } = await append(wire, "a.bin");
      const bytes = randomBytes(window, 3);
      await peer.send("");
      await peer.send(bytes);
      await peer.acked(window);
      await peer.peer.frame(OPCODE.binary, "in ", { fin: false });
      await peer.peer.frame(OPCODE.continuation, "two ", { fin: false });
      await peer.peer.frame(OPCODE.continuation, "or three");
      assert.equal(await peer.finish(), window + 15);
      assert.equal(sha256(await wire.stored("a.bin")), sha256(Buffer.concat([bytes, Buffer.from("in two or three")])));
    },

    "a frame beyond the window is closed with 1008, and nothing of it counts": async (wire) => {
      const first = await append(wire, "a.bin");
      await first.peer.send("kept");
      await first.peer.acked(4);
      await first.peer.send(Buffer.alloc(first.window + 1));
      assert.equal((await first.peer.closed()).code, 1008);
      const again = await append(wire, "a.bin", `session=${first.session}`);
      assert.equal(again.offset, 4);
    },

    "text that is no control message is closed with 1008, and nothing of it counts": async (wire) => {
      const wrong = ["hello", "", "{", "[]", "null", "3", '{"kind":"end"}', '{"type":3}', '"end"', Buffer.from([0xff])];
      for (const [at, text] of wrong.entries()) {
        const path = `${at}.txt`;
        const first = await append(wire, path);
        await first.peer.send("kept");
        await first.peer.acked(4);
        await first.peer.peer.text(text);
        const { code } = await first.peer.closed();
        // The runtime may refuse bytes that are not UTF-8 before the app sees them.
        const judged = Buffer.isBuffer(text) ? [1008, 1007, ...(wire.differs("close codes") ? [1006] : [])] : [1008];
        assert.ok(judged.includes(code), `${JSON.stringify(text)} got ${code}`);
        assert.equal((await wire.get(path)).text, "kept");
      }
    },

    "unknown control messages and fields are ignored": async (wire) => {
      const { peer } = await append(wire, "a.txt");
      await peer.say({ type: "weather", offset: 12 });
      await peer.say({ type: "ack", offset: 1e9 });
      await peer.say({ type: "start", offset: 0 });
      await peer.send("fine");
      await peer.acked(4);
      await peer.say({ type: "end", mood: "good", nested: { type: "weather" } });
      assert.equal((await peer.closed()).code, 1000);
      assert.equal((await wire.get("a.txt")).text, "fine");
    },

    "what comes after the end does not count": async (wire) => {
      const { peer } = await append(wire, "a.txt");
      const follower = await follow(wire, "a.txt");
      await peer.send("before");
      await peer.say({ type: "end" });
      await peer.send("after");
      await peer.say({ type: "end" });
      assert.equal((await peer.closed()).code, 1000);
      await expectEnd(follower, "before");
      assert.equal((await wire.get("a.txt")).text, "before");
    },

    "offset=N starts only at exactly that size: else 412, and nothing is created": async (wire) => {
      const at5 = await refused(wire, "some/new.txt", "verb=APPEND&offset=5");
      assert.deepEqual([at5.status, at5.headers.get("stream-next-offset")], [412, "0000000000000000"]);
      assert.equal(at5.headers.get("stream-error"), "precondition_failed");
      assert.equal((await wire.get("some/new.txt")).status, 404);
      assert.equal((await wire.get("some/")).status, 404);
      await wire.put("a.txt", "12345");
      for (const offset of [0, 4, 6, 1e12, "9".repeat(40)]) {
        const refusal = await refused(wire, "a.txt", `verb=APPEND&offset=${offset}`);
        assert.deepEqual([refusal.status, refusal.headers.get("stream-next-offset")], [412, "0000000000000005"]);
      }
      for (const offset of ["-1", "now", "x", "1.5"]) {
        assert.equal((await refused(wire, "a.txt", `verb=APPEND&offset=${offset}`)).status, 400, `offset=${offset}`);
      }
      const fits = await append(wire, "a.txt", "offset=0000000000000005");
      assert.equal(fits.offset, 5);
      await fits.peer.send("6");
      assert.equal(await fits.peer.finish(), 6);
      const first = await append(wire, "b.txt", "offset=0");
      assert.equal(await first.peer.finish(), 0);
    },

    "of two appends that begin at the same offset one succeeds": async (wire) => {
      await wire.put("a.txt", "12345");
      const target = wire.at("a.txt", "verb=APPEND&offset=5");
      const peers = await Promise.all(Array.from({ length: 6 }, () => wire.upgrade({ target, headers: OFFER })));
      const statuses = await Promise.all(peers.map(async (peer) => (await peer.head).status));
      assert.deepEqual(statuses.sort(), [101, 403, 403, 403, 403, 403]);
    },

    "a path that is taken is 403, for every kind of owner and of request": async (wire) => {
      await append(wire, "v1.txt");
      await wire.appender("classic.txt");
      for (const path of ["v1.txt", "classic.txt"]) {
        for (const headers of [OFFER, {}]) {
          const peer = await wire.upgrade({ target: wire.at(path, "verb=APPEND"), headers });
          assert.equal((await peer.response()).status, 403);
        }
        assert.equal((await refused(wire, path, "verb=APPEND&offset=0")).status, 403);
        assert.equal((await wire.send({ method: "PUT", target: wire.at(path, "verb=APPEND"), body: "x" })).status, 403);
      }
    },

    "APPEND without an upgrade is 426, whatever is offered": async (wire) => {
      assert.equal((await wire.get("a.txt", "verb=APPEND", { ...OFFER })).status, 426);
      assert.equal((await wire.get("a.txt")).status, 404);
    },

    "a hundred sessions at once, each with its followers, do not mix": async (wire) => {
      await Promise.all(Array.from({ length: 100 }, (_, at) => oneOfMany(wire, at)));
    },
  });
}

async function oneOfMany(wire: Wire, at: number): Promise<void> {
  const bytes = randomBytes(20_000, at);
  const { peer } = await append(wire, `${at}/a.bin`);
  const follower = await follow(wire, `${at}/a.bin`);
  for (const piece of pieces(bytes, 3_000, at)) await peer.send(piece);
  assert.equal(await peer.finish(), bytes.length);
  await expectEnd(follower, bytes);
}
