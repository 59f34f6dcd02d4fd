/** The words and sizes that both ends of the wire share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { END_REASONS, endedReasonOf } from "../../src/protocol/end-reason.ts";
import { CONTENT_HEADERS, checkGeneration } from "../../src/protocol/generation.ts";
import { isMediaType } from "../../src/protocol/media-type.ts";
import { CONTROL_BYTES, TEXT_MESSAGE_BYTES } from "../../src/protocol/message-sizes.ts";
import { PROTOCOL_PARAMETERS, START_PARAMETERS } from "../../src/protocol/parameters.ts";
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
