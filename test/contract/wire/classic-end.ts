/** Section 2 of the wire contract: the ways in which an append ends, and that its path is free afterwards. */
import assert from "node:assert/strict";
import { numberedLines, pieces } from "../../fixture/bytes.ts";
import { closePayload, encodeFrame, OPCODE } from "../../fixture/frames.ts";
import type { Target } from "./target.ts";
import { expectEnd, section } from "./wire.ts";

export function classicEndSection(target: Target): void {
  section(target, "2 the end of an append", {
    "a close is answered with the same code": async (wire) => {
      for (const code of [1000, 1001, 4000]) {
        const appender = await wire.admitted("a.txt");
        assert.equal((await appender.finish(code)).code, code);
      }
    },

    "every close code is the end for followers": async (wire) => {
      for (const [name, payload] of [
        ["a", closePayload(1001)],
        ["b", closePayload(4321, "gone")],
        ["c", ""],
      ] as const) {
        const appender = await wire.appender(name);
        const follower = await wire.follower(name);
        await appender.send("bye");
        await appender.frame(OPCODE.close, payload);
        await expectEnd(follower, "bye");
      }
    },

    "dropping the connection without a close frame is a normal end": async (wire) => {
      const bytes = numberedLines(300_000);
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      await appender.connection.write(Buffer.concat(pieces(bytes, 9_000, 6).map((piece) => appender.encode(piece))));
      appender.connection.socket.end();
      await expectEnd(follower, bytes);
      assert.ok((await wire.stored("a.txt")).equals(bytes));
      await wire.admitted("a.txt");
    },

    "a killed client, in the middle of a frame, is a normal end": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      await appender.send("whole");
      await follower.received.atLeast(5);
      await appender.part(appender.encode("never complete").subarray(0, 9));
      appender.connection.drop();
      await expectEnd(follower, "whole");
      await wire.admitted("a.txt");
    },

    "a reset connection is a normal end": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      await appender.send("before");
      await follower.received.atLeast(6);
      appender.connection.reset();
      await expectEnd(follower, "before");
      await wire.admitted("a.txt");
    },

    "an appender that leaves at once leaves an empty file and a free path": async (wire) => {
      for (const leave of ["drop", "reset"] as const) {
        (await wire.appender(leave)).connection[leave]();
        assert.equal((await wire.stored(leave)).length, 0);
        await wire.admitted(leave);
      }
    },

    "bytes right before the close are stored": async (wire) => {
      for (let attempt = 0; attempt < 20; attempt++) {
        const name = `${attempt}.txt`;
        const appender = await wire.appender(name);
        const follower = await wire.follower(name);
        const frames = ["the ", "last ", "bytes"].map((word) => appender.encode(word));
        if (attempt % 2) frames.push(encodeFrame(OPCODE.close, closePayload(1000)));
        await appender.connection.write(Buffer.concat(frames));
        appender.connection.socket.end();
        await expectEnd(follower, "the last bytes");
        assert.equal(String(await wire.stored(name)), "the last bytes");
      }
    },

    "appenders in quick succession: once the close is answered, the path is free": async (wire) => {
      for (let attempt = 0; attempt < 25; attempt++) {
        const appender = await wire.appender("a.txt");
        await appender.send(`${attempt},`);
        await appender.finish();
      }
      assert.equal(String(await wire.stored("a.txt")), `${[...Array(25).keys()].join()},`);
    },

    "the end of one append does not free the path of the next": async (wire) => {
      for (let attempt = 0; attempt < 10; attempt++) {
        const first = await wire.admitted("a.txt");
        await first.finish();
        const second = await wire.admitted("a.txt");
        first.connection.reset();
        const third = await wire.upgrade({ target: wire.at("a.txt", "verb=APPEND") });
        assert.equal((await third.response()).status, 403);
        await second.send("2");
        await second.finish();
      }
      assert.equal(String(await wire.stored("a.txt")), "2".repeat(10));
    },
  });
}
