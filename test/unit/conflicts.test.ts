/** What a refused appender learns about what is in its way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  appenderConflict,
  belowResource,
  closedStream,
  folderInPlace,
  graceConflict,
} from "../../src/engine/storage/conflicts.ts";

test("a path that has an appender is refused without a time", () => {
  const { code, path, message, headers } = appenderConflict("a.log");
  assert.deepEqual([code, path, headers], ["conflict", "a.log", {}]);
  assert.match(message, /^"\/a\.log" already has an appender/);
});

test("a path that is reserved is refused with the time left, in whole seconds, at least one", () => {
  const said: [leftMs: number, retryAfter: string, words: RegExp][] = [
    [0, "1", /1 more second;/],
    [1_000, "1", /1 more second;/],
    [1_001, "2", /2 more seconds;/],
    [30_000, "30", /30 more seconds;/],
  ];
  for (const [leftMs, retryAfter, words] of said) {
    const { code, path, message, headers } = graceConflict("a.log", leftMs);
    assert.deepEqual([code, path, headers], ["conflict", "a.log", { "Retry-After": retryAfter }]);
    assert.match(message, words);
  }
});

test("a path whose place is taken is refused with what is there", () => {
  const below = belowResource("a/b/c", "a/b");
  assert.deepEqual([below.code, below.path, below.headers], ["path_conflict", "a/b/c", {}]);
  assert.match(below.message, /^"\/a\/b" is a file, so "\/a\/b\/c" /);
  const folder = folderInPlace("a");
  assert.deepEqual([folder.code, folder.path, folder.headers], ["path_conflict", "a", {}]);
  assert.match(folder.message, /^"\/a" is a folder/);
});

test("a closed stream is refused with its size", () => {
  const { code, path, message, headers } = closedStream("a.log", 42);
  assert.deepEqual([code, path], ["closed", "a.log"]);
  assert.deepEqual(headers, { "Stream-Closed": "true", "Stream-Next-Offset": "0000000000000042" });
  assert.match(message, /^"\/a\.log" is closed/);
});
