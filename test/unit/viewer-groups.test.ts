/** Groups of lines of the viewer: how they begin and end, and that they can be hidden. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Blocks } from "../../src/viewer/page/bytes/blocks.ts";
import { LineIndex } from "../../src/viewer/page/bytes/line-index.ts";
import { Lines } from "../../src/viewer/page/bytes/lines.ts";
import { endOfGroup, plainTextOf } from "../../src/viewer/page/rows/row.ts";
import { Collapsed, toggleGroup } from "../../src/viewer/page/tools/folds.ts";
import { runsOf } from "../fixture/short.ts";
import { linesOf, shownLinesOf, sourceOf } from "../fixture/viewed.ts";

/** The lines of a group: that which begins it, one inside, and that which ends it. */
const GROUPS: Readonly<Record<string, readonly [string, string, string]>> = {
  "GitHub and Azure": ["##[group]Run make", "make: ok", "##[endgroup]"],
  "a command of GitHub": ["::group::Run make", "make: ok", "::endgroup::"],
  "a log that GitHub keeps": [
    "2026-11-28T10:00:00.1234567Z ##[group]Run make",
    "2026-11-28T10:00:01.1234567Z make: ok",
    "2026-11-28T10:00:02.1234567Z ##[endgroup]",
  ],
  "the first line of one, with a mark of its order of bytes": ["\ufeff##[group]Run make", "ok", "##[endgroup]"],
  "GitLab's documentation": [
    "\x1b[0Ksection_start:1560896352:my_first_section\r\x1b[0KHeader of the 1st section",
    "this line should be hidden",
    "\x1b[0Ksection_end:1560896353:my_first_section\r\x1b[0K",
  ],
  "a section of GitLab that is hidden at first": [
    "section_start:1560896352:build.all-1[collapsed=true]\r\x1b[0KBuild",
    "cc -o a a.c",
    "section_end:1560896353:build.all-1\r\x1b[0K",
  ],
  "sections of a GitLab runner, which share lines": [
    "section_end:1690381330:prepare_executor\r\x1b[0Ksection_start:1690381330:prepare_script\r\x1b[0K\x1b[0K\x1b[36;1mPreparing environment\x1b[0;m\x1b[0;m",
    "Running on runner-1...",
    "section_end:1690381332:prepare_script\r\x1b[0Ksection_start:1690381332:get_sources\r\x1b[0K\x1b[0KGetting source",
  ],
  "a GitLab runner with times": [
    "2024-05-22T10:03:06.123456Z 00O section_start:1716372186:step_script\r\x1b[0K\x1b[0K\x1b[36;1mExecuting",
    "2024-05-22T10:03:06.223456Z 01O $ make",
    "2024-05-22T10:03:07.123456Z 00O section_end:1716372187:step_script\r\x1b[0K",
  ],
  "two sections that end at once": [
    "section_start:1:outer\r\x1b[0Kouter",
    "section_start:2:inner\r\x1b[0Kinner",
    "section_end:3:inner\r\x1b[0Ksection_end:3:outer\r\x1b[0K",
  ],
};

