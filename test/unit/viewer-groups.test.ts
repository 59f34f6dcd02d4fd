/** Groups of lines of the viewer: how they begin and end, and that they can be hidden. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endOfGroup, plainTextOf } from "../../src/viewer/page/rows/row.ts";
import { toggleGroup } from "../../src/viewer/page/tools/folds.ts";
import { shownLinesOf } from "../fixture/viewed.ts";

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
});
