/** The limits of concurrent scans. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveLimits } from "../../src/engine/limits.ts";
import { ScanQuota } from "../../src/engine/scan/scan-quota.ts";
import { StreamError } from "../../src/index.ts";

function quota(searches: number, peerSearches: number): ScanQuota {
  const terms = { what: "searches", all: "searches", byPeer: "peerSearches" } as const;
  return new ScanQuota(resolveLimits({ searches, peerSearches }), terms);
}

function refused(work: () => unknown, code: string, message: RegExp): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof StreamError);
    assert.deepEqual([error.code, error.headers["Retry-After"]], [code, "1"]);
    assert.match(error.message, message);
    return true;
  });
}

describe("a quota of scans", () => {
  it("admits as many as the limit for all peers, and more when some are over", () => {
    const all = quota(2, 0);
    const leave = all.enter("192.0.2.1");
    all.enter("192.0.2.2");
    refused(() => all.enter("192.0.2.3"), "overloaded", /has 2 searches under way.*\(searches\).*Try again/);
    refused(() => all.enter(undefined), "overloaded", /2 searches/);
    leave();
    all.enter(undefined);
    refused(() => all.enter(undefined), "overloaded", /2 searches/);
  });

  it("admits as many of a peer as the limit for one address, whatever the others have", () => {
    const one = quota(0, 2);
    const leave = one.enter("192.0.2.1");
    one.enter("192.0.2.1");
    one.enter("192.0.2.2");
    refused(() => one.enter("192.0.2.1"), "too_many", /^192\.0\.2\.1 has 2 searches under way.*\(peerSearches\)/);
    leave();
    one.enter("192.0.2.1");
    refused(() => one.enter("192.0.2.1"), "too_many", /2 searches/);
  });

  it("takes the addresses of one network for one peer", () => {
    const one = quota(0, 1);
    one.enter("2001:db8::1");
    refused(() => one.enter("2001:db8::2"), "too_many", /^2001:db8::\/64 has 1 /);
    one.enter("2001:db8:0:1::1");
  });

  it("counts each end once", () => {
    for (const each of [quota(2, 0), quota(0, 2)]) {
      const leave = each.enter("192.0.2.1");
      each.enter("192.0.2.1");
      leave();
      leave();
      each.enter("192.0.2.1");
      assert.throws(() => each.enter("192.0.2.1"));
    }
  });

  it("has no limit at 0, nor for a client without an address", () => {
    const none = quota(0, 0);
    const one = quota(0, 1);
    for (let at = 0; at < 100; at++) {
      none.enter("192.0.2.1");
      one.enter(undefined);
    }
  });
});
