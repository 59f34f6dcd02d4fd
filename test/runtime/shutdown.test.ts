/** SIGTERM with every kind of connection open: all end as the contract says, and the process exits. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Connection } from "../fixture/connection.ts";
import { HttpExchange, request } from "../fixture/http.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startMounted, startStandalone, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

describe("shutdown on SIGTERM", { timeout: 120_000 }, () => {
  for (const runtime of RUNTIMES) {
    it(`standalone on ${runtime}`, async () => {
      const root = await temporaryFolder("shutdown");
      await scenario(await startStandalone(runtime, { root }), "", root);
      await removeFolder(root);
    });

    it(`mounted on ${runtime}`, async () => {
      const root = await temporaryFolder("shutdown");
      await scenario(await startMounted(runtime, { root }), MOUNTS.plain, join(root, "plain"));
      await removeFolder(root);
    });
  }
});

async function scenario(server: TestServer, mount: string, folder: string): Promise<void> {
  const { url } = server;
  const socket = async (path: string, verb: string): Promise<WebSocketPeer> => {
    const options = { target: `${mount}/${path}?verb=${verb}`, kind: "binary" } as const;
    return await (await WebSocketPeer.open(url, options)).opened();
  };

  // Peers that read and answer, over WebSockets and over HTTP.
  const appender = await socket("a.txt", "APPEND");
  const follower = await socket("a.txt", "FOLLOW");
  await appender.send("stored");
  await follower.received.atLeast(6);
  const download = await HttpExchange.start(url, { target: `${mount}/a.txt?verb=FOLLOW` });
  await download.body.atLeast(6);
  const headers = { "Transfer-Encoding": "chunked" };
  const upload = await HttpExchange.start(url, { method: "PUT", target: `${mount}/b.txt?verb=APPEND`, headers });
  await upload.chunk("uploaded");
  await until("the upload", async () => (await request(url, { target: `${mount}/b.txt` })).text === "uploaded");

  // Peers that neither read nor answer; the first one has megabytes pending.
  const stalled = await socket("a.txt", "FOLLOW");
  stalled.connection.socket.pause();
  const flood = Buffer.alloc(1_000_000, "x");
  for (let megabyte = 0; megabyte < 20; megabyte++) await appender.send(flood);
  await follower.received.atLeast(20_000_006);
  const deaf = await socket("deaf.txt", "APPEND");
  deaf.connection.socket.pause();

  // Connections without a complete request.
  const idle = await Connection.open(url);
  const slow = await Connection.open(url);
  await slow.write("GET /");

  const exiting = server.stop();
  assert.deepEqual([(await appender.end()).code, (await follower.end()).code], [1012, 1012]);
  await assert.rejects(download.body.all(), /broke off/);
  const told = await upload.head;
  assert.deepEqual([told.status, told.headers.get("stream-error")], [503, "restarting"]);
  assert.equal(told.headers.get("stream-next-offset"), "0000000000000008");
  assert.deepEqual(await exiting, { code: 0, signal: null }, server.program.output);

  assert.equal(download.body.bytes().subarray(0, 10).toString(), "storedxxxx");
  assert.equal((await readFile(join(folder, "a.txt"))).length, 20_000_006);
  assert.equal(await readFile(join(folder, "b.txt"), "utf8"), "uploaded");
  for (const connection of [stalled.connection, deaf.connection, idle, slow, upload.connection]) connection.drop();
}
