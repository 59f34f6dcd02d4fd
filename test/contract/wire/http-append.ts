/** Section 5 of the wire contract: appending over plain HTTP. */
import assert from "node:assert/strict";
import { ALL_BYTES, numberedLines, pieces, sha256 } from "../../fixture/bytes.ts";
import { until } from "../../fixture/until.ts";
import type { Target } from "./target.ts";
import { expectEnd, section } from "./wire.ts";

export function httpAppendSection(target: Target): void {
  section(target, "5 appending over HTTP", {
    "POST and PUT append, and say where the next byte goes": async (wire) => {
      for (const [at, method] of ["POST", "PUT"].entries()) {
        const response = await wire.send({ method, target: wire.at("new/a.txt", "verb=APPEND"), body: "12345" });
        assert.equal(response.status, 200, response.text);
        assert.equal(response.headers.get("stream-next-offset"), String(5 * (at + 1)).padStart(16, "0"));
      }
      assert.equal((await wire.get("new/a.txt")).text, "1234512345");
    },

    "bytes of any kind, in chunks of any size": async (wire) => {
      const bytes = Buffer.concat(Array<Buffer>(40).fill(ALL_BYTES));
      const put = await wire.startPut("a.bin");
      for (const piece of pieces(bytes, 500, 14)) void put.chunk(piece);
      await put.finish();
      assert.equal((await put.response()).headers.get("stream-next-offset"), String(bytes.length).padStart(16, "0"));
      assert.ok((await wire.get("a.bin")).body.equals(bytes));
    },

    "a body of single bytes, each in a chunk of its own, costs no more than its length": async (wire) => {
      const count = 60_000;
      const put = await wire.startPut("a.txt");
      // Directly after the head, so that most of the body arrives before the path is claimed.
      void put.connection.write(`${"1\r\nx\r\n".repeat(count)}0\r\n\r\n`);
      assert.equal((await put.response()).headers.get("stream-next-offset"), String(count).padStart(16, "0"));
      assert.equal((await wire.get("a.txt")).text, "x".repeat(count));
    },

    "an empty body makes an empty file": async (wire) => {
      const response = await wire.put("a.txt", "");
      assert.equal(response.headers.get("stream-next-offset"), "0000000000000000");
      assert.deepEqual([(await wire.get("a.txt")).status, (await wire.get("a.txt")).text], [200, ""]);
    },

    "followers see each piece as it arrives": async (wire) => {
      const put = await wire.startPut("a.txt");
      await put.chunk("first ");
      const socket = await wire.admittedFollower("a.txt");
      assert.equal(String(await socket.received.atLeast(6)), "first ");
      const plain = await wire.start({ target: wire.at("a.txt", "verb=FOLLOW") });
      await plain.body.atLeast(6);
      await put.chunk("second");
      await Promise.all([socket.received.atLeast(12), plain.body.atLeast(12)]);
      await put.finish();
      assert.equal((await put.response()).status, 200);
      await expectEnd(socket, "first second");
      assert.equal(String(await plain.body.all()), "first second");
    },

    "one appender at a time, over every transport": async (wire) => {
      const socket = await wire.appender("socket.txt");
      const refusal = await wire.send({ method: "PUT", target: wire.at("socket.txt", "verb=APPEND"), body: "x" });
      assert.deepEqual([refusal.status, /append/i.test(refusal.text)], [403, true], refusal.text);
      await socket.finish();

      const put = await wire.startPut("put.txt");
      await put.chunk("mine");
      await wire.admittedFollower("put.txt");
      const peer = await wire.upgrade({ target: wire.at("put.txt", "verb=APPEND") });
      assert.equal((await peer.response()).status, 403);
      const second = await wire.send({ method: "POST", target: wire.at("put.txt", "verb=APPEND"), body: "x" });
      assert.equal(second.status, 403);
      await put.finish();
      assert.equal((await put.response()).status, 200);
      assert.equal((await wire.get("put.txt")).text, "mine");
    },

    "a refusal does not wait for the body": async (wire) => {
      await wire.appender("a.txt");
      const put = await wire.startPut("a.txt");
      assert.equal((await put.head).status, 403);
    },

    "after the 200 the path is free for the next append": async (wire) => {
      for (let attempt = 0; attempt < 25; attempt++) await wire.put("a.txt", `${attempt},`);
      assert.equal((await wire.get("a.txt")).text, `${[...Array(25).keys()].join()},`);
    },

    "a chunked body that breaks off: what arrived stays, and the path is free": async (wire) => {
      for (const leave of ["drop", "reset"] as const) {
        const put = await wire.startPut(leave);
        await put.chunk("what arrived");
        const follower = await wire.admittedFollower(leave);
        await follower.received.atLeast(12);
        put.connection[leave]();
        assert.equal((await follower.end()).code, 1000);
        assert.equal(String(await wire.stored(leave)), "what arrived");
        await wire.admitted(leave);
      }
    },

    "a body shorter than its length: what arrived stays, and the path is free": async (wire) => {
      const target = wire.at("a.txt", "verb=APPEND");
      const put = await wire.start({ method: "PUT", target, headers: { "Content-Length": "100" } });
      await put.connection.write("what arrived");
      const follower = await wire.admittedFollower("a.txt");
      await follower.received.atLeast(12);
      put.connection.socket.end();
      assert.equal((await follower.end()).code, 1000);
      assert.equal(String(await wire.stored("a.txt")), "what arrived");
    },

    "a chunked body with broken chunks: what arrived stays, and the path is free": async (wire) => {
      const put = await wire.startPut("a.txt");
      await put.chunk("what arrived");
      const follower = await wire.admittedFollower("a.txt");
      await follower.received.atLeast(12);
      await put.connection.write("this is no chunk size\r\n");
      assert.equal((await follower.end()).code, 1000);
      assert.equal(String(await wire.stored("a.txt")), "what arrived");
      await wire.admitted("a.txt");
    },

    "a body that breaks off right behind its head: what arrived stays, and the path is free": async (wire) => {
      const lost = wire.differs("early end");
      if (lost) return wire.skip(lost);
      // The first bytes arrive with the head, before the app can have asked for them.
      const head = "Content-Length: 1000000\r\n\r\nwhat arrived";
      for (const leave of ["end", "drop"] as const) {
        for (let attempt = 0; attempt < 10; attempt++) {
          const connection = await wire.connect();
          const path = `${leave}-${attempt}.txt`;
          const target = wire.at(path, "verb=APPEND");
          await connection.write(`PUT ${target} HTTP/1.1\r\nHost: ${new URL(wire.url("")).host}\r\n${head}`);
          if (leave === "drop") connection.drop();
          else connection.socket.end();
          const stored = await until(`what arrived in ${path}`, async () => {
            const { status, text } = await wire.get(path);
            return status === 200 && text !== "" ? text : undefined;
          });
          assert.equal(stored, "what arrived");
          await wire.admitted(path);
        }
      }
    },

    "offset=N appends only to a path of that size; another one gets 412 and is left as it is": async (wire) => {
      const append = (path: string, offset: string, body = "12345") =>
        wire.send({ method: "POST", target: wire.at(path, `verb=APPEND&offset=${offset}`), body });
      assert.equal((await append("a.txt", "0")).status, 200);
      assert.equal((await append("a.txt", "0000000000000005")).status, 200);
      for (const offset of ["0", "9", "11"]) {
        const refusal = await append("a.txt", offset);
        assert.deepEqual(
          [refusal.status, refusal.headers.get("stream-next-offset")],
          [412, "0000000000000010"],
          refusal.text,
        );
      }
      assert.equal((await append("new/b.txt", "1")).status, 412);
      for (const offset of ["abc", "-1", "now", "1.5"])
        assert.equal((await append("a.txt", offset)).status, 400, offset);
      assert.equal((await wire.get("a.txt")).text, "1234512345");
      assert.equal((await wire.get("new/")).status, 404);
    },

    "Content-Range is refused: bytes go to the end, not to a place": async (wire) => {
      await wire.put("a.txt", "12345");
      const headers = { "Content-Range": "bytes 3-5/6" };
      const refusal = await wire.send({ method: "PUT", target: wire.at("a.txt", "verb=APPEND"), headers, body: "456" });
      assert.equal(refusal.status, 400);
      assert.match(refusal.text, /offset=/);
      assert.equal((await wire.get("a.txt")).text, "12345");
    },

    "a body that is encoded, multipart or a range is refused, and nothing is created": async (wire) => {
      const cases: [Record<string, string>, number][] = [
        [{ "Content-Encoding": "gzip" }, 415],
        [{ "Content-Encoding": "identity, br" }, 415],
        [{ "Content-Type": "multipart/form-data; boundary=x" }, 415],
        [{ "Content-Range": "bytes 0-2/3" }, 400],
      ];
      for (const method of ["POST", "PUT"]) {
        for (const [headers, status] of cases) {
          const target = wire.at("new/a.txt", "verb=APPEND");
          const refusal = await wire.send({ method, target, headers, body: "abc" });
          assert.deepEqual([refusal.status, JSON.stringify(headers)], [status, JSON.stringify(headers)], refusal.text);
          assert.match(refusal.text, /\w+ \w+/);
        }
      }
      assert.equal((await wire.get("new/")).status, 404);
    },

    "a body in another transfer coding is refused with 501, and nothing is created": async (wire) => {
      for (const coding of ["gzip, chunked", "gzip", "identity"]) {
        const coded = await wire.start({
          method: "POST",
          target: wire.at("new/a.txt", "verb=APPEND"),
          headers: { "Transfer-Encoding": coding },
        });
        await coded.connection.write("3\r\nabc\r\n0\r\n\r\n");
        // Some runtimes refuse it by themselves, as a malformed request, and may reset the connection right behind the head.
        const { status } = await coded.head;
        assert.ok(status === 501 || status === 400, `${coding}: ${status}`);
      }
      assert.equal((await wire.get("new/")).status, 404);
    },

    "bodies with the identity coding or the type of a form are appended": async (wire) => {
      const kinds = [{ "Content-Encoding": "identity" }, { "Content-Type": "application/x-www-form-urlencoded" }];
      for (const headers of kinds) {
        const target = wire.at("a.txt", "verb=APPEND");
        assert.equal((await wire.send({ method: "POST", target, headers, body: "x" })).status, 200);
      }
      assert.equal((await wire.get("a.txt")).text, "xx");
    },

    "Expect: 100-continue is answered": async (wire) => {
      const put = await wire.startPut("a.txt", "PUT", { Expect: "100-continue" });
      await put.chunk("hello");
      await put.finish();
      assert.equal((await put.response()).status, 200);
      assert.equal((await wire.get("a.txt")).text, "hello");
    },

    "eight megabytes in one body": async (wire) => {
      const bytes = numberedLines(8 * 1024 * 1024);
      const response = await wire.put("a.txt", bytes);
      assert.equal(Number(response.headers.get("stream-next-offset")), bytes.length);
      assert.equal(sha256((await wire.get("a.txt")).body), sha256(bytes));
    },
  });
}
