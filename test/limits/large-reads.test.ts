/** The limits on large reads: each counts as a connection for as long as it lasts, and its client must take it. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { describe, it } from "node:test";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { HttpExchange } from "../fixture/http.ts";
import { startLimited, targetAt, WAYS } from "../fixture/limited.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

const MIB = 1024 * 1024;
const SIZE = 32 * MIB;

/** Stores 32 MiB of bytes, and a stream of JSON of 15 MiB. */
async function store({ url }: TestServer): Promise<void> {
  const body = new Uint8Array(SIZE);
  assert.equal((await fetch(`${url}/a.bin?verb=APPEND`, { method: "PUT", body })).status, 200);
  const messages = JSON.stringify(Array.from({ length: 15 }, () => "x".repeat(MIB)));
  const headers = { "Content-Type": "application/json" };
  assert.equal((await fetch(`${url}/a.json`, { method: "PUT", headers, body: messages })).status, 201);
  assert.equal((await fetch(`${url}/small.txt?verb=APPEND`, { method: "PUT", body: "small" })).status, 200);
}

/** A read whose client takes the head and no more. */
async function stalledRead(url: string, path: string, headers: Record<string, string> = {}): Promise<HttpExchange> {
  const read = await HttpExchange.start(url, { target: targetAt(url, path), headers });
  const { status } = await read.head;
  assert.ok(status === 200 || status === 206, `${path}: ${status}`);
  read.connection.socket.pause();
  return read;
}

/** The status of a read from another address of this machine, and the sentence if it is refused. */
async function readFrom(localAddress: string, url: string): Promise<[number | undefined, string]> {
  return await new Promise((resolve, reject) => {
    const sent = request(url, { localAddress }, (answer) => {
      let text = "";
      if (answer.statusCode === 200) sent.destroy();
      else answer.on("data", (piece) => (text += String(piece)));
      answer.on("close", () => resolve([answer.statusCode, text])).on("error", () => {});
    });
    sent.on("error", reject).end();
  });
}

/** Waits until a read is accepted, and returns the number of bytes that it brings. */
async function expectRoom(url: string): Promise<void> {
  await until("a place for a read", async () => {
    const { status, body } = await fetch(`${url}/a.bin`);
    await body?.cancel();
    return status === 200;
  });
}

for (const kind of RUNTIMES.flatMap((runtime) => WAYS.map((way) => ({ runtime, way })))) {
  describe(`large reads, ${kind.way} on ${kind.runtime}`, { timeout: 120_000 }, () => {
    it("count as connections of their client until they end, whatever they read", async () => {
      const server = await startLimited(kind.way, kind.runtime, { limits: { connections: 5, peerConnections: 4 } });
      const { url } = server;
      await store(server);
      const stalled = [
        await stalledRead(url, "/a.bin"),
        await stalledRead(url, "/a.bin", { Range: "bytes=1000000-" }),
        await stalledRead(url, "/a.json"),
        await stalledRead(url, "/a.json?live=long-poll&offset=-1"),
      ];
      for (const path of ["/a.bin", "/a.json", "/a.json?raw", "/a.bin?offset=5", "/a.bin?verb=FOLLOW"]) {
        const refused = await fetch(url + path);
        assert.equal(refused.status, 429, path);
        assert.equal(refused.headers.get("Stream-Error"), "too_many");
        assert.equal(refused.headers.get("Retry-After"), "1");
        assert.match(await refused.text(), /^127\.0\.0\.1 has 4 appends, follows and large reads.*\(peerConnections\)/);
      }
      const etag = (await fetch(`${url}/a.bin`, { method: "HEAD" })).headers.get("ETag") ?? "";
      const free: [string, RequestInit, number][] = [
        ["/small.txt", {}, 200],
        ["/a.bin", { method: "HEAD" }, 200],
        ["/a.bin", { headers: { Range: "bytes=0-1000" } }, 206],
        ["/a.bin", { headers: { "If-None-Match": etag } }, 304],
        ["/a.bin", { headers: { Range: `bytes=${SIZE}-` } }, 416],
      ];
      for (const [path, init, status] of free) assert.equal((await fetch(url + path, init)).status, status, path);
      const [other] = await readFrom("127.0.0.2", `${url}/a.bin`);
      assert.equal(other, 200);
      // The first one goes on, and is whole; the others leave.
      stalled[0]?.connection.socket.resume();
      assert.equal((await stalled[0]?.body.all())?.length, SIZE);
      for (const { connection } of stalled.slice(1)) connection.reset();
      await expectRoom(url);
      await until("all places", async () => {
        const reads = await Promise.all([1, 2, 3, 4].map(() => fetch(`${url}/a.bin`)));
        const isFree = reads.every(({ status }) => status === 200);
        await Promise.all(reads.map(({ body }) => body?.cancel()));
        return isFree;
      });
      await expectCleanStop(server);
    });

    it("count in all", async () => {
      const server = await startLimited(kind.way, kind.runtime, { limits: { connections: 1 } });
      const { url } = server;
      await store(server);
      const read = await stalledRead(url, "/a.bin");
      const [status, text] = await readFrom("127.0.0.2", `${url}/a.bin`);
      assert.equal(status, 503);
      assert.match(text, /^The server has 1 appends, follows and large reads.*\(connections\)/);
      read.connection.reset();
      await expectRoom(url);
      await expectCleanStop(server);
    });

    it("end when their client takes nothing for readIdleMs", { skip: NO_DESCRIPTORS ?? false }, async () => {
      const server = await startLimited(kind.way, kind.runtime, { limits: { connections: 2, readIdleMs: 500 } });
      const { url, root, pid } = server;
      await store(server);
      const reads = [await stalledRead(url, "/a.bin"), await stalledRead(url, "/a.json")];
      assert.notDeepEqual(openFiles(root, pid), []);
      await until("the files to be closed", async () => openFiles(root, pid).length === 0);
      // Deno's own server keeps the connection, so that it keeps its place.
      const keeps = kind.way === "mounted" && kind.runtime === "deno";
      if (keeps) for (const { connection } of reads) connection.reset();
      await expectRoom(url);
      if (!keeps) {
        for (const { connection, body } of reads) {
          connection.socket.resume();
          await assert.rejects(body.all());
        }
      }
      await expectCleanStop(server);
    });
  });
}
