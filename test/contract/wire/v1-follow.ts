/** Section 3 of the wire contract: a follower always knows its offset, and how the append ended. */
import assert from "node:assert/strict";
import { ALL_BYTES, numberedLines, pieces, prng, randomBytes, sha256 } from "../../fixture/bytes.ts";
import { OPCODE } from "../../fixture/frames.ts";
import { OFFER } from "../../fixture/v1.ts";
import type { Target } from "./target.ts";
import { append, expectEnd, follow, refused } from "./v1.ts";
import { section, type Wire } from "./wire.ts";

export function v1FollowSection(target: Target): void {
  section(target, "3 httpfstream.v1: following", {
    "start comes first, then binary frames with any bytes, then end and close 1000": async (wire) => {
      await wire.put("a.bin", ALL_BYTES);
      const { peer } = await append(wire, "a.bin");
      const follower = await follow(wire, "a.bin");
      await follower.dataAtLeast(256);
      await peer.send(ALL_BYTES);
      await peer.finish();
      await expectEnd(follower, Buffer.concat([ALL_BYTES, ALL_BYTES]));
      const { generation, ...start } = await follower.control("start");
      assert.deepEqual([start, follower.controls[0]?.type], [{ type: "start", offset: 0 }, "start"]);
      assert.match(generation ?? "", /^[\w-]+$/);
      assert.equal(follower.peer.messages[0]?.opcode, OPCODE.text);
    },

    "offset, tail, now and -1 say where it starts": async (wire) => {
      await wire.put("a.txt", "0123456789");
      const { peer } = await append(wire, "a.txt");
      const asked: [string, number][] = [
        ["offset=-1", 0],
        ["offset=0", 0],
        ["offset=4", 4],
        ["offset=0000000000000004", 4],
        ["offset=10", 10],
        ["offset=now", 10],
        ["tail=0", 10],
        ["tail=3", 7],
        ["tail=1000", 0],
      ];
      const followers = await Promise.all(asked.map(([query]) => follow(wire, "a.txt", query)));
      for (const [at, [query, offset]] of asked.entries()) {
        assert.equal((await followers[at]?.control("start"))?.offset, offset, query);
      }
      await peer.send("abc");
      await peer.finish();
      for (const [at, [, offset]] of asked.entries()) {
        await expectEnd(followers[at] as NonNullable<(typeof followers)[0]>, "0123456789abc".slice(offset));
      }
    },

    "an offset past the size is 416 with the size; an invalid one, or two, is 400": async (wire) => {
      await wire.put("a.txt", "0123456789");
      const check = async (): Promise<void> => {
        const past = await refused(wire, "a.txt", "verb=FOLLOW&offset=11");
        assert.deepEqual([past.status, past.headers.get("stream-next-offset")], [416, "0000000000000010"]);
        for (const query of ["offset=x", "offset=-2", "tail=-1", "tail=now", "offset=1&tail=1"]) {
          assert.equal((await refused(wire, "a.txt", `verb=FOLLOW&${query}`)).status, 400, query);
        }
      };
      await check();
      await append(wire, "a.txt");
      await check();
    },

    "without an appender it is 200 with the bytes from there on, and says where they start and end": async (wire) => {
      await wire.put("a.txt", "0123456789");
      for (const [query, start] of [
        ["offset=4", 4],
        ["tail=3", 7],
        ["offset=now", 10],
      ] as const) {
        const full = await refused(wire, "a.txt", `verb=FOLLOW&${query}`);
        assert.deepEqual([full.status, full.text], [200, "0123456789".slice(start)]);
        assert.equal(full.headers.get("stream-start-offset"), String(start).padStart(16, "0"));
        assert.equal(full.headers.get("stream-next-offset"), "0000000000000010");
        assert.equal(full.headers.get("sec-websocket-protocol"), null);
      }
      assert.equal((await refused(wire, "none.txt", "verb=FOLLOW")).status, 404);
    },

    "a v1 follower of a classic appender, and the other way round, at the same time": async (wire) => {
      const text = Buffer.from("Grüße, 漢字 🜁\n".repeat(300));
      const classic = await wire.appender("classic.txt");
      const { peer: v1 } = await append(wire, "v1.txt");
      const ofClassic = [await follow(wire, "classic.txt"), await follow(wire, "classic.txt", "tail=0")];
      const ofV1 = [await wire.follower("v1.txt"), await wire.follower("v1.txt")];
      for (const piece of pieces(text, 90, 4)) await Promise.all([classic.binary(piece), v1.send(piece)]);
      assert.equal(await v1.finish(), text.length);
      await classic.finish();
      for (const follower of ofClassic) await expectEnd(follower, text);
      for (const follower of ofV1) {
        assert.equal((await follower.end()).code, 1000);
        assert.ok(follower.received.bytes().equals(text));
        assert.ok(follower.messages.every(({ opcode }) => opcode === OPCODE.text));
      }
    },

    "classic and v1 followers of one path get the same bytes": async (wire) => {
      const bytes = numberedLines(300_000);
      const { peer } = await append(wire, "a.txt");
      const v1 = await follow(wire, "a.txt");
      const classic = await wire.follower("a.txt");
      for (const piece of pieces(bytes, 9_000, 8)) await peer.send(piece);
      assert.equal(await peer.finish(), bytes.length);
      await expectEnd(v1, bytes);
      assert.equal((await classic.end()).code, 1000);
      assert.equal(sha256(classic.received.bytes()), sha256(bytes));
    },

    "an HTTP append is followed with v1, and its end is told: complete, or lost when it broke off": async (wire) => {
      const whole = await wire.startPut("whole.txt");
      await whole.chunk("abc");
      const first = await followWhen(wire, "whole.txt");
      await first.dataAtLeast(3);
      await whole.chunk("def");
      await whole.finish();
      await expectEnd(first, "abcdef");

      const broken = await wire.startPut("broken.txt");
      await broken.chunk("abc");
      const second = await followWhen(wire, "broken.txt");
      await second.dataAtLeast(3);
      broken.connection.reset();
      await expectEnd(second, "abc", "lost");
    },

    "a follower that reconnects repeatedly at its offset has every byte once": async (wire) => {
      const bytes = randomBytes(2_000_000, 21);
      const { peer } = await append(wire, "a.bin");
      const following = Promise.all([1, 2, 3].map((seed) => restlessFollower(wire, "a.bin", seed)));
      let sent = 0;
      for (const piece of pieces(bytes, 20_000, 22)) {
        await peer.send(piece);
        sent += piece.length;
        if (sent % 5 === 0) await peer.acked(sent);
      }
      await peer.acked(bytes.length);
      assert.equal(await peer.finish(), bytes.length);
      for (const got of await following) assert.equal(sha256(got), sha256(bytes));
    },

    "messages of a follower are ignored": async (wire) => {
      const { peer } = await append(wire, "a.txt");
      const follower = await follow(wire, "a.txt");
      await follower.say({ type: "end" });
      await follower.say("not JSON");
      await follower.send("bytes");
      await peer.send("fine");
      await peer.finish();
      await expectEnd(follower, "fine");
    },

    "followers that join one path at many offsets get exactly its bytes": async (wire) => {
      const bytes = randomBytes(1_000_000, 31);
      const { peer } = await append(wire, "a.bin");
      const random = prng(32);
      const joined: Promise<{ offset: number; follower: Awaited<ReturnType<typeof follow>> }>[] = [];
      let stored = 0;
      for (const piece of pieces(bytes, 10_000, 33)) {
        await peer.send(piece);
        if (random() < 0.3) {
          const offset = Math.floor(random() * stored);
          joined.push(follow(wire, "a.bin", `offset=${offset}`).then((follower) => ({ offset, follower })));
        }
        stored = peer.controls.findLast(({ type }) => type === "ack")?.offset ?? 0;
      }
      const all = await Promise.all(joined);
      assert.ok(all.length > 20, `${all.length} followers joined`);
      assert.equal(await peer.finish(), bytes.length);
      for (const { offset, follower } of all) await expectEnd(follower, bytes.subarray(offset));
    },
  });
}

