/** Section 4 of the wire contract: live following over plain HTTP. */
import assert from "node:assert/strict";
import { ALL_BYTES, numberedLines, sha256 } from "../../fixture/bytes.ts";
import type { Target } from "./target.ts";
import { section } from "./wire.ts";

export function httpFollowSection(target: Target): void {
  section(target, "4 following over HTTP", {
    "each piece arrives before the appender ends, and the end is the end of the body": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
      for (const text of ["one ", "one two ", "one two three"]) {
        await appender.send(text.slice(follower.body.length));
        assert.equal(String(await follower.body.atLeast(text.length)), text);
      }
      const head = await follower.head;
      assert.equal(head.status, 200);
      assert.equal(head.headers.get("transfer-encoding"), "chunked");
      assert.equal(head.headers.get("content-length"), null);
      await appender.finish();
      assert.equal(String(await follower.body.all()), "one two three");
    },

    "the head of the answer comes before the first byte": async (wire) => {
      const late = wire.differs("late head");
      if (late) return wire.skip(late);
      await wire.appender("a.txt");
      const follower = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
      assert.equal((await follower.head).status, 200);
      assert.equal(follower.body.length, 0);
    },

    "history comes first, without gap or duplicate": async (wire) => {
      const history = numberedLines(3_000_000);
      await wire.put("a.txt", history);
      const appender = await wire.appender("a.txt");
      const follower = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
      await appender.send("live");
      await appender.finish();
      assert.equal(sha256(await follower.body.all()), sha256(Buffer.concat([history, Buffer.from("live")])));
    },

    "bytes of any kind": async (wire) => {
      const appender = await wire.appender("a.bin");
      const follower = await wire.start({ target: wire.at("a.bin", "verb=FOLLOW") });
      await appender.binary(ALL_BYTES);
      assert.ok((await follower.body.atLeast(256)).equals(ALL_BYTES));
    },

    "offset and tail say where to begin on a live path": async (wire) => {
      await wire.put("a.txt", "0123456789");
      const appender = await wire.appender("a.txt");
      const starts: Record<string, string> = { "offset=7": "789", "tail=2": "89", "offset=-1": "0123456789" };
      // If there is nothing to send at first, only the head shows that the follower has joined.
      if (!wire.differs("late head")) Object.assign(starts, { "offset=now": "", "offset=10": "" });
      const followers = await Promise.all(
        Object.entries(starts).map(async ([query, history]) => {
          const follower = await wire.start({ target: wire.at("a.txt", `verb=FOLLOW&${query}`) });
          await (history ? follower.body.atLeast(history.length) : follower.head);
          return { follower, expected: `${history}live` };
        }),
      );
      await appender.send("live");
      await appender.finish();
      for (const { follower, expected } of followers) assert.equal(String(await follower.body.all()), expected);
    },

    "an offset past the end of a live path gets 416": async (wire) => {
      const appender = await wire.appender("a.txt");
      await appender.send("12345");
      await (await wire.follower("a.txt")).received.atLeast(5);
      assert.equal((await wire.get("a.txt", "verb=FOLLOW&offset=6")).status, 416);
    },

    "without an appender: the stored bytes, then the end": async (wire) => {
      await wire.put("a.txt", "stored");
      const read = await wire.get("a.txt", "verb=FOLLOW");
      assert.deepEqual([read.status, read.text], [200, "stored"]);
    },

    "a follower that stops reading slows no other client, and gets every byte when it reads on": async (wire) => {
      const bytes = numberedLines(24 * 1024 * 1024);
      const appender = await wire.appender("a.txt");
      const stalled = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
      await appender.send(bytes.subarray(0, 10));
      await stalled.body.atLeast(10);
      stalled.connection.socket.pause();
      for (let at = 10; at < bytes.length; at += 60_000) await appender.send(bytes.subarray(at, at + 60_000));
      assert.equal((await appender.finish()).code, 1000);
      await wire.admitted("a.txt");
      stalled.connection.socket.resume();
      assert.equal(sha256(await stalled.body.all()), sha256(bytes));
    },

    "followers that hang up do not disturb other clients": async (wire) => {
      const appender = await wire.appender("a.txt");
      const staying = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
      await appender.send("x");
      await staying.body.atLeast(1);
      for (const leave of ["drop", "reset"] as const) {
        const leaving = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
        await leaving.body.atLeast(1);
        leaving.connection[leave]();
        await appender.send("x");
      }
      await appender.finish();
      assert.equal(String(await staying.body.all()), "xxx");
    },
  });
}
