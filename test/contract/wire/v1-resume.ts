/** Section 3 of the wire contract: an append outlives its connections, and no byte is lost or duplicated. */
import assert from "node:assert/strict";
import { pieces, prng, randomBytes } from "../../fixture/bytes.ts";
import { closePayload, encodeFrame, OPCODE } from "../../fixture/frames.ts";
import { until } from "../../fixture/until.ts";
import { OFFER } from "../../fixture/v1.ts";
import type { Target } from "./target.ts";
import { append, expectEnd, follow, refused, resume } from "./v1.ts";
import { section } from "./wire.ts";

export function v1ResumeSection(target: Target): void {
  section(target, "3 httpfstream.v1: broken connections", {
    "a broken append keeps its path: 403 with Retry-After, followers wait, nothing is over": async (wire) => {
      for (const leave of ["drop", "reset", "close"] as const) {
        const path = `${leave}.txt`;
        const first = await append(wire, path);
        const follower = await follow(wire, path);
        await first.peer.send("one ");
        await first.peer.acked(4);
        await leaveBy(first.peer.peer.connection, leave, first.peer.peer);
        const retryAfter = await until("Retry-After", async () => {
          const refusal = await refused(wire, path, "verb=APPEND");
          assert.equal(refusal.status, 403);
          return refusal.headers.get("retry-after") ?? undefined;
        });
        assert.match(retryAfter, /^[1-9][0-9]*$/);
        const late = await follow(wire, path, "offset=now");
        const again = await resume(wire, path, first);
        assert.deepEqual([again.offset, again.session], [4, first.session]);
        await again.peer.send("two");
        assert.equal(await again.peer.finish(), 7);
        await expectEnd(follower, "one two");
        await expectEnd(late, "two");
      }
    },

    "a resumed append says exactly what is stored, whatever was in flight": async (wire) => {
      const bytes = randomBytes(1_500_000, 41);
      const random = prng(42);
      let appending = await append(wire, "a.bin");
      const follower = await follow(wire, "a.bin");
      let at = 0;
      for (let round = 0; round < 25; round++) {
        const part = bytes.subarray(at, at + Math.floor(random() * 60_000));
        const frame = encodeFrame(OPCODE.binary, part);
        // Cut anywhere in the frame, including its header.
        const cut = random() < 0.5 ? frame : frame.subarray(0, Math.floor(random() * frame.length));
        const written = appending.peer.peer.part(cut);
        if (random() < 0.5) await written;
        appending.peer.peer.connection[random() < 0.5 ? "drop" : "reset"]();
        const acked = Math.max(at, ...appending.peer.controls.map(({ offset }) => offset));
        appending = await resume(wire, "a.bin", appending);
        assert.ok(appending.offset >= acked, `${acked} was acknowledged, and ${appending.offset} is there`);
        assert.ok(appending.offset <= at + part.length, "more is stored than was sent");
        at = appending.offset;
        assert.ok((await wire.get("a.bin")).body.equals(bytes.subarray(0, at)), `at ${at} the file is another one`);
      }
      for (const piece of pieces(bytes.subarray(at), 50_000, 43)) await appending.peer.send(piece);
      assert.equal(await appending.peer.finish(), bytes.length);
      await expectEnd(follower, bytes);
    },

    "a resumed session drops its older connection with 4001; what still comes on that does not count": async (wire) => {
      const older = await append(wire, "a.txt");
      const follower = await follow(wire, "a.txt");
      await older.peer.send("old ");
      await older.peer.acked(4);
      // Only a part of this frame has arrived; the rest comes too late.
      const late = encodeFrame(OPCODE.binary, "LATE");
      await older.peer.peer.part(late.subarray(0, 8));
      const newer = await resume(wire, "a.txt", older);
      assert.equal(newer.offset, 4);
      // In one write: a write to a closed connection fails, and would discard bytes that have arrived but are not read
      // yet.
      const later = [older.peer.peer.encode("LATER"), encodeFrame(OPCODE.text, JSON.stringify({ type: "end" }))];
      await older.peer.peer.part(Buffer.concat([late.subarray(8), ...later]));
      assert.equal((await older.peer.closed()).code, 4001);
      await newer.peer.send("new");
      assert.equal(await newer.peer.finish(), 7);
      await expectEnd(follower, "old new");
    },

    "after a chain of takeovers the last connection has the session": async (wire) => {
      const first = await append(wire, "a.txt");
      const chain = [first];
      for (let number = 0; number < 10; number++) {
        const next = await resume(wire, "a.txt", first);
        assert.equal(next.offset, number);
        await next.peer.send(String(number));
        await next.peer.acked(number + 1);
        chain.push(next);
      }
      for (const older of chain.slice(0, -1)) assert.equal((await older.peer.closed()).code, 4001);
      assert.equal(await chain.at(-1)?.peer.finish(), 10);
      assert.equal((await wire.get("a.txt")).text, "0123456789");
    },

    "of many that resume the same session at once one has it, and the bytes are in order": async (wire) => {
      const first = await append(wire, "a.txt");
      await first.peer.send("kept");
      await first.peer.acked(4);
      const target = wire.at("a.txt", `verb=APPEND&session=${first.session}`);
      const peers = await Promise.all(
        Array.from({ length: 8 }, () => wire.upgrade({ target, headers: OFFER, kind: "binary" })),
      );
      assert.deepEqual(new Set(await Promise.all(peers.map(async (peer) => (await peer.head).status))), new Set([101]));
      const last = await resume(wire, "a.txt", first);
      assert.equal(last.offset, 4);
      for (const peer of peers) assert.equal((await peer.end()).code, 4001);
      assert.equal(await last.peer.finish(), 4);
    },

    "an unknown or ended session is 410, also with the token of another path, and nothing is written": async (wire) => {
      const open = await append(wire, "open.txt");
      const other = await append(wire, "other.txt");
      const done = await append(wire, "done.txt");
      assert.equal(await done.peer.finish(), 0);
      const wrong: [string, string][] = [
        ["none.txt", "deadbeef"],
        ["none.txt", ""],
        ["none.txt", open.session],
        ["done.txt", done.session],
        ["done.txt", open.session],
        ["open.txt", other.session],
        ["open.txt", open.session.slice(1)],
        ["open.txt", `${open.session}0`],
        ["open.txt", open.session.toUpperCase() === open.session ? "A" : open.session.toUpperCase()],
      ];
      for (const [path, session] of wrong) {
        const refusal = await refused(wire, path, `verb=APPEND&session=${session}`);
        assert.deepEqual([refusal.status, refusal.headers.get("stream-error")], [410, "gone"], `${path} ${session}`);
      }
      assert.equal((await wire.get("none.txt")).status, 404, "a refused resume makes nothing");
      await open.peer.send("still mine");
      assert.equal(await open.peer.finish(), 10);
      assert.equal(await other.peer.finish(), 0);
    },

    "a resume can end a broken append without another byte": async (wire) => {
      const first = await append(wire, "a.txt");
      const follower = await follow(wire, "a.txt");
      await first.peer.send("all of it");
      await first.peer.acked(9);
      first.peer.peer.connection.drop();
      assert.equal(await (await resume(wire, "a.txt", first)).peer.finish(), 9);
      await expectEnd(follower, "all of it");
      await wire.admitted("a.txt");
    },

    "an end whose answer is lost is an end": async (wire) => {
      const { peer, session } = await append(wire, "a.txt");
      const follower = await follow(wire, "a.txt");
      await peer.send("bytes");
      await peer.acked(5);
      await peer.say({ type: "end" });
      // If the client left any earlier, its reset could discard the end message that the server has not read yet.
      await follower.control("end");
      peer.peer.connection.drop();
      const refusal = await refused(wire, "a.txt", `verb=APPEND&session=${session}`);
      assert.equal(refusal.status, 410);
      const head = await wire.send({ method: "HEAD", target: wire.at("a.txt") });
      assert.equal(head.headers.get("stream-next-offset"), "0000000000000005");
    },

    "without a resume in the grace period followers get lost, and the path is free": async (wire) => {
      const { peer, session } = await append(wire, "a.txt");
      const follower = await follow(wire, "a.txt");
      const classic = await wire.follower("a.txt");
      await peer.send("as far as it came");
      await peer.acked(17);
      peer.peer.connection.drop();
      await until("the end of the grace", () => follower.peer.received.ended, 80_000);
      await expectEnd(follower, "as far as it came", "lost");
      assert.equal((await classic.end()).code, 1000);
      assert.equal((await refused(wire, "a.txt", `verb=APPEND&session=${session}`)).status, 410);
      assert.equal((await append(wire, "a.txt")).offset, 17);
    },

    "a classic appender has no grace period": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await follow(wire, "a.txt");
      await appender.send("classic");
      await follower.dataAtLeast(7);
      appender.connection.drop();
      await expectEnd(follower, "classic");
      const { peer, offset } = await append(wire, "a.txt");
      assert.equal(offset, 7);
      await peer.finish();
    },
  });
}

async function leaveBy(
  connection: { drop(): void; reset(): void },
  how: "drop" | "reset" | "close",
  peer: { frame(opcode: number, data: Uint8Array): Promise<void>; end(): Promise<unknown> },
): Promise<void> {
  if (how !== "close") return connection[how]();
  await peer.frame(OPCODE.close, closePayload(1000));
  await peer.end();
}
