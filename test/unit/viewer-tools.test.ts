/** Copies of lines, and times, in the viewer. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Arrivals } from "../../src/viewer/page/tools/arrivals.ts";
import { textOfLines } from "../../src/viewer/page/tools/copy.ts";
import { findArrival, findTime, timeOf, wantedTime } from "../../src/viewer/page/tools/times.ts";
import { linesOf } from "../fixture/viewed.ts";

describe("a copy of lines", () => {
  test("has no escape sequences and no returns, and ends where the path ends", async () => {
    const content = "\x1b[31mred\x1b[0m\r\nplain\r\n\r\n10%\r100%\na\x1b[1A\x1b[Kb\ntail";
    const lines = linesOf(content);
    assert.equal(await textOfLines(lines, 0, content.length), "red\nplain\n\n100%\n b\na\ntail");
    assert.equal(await textOfLines(lines, 0, content.length + 1_000), "red\nplain\n\n100%\n b\na\ntail");
    assert.equal(await textOfLines(lines, content.indexOf("plain"), content.indexOf("10%")), "plain\n\n");
    assert.equal(await textOfLines(lines, content.length, content.length + 1), "");
    // Parts of lines, as a link to a byte has them.
    assert.equal(await textOfLines(lines, 6, 7), "red\n");
    assert.equal(await textOfLines(lines, content.indexOf("lain"), content.indexOf("10%") + 1), "plain\n\n100%\n");
    assert.equal(await textOfLines(lines, content.length + 5, content.length + 9), "");
  });

  test("is that of the bytes, over the edges of blocks, in the order of the bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(NUMBERS.length), fc.nat(NUMBERS.length), async (one, other) => {
        const [from, to] = one < other ? [one, other] : [other, one];
        const begin = from === 0 ? 0 : NUMBERS.lastIndexOf("\n", from - 1) + 1;
        const end = NUMBERS.indexOf("\n", to - 1) + 1;
        fc.pre(from < to);
        assert.equal(await textOfLines(NUMBERED, from, to), NUMBERS.slice(begin, end));
      }),
      { numRuns: 30 },
    );
  });

  test("has up to 16 MiB, also of one line, and no more", async () => {
    const most = 16 * 1024 * 1024;
    const long = "x".repeat(most - 1);
    const lines = linesOf(`first\n${long}\n${long}x\nlast\n`);
    assert.equal(await textOfLines(lines, 0, lines.size), undefined);
    assert.equal((await textOfLines(lines, 6, 7))?.length, most);
    assert.equal(await textOfLines(lines, 6 + most, 7 + most), undefined);
    assert.equal(await textOfLines(lines, 0, 7), undefined);
    assert.equal(await textOfLines(lines, lines.size - 5, lines.size), "last\n");
  });
});

describe("times", () => {
  test("are found near the beginning of lines", () => {
    const noon = Date.parse("2026-11-28T12:00:00Z");
    for (const text of [
      "2026-11-28T12:00:00Z x",
      "[2026-11-28 12:00:00.000Z] x",
      '{"time":"2026-11-28T13:00:00+01:00"}',
      "2026/11/28 12:00:00Z x",
      "2026-11-28T12:00:00,000Z",
    ]) {
      assert.equal(timeOf(text), noon, text);
    }
    assert.equal(timeOf("2026-11-28"), undefined);
    assert.equal(timeOf("2026-99-28T12:00:00Z"), undefined);
    assert.equal(timeOf(`${"x".repeat(80)}2026-11-28T12:00:00Z`), undefined);
  });

  test("that a reader types are of the day and the zone of the log", () => {
    const near = "2026-11-28T10:00:00+01:00 x";
    const expected = Date.parse("2026-11-28T14:30:00+01:00");
    for (const text of ["14:30", "14:30:00", "2026-11-28T14:30:00+01:00"])
      assert.equal(wantedTime(text, near), expected, text);
    assert.equal(wantedTime("9:05", near), Date.parse("2026-11-28T09:05:00+01:00"));
    assert.equal(wantedTime("2026-11-28 14:30:00", near), expected, "the zone of the log, not of the reader");
    assert.equal(wantedTime("2026-11-28 14:30", near), expected);
    assert.equal(wantedTime("2026-11-28", near), Date.parse("2026-11-28T00:00:00+01:00"));
    assert.equal(wantedTime("2026-11-28T13:30:00Z", near), expected);
    assert.equal(wantedTime("14:30", "none"), undefined);
    assert.equal(wantedTime("half past two", near), undefined);
  });

  test("lead to the first line at them or behind them", async () => {
    const texts = Array.from(
      { length: 5_000 },
      (_, at) => `${new Date(at * 2_000).toISOString()} line${"\n  at x".repeat(at % 4)}\n`,
    );
    const content = texts.join("");
    const lines = linesOf(content);
    for (const at of [0, 1, 1_000, 2_501, 4_999]) {
      const iso = new Date(at * 2_000).toISOString();
      assert.equal(await findTime(lines, iso), content.indexOf(iso), iso);
      assert.equal(await findTime(lines, new Date(at * 2_000 - 1_000).toISOString()), content.indexOf(iso));
    }
    assert.equal(await findTime(linesOf("no\ntimes\n"), "10:00"), undefined);
  });

  test("are found behind many lines without one, also at the beginning", async () => {
    const timed = (minute: number): string => `2026-11-28T10:${String(minute).padStart(2, "0")}:00Z line\n`;
    const trace = "  at some.function (file.js:1:1)\n".repeat(3_000);
    const content = `${trace}${timed(1)}${timed(2)}${trace}${timed(3)}${trace}${timed(4)}`;
    const lines = linesOf(content);
    for (const minute of [1, 2, 3, 4]) {
      assert.equal(await findTime(lines, `10:0${minute}`), content.indexOf(timed(minute)), `minute ${minute}`);
    }
    assert.equal(await findTime(lines, "10:02:30"), content.indexOf(timed(3)));
    assert.equal(await findTime(lines, "10:05"), undefined);
    assert.equal(await findTime(linesOf(content.slice(0, -1)), "10:05"), undefined);
  });

  test("of arrival are known of what this page has seen arriving", () => {
    const arrivals = new Arrivals();
    const start = new Date("2026-11-28T12:00:00").getTime();
    assert.equal(arrivals.at(0), undefined);
    assert.equal(findArrival(arrivals, "12:00", start), undefined);
    arrivals.add(100, 200, start + 10_000);
    arrivals.add(200, 210, start + 10_100);
    arrivals.add(210, 300, start + 60_000);
    arrivals.add(350, 400, start + 120_000);
    const known = [99, 100, 209, 210, 299, 300, 349, 350, 399, 400].map((offset) => arrivals.at(offset));
    const seconds = known.map((timeMs) => timeMs && (timeMs - start) / 1_000);
    assert.deepEqual(seconds, [undefined, 10, 10, 60, 60, undefined, undefined, 120, 120, undefined]);
    assert.equal(findArrival(arrivals, "12:00", start), 100);
    assert.equal(findArrival(arrivals, "12:00:11", start), 210);
    assert.equal(findArrival(arrivals, "12:01", start), 210);
    assert.equal(findArrival(arrivals, "2026-11-28T12:01:01", start), 350);
    assert.equal(findArrival(arrivals, "12:02:01", start), undefined);
    assert.equal(findArrival(arrivals, "11:59", start), undefined);
    assert.equal(findArrival(arrivals, "nonsense", start), undefined);
  });

  test("of many arrivals become coarser, the memory does not grow", () => {
    const arrivals = new Arrivals();
    for (let at = 0; at < 20_000; at++) arrivals.add(at * 10, at * 10 + 10, at * 1_000);
    for (const at of [0, 1, 777, 10_000, 19_000, 19_999]) {
      const timeMs = arrivals.at(at * 10 + 5);
      assert.ok(timeMs !== undefined && timeMs <= at * 1_000 && timeMs >= at * 1_000 - 16_000, `${at}: ${timeMs}`);
    }
  });
});

const NUMBERS = Array.from({ length: 100_000 }, (_, at) => `${at}\n`).join("");
const NUMBERED = linesOf(NUMBERS);
