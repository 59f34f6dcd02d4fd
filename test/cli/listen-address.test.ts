import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { localUrl, parseListenAddress, parsePort } from "../../src/cli/serve/listen-address.ts";

describe("a listen address", () => {
  it("is a host and a port, or a port alone", () => {
    assert.deepEqual(parseListenAddress("127.0.0.1:8080"), { hostname: "127.0.0.1", port: 8080 });
    assert.deepEqual(parseListenAddress("localhost:0"), { hostname: "localhost", port: 0 });
    assert.deepEqual(parseListenAddress(":8080"), { port: 8080 });
    assert.deepEqual(parseListenAddress("[::1]:8080"), { hostname: "::1", port: 8080 });
  });

  it("has the loopback interface as its host for a port alone", () => {
    assert.deepEqual(parseListenAddress("8080"), { hostname: "127.0.0.1", port: 8080 });
    assert.equal(parsePort("0"), 0);
    for (const wrong of ["", "x", "-1", "65536", "1.5", "0x10", " 1"]) assert.throws(() => parsePort(wrong), TypeError);
  });

  it("has no other form", () => {
    for (const wrong of [
      "",
      "80800",
      "8080x",
      "host",
      "host:",
      ":65536",
      ":-1",
      "::1:8080",
      "[]:80",
      "host:80:80",
      "http://h:80",
    ]) {
      assert.throws(() => parseListenAddress(wrong), TypeError, wrong);
    }
  });

  it("has a URL that opens it on the same machine", () => {
    assert.equal(localUrl({ port: 8080 }), "http://localhost:8080/");
    assert.equal(localUrl({ hostname: "0.0.0.0", port: 80 }), "http://localhost:80/");
    assert.equal(localUrl({ hostname: "::1", port: 8080 }), "http://[::1]:8080/");
    assert.equal(localUrl({ hostname: "10.0.0.7", port: 8080 }), "http://10.0.0.7:8080/");
  });
});
