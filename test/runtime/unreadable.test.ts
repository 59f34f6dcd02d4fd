/** Requests that an HTTP parser rejects, and that the standalone server still answers. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { Collected } from "../fixture/collected.ts";
import { Connection } from "../fixture/connection.ts";
import { type HttpResponse, readBody, readHead, request } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone } from "../fixture/servers.ts";

for (const runtime of RUNTIMES) {
  const server = await startStandalone(runtime);
  describe(`requests that are hard to read, on ${runtime}`, { timeout: 60_000 }, () => {
    after(() => expectCleanStop(server));

    it("a made-up method gets 405 with Allow", async () => {
      const refusal = await exchange(server.url, "BREW /pot?verb=APPEND HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal(refusal.status, 405);
      assert.match(refusal.headers.get("allow") ?? "", /\bGET\b/);
      assert.match(refusal.text, /BREW/);
    });

    it("bytes that are no request get 400 and a message", async () => {
      const refusal = await exchange(server.url, "\0\0\0 /\r\n\r\n");
      assert.equal(refusal.status, 400);
      assert.notEqual(refusal.text, "");
    });

    it("a URL or a header that is too long gets 431", async () => {
      for (const head of [`GET /${"x".repeat(20_000)} HTTP/1.1`, `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}`]) {
        const refusal = await exchange(server.url, `${head}\r\nHost: x\r\n\r\n`);
        assert.equal(refusal.status, 431);
      }
    });

    it("a body in an unknown transfer coding gets 501, and nothing is created", async () => {
      for (const coding of ["gzip", "identity", "gzip, chunked"]) {
        const head = `POST /coded?verb=APPEND HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: ${coding}\r\n\r\n`;
        const refusal = await exchange(server.url, `${head}3\r\nabc\r\n0\r\n\r\n`);
        assert.equal(refusal.status, 501, coding);
        assert.match(refusal.text, /transfer coding/);
      }
      assert.equal((await request(server.url, { target: "/coded" })).status, 404);
    });

    it("HTTP/1.0 without a Host header reads and appends", async () => {
      const post = await exchange(server.url, "POST /old.txt?verb=APPEND HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello");
      assert.equal(post.status, 200);
      assert.equal((await exchange(server.url, "GET /old.txt HTTP/1.0\r\n\r\n")).text, "hello");
    });

    it("the server keeps running", async () => {
      assert.equal((await request(server.url, { target: "/" })).status, 200);
    });
  });
}

/** Sends raw bytes, and waits for the response. */
async function exchange(url: string, bytes: string): Promise<HttpResponse> {
  const connection = await Connection.open(url);
  try {
    void connection.write(bytes);
    const head = await readHead(connection);
    const into = new Collected();
    await readBody(connection, "GET", head, into);
    const body = await into.all();
    return { ...head, body, text: body.toString() };
  } finally {
    connection.drop();
  }
}
