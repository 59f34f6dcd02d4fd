/** Which origins and host names an operator may list, and what they match. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Hosts } from "../../src/server/request/host.ts";
import { Origins } from "../../src/server/request/origin.ts";

test("an origin on the list matches itself, whatever its scheme", () => {
  const id = "abcdefghijklmnopabcdefghijklmnop";
  for (const origin of [
    "https://a.example",
    "http://localhost:3000",
    `chrome-extension://${id}`,
    "capacitor://localhost",
    "tauri://localhost",
    "app://obsidian.md",
    "http://[::1]:8080",
  ]) {
    const origins = new Origins([origin]);
    assert.ok(origins.allows(origin), origin);
    for (const other of [`${origin}x`, `x${origin}`, "null", "", "https://b.example"])
      assert.ok(!origins.allows(other), other);
  }
});

test("origins are normalized to the form that browsers send", () => {
  assert.ok(new Origins(["HTTPS://A.Example:443"]).allows("https://a.example"));
  assert.ok(new Origins(["https://a.example", "http://[::1]:8080"]).allows("HTTPS://A.Example:443"));
  assert.ok(new Origins(["http://[::0001]:8080"]).allows("http://[0:0::1]:8080"));
  assert.ok(new Origins(["https://*.a.example"]).allows("https://B.A.Example:443"));
  assert.ok(new Origins(["https://bücher.example"]).allows("https://xn--bcher-kva.example"));
});

test("a wildcard matches exactly one label, and the port counts", () => {
  const origins = new Origins(["https://*.example.com", "https://*.ports.example:8443"]);
  for (const yes of ["https://a.example.com", "https://a-b.example.com", "https://x.ports.example:8443"]) {
    assert.ok(origins.allows(yes), yes);
  }
  for (const no of [
    "https://example.com",
    "https://a.b.example.com",
    "https://.example.com",
    "http://a.example.com",
    "https://a.example.com:444",
    "https://aexample.com",
    "https://x.ports.example",
    "https://evil.example/.example.com",
    "https://evil.example?.example.com",
    "https://a.example.com.evil.example",
    "https://user@a.example.com",
    "https://a.example.com/",
  ]) {
    assert.ok(!origins.allows(no), no);
  }
});

test("an origin that is malformed or could never match is refused", () => {
  for (const bad of [
    "",
    "foo",
    "null",
    "example.com",
    "https://",
    "https://a.example/",
    "https://a.example/x",
    "https://u@a.example",
    "https://*",
    "https://*.",
    "https://a.*.example",
    "https://*a.example",
    "https://*.*.example",
    "https://a.example:*",
    "*://a.example",
    "*.example.com",
    "https://a b",
    "https://a.example:99999",
    "wss://a.example",
    "file://",
    "file:///x",
    "https://*.0.0.1",
  ]) {
    assert.throws(() => new Origins([bad]), { name: "TypeError", message: /is not an origin/ }, bad);
  }
});

test("host names have no scheme and no port", () => {
  const hosts = new Hosts(["a.example", "*.b.example", "192.0.2.1"]);
  for (const yes of [
    "a.example",
    "A.EXAMPLE.",
    "x.b.example",
    "localhost",
    "a.localhost",
    "10.0.0.1",
    "[::1]",
    "[::0001]",
    "127.1",
  ]) {
    assert.ok(hosts.allows(yes), yes);
  }
  for (const no of ["b.example", "x.a.example", "x.y.b.example", "localhost.example", "1234", "example"]) {
    assert.ok(!hosts.allows(no), no);
  }
  assert.ok(new Hosts(["*"]).allows("any.example"));
  for (const bad of ["", "http://a", "a:80", "a/b", "a b", "*a.example", "a..b", "*.*.a", "12.34"]) {
    assert.throws(() => new Hosts([bad]), { name: "TypeError", message: /is not a host name/ }, bad);
  }
});
