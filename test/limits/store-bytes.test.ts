/** The limit `storeBytes`: all resources together have at most so many bytes. */
import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createStreams, memoryStore, StreamError } from "../../src/index.ts";
import { startLimited, targetAt, WAYS } from "../fixture/limited.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

const isFull = (error: unknown): boolean => error instanceof StreamError && error.code === "no_space";

for (const [runtime, way] of RUNTIMES.flatMap((each) => WAYS.map((way) => [each, way] as const))) {
  describe(`storeBytes, ${way} on ${runtime}`, () => {
    it("ends the append that would exceed it, and refuses others until something is removed", async () => {
      const server = await startLimited(way, runtime, { limits: { storeBytes: 20 } });
      const append = (path: string, body: string): Promise<Response> =>
        fetch(`${server.url}/${path}?verb=APPEND`, { method: "POST", body });
      const { url } = server;
      const type = { "Content-Type": "text/plain" };
      assert.equal(
        (await fetch(`${url}/removed.txt`, { method: "PUT", headers: type, body: "0123456789" })).status,
        201,
      );
      const open = await V1Peer.open(url, { target: targetAt(url, "/open.txt?verb=APPEND") });
      await open.control("start");
      await open.send("01234");
      await until("what was sent to be stored", async () => {
        return (await fetch(`${url}/open.txt`, { method: "HEAD" })).headers.get("Content-Length") === "5";
      });

      const exceeded = await append("new/a.txt", "012345");
      assert.equal(exceeded.status, 507);
      assert.equal(exceeded.headers.get("Stream-Error"), "no_space");
      assert.match(await exceeded.text(), /new\/a\.txt".*20 \(storeBytes\)/);
      assert.equal((await append("new/b.txt", "01234")).status, 200, "what fits");

      const refused = await append("new/c.txt", "0");
      assert.equal(refused.status, 507);
      assert.equal(refused.headers.get("Retry-After"), "30");
      assert.equal((await fetch(`${url}/new/c.txt`)).status, 404);
      const socket = await WebSocketPeer.open(url, { target: targetAt(url, "/new/c.txt?verb=APPEND"), headers: OFFER });
      assert.equal((await socket.head).status, 507);
      const posted = await fetch(`${url}/removed.txt`, { method: "POST", headers: type, body: "0" });
      assert.equal(posted.status, 507);
      assert.equal(await (await fetch(`${url}/removed.txt`)).text(), "0123456789");

      assert.equal((await fetch(`${url}/removed.txt`, { method: "DELETE" })).status, 204);
      await until("room for another one", async () => (await append("new/c.txt", "0123456789")).status === 200);
      await open.send("0");
      assert.equal((await open.closed()).code, 1011);
      await expectCleanStop(server);
    });
  });
}

it("counts what other programs write, and follows no link", async () => {
  const root = await temporaryFolder("store-bytes");
  const elsewhere = await temporaryFolder("store-bytes");
  await mkdir(join(root, "folder"));
  await writeFile(join(root, "folder", "a.txt"), "0123456789");
  await writeFile(join(elsewhere, "large.txt"), "0".repeat(100));
  await symlink(elsewhere, join(root, "link"));
  await symlink(root, join(root, "folder", "loop"));
  const streams = createStreams({ root, limits: { storeBytes: 15 } });
  try {
    await streams.append("b.txt", "01234");
    await assert.rejects(streams.append("c.txt", "0"), isFull);
  } finally {
    await streams.shutdown();
    await removeFolder(root);
    await removeFolder(elsewhere);
  }
});

it("holds for the store in memory", async () => {
  const streams = createStreams({ store: memoryStore(), limits: { storeBytes: 5 } });
  await streams.append("a.txt", "01234");
  await assert.rejects(streams.append("b.txt", "0"), isFull);
  await streams.remove("a.txt");
  await streams.append("b.txt", "0");
  await streams.shutdown();
});