describe("a group", () => {
  for (const [name, [begin, inside, end]] of Object.entries(GROUPS)) {
    test(`of ${name} begins, ends, and can be hidden and shown`, async () => {
      const pattern = endOfGroup(begin);
      assert.ok(pattern);
      assert.doesNotMatch(begin, pattern);
      assert.doesNotMatch(inside, pattern);
      assert.match(end, pattern);
      const content = ["before", begin, inside, inside, end, "after", ""].join("\n");
      const lines = shownLinesOf(content);
      const texts = async (): Promise<string[]> => (await lines.from(0, 100)).map(({ bytes }) => plainTextOf(bytes));
      const all = await texts();
      const size = Buffer.byteLength(content);
      assert.equal(all.length, 6);
      const [, header] = await lines.from(0, 2);
      assert.ok(header);
      assert.equal(await toggleGroup(lines, header), true);
      assert.deepEqual(await texts(), [all[0], all[1], all[4], all[5]]);
      assert.deepEqual(await lines.before(size, 100), await lines.from(0, 100));
      assert.equal(await toggleGroup(lines, header), true);
      assert.deepEqual(await texts(), all);
    });
  }

  test("is nothing else that looks like one", () => {
    const others = [
      "group",
      "echo '##[group]'",
      "##[section]x",
      "section_start:x:y\r",
      "section_start:1:y",
      "##[endgroup]",
    ];
    for (const line of others) assert.equal(endOfGroup(line), undefined, line);
    assert.doesNotMatch("section_end:1:buildXall\r", endOfGroup("section_start:1:build.all\r") ?? /./);
    assert.doesNotMatch("section_end:1:build\r", endOfGroup("section_start:1:build-2\r") ?? /./);
  });

  test("that goes on is hidden as far as it has come, and an empty one not at all", async () => {
    const lines = shownLinesOf("##[group]Run\none\ntwo\n");
    assert.equal(await toggleGroup(lines, { offset: 0 }), true);
    assert.equal((await lines.from(0, 10)).length, 1);
    const empty = shownLinesOf("##[group]Run\n##[endgroup]\n");
    assert.equal(await toggleGroup(empty, { offset: 0 }), false);
    assert.equal(await toggleGroup(shownLinesOf("##[group]Run"), { offset: 0 }), false);
    assert.equal(await toggleGroup(shownLinesOf("text\nmore\n"), { offset: 0 }), false);
  });

  test("hides lines that were overwritten as well, and is found although its end is among them", async () => {
    const lines = shownLinesOf("##[group]Run\na\nb\n\x1b[2A\x1b[Kc\n\x1b[Kd\n##[endgroup]\nend\n");
    assert.equal((await lines.from(0, 10)).length, 6);
    assert.equal(await toggleGroup(lines, { offset: 0 }), true);
    assert.deepEqual(
      (await lines.from(0, 10)).map(({ bytes }) => plainTextOf(bytes)),
      ["##[group]Run", "##[endgroup]", "end"],
    );
  });

  test("that goes on keeps its last line in view until that line is complete", async () => {
    const content = "##[group]Run\none\ntwo is grow";
    const lines = shownLinesOf(content);
    assert.equal(await toggleGroup(lines, { offset: 0 }), true);
    assert.deepEqual(await textsOf(lines), ["##[group]Run", "two is grow"]);
    assert.deepEqual(await lines.before(lines.size, 10), await lines.from(0, 10));
    assert.equal(await toggleGroup(shownLinesOf("##[group]Run\ntwo is grow"), { offset: 0 }), false);
  });

  test("in another one that ends at the same line hides the same from both sides, also if they cross", async () => {
    const outer = "section_start:1:outer\r\x1b[0Kouter";
    const inner = "section_start:2:inner\r\x1b[0Kinner";
    const ends: Readonly<Record<string, readonly string[]>> = {
      "at the same line": ["section_end:3:inner\rsection_end:3:outer\r"],
      "one after the other": ["section_end:3:inner\r", "b", "section_end:3:outer\r"],
      crosswise: ["section_end:3:outer\r", "b", "section_end:3:inner\r"],
    };
    for (const [name, end] of Object.entries(ends)) {
      const lines = shownLinesOf(
        ["before", outer, "a", inner, "b", ...end, "after"].map((line) => `${line}\n`).join(""),
      );
      const all = await lines.from(0, 100);
      const header = (text: string): number =>
        all.find(({ bytes }) => plainTextOf(bytes) === text)?.offset ?? Number.NaN;
      assert.equal(await toggleGroup(lines, { offset: header("inner") }), true);
      assert.equal(await toggleGroup(lines, { offset: header("outer") }), true);
      const shown = await lines.from(0, 100);
      assert.deepEqual(
        shown.slice(0, 2).map(({ bytes }) => plainTextOf(bytes)),
        ["before", "outer"],
        name,
      );
      assert.deepEqual(await lines.before(lines.size, 100), shown, name);
      // A hidden line has the row of the group.
      assert.equal(await lines.row(header("inner") + 3), header("outer"), name);
      lines.folds.open(header("inner"));
      const opened = await lines.from(0, 100);
      assert.ok(
        opened.some(({ offset }) => offset === header("inner")),
        name,
      );
      assert.deepEqual(await lines.before(lines.size, 100), opened, name);
    }
  });

  test("has the same lines from both sides and from anywhere, whichever groups are hidden", async () => {
    const piece = fc.constantFrom(
      ...["a", "b", "c"].flatMap((name) => [`section_start:1:${name}\r`, `section_end:1:${name}\r`]),
      ...["text", "", "\x1b[1A\x1b[Kup", "\x1b[3A\x1b[Jfar up"],
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 1, maxLength: 25 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.nat(),
        async (pieces, clicks, place) => {
          const lines = shownLinesOf(pieces.join("\n"));
          for (const click of clicks) {
            const shown = await lines.from(0, 100);
            const row = shown[click % Math.max(1, shown.length)];
            if (row) await toggleGroup(lines, row);
          }
          const shown = await lines.from(0, 100);
          assert.deepEqual(await lines.before(lines.size, 100), shown);
          const row = shown.findIndex(({ offset }) => offset === shown[place % Math.max(1, shown.length)]?.offset);
          const { offset = 0 } = shown[row] ?? {};
          assert.deepEqual(await lines.from(offset, 3), shown.slice(Math.max(0, row), Math.max(0, row) + 3));
          assert.deepEqual(await lines.before(offset, 3), shown.slice(Math.max(0, row - 3), Math.max(0, row)));
          const first = await lines.row(place % Math.max(1, lines.size));
          assert.ok(shown.length === 0 || shown.some((one) => one.offset === first));
        },
      ),
      { numRuns: runsOf(500) },
    );
  });
});