/** Follows a path as soon as it has an appender. */
async function followWhen(wire: Wire, path: string): ReturnType<typeof follow> {
  for (;;) {
    const peer = await wire.upgrade({ target: wire.at(path, "verb=FOLLOW"), headers: OFFER });
    const { status } = await peer.head;
    peer.connection.drop();
    if (status === 101) return await follow(wire, path);
  }
}

/** Follows with one connection after another, each dropped after some bytes and resumed there. A 200 has the rest. */
async function restlessFollower(wire: Wire, path: string, seed: number): Promise<Buffer> {
  const random = prng(seed);
  const got: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const target = wire.at(path, `verb=FOLLOW&offset=${offset}`);
    const peer = await wire.upgrade({ target, headers: OFFER });
    if ((await peer.head).status === 200) return Buffer.concat([...got, (await peer.response()).body]);
    await peer.opened();
    const part = Math.floor(random() * 200_000);
    await peer.received.atLeast(part).catch(() => {}); // The end may come first.
    peer.connection[random() < 0.5 ? "drop" : "reset"]();
    let ended = false;
    for (const { opcode, payload } of peer.messages) {
      if (opcode === OPCODE.binary) {
        got.push(payload);
        offset += payload.length;
      } else if (JSON.parse(String(payload)).type === "end") {
        ended = true;
      }
    }
    if (ended) return Buffer.concat(got);
  }
}
