/** How many appends may be open, in all and for one address. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendCounts, type Opener } from "../../src/engine/append/append-counts.ts";
import { type Limits, resolveLimits } from "../../src/engine/limits.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { retains } from "../fixture/memory.ts";

function counts(limits: Partial<Limits>): AppendCounts {
  return new AppendCounts(resolveLimits(limits));
}

/** Expects a refusal, both of the question and of the append, which must count nothing. */
function isRefused(open: AppendCounts, opener: Opener, code: string, words: RegExp): void {
  for (const act of [() => open.assertRoom(opener), () => open.enter(opener)]) {
    assert.throws(act, (error) => {
      assert.ok(error instanceof StreamError);
      assert.equal(error.code, code);
      assert.match(error.message, words);
      assert.equal(new Headers(error.headers).get("Retry-After"), "1");
      return true;
    });
  }
}

test("at the limit of all appends the next one is refused, until one has ended", () => {
  const open = counts({ appends: 2 });
  const leave = [open.enter({}), open.enter({ peer: "::1" })];
  isRefused(open, {}, "overloaded", /2 open appends/);
  isRefused(open, { peer: "::2" }, "overloaded", /2 open appends/);
  leave[0]?.();
  open.assertRoom({});
  leave.push(open.enter({}));
  isRefused(open, {}, "overloaded", /2 open appends/);
});

test("each address has its own limit", () => {
  const open = counts({ peerAppends: 2 });
  const leave = [open.enter({ peer: "::1" }), open.enter({ peer: "::1" })];
  isRefused(open, { peer: "::1" }, "too_many", /::1 has 2 open appends/);
  open.enter({ peer: "::2" });
  open.enter({});
  leave[0]?.();
  open.enter({ peer: "::1" });
  isRefused(open, { peer: "::1" }, "too_many", /::1 has 2 open appends/);
});

test("when all appends of an address have ended, it may open as many as at first", () => {
  const open = counts({ peerAppends: 2 });
  for (let times = 0; times < 3; times++) {
    const leave = [open.enter({ peer: "::1" }), open.enter({ peer: "::1" })];
    isRefused(open, { peer: "::1" }, "too_many", /::1/);
    for (const each of leave) each();
  }
  open.assertRoom({ peer: "::1" });
});

test("a session that is resumed is never refused, and counts", () => {
  const open = counts({ appends: 2, peerAppends: 1 });
  const peer = "::1";
  open.enter({ peer });
  open.enter({ peer, session: "digest" });
  open.enter({ session: "digest" });
  isRefused(open, {}, "overloaded", /2 open appends/);
});

test("a limit of 0 is none; appends of unknown addresses count for no address", () => {
  const open = counts({ appends: 0, peerAppends: 0 });
  for (let count = 0; count < 10; count++) open.enter({ peer: "::1" });
  const unknown = counts({ peerAppends: 1 });
  for (let count = 0; count < 10; count++) unknown.enter({});
  unknown.enter({ peer: "::1" });
});

test("an address whose appends have ended is forgotten", async () => {
  const open = counts({});
  await retains(2_000_000, () => {
    for (let peer = 0; peer < 100_000; peer++) open.enter({ peer: `peer ${peer}` })();
  });
  open.assertRoom({});
});
