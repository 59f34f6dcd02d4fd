/** The words and sizes that both ends of the wire share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { END_REASONS, endedReasonOf } from "../../src/protocol/end-reason.ts";
import { CONTENT_HEADERS, checkGeneration } from "../../src/protocol/generation.ts";
import { isHeaderValue } from "../../src/protocol/header-value.ts";
import { essenceOf, isJsonType, isMediaType } from "../../src/protocol/media-type.ts";
import { CONTROL_BYTES, TEXT_MESSAGE_BYTES } from "../../src/protocol/message-sizes.ts";
import { PROGRAM_PARAMETERS, PROTOCOL_PARAMETERS, START_PARAMETERS } from "../../src/protocol/parameters.ts";
import { quotedWord } from "../../src/protocol/quoted-word.ts";
import { FORK_HEADERS, PRODUCER_HEADERS } from "../../src/protocol/stream-headers.ts";
import { rejectsWith } from "../contract/store/driver.ts";

test("an end has one of six reasons; any other word means that the reason is unknown", () => {
  assert.deepEqual(END_REASONS, ["complete", "lost", "failed", "limit", "deleted", "replaced"]);
  for (const reason of END_REASONS) assert.equal(endedReasonOf(reason), reason);
  for (const other of ["unknown", "restarting", "Complete", "", undefined, null, 0, ["lost"]]) {
    assert.equal(endedReasonOf(other), "unknown");
  }
});

test("the protocol takes these parameters, of which the client sets those of the start", () => {
  assert.deepEqual([...START_PARAMETERS].sort(), ["generation", "offset", "session", "stay", "tail"]);
  const all = ["cursor", "generation", "live", "offset", "raw", "session", "stay", "tail", "verb"];
  assert.deepEqual([...PROTOCOL_PARAMETERS].sort(), all);
  assert.deepEqual([...PROGRAM_PARAMETERS].sort(), [...all, "lines", "search"].sort());
});

test("messages have the sizes of the wire contract", () => {
  assert.deepEqual([TEXT_MESSAGE_BYTES, CONTROL_BYTES], [32_768, 65_536]);
});

test("three headers describe the content", () => {
  assert.deepEqual([...CONTENT_HEADERS].sort(), ["Stream-Appending", "Stream-Ended", "Stream-Generation"]);
});

test("a client that continues content may continue that content only", async () => {
  checkGeneration("a", undefined, undefined);
  checkGeneration("a", undefined, "new");
  checkGeneration("a", "old", "old");
  const replaced = await rejectsWith((async () => checkGeneration("a", "old", "new"))(), "replaced");
  assert.match(replaced.message, /"\/a" has other content/);
  assert.deepEqual([replaced.path, replaced.headers], ["a", { "Stream-Generation": "new" }]);
  const removed = await rejectsWith((async () => checkGeneration("a", "old", undefined))(), "replaced");
  assert.match(removed.message, /"\/a" no longer exists/);
  assert.deepEqual([removed.path, removed.headers], ["a", {}]);
});

test("a media type has at most 255 characters", () => {
  const long = `text/${"x".repeat(250)}`;
  assert.equal(isMediaType(long), true);
  assert.equal(isMediaType(`${long}x`), false);
  assert.equal(isMediaType("text\nplain"), false);
});

test("a media type is compared without its parameters, in any case", () => {
  assert.equal(essenceOf(" Text/Plain ; charset=utf-8"), "text/plain");
  assert.equal(essenceOf(undefined), undefined);
  for (const type of ["application/json", "Application/JSON;charset=utf-8"]) assert.equal(isJsonType(type), true);
  for (const type of [undefined, "", "text/json", "application/json2"]) assert.equal(isJsonType(type), false);
});

test("the value of a header has characters of one byte, and no line ends", () => {
  for (const text of ["", "a b\tc", "\x20~\x80\xff"]) assert.equal(isHeaderValue(text), true, JSON.stringify(text));
  for (const text of ["\n", "a\r", "a\nb", "\0", "\x1f", "\x7f", "\u0100", "aπb", "é\u{1f600}"]) {
    assert.equal(isHeaderValue(text), false, JSON.stringify(text));
  }
});

test("a word is quoted as far as it is one: what follows may be a secret", () => {
  for (const [text, quoted] of [
    ["", '""'],
    ["TAIL", '"TAIL"'],
    ["v1.2+b-c_d", '"v1.2+b-c_d"'],
    ["TAIL?access_token=s3cret", '"TAIL…"'],
    [" s3cret", '"…"'],
    ["a s3cret", '"a…"'],
    ["x".repeat(20), `"${"x".repeat(20)}"`],
    ["x".repeat(21), `"${"x".repeat(20)}…"`],
  ] as const) {
    assert.equal(quotedWord(text), quoted);
  }
});

test("producers and forks have the headers of Durable Streams", () => {
  assert.deepEqual(Object.values(FORK_HEADERS), ["Stream-Forked-From", "Stream-Fork-Offset", "Stream-Fork-Sub-Offset"]);
  assert.deepEqual(Object.values(PRODUCER_HEADERS), [
    ...["Producer-Id", "Producer-Epoch", "Producer-Seq"],
    ...["Producer-Expected-Seq", "Producer-Received-Seq"],
  ]);
});
