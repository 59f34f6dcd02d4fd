/** Section 12 of the wire contract: line counts and searches. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";
import type { Target } from "./target.ts";
import { section, type Wire } from "./wire.ts";

const BLOCK = 64 * 1024;

interface Lines {
  readonly block: number;
  readonly size: number;
  readonly counts: readonly number[];
}

interface Hits {
  /** Each with the offset of the hit, and of its line. */
  readonly hits: readonly (readonly [number, number])[];
  readonly end: { readonly next: number; readonly limited: boolean; readonly size: number };
}

async function linesOf(wire: Wire, path: string, query = "lines"): Promise<Lines> {
  const { status, text, headers } = await wire.get(path, query);
  assert.equal(status, 200, text);
  assert.match(headers.get("content-type") ?? "", /^application\/json/);
  return JSON.parse(text) as Lines;
}

async function hitsOf(wire: Wire, path: string, text: string, more = ""): Promise<Hits> {
  const response = await wire.get(path, `search=${encodeURIComponent(text)}${more}`);
  assert.equal(response.status, 200, response.text);
  assert.match(response.headers.get("content-type") ?? "", /^application\/x-ndjson/);
  const rows = response.text.trimEnd().split("\n");
  const { next, limited, size } = JSON.parse(rows.pop() ?? "") as Hits["end"];
  const hits = rows.map((row) => {
    const hit = JSON.parse(row) as Record<string, number>;
    return [hit["offset"] ?? -1, hit["line-start"] ?? -1] as const;
  });
  return { hits, end: { next, limited, size } };
}

/** Counts as `wc -l` does, block by block. */
function countsOf(bytes: Buffer): number[] {
  const blocks: number[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK) {
    blocks.push(bytes.subarray(at, at + BLOCK).filter((byte) => byte === 0x0a).length);
  }
  return blocks;
}

/** Lines of different lengths, more than a few blocks of them. */
function someLines(count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, index) => `${index} ${"x".repeat(index % 97)} end\n`).join(""));
}

/** What `grep -bo` prints for a text: the offsets of its matches. */
async function grepped(bytes: Buffer, text: string): Promise<number[]> {
  const folder = await temporaryFolder();
  try {
    const file = join(folder, "file");
    await writeFile(file, bytes);
    const args = ["-a", "-b", "-o", "-F", "--", text, file];
    const { stdout } = await promisify(execFile)("grep", args, { env: { LC_ALL: "C" }, maxBuffer: 1 << 28 });
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => Number.parseInt(line, 10));
  } finally {
    await removeFolder(folder);
  }
}

