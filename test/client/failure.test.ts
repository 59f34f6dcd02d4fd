import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { broken, closedEarly, refused } from "../../src/client/connection/failure.ts";

const url = new URL("http://host/a");

describe("a refusal", () => {
  it("has the code and the sentence of the server", async () => {
    const headers = { "Stream-Error": "path_conflict", "Content-Type": "text/plain; charset=utf-8", "X-More": "1" };
    const error = await refused(new Response("It is a folder.\nMore.\n", { status: 409, headers }), url, "APPEND");
    assert.deepEqual([error.code, error.message, error.path], ["path_conflict", "It is a folder.", url.href]);
    assert.equal(error.headers["x-more"], "1");
  });

  it("gets its code from the status if the server names no code, or an unknown one", async () => {
    const cases: [number, "APPEND" | "FOLLOW", string][] = [
      [403, "APPEND", "conflict"],
      [403, "FOLLOW", "forbidden"],
      [401, "APPEND", "unauthorized"],
      [404, "FOLLOW", "not_found"],
      [416, "FOLLOW", "range"],
      [429, "APPEND", "overloaded"],
      [502, "APPEND", "unreachable"],
      [500, "APPEND", "storage"],
      [599, "FOLLOW", "internal"],
      [301, "FOLLOW", "protocol"],
      [204, "APPEND", "protocol"],
    ];
    for (const [status, verb, code] of cases) {
      const headers = { "Stream-Error": "no_such_code" };
      const error = await refused(new Response(null, { status, headers }), url, verb);
      assert.equal(error.code, code, `${verb} ${status}`);
      assert.match(error.message, new RegExp(String(status)));
    }
  });

  it("does not quote an HTML page, nor read an endless body", async () => {
    const page = new Response("<html>…", {
      status: 502,
      statusText: "Bad Gateway",
      headers: { "Content-Type": "text/html" },
    });
    assert.equal((await refused(page, url, "FOLLOW")).message, "The server answered 502 Bad Gateway");
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(512).fill(0x61));
      },
    });
    const long = new Response(endless, { status: 503, headers: { "Content-Type": "text/plain" } });
    assert.ok((await refused(long, url, "FOLLOW")).message.length < 1200);
    assert.ok(pulled < 10, `${pulled} pieces`);
  });
});

describe("the end of a WebSocket", () => {
  it("has the code that its close code stands for, and the reason as its message", () => {
    const error = closedEarly({ code: 1011, reason: "The disk is full." }, url);
    assert.deepEqual([error.code, error.message], ["storage", "The disk is full."]);
    assert.equal(closedEarly({ code: 1012, reason: "" }, url).code, "restarting");
    assert.equal(closedEarly({ code: 1009, reason: "" }, url).code, "too_large");
    assert.equal(closedEarly({ code: 1007, reason: "" }, url).code, "not_text");
    assert.equal(closedEarly({ code: 4001, reason: "" }, url).code, "fenced");
  });

  it("is unreachable when the connection broke, or closed unexpectedly", () => {
    assert.equal(closedEarly({ code: 1006, reason: "" }, url).code, "unreachable");
    assert.equal(closedEarly({ code: 1000, reason: "" }, url).code, "unreachable");
    const cause = new Error("read ECONNRESET");
    const error = closedEarly({ code: 1006, reason: "", error: cause }, url);
    assert.deepEqual([error.code, error.cause], ["unreachable", cause]);
  });
});

describe("a network error", () => {
  it("is described by its root cause", () => {
    const refusedBy = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" });
    const cases = [
      new TypeError("fetch failed", { cause: refusedBy }),
      new AggregateError([refusedBy, new Error("other")]),
      refusedBy,
    ];
    for (const cause of cases) {
      assert.equal(broken(cause, url).message, `No server answers at ${url.host}. Check the address.`);
    }
    const reset = new TypeError("fetch failed", { cause: new Error("read ECONNRESET") });
    assert.equal(broken(reset, url).message, `The server at ${url.host} can't be reached: read ECONNRESET.`);
  });
});
