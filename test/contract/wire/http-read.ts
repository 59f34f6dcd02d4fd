/** Section 4 of the wire contract: plain reads, their headers and their preconditions. */
import assert from "node:assert/strict";
import { numberedLines, randomBytes, sha256 } from "../../fixture/bytes.ts";
import { until } from "../../fixture/until.ts";
import type { Target } from "./target.ts";
import { expectLength, section } from "./wire.ts";

export function httpReadSection(target: Target): void {
  section(target, "4 reading over HTTP", {
    "GET gives all bytes, exactly, with the headers of a good file server": async (wire) => {
      const bytes = randomBytes(300_000, 12);
      await wire.put("a.txt", bytes);
      const read = await wire.get("a.txt");
      assert.deepEqual([read.status, read.body.length, sha256(read.body)], [200, bytes.length, sha256(bytes)]);
      expectLength(wire, read);
      assert.equal(read.headers.get("stream-next-offset"), "0000000000300000");
      assert.equal(read.headers.get("accept-ranges"), "bytes");
      assert.ok(read.headers.get("etag"), "ETag");
      const modified = Date.parse(read.headers.get("last-modified") ?? "");
      assert.ok(
        Math.abs(modified - Date.parse(read.headers.get("date") ?? "")) < 600_000,
        "Last-Modified is not recent",
      );
    },

    "HEAD gives the same headers and no body": async (wire) => {
      await wire.put("a.txt", "hello");
      const get = await wire.get("a.txt");
      const head = await wire.send({ method: "HEAD", target: wire.at("a.txt") });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      assert.equal(head.headers.get("content-length"), "5");
      for (const name of ["content-type", "etag", "accept-ranges", "stream-next-offset"]) {
        assert.equal(head.headers.get(name), get.headers.get(name), name);
      }
      // Right after an append, Last-Modified advances with the clock.
      const again = await wire.get("a.txt");
      const [before, between, after] = [get, head, again].map(({ headers }) =>
        Date.parse(headers.get("last-modified") ?? ""),
      );
      assert.ok(Number(before) <= Number(between) && Number(between) <= Number(after), "last-modified");
      assert.equal((await wire.send({ method: "HEAD", target: wire.at("none.txt") })).status, 404);
    },

    "HEAD does not wait for a live path": async (wire) => {
      const appender = await wire.appender("a.txt");
      await appender.send("hello");
      await (await wire.follower("a.txt")).received.atLeast(5);
      const head = await wire.send({ method: "HEAD", target: wire.at("a.txt") });
      assert.deepEqual([head.status, head.headers.get("content-length")], [200, "5"]);
    },

    "the type follows from the extension": async (wire) => {
      const types = {
        "a.txt": /^text\/plain/,
        "a.json": /^application\/json/,
        "a.png": /^image\/png/,
        "a.html": /^text\/html/,
      };
      for (const [name, type] of Object.entries(types)) {
        await wire.put(name, "x");
        assert.match((await wire.get(name)).headers.get("content-type") ?? "", type, name);
      }
    },

    "text without a type by its name is served as text, for every kind of read": async (wire) => {
      const plain = "text/plain; charset=utf-8";
      const binary = "application/octet-stream";
      const cases: [string, string | Uint8Array, string][] = [
        ["42", "a log\n", plain],
        ["a.log.1", "\u001b[32mok\u001b[0m \u6f22\u5b57\n", plain],
        ["a.py", "print()\n", plain],
        ["a.diff", "-x\n+y\n", plain],
        ["a.ts", "const x = 1;\n", plain],
        ["a.out", "", plain],
        ["b.ts", Uint8Array.of(0x47, 0x40, 0, 0x10), "video/mp2t"],
        ["43", Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 1), binary],
        ["44", Uint8Array.of(0xff, 0xfe, 0xfd), binary],
        ["45", `${"x".repeat(600)}\0`, plain],
      ];
      for (const [name, content, type] of cases) {
        await wire.put(name, content);
        const reads = [
          await wire.get(name),
          await wire.send({ method: "HEAD", target: wire.at(name) }),
          await wire.get(name, "verb=FOLLOW"),
          await wire.get(name, "tail=1"),
          await (await wire.upgrade({ target: wire.at(name) })).response(),
        ];
        assert.deepEqual(
          [name, ...reads.map(({ headers }) => headers.get("content-type"))],
          [name, ...Array(5).fill(type)],
        );
      }
    },

    "a live log without a type by its name is text, also before its first line": async (wire) => {
      const appender = await wire.appender("live");
      const follow = await wire.start({ target: wire.at("live", "verb=FOLLOW") });
      if (!wire.differs("late head")) {
        assert.equal((await follow.head).headers.get("content-type"), "text/plain; charset=utf-8");
      }
      await appender.send("first line\n");
      assert.equal(String(await follow.body.atLeast(11)), "first line\n");
      assert.equal((await follow.head).headers.get("content-type"), "text/plain; charset=utf-8");
      await appender.finish();
    },

    "stored bytes carry nosniff and a sandboxing policy, however they are read": async (wire) => {
      await wire.put("a.html", "<script>alert(1)</script>");
      const reads = [
        await wire.get("a.html"),
        await wire.get("a.html", "verb=FOLLOW"),
        await wire.get("a.html", "tail=5"),
        await wire.get("a.html", "", { Range: "bytes=0-3" }),
        await (await wire.upgrade({ target: wire.at("a.html", "verb=FOLLOW") })).response(),
      ];
      for (const { headers } of reads) {
        assert.equal(headers.get("x-content-type-options"), "nosniff");
        assert.match(headers.get("content-security-policy") ?? "", /\bsandbox\b/);
      }
    },

    "a path never written is 404, and reading creates nothing": async (wire) => {
      for (const query of ["", "verb=FOLLOW", "offset=0", "tail=5"]) {
        const read = await wire.get("never/written.txt", query);
        assert.equal(read.status, 404, query);
        assert.match(read.text, /written\.txt/, query);
        assert.equal(read.headers.get("content-length"), String(read.body.length), query);
      }
      assert.equal((await wire.get("never/")).status, 404);
    },

    "an empty path reads as empty": async (wire) => {
      await (await wire.appender("a.txt")).finish();
      const read = await wire.get("a.txt");
      assert.deepEqual([read.status, read.body.length, read.headers.get("content-length")], [200, 0, "0"]);
    },

    "a read during an append is a snapshot that ends": async (wire) => {
      const appender = await wire.appender("a.txt");
      const follower = await wire.follower("a.txt");
      for (let size = 5; size <= 25; size += 5) {
        await appender.send("tick ");
        await follower.received.atLeast(size);
        const read = await wire.get("a.txt");
        assert.deepEqual([read.status, read.text], [200, "tick ".repeat(size / 5)]);
        expectLength(wire, read);
        assert.equal(Number(read.headers.get("stream-next-offset")), size);
      }
    },

    "a large read is not disturbed by an append": async (wire) => {
      const bytes = numberedLines(8 * 1024 * 1024);
      await wire.put("a.txt", bytes);
      const read = await wire.start({ target: wire.at("a.txt") });
      await read.body.atLeast(1);
      read.connection.socket.pause();
      await wire.put("a.txt", "more");
      read.connection.socket.resume();
      assert.equal(sha256((await read.response()).body), sha256(bytes));
      assert.equal((await wire.get("a.txt")).body.length, bytes.length + 4);
    },

    "If-None-Match answers 304 until something is appended": async (wire) => {
      await wire.put("a.txt", "hello");
      const etag = (await wire.get("a.txt")).headers.get("etag") ?? "";
      const unchanged = await wire.get("a.txt", "", { "If-None-Match": etag });
      assert.deepEqual([unchanged.status, unchanged.body.length], [304, 0]);
      assert.equal(unchanged.headers.get("etag"), etag);
      assert.equal((await wire.get("a.txt", "", { "If-None-Match": `"other", ${etag}` })).status, 304);
      assert.equal((await wire.get("a.txt", "", { "If-None-Match": '"other"' })).status, 200);
      await wire.put("a.txt", "!");
      const changed = await wire.get("a.txt", "", { "If-None-Match": etag });
      assert.deepEqual([changed.status, changed.text], [200, "hello!"]);
    },

    "a 304 has no other type than the 200": async (wire) => {
      for (const name of ["a.png", "a.json", "42"]) {
        await wire.put(name, "hello");
        const { headers } = await wire.get(name);
        const condition = { "If-None-Match": headers.get("etag") ?? "" };
        for (const method of ["GET", "HEAD"]) {
          const unchanged = await wire.send({ method, target: wire.at(name), headers: condition });
          assert.equal(unchanged.status, 304);
          const type = unchanged.headers.get("content-type") ?? headers.get("content-type");
          assert.equal(type, headers.get("content-type"), `${method} ${name}`);
        }
      }
    },

    "If-Modified-Since answers 304 for the time it was given, once that time is over": async (wire) => {
      await wire.put("a.txt", "hello");
      const since = async (): Promise<{ modified: string; status: number }> => {
        const modified = (await wire.get("a.txt")).headers.get("last-modified") ?? "";
        return { modified, status: (await wire.get("a.txt", "", { "If-Modified-Since": modified })).status };
      };
      const modified = await until("a 304", async () => {
        const told = await since();
        return told.status === 304 ? told.modified : undefined;
      });
      const before = new Date(Date.parse(modified) - 60_000).toUTCString();
      assert.equal((await wire.get("a.txt", "", { "If-Modified-Since": before })).status, 200);
      const headers = { Range: "bytes=0-1", "If-Range": modified };
      assert.equal((await wire.get("a.txt", "", headers)).status, 206);
      const later = await wire.get("a.txt", "", { "If-Modified-Since": new Date(Date.now() + 9e6).toUTCString() });
      assert.equal(later.status, 200, "a date to come tells nothing");
    },

    "no date makes two appends within a second look like one": async (wire) => {
      for (let attempt = 0; attempt < 5; attempt++) {
        const path = `${attempt}.txt`;
        await wire.put(path, "first ");
        const first = await wire.get(path);
        const [modified = "", told = ""] = ["last-modified", "date"].map((name) => first.headers.get(name) ?? "");
        await wire.put(path, "second");
        for (const since of [modified, told]) {
          const again = await wire.get(path, "", { "If-Modified-Since": since });
          assert.deepEqual([again.status, again.text], [200, "first second"]);
          const rest = await wire.get(path, "", { Range: "bytes=0-3", "If-Range": since });
          assert.deepEqual([rest.status, rest.text], [200, "first second"]);
          assert.equal((await wire.get(path, "", { "If-Unmodified-Since": since })).status, 412);
        }
        assert.ok(Date.parse(modified) <= Date.parse(told), "Last-Modified is later than Date");
      }
    },

    "If-Match and If-Unmodified-Since answer 412, and name the current tag": async (wire) => {
      await wire.put("a.txt", "hello");
      const etag = (await wire.get("a.txt")).headers.get("etag") ?? "";
      assert.doesNotMatch(etag, /^W/);
      for (const condition of [etag, "*", `"other", ${etag}`]) {
        assert.equal((await wire.get("a.txt", "", { "If-Match": condition })).status, 200, condition);
      }
      for (const condition of ['"other"', `W/${etag}`]) {
        const failed = await wire.get("a.txt", "", { "If-Match": condition });
        assert.deepEqual([failed.status, failed.headers.get("etag")], [412, etag], condition);
      }
      const before = { "If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT" };
      assert.equal((await wire.get("a.txt", "", before)).status, 412);
      assert.equal((await wire.send({ method: "HEAD", target: wire.at("a.txt"), headers: before })).status, 412);
      assert.equal((await wire.get("a.txt", "", { ...before, "If-Match": etag })).status, 200);
    },

    "a weak tag and * answer 304, whatever Cache-Control says": async (wire) => {
      await wire.put("a.txt", "hello");
      const etag = (await wire.get("a.txt")).headers.get("etag") ?? "";
      for (const condition of [`W/${etag}`, "*", `"a,b", ${etag}`]) {
        for (const cache of [{}, { "Cache-Control": "no-cache", Pragma: "no-cache" }]) {
          const headers = { "If-None-Match": condition, ...cache };
          assert.equal((await wire.get("a.txt", "", headers)).status, 304, condition);
        }
      }
    },

    "plain reads carry no CORS headers unless the operator asks": async (wire) => {
      await wire.put("a.txt", "hello");
      const read = await wire.get("a.txt", "", { Origin: "https://elsewhere.example" });
      assert.equal(read.status, 200);
      assert.equal(read.headers.get("access-control-allow-origin"), null);
    },
  });
}
