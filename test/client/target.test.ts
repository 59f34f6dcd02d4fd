import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTarget, socketUrl, withVerb } from "../../src/client/connection/target.ts";
import { StreamError } from "../../src/protocol/errors.ts";

const badRequest = (error: unknown): boolean => error instanceof StreamError && error.code === "bad_request";

describe("the URL of a resource", () => {
  it("takes http, https, ws and wss", () => {
    assert.equal(parseTarget("http://host:1/a").url.href, "http://host:1/a");
    assert.equal(parseTarget("https://host/a?x=1").url.href, "https://host/a?x=1");
    assert.equal(parseTarget("ws://host/a").url.href, "http://host/a");
    assert.equal(parseTarget(new URL("wss://host/a")).url.href, "https://host/a");
  });

  it("refuses everything else", () => {
    for (const wrong of ["", "foo", "localhost:8080/a", "ftp://host/a", "http://", "/a"]) {
      assert.throws(() => parseTarget(wrong), badRequest, wrong);
    }
  });

  it("turns credentials into a header, and keeps them out of the URL", () => {
    const { url, headers } = parseTarget("http://us%C3%A9r:p%40ss@host/a#part");
    assert.equal(url.href, "http://host/a");
    assert.equal(headers.get("Authorization"), `Basic ${Buffer.from("usér:p@ss").toString("base64")}`);
  });

  it("prefers a given Authorization header", () => {
    const { headers } = parseTarget("http://user:secret@host/a", { authorization: "Bearer token" });
    assert.equal(headers.get("Authorization"), "Bearer token");
  });

  it("takes headers as a record, as pairs and as Headers", () => {
    for (const given of [{ "X-A": "1" }, [["X-A", "1"]] as const, new Headers({ "X-A": "1" })]) {
      assert.equal(parseTarget("http://host/a", given).headers.get("x-a"), "1");
    }
  });
});

describe("the URL of a request", () => {
  const url = new URL("http://host/a?key=1&verb=NONE");

  it("has the verb, and keeps other parameters", () => {
    assert.equal(withVerb(url, "APPEND").href, "http://host/a?key=1&verb=APPEND");
    assert.equal(url.search, "?key=1&verb=NONE", "the given URL is not touched");
  });

  it("has the start", () => {
    assert.equal(withVerb(url, "FOLLOW", { offset: 7 }).searchParams.get("offset"), "7");
    assert.equal(withVerb(url, "FOLLOW", { offset: "now" }).searchParams.get("offset"), "now");
    assert.equal(withVerb(url, "FOLLOW", { tail: 0 }).searchParams.get("tail"), "0");
  });

  it("refuses an invalid start", () => {
    for (const start of [{ offset: -1 }, { offset: 1.5 }, { tail: Number.NaN }, { offset: 1, tail: 1 }]) {
      assert.throws(() => withVerb(url, "FOLLOW", start), badRequest, JSON.stringify(start));
    }
  });

  it("refuses a URL whose query has a parameter that the client sets itself", () => {
    for (const query of ["offset=5", "tail=1", "session=S", "generation=G", "key=1&tail"]) {
      const given = new URL(`http://host/a?${query}`);
      assert.throws(() => withVerb(given, "FOLLOW"), badRequest, query);
      assert.throws(() => withVerb(given, "APPEND"), /in its query\. Leave it out, and use the option "/, query);
    }
  });

  it("has the WebSocket scheme of the same security", () => {
    assert.equal(socketUrl(new URL("http://host/a")).href, "ws://host/a");
    assert.equal(socketUrl(new URL("https://host:8443/a")).href, "wss://host:8443/a");
  });
});
