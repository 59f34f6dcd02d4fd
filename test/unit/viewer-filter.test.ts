/** The lines that a filter of the viewer shows, and those that a regular expression finds. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Lines } from "../../src/viewer/page/bytes/lines.ts";
import { Listed } from "../../src/viewer/page/tools/listed.ts";
import type { SearchMessage } from "../../src/viewer/shared/messages.ts";
import { LineCutter, searchLines } from "../../src/viewer/worker/expression.ts";
import { runsOf } from "../fixture/short.ts";
import { linesOf } from "../fixture/viewed.ts";

const LINES = fc.array(
  fc.oneof(
    fc.constantFrom("", "a", "needle", "a \x1b[1mnee\x1b[0mdle", "süß needle\r"),
    fc.nat(70_000).map((length) => "x".repeat(length)),
  ),
  { minLength: 1, maxLength: 40 },
);

describe("a filter", () => {
  test("shows the lines with hits and those around them, from both sides and from anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(
        LINES,
        fc.boolean(),
        fc.nat(4),
        fc.nat(),
        fc.nat(6),
        async (texts, isEnded, around, place, count) => {
          const content = Buffer.from(texts.join("\n") + (isEnded ? "\n" : ""));
          const starts = startsOf(content);
          const hits = starts.filter((start) => /^[^x]*n/.test(content.subarray(start, start + 20).toString()));
          fc.pre(hits.length > 0);
          const lines = linesOf(content);
          const listed = await Listed.of(lines, hits, around);
          lines.only = listed;
          const shown = starts.filter((_, at) => hits.some((hit) => Math.abs(starts.indexOf(hit) - at) <= around));
          const offsets = async (found: ReturnType<Lines["from"]>): Promise<number[]> =>
            (await found).map(({ offset }) => offset);
          assert.deepEqual(await offsets(lines.from(0, 1_000)), shown);
          assert.deepEqual(await offsets(lines.before(content.length, 1_000)), shown);
          const from = shown[place % shown.length] ?? 0;
          const at = shown.indexOf(from);
          assert.deepEqual(await offsets(lines.from(from, count)), shown.slice(at, at + count));
          assert.deepEqual(await offsets(lines.before(from, count)), shown.slice(Math.max(0, at - count), at));
          const all = await lines.from(0, 1_000);
          assert.deepEqual(
            all.map(({ offset }) => lines.isFirst(offset)),
            shown.map((_, index) => index === 0),
          );
          assert.deepEqual(
            all.map(({ next }) => lines.isEnd(next)),
            shown.map((_, index) => index === shown.length - 1),
          );
          assert.deepEqual(
            all.filter(({ offset }) => !listed.isAround(offset)).map(({ offset }) => offset),
            hits,
          );
          assert.equal(listed.near(from), hits.find((hit) => hit >= from) ?? hits.at(-1));
        },
      ),
      { numRuns: runsOf(150) },
    );
  });
});

describe("a regular expression", () => {
  test("finds the lines that have it without escape sequences, wherever the pieces are cut", () => {
    fc.assert(
      fc.property(LINES, fc.array(fc.nat(100_000), { maxLength: 10 }), fc.nat(9), (texts, cuts, from) => {
        const content = Buffer.from(texts.join("\n"));
        const cutter = new LineCutter(from, /needle$|^$/i);
        const found: number[] = [];
        const ends = [...cuts.filter((cut) => cut < content.length).sort((a, b) => a - b), content.length];
        let at = 0;
        for (const end of ends) {
          found.push(...cutter.add(content.subarray(at, end), end === content.length));
          at = end;
        }
        const starts = startsOf(content);
        const expected = texts.flatMap((text, line) => {
          const start = starts[line];
          // Behind a newline at the end there is no line.
          if (start === undefined) return [];
          const isHit = /needle\r?$|^$/.test(text.replaceAll("\x1b[1m", "").replaceAll("\x1b[0m", ""));
          return isHit ? [start + from] : [];
        });
        assert.deepEqual([...new Set(found)], expected);
        assert.equal(cutter.next, from + (content.lastIndexOf(10) + 1));
        assert.equal(cutter.cut, 0);
      }),
    );
  });

  test("is not found behind the last newline, where there is no line", () => {
    const found = (text: string, isLast = true): number[] =>
      new LineCutter(0, /^(?!.*debug)/).add(Buffer.from(text), isLast);
    assert.deepEqual(found("debug a\ndebug b\n"), []);
    assert.deepEqual(found("debug a\n\ndebug b\n"), [8]);
    assert.deepEqual(found("debug a\nb"), [8]);
    assert.deepEqual(found("debug a\nb", false), []);
    assert.deepEqual(found(""), []);
  });

  test("is looked for in the first megabyte of a line, and says so", () => {
    const cutter = new LineCutter(0, /needle/);
    const long = Buffer.from(`needle${"x".repeat(2_500_000)}needle\nx\n${"x".repeat(1_100_000)}needle\nneedle`);
    const found: number[] = [];
    for (let at = 0; at < long.length; at += 600_000) {
      const end = Math.min(long.length, at + 600_000);
      found.push(...cutter.add(long.subarray(at, end), end === long.length));
    }
    assert.deepEqual(found, [0, long.lastIndexOf("needle")]);
    assert.equal(cutter.cut, 2);
  });

  test("is searched piece by piece, and one that is none is refused", async (t) => {
    const content = Buffer.from(`${"line\n".repeat(500_000)}Needle`);
    t.mock.method(globalThis, "fetch", async (url: URL, init: RequestInit) => {
      const headers = new Headers(init.headers);
      assert.equal(headers.get("Authorization"), "Bearer t");
      assert.equal(url.searchParams.get("generation"), "7");
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(headers.get("Range") ?? "") ?? [];
      return new Response(content.subarray(Number(from), Number(to) + 1), { status: 206 });
    });
    const search = async (expression: string, from: number): Promise<SearchMessage[]> => {
      const told: SearchMessage[] = [];
      const order = {
        expression,
        from,
        to: content.length,
        url: "http://localhost/a.log",
        token: "t",
        generation: "7",
      };
      await searchLines(order, (message) => told.push(message));
      return told;
    };
    const told = await search("need+le", 0);
    assert.deepEqual(
      told.map(({ type }) => type),
      ["testing", "found", "testing", "found", "testing", "found"],
    );
    assert.deepEqual(told.at(-1), { type: "found", lines: [2_500_000], next: 2_500_000, cut: 0, isEnd: true });
    assert.equal(
      (await search("^line$", 2_499_995)).flatMap((one) => (one.type === "found" ? one.lines : [])).length,
      1,
    );
    assert.deepEqual(await search("(", 0), [{ type: "failed", message: "That is not a valid regular expression." }]);
  });
});

/** Where lines begin. */
function startsOf(content: Buffer): number[] {
  const starts = [0];
  for (const [at, byte] of content.entries()) if (byte === 10 && at + 1 < content.length) starts.push(at + 1);
  return content.length === 0 ? [] : starts;
}
