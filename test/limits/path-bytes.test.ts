/** The limit `pathBytes`: every transport stores exactly what fits, and says why it stores no more. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { append, follow, StreamError } from "../../src/client/mod.ts";
import { createStreams } from "../../src/index.ts";
import { startLimited, targetAt, WAYS } from "../fixture/limited.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, type TestServer } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

const isLimit = (error: unknown): boolean => error instanceof StreamError && error.code === "limit";

for (const [runtime, way] of RUNTIMES.flatMap((each) => WAYS.map((way) => [each, way] as const))) {
  describe(`pathBytes, ${way} on ${runtime}`, () => {
    let server: TestServer;
    const stored = (name: string): Promise<string> => readFile(join(server.root, name), "utf8");
    const post = (path: string, body: string): Promise<Response> =>
      fetch(`${server.url}/${path}?verb=APPEND`, { method: "POST", body });

    before(async () => {
      server = await startLimited(way, runtime, { limits: { pathBytes: 10 } });
    });
    after(() => expectCleanStop(server));

    it("an append over HTTP stores what fits and gets 507; other paths take appends", async () => {
      assert.equal((await post("http.txt", "12345678")).status, 200);
      const refused = await post("http.txt", "9abcdef");
      assert.equal(refused.status, 507);
      assert.equal(refused.headers.get("Stream-Error"), "limit");
      assert.equal(refused.headers.get("Stream-Next-Offset"), "0000000000000010");
      assert.match(await refused.text(), /http\.txt".*10 bytes/);
      assert.equal(await stored("http.txt"), "123456789a");
      assert.equal((await post("http.txt", "x")).status, 507);
      assert.equal(await stored("http.txt"), "123456789a");
      assert.equal((await fetch(`${server.url}/http.txt`)).headers.get("Stream-Ended"), "limit");
      assert.equal((await post("full.txt", "1234567890")).status, 200);
      assert.equal(await stored("full.txt"), "1234567890");
    });

    it("an httpfstream.v1 append gets a last ack, end with limit, and 1008; so does its follower", async () => {
      const appender = await V1Peer.open(server.url, { target: targetAt(server.url, "/v1.txt?verb=APPEND") });
      const start = await appender.control("start");
      const follower = await V1Peer.open(server.url, { target: targetAt(server.url, "/v1.txt?verb=FOLLOW") });
      await appender.send("12345678");
      await appender.acked(8);
      await appender.send("9abcdef");
      assert.equal((await appender.closed()).code, 1008);
      const [ack, end] = appender.controls.slice(-2);
      assert.deepEqual(ack, { type: "ack", offset: 10 });
      assert.deepEqual(end, { type: "end", offset: 10, reason: "limit" });
      assert.equal((await follower.closed()).code, 1000);
      assert.deepEqual(follower.controls.at(-1), { type: "end", offset: 10, reason: "limit" });
      assert.equal(String(follower.data), "123456789a");
      assert.equal(await stored("v1.txt"), "123456789a");
      const again = await WebSocketPeer.open(server.url, {
        target: targetAt(server.url, `/v1.txt?verb=APPEND&session=${start.session}`),
        headers: { "Sec-WebSocket-Protocol": "httpfstream.v1" },
      });
      assert.equal((await again.head).status, 410);
    });

    it("an httpfstream.v1 append that completes in the same moment gets the same answer", async () => {
      const appender = await V1Peer.open(server.url, { target: targetAt(server.url, "/at-once.txt?verb=APPEND") });
      await appender.control("start");
      await Promise.all([appender.send("123456789abc"), appender.say({ type: "end" })]);
      assert.equal((await appender.closed()).code, 1008);
      assert.deepEqual(appender.controls.slice(-2), [
        { type: "ack", offset: 10 },
        { type: "end", offset: 10, reason: "limit" },
      ]);
    });

    it("a classic append is closed with 1008 and a sentence", async () => {
      const appender = await (
        await WebSocketPeer.open(server.url, {
          target: targetAt(server.url, "/classic.txt?verb=APPEND"),
          kind: "binary",
        })
      ).opened();
      await appender.send("123456789abc");
      const { code, reason } = await appender.end();
      assert.equal(code, 1008);
      assert.match(reason, /classic\.txt.*10 bytes/);
      assert.equal(await stored("classic.txt"), "123456789a");
    });

    it("a follow over HTTP that saw the append is cut", async () => {
      const appender = await V1Peer.open(server.url, { target: targetAt(server.url, "/cut.txt?verb=APPEND") });
      await appender.control("start");
      // Bun's own server sends the head of a response with the first bytes of its body.
      await appender.send("123");
      const response = await fetch(`${server.url}/cut.txt?verb=FOLLOW`);
      assert.equal(response.headers.get("Stream-Appending"), "?1");
      await appender.send("456789abc");
      await assert.rejects(response.text());
      await appender.closed();
    });

    it("the client does not try again, and its follower learns the reason", async () => {
      const url = `${server.url}/client.txt`;
      const states: string[] = [];
      await assert.rejects(append(url, "123456789abc", { onState: ({ state }) => states.push(state) }), isLimit);
      assert.ok(!states.includes("retrying"), String(states));
      assert.equal(await stored("client.txt"), "123456789a");
      const following = await follow(url);
      assert.equal(await new Response(following).text(), "123456789a");
      assert.equal((await following.ended).reason, "limit");
      await assert.rejects(append(url, "x", { transport: "http" }), isLimit);
    });
  });
}

it("pathBytes holds in process, and 0 sets no limit", async () => {
  const folder = await temporaryFolder("path-bytes");
  await using streams = await createStreams({ root: folder, limits: { pathBytes: 10 } });
  await assert.rejects(streams.append("a.txt", "123456789abc"), isLimit);
  assert.equal(await readFile(join(folder, "a.txt"), "utf8"), "123456789a");
  await streams.shutdown();
  await using unlimited = await createStreams({ root: folder, limits: { pathBytes: 0 } });
  await unlimited.append("a.txt", "bc");
  assert.equal(await readFile(join(folder, "a.txt"), "utf8"), "123456789abc");
  await unlimited.shutdown();
  await removeFolder(folder);
});
