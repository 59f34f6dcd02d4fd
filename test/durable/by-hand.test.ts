/** What programs and people do to the files of streams, as the table of docs/durable-streams.md says. */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, rmSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { until } from "../fixture/until.ts";
import { CLOSED, JSON_TYPE, StreamServer, TEXT } from "./streams.ts";

const PATH = "stream.txt";

/** Runs with a stream that has the bytes `onetwo` of a producer. */
function handTest(what: string, run: (server: StreamServer) => Promise<void>): void {
  test(what, { timeout: 60_000 }, async () => {
    const server = await StreamServer.start();
    try {
      await server.expect(201, "PUT", PATH, { "Content-Type": "text/x-log" });
      await produce(server, 200, 0, "one");
      await produce(server, 200, 1, "two");
      await run(server);
    } finally {
      await server.remove();
    }
  });
}

function produce(server: StreamServer, status: number, seq: number, body: string): Promise<unknown> {
  const headers = { "Content-Type": "text/x-log", "Producer-Id": "p", "Producer-Epoch": "0" };
  return server.expect(status, "POST", PATH, { ...headers, "Producer-Seq": String(seq) }, body);
}

describe("files of streams changed by hand", { concurrency: 2 }, () => {
  handTest("bytes behind the stream count as appended, and its producers stay", async (server) => {
    appendFileSync(server.file(PATH), "!");
    assert.equal((await server.get(PATH)).text, "onetwo!");
    await produce(server, 204, 1, "two");
    await produce(server, 200, 2, "three");
    assert.equal(server.stored(PATH), "onetwo!three");
  });

  handTest("a closed stream that grows stays closed", async (server) => {
    await server.expect(204, "POST", PATH, CLOSED);
    appendFileSync(server.file(PATH), "!");
    const { text, headers } = await server.get(PATH);
    assert.deepEqual([text, headers.get("stream-closed")], ["onetwo!", "true"]);
  });

  handTest("a shorter file has no producers, is open, and keeps its type", async (server) => {
    await server.expect(204, "POST", PATH, CLOSED);
    truncateSync(server.file(PATH), 4);
    const { text, headers } = await server.get(PATH);
    assert.deepEqual([text, headers.get("stream-closed"), headers.get("content-type")], ["onet", null, "text/x-log"]);
    await server.expect(416, "GET", `${PATH}?offset=6`);
    await produce(server, 409, 2, "three");
    await produce(server, 200, 0, "again");
    assert.equal(server.stored(PATH), "onetagain");
  });

  handTest("other bytes at the end are another content", async (server) => {
    writeFileSync(server.file(PATH), "othertext");
    await produce(server, 409, 2, "three");
    assert.equal((await server.get(PATH)).headers.get("content-type"), "text/x-log");
  });

  handTest("a file that is removed is gone with all that was known of it", async (server) => {
    unlinkSync(server.file(PATH));
    await server.expect(404, "GET", PATH);
    await produce(server, 404, 2, "three");
    await server.expect(201, "PUT", PATH, TEXT);
    assert.equal((await server.get(PATH)).headers.get("content-type"), "text/plain");
  });

  handTest("a file in the place of a tombstone counts", async (server) => {
    await server.expect(201, "PUT", "fork", { "Stream-Forked-From": `/${PATH}` });
    await server.expect(204, "DELETE", PATH);
    await server.expect(410, "GET", PATH);
    writeFileSync(server.file(PATH), "new");
    assert.equal((await server.get(PATH)).text, "new");
    await server.expect(204, "POST", PATH, TEXT, "er");
    assert.equal(server.stored(PATH), "newer");
  });

  handTest("without its records it is a plain file", async (server) => {
    await server.crash(() => rmSync(join(server.root, ".httpfstream"), { recursive: true }));
    assert.equal((await server.get(PATH)).headers.get("content-type"), "text/plain; charset=utf-8");
    const refused = await server.send("POST", PATH, {
      ...TEXT,
      "Producer-Id": "p",
      "Producer-Epoch": "0",
      "Producer-Seq": "2",
    });
    assert.equal(refused.status, 400, "an empty body");
    const gap = await server.send(
      "POST",
      PATH,
      { ...TEXT, "Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "2" },
      "x",
    );
    assert.deepEqual([gap.status, gap.headers.get("producer-expected-seq")], [409, "0"]);
  });

  handTest("a file with other bytes than the server stored never expires", async (server) => {
    await server.expect(201, "PUT", "short", { ...TEXT, "Stream-TTL": "1" }, "stored");
    writeFileSync(server.file("short"), "hand");
    await server.expect(201, "PUT", "witness", { ...TEXT, "Stream-TTL": "1" }, "stored");
    await until("the other one expires", () => !existsSync(server.file("witness")));
    assert.equal(server.stored("short"), "hand");
  });

  handTest("a JSON stream that is not JSON any more is an error, and its bytes can be read", async (server) => {
    await server.expect(201, "PUT", "j", JSON_TYPE, "[1]");
    appendFileSync(server.file("j"), "unfinished");
    const partly = await server.get("j");
    assert.deepEqual([partly.text, partly.headers.get("stream-next-offset")], ["[1]", "0000000000000002"]);
    appendFileSync(server.file("j"), " line\n");
    const broken = await server.get("j");
    assert.deepEqual([broken.status, broken.headers.get("stream-error")], [500, "changed"]);
    assert.equal((await server.get("j?raw")).text, "1\nunfinished line\n");
  });
});
