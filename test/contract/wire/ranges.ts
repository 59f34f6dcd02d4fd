/** Section 4 of the wire contract: partial reads by Range, offset and tail. */
import assert from "node:assert/strict";
import { randomBytes } from "../../fixture/bytes.ts";
import type { Target } from "./target.ts";
import { expectLength, section } from "./wire.ts";

const DIGITS = "0123456789";

export function rangesSection(target: Target): void {
  section(target, "4 ranges and offsets", {
    "Range gives 206 with exactly the bytes asked for": async (wire) => {
      await wire.put("a.txt", DIGITS);
      const ranges = {
        "bytes=0-3": ["0123", "bytes 0-3/10"],
        "bytes=5-": ["56789", "bytes 5-9/10"],
        "bytes=-4": ["6789", "bytes 6-9/10"],
        "bytes=2-2": ["2", "bytes 2-2/10"],
        "bytes=8-100": ["89", "bytes 8-9/10"],
        "bytes=-100": [DIGITS, "bytes 0-9/10"],
        "Bytes=0-3": ["0123", "bytes 0-3/10"],
      };
      for (const [range, [text, contentRange]] of Object.entries(ranges)) {
        const part = await wire.get("a.txt", "", { Range: range });
        assert.deepEqual([range, part.status, part.text], [range, 206, text]);
        assert.equal(part.headers.get("content-range"), contentRange);
        expectLength(wire, part);
        assert.equal(part.headers.get("stream-next-offset"), "0000000000000010");
      }
    },

    "a Range past the end gets 416 with the size": async (wire) => {
      await wire.put("a.txt", DIGITS);
      const refusal = await wire.get("a.txt", "", { Range: "bytes=10-" });
      assert.equal(refusal.status, 416);
      assert.equal(refusal.headers.get("content-range"), "bytes */10");
      assert.equal(refusal.headers.get("stream-next-offset"), "0000000000000010");
    },

    "a follower gets 200 and all bytes, whatever conditions it sends": async (wire) => {
      await wire.put("a.txt", DIGITS);
      const etag = (await wire.get("a.txt")).headers.get("etag") ?? "";
      for (const headers of [{ Range: "bytes=0-3" }, { Range: "bytes=10-" }, { "If-None-Match": etag }]) {
        const target = wire.at("a.txt", "verb=FOLLOW");
        const full = await (await wire.upgrade({ target, headers })).response();
        const plain = await wire.send({ target, headers });
        for (const { status, text } of [full, plain]) assert.deepEqual([headers, status, text], [headers, 200, DIGITS]);
      }
    },

    "an invalid Range is ignored": async (wire) => {
      await wire.put("a.txt", DIGITS);
      for (const range of ["lines=1-2", "bytes", "bytes=x-y"]) {
        const read = await wire.get("a.txt", "", { Range: range });
        assert.deepEqual([range, read.status, read.text], [range, 200, DIGITS]);
      }
    },

    "If-Range gives the part until the content changes, and all bytes after that": async (wire) => {
      await wire.put("a.txt", DIGITS);
      const etag = (await wire.get("a.txt")).headers.get("etag") ?? "";
      const part = await wire.get("a.txt", "", { Range: "bytes=0-3", "If-Range": etag });
      assert.deepEqual([part.status, part.text], [206, "0123"]);
      await wire.put("a.txt", "+");
      const whole = await wire.get("a.txt", "", { Range: "bytes=0-3", "If-Range": etag });
      assert.deepEqual([whole.status, whole.text], [200, `${DIGITS}+`]);
    },

    "a suffix of an empty file is empty, and no range past the end": async (wire) => {
      await wire.put("a.txt", "");
      const suffix = await wire.get("a.txt", "", { Range: "bytes=-5" });
      assert.deepEqual([suffix.status, suffix.text, suffix.headers.get("content-range")], [200, "", null]);
      for (const range of ["bytes=0-", "bytes=-0"]) {
        assert.equal((await wire.get("a.txt", "", { Range: range })).status, 416, range);
      }
    },

    "adjacent ranges are sent as one, others as the whole": async (wire) => {
      await wire.put("a.txt", DIGITS);
      const one = await wire.get("a.txt", "", { Range: "bytes=2-3,4-5" });
      assert.deepEqual([one.status, one.text], [206, "2345"]);
      const two = await wire.get("a.txt", "", { Range: "bytes=0-1,8-9" });
      assert.deepEqual([two.status, two.text], [200, DIGITS]);
    },

    "HEAD with a Range has no body": async (wire) => {
      await wire.put("a.txt", DIGITS);
      const head = await wire.send({ method: "HEAD", target: wire.at("a.txt"), headers: { Range: "bytes=0-3" } });
      assert.ok(head.status === 206 || head.status === 200, `${head.status}`);
      assert.equal(head.body.length, 0);
    },

    "a download that broke off continues with Range": async (wire) => {
      const bytes = randomBytes(4_000_000, 13);
      await wire.put("a.bin", bytes);
      const first = await wire.start({ target: wire.at("a.bin") });
      const begun = await first.body.atLeast(100_000);
      first.connection.drop();
      const etag = (await first.head).headers.get("etag") ?? "";
      const rest = await wire.get("a.bin", "", { Range: `bytes=${begun.length}-`, "If-Range": etag });
      assert.equal(rest.status, 206);
      assert.ok(Buffer.concat([begun, rest.body]).equals(bytes));
    },

    "offset gives the bytes from there on, and the next offset": async (wire) => {
      await wire.put("a.txt", DIGITS);
      const offsets = { "0": DIGITS, "3": "3456789", "0000000000000003": "3456789", "10": "", "-1": DIGITS, now: "" };
      for (const [offset, text] of Object.entries(offsets)) {
        for (const verb of ["", "verb=FOLLOW&"]) {
          const read = await wire.get("a.txt", `${verb}offset=${offset}`);
          assert.deepEqual([verb, offset, read.status, read.text], [verb, offset, 200, text]);
        }
        const read = await wire.get("a.txt", `offset=${offset}`);
        assert.equal(read.headers.get("stream-next-offset"), "0000000000000010");
      }
    },

    "the next offset of a read is the offset to ask for next": async (wire) => {
      await wire.put("a.txt", "first, ");
      const next = (await wire.get("a.txt")).headers.get("stream-next-offset") ?? "";
      assert.match(next, /^\d{16}$/);
      assert.equal((await wire.get("a.txt", `offset=${next}`)).text, "");
      await wire.put("a.txt", "second");
      assert.equal((await wire.get("a.txt", `offset=${next}`)).text, "second");
    },

    "tail gives the last bytes": async (wire) => {
      await wire.put("a.txt", DIGITS);
      for (const [tail, text] of Object.entries({
        "0": "",
        "4": "6789",
        "10": DIGITS,
        "999": DIGITS,
        "9999999999999999": DIGITS,
      })) {
        for (const verb of ["", "verb=FOLLOW&"]) {
          const read = await wire.get("a.txt", `${verb}tail=${tail}`);
          assert.deepEqual([verb, tail, read.status, read.text], [verb, tail, 200, text]);
        }
      }
    },

    "an offset past the end gets 416": async (wire) => {
      await wire.put("a.txt", DIGITS);
      for (const query of [
        "offset=11",
        "verb=FOLLOW&offset=11",
        "offset=9007199254740991",
        "offset=9999999999999999",
        `offset=${"9".repeat(30)}`,
      ]) {
        const refusal = await wire.get("a.txt", query);
        assert.equal(refusal.status, 416, query);
        assert.equal(refusal.headers.get("stream-next-offset"), "0000000000000010", query);
      }
    },

    "an offset or tail that is not a number gets 400": async (wire) => {
      await wire.put("a.txt", DIGITS);
      for (const query of [
        "offset=x",
        "offset=-2",
        "offset=1.5",
        "offset=1e3",
        "tail=x",
        "tail=-1",
        "offset=",
        "offset=1&tail=1",
      ]) {
        const refusal = await wire.get("a.txt", query);
        assert.equal(refusal.status, 400, query);
        assert.notEqual(refusal.text, "", query);
      }
    },

    "an upgrade that gets a plain response honours offset and tail": async (wire) => {
      await wire.put("a.txt", DIGITS);
      for (const [query, text] of Object.entries({ "offset=7": "789", "tail=2": "89" })) {
        const full = await (await wire.upgrade({ target: wire.at("a.txt", `verb=FOLLOW&${query}`) })).response();
        assert.deepEqual([query, full.status, full.text], [query, 200, text]);
      }
      const past = await (await wire.upgrade({ target: wire.at("a.txt", "verb=FOLLOW&offset=11") })).response();
      assert.equal(past.status, 416);
    },
  });
}
