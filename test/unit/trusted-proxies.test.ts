/** The address of a client behind trusted proxies: no header of a client gets it another address. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TrustedProxies } from "../../src/server/request/trusted-proxies.ts";

const PROXIES = new TrustedProxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);

const forwardedFor = (value: string): Headers => new Headers({ "X-Forwarded-For": value });
const forwarded = (value: string): Headers => new Headers({ Forwarded: value });

const CASES: [what: string, direct: string | undefined, headers: Headers, peer: string | undefined][] = [
  ["no address, as in app.fetch", undefined, forwardedFor("203.0.113.5"), undefined],
  ["a stranger's header", "198.51.100.1", forwardedFor("203.0.113.5"), "198.51.100.1"],
  ["a proxy without a header", "127.0.0.1", new Headers(), "127.0.0.1"],
  ["one proxy", "127.0.0.1", forwardedFor("203.0.113.5"), "203.0.113.5"],
  ["a proxy that is mapped into IPv6", "::ffff:127.0.0.1", forwardedFor("203.0.113.5"), "203.0.113.5"],
  ["a client that names addresses first", "127.0.0.1", forwardedFor("1.1.1.1, 203.0.113.5"), "203.0.113.5"],
  ["two proxies", "127.0.0.1", forwardedFor("1.1.1.1, 203.0.113.5, 10.1.2.3"), "203.0.113.5"],
  ["trusted addresses only", "127.0.0.1", forwardedFor("10.0.0.1, 10.0.0.2"), "10.0.0.1"],
  ["a port", "127.0.0.1", forwardedFor("203.0.113.5:4711"), "203.0.113.5"],
  ["IPv6 with a port", "127.0.0.1", forwardedFor("[2001:db8::1]:443"), "2001:db8::1"],
  ["IPv6 without brackets", "fd00::1", forwardedFor("2001:DB8:0::1"), "2001:db8::1"],
  ["something that is no address", "127.0.0.1", forwardedFor("203.0.113.5, unknown, 10.0.0.1"), "10.0.0.1"],
  ["an address in octal", "127.0.0.1", forwardedFor("0x7f.1"), "127.0.0.1"],
  ["Forwarded", "127.0.0.1", forwarded("for=1.1.1.1;proto=http, proto=https;for=203.0.113.5"), "203.0.113.5"],
  ["Forwarded with IPv6", "127.0.0.1", forwarded('For="[2001:db8:cafe::17]:4711"'), "2001:db8:cafe::17"],
  ["a hidden node", "127.0.0.1", forwarded("for=203.0.113.5, for=_hidden"), "127.0.0.1"],
  ["an element without a node", "127.0.0.1", forwarded("for=203.0.113.5, by=10.0.0.1"), "127.0.0.1"],
  ["a quote of the client", "127.0.0.1", forwarded('for=6.6.6.6;x=", for="[2001:db8::1]"'), "127.0.0.1"],
  ["an escape of the client", "127.0.0.1", forwarded('for=6.6.6.6;x="\\", for="[2001:db8::1]"'), "127.0.0.1"],
  ["a host in quotes", "127.0.0.1", forwarded('host="a;for=6.6.6.6;b";for=203.0.113.5'), "203.0.113.5"],
  ["a host in quotes, behind", "127.0.0.1", forwarded('for=203.0.113.5;host="a;for=6.6.6.6"'), "203.0.113.5"],
  ["an element in quotes", "127.0.0.1", forwarded('for=203.0.113.5;host="a, for=6.6.6.6"'), "203.0.113.5"],
  ["a host without quotes", "127.0.0.1", forwarded("host=a;for=6.6.6.6;for=203.0.113.5"), "127.0.0.1"],
  ["a host without quotes, behind", "127.0.0.1", forwarded("for=203.0.113.5;host=a;for=6.6.6.6"), "127.0.0.1"],
  [
    "headers that disagree",
    "127.0.0.1",
    new Headers({ Forwarded: "for=6.6.6.6", "X-Forwarded-For": "203.0.113.5" }),
    "127.0.0.1",
  ],
  [
    "headers that agree",
    "127.0.0.1",
    new Headers({ Forwarded: "for=203.0.113.5", "X-Forwarded-For": "203.0.113.5" }),
    "203.0.113.5",
  ],
];

for (const [what, direct, headers, peer] of CASES) {
  test(what, () => assert.equal(PROXIES.peerOf(direct, headers), peer));
}

test("what is no address and no network is refused", () => {
  for (const bad of ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "1", "0x7f.1", "fd00::/129", "10.0.0.1/8/8"]) {
    assert.throws(() => new TrustedProxies([bad]), TypeError, bad);
  }
});
