/** What a refused appender learns about the one that holds the path. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { heldByAppender, heldDuringGrace } from "../../src/engine/storage/conflicts.ts";

test("a path that has an appender is refused without a time", () => {
  const { code, path, message, headers } = heldByAppender("a.log");
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
    const { code, path, message, headers } = heldDuringGrace("a.log", leftMs);
    assert.deepEqual([code, path, headers], ["conflict", "a.log", { "Retry-After": retryAfter }]);
    assert.match(message, words);
  }
});
