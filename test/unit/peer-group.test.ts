/** Which addresses count as one client. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendCounts } from "../../src/engine/append/append-counts.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { ConnectionLimiter } from "../../src/server/service/connection-limiter.ts";
import { peerGroup } from "../../src/support/peer-group.ts";

test("an IPv6 address counts as its network of 64 bits", () => {
  const pairs: [string, string][] = [
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
    ["2001:DB8:0001:2::1", "2001:db8:1:2::/64"],
    ["2001:db8:1:3::1", "2001:db8:1:3::/64"],
    ["2001:db8::1", "2001:db8::/64"],
    ["fe80::1%eth0", "fe80::%eth0/64"],
    ["fe80::2%eth1", "fe80::%eth1/64"],
    ["::2", "::/64"],
  ];
  for (const [address, group] of pairs) {
    assert.equal(peerGroup(address), group);
    assert.equal(peerGroup(address), group, "again");
  }
});

test("IPv4, IPv4 that is mapped into IPv6, this machine, and what is no address", () => {
  for (const text of ["192.0.2.1", "::1", "unknown", "", "not:an:address", "host:80"])
    assert.equal(peerGroup(text), text);
  assert.equal(peerGroup("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(peerGroup("::ffff:c000:201"), "192.0.2.1");
});

test("more addresses than are remembered change nothing", () => {
  for (let index = 0; index < 10_000; index++) {
    assert.equal(peerGroup(`2001:db8:0:${index.toString(16)}::1`), peerGroup(`2001:db8:0:${index.toString(16)}::2`));
  }
});

function isTooMany(act: () => unknown, words: RegExp): void {
  assert.throws(act, (error) => error instanceof StreamError && error.code === "too_many" && words.test(error.message));
}

test("the limits on one address count a network of IPv6 as one", () => {
  const appends = new AppendCounts(resolveLimits({ peerAppends: 1 }));
  const end = appends.enter({ peer: "2001:db8::1" });
  isTooMany(() => appends.enter({ peer: "2001:db8::2" }), /^2001:db8::\/64 has 1 open appends/);
  appends.enter({ peer: "2001:db8:0:1::1" });
  end();
  appends.enter({ peer: "2001:db8::3" });

  const at = (peer: string): { path: string; peer: string } => ({ path: "a.txt", peer });
  const limiter = new ConnectionLimiter(resolveLimits({ peerConnections: 1 }));
  const place = limiter.enter(at("2001:db8::1"), "follow");
  isTooMany(() => limiter.enter(at("2001:db8::2"), "read"), /^2001:db8::\/64 has 1 appends, follows and large reads/);
  limiter.enter(at("2001:db8:0:1::1"), "read").leave();
  place.leave();
  limiter.enter(at("2001:db8::2"), "append").leave();
  const mapped = limiter.enter(at("::ffff:192.0.2.1"), "read");
  isTooMany(() => limiter.enter(at("192.0.2.1"), "read"), /^192\.0\.2\.1 has 1/);
  mapped.leave();

  const hasty = new ConnectionLimiter(resolveLimits({ peerConnectionsPerSecond: 1 }));
  // A new second may begin between any two.
  const begin = (last: number): void => hasty.enter(at(`2001:db8::${last}`), "follow").leave();
  isTooMany(() => [1, 2, 3].forEach(begin), /^2001:db8::\/64 begins more than 1/);
  for (let times = 0; times < 3; times++) hasty.enter(at("2001:db8::1"), "read").leave();
});
