/** Conditional requests and ranges according to RFC 9110, rule by rule. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoreStat } from "../../src/engine/storage/store.ts";
import { type ByteRange, wantedRange } from "../../src/server/request/byte-range.ts";
import {
  conditionFailed,
  conditionsOf,
  entityTag,
  judge,
  lastModified,
  rangeApplies,
  type Verdict,
} from "../../src/server/request/conditions.ts";
import { parseHttpDate } from "../../src/server/request/http-date.ts";

/** A modification time in the middle of a second, a minute before {@link NOW_MS}. */
const MODIFIED_MS = Date.UTC(2026, 0, 31, 12, 0, 0, 400);
const NOW_MS = MODIFIED_MS + 60_000;
const FOUND: StoreStat = { size: 5, modified: new Date(MODIFIED_MS), generation: 'odd "generation" ü' };
const TAG = entityTag(FOUND);

function date(ms: number): string {
  return new Date(ms).toUTCString();
}

const TOLD = date(MODIFIED_MS + 600);
const SECOND_BEFORE = date(MODIFIED_MS - 400);

type Row = [what: string, headers: Record<string, string>, read: Verdict, write: Verdict, absent: Verdict];

/** The verdicts on each set of headers: for a read, for an append, and for an append to a path that does not exist. */
const ROWS: Row[] = [
  ["no condition", {}, "met", "met", "met"],
  ["If-Match *", { "If-Match": "*" }, "met", "met", "failed"],
  ["If-Match with the tag", { "If-Match": TAG }, "met", "met", "failed"],
  ["If-Match with the tag among others", { "If-Match": `"a,b", W/"c" ,${TAG}` }, "met", "met", "failed"],
  ["If-Match with another tag", { "If-Match": '"other"' }, "failed", "failed", "failed"],
  ["If-Match compares strongly", { "If-Match": `W/${TAG}` }, "failed", "failed", "failed"],
  ["If-Match with no tag at all", { "If-Match": TAG.slice(1, -1) }, "failed", "failed", "failed"],
  ["If-None-Match *", { "If-None-Match": "*" }, "unmodified", "failed", "met"],
  ["If-None-Match with the tag", { "If-None-Match": TAG }, "unmodified", "failed", "met"],
  ["If-None-Match compares weakly", { "If-None-Match": `W/${TAG}` }, "unmodified", "failed", "met"],
  ["If-None-Match in a list", { "If-None-Match": `"x", ${TAG}, W/"y"` }, "unmodified", "failed", "met"],
  ["If-None-Match with another tag", { "If-None-Match": '"other"' }, "met", "met", "met"],
  ["If-None-Match with no tag at all", { "If-None-Match": "nonsense" }, "met", "met", "met"],
  ["If-Modified-Since the time told", { "If-Modified-Since": TOLD }, "unmodified", "met", "met"],
  ["If-Modified-Since later", { "If-Modified-Since": date(MODIFIED_MS + 20_000) }, "unmodified", "met", "met"],
  ["If-Modified-Since the second it was written in", { "If-Modified-Since": SECOND_BEFORE }, "met", "met", "met"],
  ["If-Modified-Since in the future", { "If-Modified-Since": date(NOW_MS + 60_000) }, "met", "met", "met"],
  ["If-Modified-Since no date", { "If-Modified-Since": "2026-01-31T12:01:00Z" }, "met", "met", "met"],
  ["If-Unmodified-Since the time told", { "If-Unmodified-Since": TOLD }, "met", "met", "met"],
  ["If-Unmodified-Since before", { "If-Unmodified-Since": SECOND_BEFORE }, "failed", "failed", "met"],
  ["If-Unmodified-Since no date", { "If-Unmodified-Since": "1" }, "met", "met", "met"],
  ["a tag goes before a date", { "If-None-Match": '"other"', "If-Modified-Since": TOLD }, "met", "met", "met"],
  [
    "a matching tag goes before a date",
    { "If-None-Match": TAG, "If-Modified-Since": SECOND_BEFORE },
    "unmodified",
    "failed",
    "met",
  ],
  ["If-Match goes before a date", { "If-Match": TAG, "If-Unmodified-Since": SECOND_BEFORE }, "met", "met", "failed"],
  ["412 goes before 304", { "If-Match": '"other"', "If-None-Match": TAG }, "failed", "failed", "failed"],
  ["both hold, and it is unmodified", { "If-Match": TAG, "If-None-Match": TAG }, "unmodified", "failed", "failed"],
  ["what is said to caches", { "If-None-Match": TAG, "Cache-Control": "no-cache" }, "unmodified", "failed", "met"],
];