describe("a group that says that it is hidden at first", () => {
  const content =
    "section_start:1:a[hide_duration=true,collapsed=true]\r\x1b[0KA\none\ntwo\nsection_end:2:a\r\x1b[0K\nend\n";
  const free = (): boolean => false;

  test("is hidden once, and then no more", async () => {
    const lines = shownLinesOf(content);
    const collapsed = new Collapsed();
    assert.equal(await collapsed.hide(lines, [0], free), true);
    assert.deepEqual(await textsOf(lines), ["A", "", "end"]);
    assert.equal(await toggleGroup(lines, { offset: 0 }), true);
    assert.equal(await collapsed.hide(lines, [0], free), false);
    assert.equal((await textsOf(lines)).length, 5);
  });

  test("is not hidden if the reader is inside, or was led there", async () => {
    const lines = shownLinesOf(content);
    const places: [number, number][] = [];
    const isInUse = (from: number, to: number): boolean => places.push([from, to]) > 0;
    assert.equal(await new Collapsed().hide(lines, [0], isInUse), false);
    assert.deepEqual(places, [[content.indexOf("one"), content.indexOf("section_end")]]);
    lines.folds.open(content.indexOf("two"));
    assert.equal(await new Collapsed().hide(lines, [0], free), false);
    lines.folds.open(content.indexOf("end\n"));
    assert.equal(await new Collapsed().hide(lines, [0], free), true);
  });

  test("is hidden when its end has come, if that is within a megabyte", async () => {
    const blocks = new Blocks(sourceOf(Buffer.alloc(0)));
    const lines = new Lines(blocks, new LineIndex());
    const collapsed = new Collapsed();
    const cut = content.indexOf("end:2:a");
    blocks.put(0, Buffer.from(content.slice(0, cut)));
    assert.equal(await collapsed.hide(lines, [0], free), false);
    blocks.put(cut, Buffer.from(content.slice(cut)));
    assert.equal(await collapsed.hide(lines, [0], free), true);
    const long = linesOf(content.replace("two", "two\n".repeat(300_000)));
    const other = new Collapsed();
    assert.equal(await other.hide(long, [0], free), false);
    assert.equal(await toggleGroup(long, { offset: 0 }), true);
  });
});

async function textsOf(lines: Lines): Promise<string[]> {
  return (await lines.from(0, 100)).map(({ bytes }) => plainTextOf(bytes));
}