export function viewsSection(target: Target): void {
  section(target, "12 line counts and searches", {
    "lines are counted by block of 64 KiB": async (wire) => {
      const bytes = someLines(6_000);
      await wire.put("a.log", bytes);
      assert.ok(bytes.length > 4 * BLOCK);
      assert.deepEqual(await linesOf(wire, "a.log"), { block: BLOCK, size: bytes.length, counts: countsOf(bytes) });
      for (const query of ["lines=", "lines&from=0", "lines=1&from=0"]) {
        assert.deepEqual((await linesOf(wire, "a.log", query)).counts, countsOf(bytes), query);
      }
      assert.deepEqual((await linesOf(wire, "a.log", "lines&from=3")).counts, countsOf(bytes).slice(3));
      const after = countsOf(bytes).length;
      assert.deepEqual((await linesOf(wire, "a.log", `lines&from=${after}`)).counts, []);
    },

    "a count goes on where the last one ended": async (wire) => {
      const bytes = someLines(4_000);
      const cuts = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 77, bytes.length];
      for (const [index, to] of cuts.entries()) {
        const from = cuts[index - 1] ?? 0;
        await wire.put("a.log", bytes.subarray(from, to));
        const counts = countsOf(bytes.subarray(0, to));
        assert.deepEqual(await linesOf(wire, "a.log"), { block: BLOCK, size: to, counts }, `${to}`);
      }
    },

    "while the path is appended to, each answer is right for its size": async (wire) => {
      const bytes = someLines(5_000);
      let sent = 1_000;
      await wire.put("a.log", bytes.subarray(0, sent));
      const upload = await wire.startPut("a.log");
      const asked: Promise<Lines>[] = [];
      while (sent < bytes.length) {
        const piece = bytes.subarray(sent, sent + 9_999);
        await upload.chunk(piece);
        sent += piece.length;
        asked.push(linesOf(wire, "a.log"));
      }
      await upload.finish();
      assert.equal((await upload.head).status, 200);
      for (const { size, counts } of await Promise.all(asked)) {
        assert.deepEqual(counts, countsOf(bytes.subarray(0, size)), `${size}`);
      }
      assert.equal((await linesOf(wire, "a.log")).size, bytes.length);
    },

    "other content is counted anew": async (wire) => {
      await wire.put("a.log", someLines(3_000));
      await linesOf(wire, "a.log");
      const { headers } = await wire.get("a.log");
      const removed = await wire.send({ method: "DELETE", target: wire.at("a.log") });
      if (removed.status === 405) return wire.skip("the server lets no client remove what it has not created");
      assert.equal(removed.status, 204);
      assert.equal((await wire.get("a.log", "lines")).status, 404);
      const bytes = someLines(3_500).subarray(1_000);
      await wire.put("a.log", bytes);
      assert.deepEqual((await linesOf(wire, "a.log")).counts, countsOf(bytes));
      for (const view of ["lines", "search=x"]) {
        const old = await wire.get("a.log", `${view}&generation=${headers.get("stream-generation")}`);
        assert.deepEqual([old.status, old.headers.get("stream-error")], [412, "replaced"]);
      }
    },

    "a view says what the content is, and no cache keeps it": async (wire) => {
      await wire.put("a.log", "a\nb\n");
      const { headers } = await wire.get("a.log");
      for (const view of ["lines", "search=b"]) {
        for (const method of ["GET", "HEAD"]) {
          const answer = await wire.send({ method, target: wire.at("a.log", view) });
          assert.equal(answer.status, 200);
          for (const name of ["stream-generation", "stream-appending", "stream-ended", "stream-next-offset"]) {
            assert.equal(answer.headers.get(name), headers.get(name), name);
          }
          assert.equal(answer.headers.get("cache-control"), "no-store");
          assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
          if (method === "HEAD") assert.equal(answer.body.length, 0);
        }
      }
    },

    "a view of what does not exist, or of a folder, is 404": async (wire) => {
      await wire.put("folder/a.log", "a\n");
      for (const path of ["none.log", "folder", "folder/"]) {
        for (const view of ["lines", "search=a"]) {
          for (const method of ["GET", "HEAD"]) {
            const { status } = await wire.send({ method, target: wire.at(path, view) });
            assert.equal(status, 404, `${method} ${path}?${view}`);
          }
        }
      }
    },

    "a view past the end is 416": async (wire) => {
      await wire.put("a.log", "a\nb\n");
      for (const view of ["lines&from=2", "search=a&from=5", "lines&from=99999999999999999999"]) {
        for (const method of ["GET", "HEAD"]) {
          const answer = await wire.send({ method, target: wire.at("a.log", view) });
          assert.equal(answer.status, 416, view);
          assert.equal(Number(answer.headers.get("stream-next-offset")), 4);
        }
      }
    },

    "a condition of a view must hold": async (wire) => {
      await wire.put("a.log", "a\n");
      const etag = (await wire.get("a.log")).headers.get("etag") ?? "";
      for (const view of ["lines", "search=a"]) {
        assert.equal((await wire.get("a.log", view, { "If-Match": '"other"' })).status, 412);
        assert.equal((await wire.get("a.log", view, { "If-Match": etag.replace(/^W\//, "") })).status, 200);
      }
    },

    "a malformed view is 400, and says why": async (wire) => {
      await wire.put("a.log", "a\n");
      const cases: [string, RegExp][] = [
        ["lines&search=a", /not both/],
        ["lines&from=-1", /"from" must be the number of a block/],
        ["lines&from=x", /"from" must be/],
        ["search=", /needs a text/],
        ["search", /needs a text/],
        ["search=a&from=", /"from" must be an offset/],
        ["search=a&from=1.5", /"from" must be an offset/],
        ["search=a&limit=0", /"limit" must be a whole number of hits/],
        ["search=a&limit=many", /"limit" must be/],
        ["search=a&case=no", /"case" must be 1, or 0/],
        [`search=${"x".repeat(1_001)}`, /at most 1000 bytes/],
        ["search=%ff", /must be UTF-8/],
        ["search=a&search=b", /given once/],
        ["search=%1b[1m", /skips escape sequences/],
      ];
      for (const [query, message] of cases) {
        for (const path of ["a.log", "none.log"]) {
          const { status, text } = await wire.get(path, query);
          assert.equal(status, 400, `${query}: ${text}`);
          assert.match(text, message);
        }
      }
    },

    "a search finds what grep -bo finds, and where the lines begin": async (wire) => {
      const bytes = someLines(6_000);
      await wire.put("a.log", bytes);
      for (const text of ["end", "x", "99 ", "5999 ", "xx end\n7"]) {
        const found = await hitsOf(wire, "a.log", text, "&limit=999999999");
        const offsets = found.hits.map(([offset]) => offset);
        if (!text.includes("\n")) assert.deepEqual(offsets, await grepped(bytes, text), text);
        assert.ok(offsets.length > 0, text);
        for (const [offset, line] of found.hits) {
          assert.equal(bytes.toString("latin1", offset, offset + text.length), text);
          assert.equal(line, bytes.lastIndexOf("\n", offset - 1) + 1);
        }
        assert.equal(found.end.size, bytes.length);
        assert.equal(found.end.limited, false);
      }
      assert.deepEqual((await hitsOf(wire, "a.log", "nowhere")).hits, []);
    },

    "matches over the edges of blocks and of what is read at once are found": async (wire) => {
      const bytes = Buffer.alloc(9 * BLOCK, ".");
      const places: number[] = [];
      for (let block = 1; block < 9; block++) places.push(block * BLOCK - 3);
      for (const place of places) bytes.write("needle", place);
      await wire.put("a.log", bytes);
      const { hits } = await hitsOf(wire, "a.log", "needle");
      assert.deepEqual(
        hits,
        places.map((place) => [place, 0]),
      );
    },

    "a limited search goes on where it ended": async (wire) => {
      await wire.put("a.log", "aa aa\naaa\n");
      const first = await hitsOf(wire, "a.log", "aa", "&limit=2");
      assert.deepEqual(first, {
        hits: [
          [0, 0],
          [3, 0],
        ],
        end: { next: 5, limited: true, size: 10 },
      });
      const second = await hitsOf(wire, "a.log", "aa", `&from=${first.end.next}`);
      assert.deepEqual(second, { hits: [[6, 6]], end: { next: 9, limited: false, size: 10 } });
      const inLine = await hitsOf(wire, "a.log", "aa", "&from=2");
      assert.deepEqual(inLine.hits, [
        [3, 0],
        [6, 6],
      ]);
    },

    "a search for what comes later misses nothing, and finds nothing twice": async (wire) => {
      const pieces = ["err", "or one\ner", "ror \x1b[31mer", "\x1b", "[0mror", "\n"];
      const found: (readonly [number, number])[] = [];
      let from = 0;
      for (const piece of pieces) {
        await wire.put("a.log", piece);
        const { hits, end } = await hitsOf(wire, "a.log", "error", `&from=${from}`);
        found.push(...hits);
        from = end.next;
      }
      assert.deepEqual(found, [
        [0, 0],
        [10, 10],
        [21, 10],
      ]);
      const size = Buffer.byteLength(pieces.join(""));
      assert.ok(from > size - "error".length && from <= size, `${from} of ${size}`);
    },

    "escape sequences are no text, and offsets are those of the file": async (wire) => {
      const colored = "plain\n\x1b[1;31mER\x1b[0mROR\x1b[K at\n\x1b]8;;http://h/error\x07link\x1b]8;;\x1b\\ error\n";
      const bytes = Buffer.concat([someLines(2_000), Buffer.from(colored), someLines(2_000)]);
      await wire.put("a.log", bytes);
      const start = bytes.indexOf("\x1b[1;31m");
      const { hits } = await hitsOf(wire, "a.log", "ERROR at");
      assert.deepEqual(hits, [[start + 7, start]]);
      assert.deepEqual((await hitsOf(wire, "a.log", "31m")).hits, []);
      const link = bytes.indexOf("\x1b]8;;http");
      const error = bytes.indexOf(" error\n") + 1;
      assert.deepEqual((await hitsOf(wire, "a.log", "error")).hits, [[error, link]]);
      assert.deepEqual((await hitsOf(wire, "a.log", "link error")).hits, [[bytes.indexOf("\x07link") + 1, link]]);
    },

    "case=0 ignores case, also beyond ASCII": async (wire) => {
      await wire.put("a.log", "Error ERROR error\nÄrger ärger Ärger ß SS\n");
      const offsets = async (text: string, more = ""): Promise<number[]> =>
        (await hitsOf(wire, "a.log", text, more)).hits.map(([offset]) => offset);
      assert.deepEqual(await offsets("error"), [12]);
      assert.deepEqual(await offsets("error", "&case=1"), [12]);
      assert.deepEqual(await offsets("eRRor", "&case=0"), [0, 6, 12]);
      assert.deepEqual(await offsets("äRGER", "&case=0"), [18, 25, 32]);
      assert.deepEqual(await offsets("ss", "&case=0"), [42]);
    },

    "a view does not disturb an append and its followers": async (wire) => {
      const appender = await wire.appender("a.log");
      const follower = await wire.follower("a.log");
      await appender.send("one\n");
      await follower.received.atLeast(4);
      assert.deepEqual((await linesOf(wire, "a.log")).counts, [1]);
      assert.deepEqual((await hitsOf(wire, "a.log", "one")).hits, [[0, 0]]);
      assert.equal((await wire.get("a.log", "lines")).headers.get("stream-appending"), "?1");
      await appender.finish();
      await follower.end();
    },
  });
}