for (const [what, headers, read, write, absent] of ROWS) {
  test(`conditions: ${what}`, () => {
    const conditions = conditionsOf(new Headers(headers));
    const verdicts = [
      conditions ? judge(conditions, FOUND, true, NOW_MS) : "met",
      conditions ? judge(conditions, FOUND, false, NOW_MS) : "met",
      conditions ? judge(conditions, undefined, false, NOW_MS) : "met",
    ];
    assert.deepEqual(verdicts, [read, write, absent]);
  });
}

test("a refusal says which condition does not hold", () => {
  const cases: [Record<string, string>, StoreStat | undefined, string][] = [
    [{ "If-Match": TAG }, undefined, '"/a" does not exist, but If-Match requires it.'],
    [{ "If-Match": '"other"', "If-None-Match": TAG }, FOUND, '"/a" has changed: its ETag does not match If-Match.'],
    [{ "If-Match": TAG, "If-None-Match": TAG }, FOUND, '"/a" has the ETag that If-None-Match excludes.'],
    [{ "If-None-Match": "*" }, FOUND, '"/a" exists, but If-None-Match requires that it does not.'],
    [{ "If-Unmodified-Since": SECOND_BEFORE }, FOUND, '"/a" was modified after If-Unmodified-Since.'],
    [
      { "If-Match": TAG, "If-Unmodified-Since": SECOND_BEFORE, "If-None-Match": "*" },
      FOUND,
      '"/a" exists, but If-None-Match requires that it does not.',
    ],
  ];
  for (const [headers, found, message] of cases) {
    const conditions = conditionsOf(new Headers(headers));
    assert.ok(conditions && judge(conditions, found, false, NOW_MS) === "failed");
    assert.equal(conditionFailed(conditions, "a", found).message, message);
  }
});

test("a date is sent only when no later write can have the same date, and never from the future", () => {
  const at = (ms: number): string => lastModified(FOUND, ms).toUTCString();
  assert.equal(at(NOW_MS), TOLD);
  for (const laterMs of [0, 100, 599, 601, 630]) {
    const told = Date.parse(at(MODIFIED_MS + laterMs));
    assert.ok(told <= MODIFIED_MS + laterMs, `${laterMs} ms later`);
    assert.ok(told < MODIFIED_MS, `${laterMs} ms later it is told as ${told - MODIFIED_MS} ms later`);
    const conditions = conditionsOf(new Headers({ "If-Modified-Since": at(MODIFIED_MS + laterMs) }));
    assert.equal(conditions && judge(conditions, FOUND, true, NOW_MS), "met");
  }
  assert.equal(at(MODIFIED_MS + 2_000), TOLD);
  const fromTheFuture = { ...FOUND, modified: new Date(NOW_MS + 3_600_000) };
  assert.ok(lastModified(fromTheFuture, NOW_MS).getTime() <= NOW_MS);
});

test("an ETag is strong, has legal characters only, and differs for each size, time and generation", () => {
  assert.match(TAG, /^"[\x21\x23-\x7e]+"$/);
  const others = [
    { ...FOUND, size: 6 },
    { ...FOUND, generation: "other" },
    { ...FOUND, modified: new Date(MODIFIED_MS + 1) },
  ];
  assert.equal(new Set([TAG, ...others.map(entityTag)]).size, 4);
});

test("If-Range applies to the strong tag, and to the exact date if it distinguishes versions", () => {
  const cases: [string | null, boolean, number][] = [
    [null, true, NOW_MS],
    [TAG, true, NOW_MS],
    [`W/${TAG}`, false, NOW_MS],
    ['"other"', false, NOW_MS],
    [`${TAG}, "other"`, false, NOW_MS],
    ["*", false, NOW_MS],
    [TOLD, true, NOW_MS],
    [SECOND_BEFORE, false, NOW_MS],
    [date(MODIFIED_MS + 20_000), false, NOW_MS],
    [TOLD, false, MODIFIED_MS + 100],
    [lastModified(FOUND, MODIFIED_MS + 100).toUTCString(), false, MODIFIED_MS + 200],
    ["yesterday", false, NOW_MS],
  ];
  for (const [condition, applies, nowMs] of cases) {
    assert.equal(rangeApplies(condition, FOUND, nowMs), applies, String(condition));
  }
});

test("HTTP dates have three forms, and nothing else is accepted", () => {
  const ms = Date.UTC(1994, 10, 6, 8, 49, 37);
  for (const text of ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]) {
    assert.equal(parseHttpDate(text), ms, text);
  }
  assert.equal(parseHttpDate("Thu, 30 Jun 1994 23:59:60 GMT"), Date.UTC(1994, 6, 1), "a leap second");
  assert.equal(parseHttpDate("Thu, 29 Feb 1996 00:00:00 GMT"), Date.UTC(1996, 1, 29));
  for (const text of [
    "",
    "0",
    "1994",
    "1994-11-06T08:49:37Z",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "Sun, 6 Nov 1994 8:49:37",
    "Mon, 30 Feb 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Sunday, 00-Nov-94 08:49:37 GMT",
    "Sun Nov 99 08:49:37 1994",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
  ]) {
    assert.equal(parseHttpDate(text), undefined, text);
  }
});

test("ranges: single, joined, past the end, and malformed", () => {
  const cases: [string, number, ByteRange | "whole" | "none"][] = [
    ["bytes=0-3", 10, { from: 0, to: 4 }],
    ["Bytes = 0 - 3", 10, { from: 0, to: 4 }],
    ["bytes=9-", 10, { from: 9, to: 10 }],
    ["bytes=-3", 10, { from: 7, to: 10 }],
    ["bytes=-99", 10, { from: 0, to: 10 }],
    [`bytes=0-${"9".repeat(30)}`, 10, { from: 0, to: 10 }],
    ["bytes=0-1,2-3", 10, { from: 0, to: 4 }],
    ["bytes=2-5, ,0-3", 10, { from: 0, to: 6 }],
    ["bytes=0-1,20-", 10, { from: 0, to: 2 }],
    ["bytes=0-1,4-5", 10, "whole"],
    ["bytes=10-", 10, "none"],
    ["bytes=-0", 10, "none"],
    ["bytes=0-", 0, "none"],
    ["bytes=-5", 0, "whole"],
    ["bytes=-0", 0, "none"],
    ["bytes=0-,-5", 0, "whole"],
    ["bytes=3-2", 10, "whole"],
    ["bytes=-", 10, "whole"],
    ["bytes=", 10, "whole"],
    ["bytes", 10, "whole"],
    ["bytes=x-y", 10, "whole"],
    ["bytes=0-1,x", 10, "whole"],
    ["lines=0-1", 10, "whole"],
    [`bytes=${Array(101).fill("0-1").join(",")}`, 10, "whole"],
  ];
  for (const [header, size, expected] of cases) assert.deepEqual(wantedRange(header, size), expected, header);
});

test("a write at the end of a second may have come after it, because the clock of a file system lags", () => {
  const second = Date.UTC(2026, 0, 31, 12, 0, 1);
  const late = { ...FOUND, modified: new Date(second - 5) };
  const verdict = (headers: Record<string, string>, nowMs = second + 20): Verdict =>
    judge(conditionsOf(new Headers(headers)) ?? assert.fail("no condition"), late, true, nowMs);
  assert.equal(verdict({ "If-Modified-Since": date(second) }), "met");
  assert.equal(verdict({ "If-Unmodified-Since": date(second) }), "failed");
  assert.equal(rangeApplies(date(second), late, second + 20), false);
  const told = lastModified(late, second + 60_000);
  assert.equal(told.getTime(), second + 1000);
  assert.equal(verdict({ "If-Modified-Since": date(told.getTime()) }, second + 60_000), "unmodified");
  // Set by hand, as by an archive that has whole seconds.
  const restored = { ...FOUND, modified: new Date(second) };
  assert.equal(lastModified(restored, second + 60_000).getTime(), second);
});
