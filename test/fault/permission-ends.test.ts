/** A connection that outlives the permission that the gate gave is ended, on every transport. */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { createStreams, memoryStore, type Streams } from "../../src/index.ts";
import { type RunningServer, serve } from "../../src/runtime/node/mod.ts";
import { HttpExchange } from "../fixture/http.ts";
import { until } from "../fixture/until.ts";
import { V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

/** Milliseconds for which the gate gives permission: longer than a request takes to be answered. */
const PERMISSION_MS = 1_500;

const HEADERS = { "X-Brief": "yes" };

let streams: Streams;
let server: RunningServer;
let url: string;

before(async () => {
  streams = createStreams({
    store: memoryStore(),
    limits: { graceMs: 60_000 },
    authorize: ({ c }) =>
      c.req.header("X-Brief") ? { allow: true, expiresAtMs: Date.now() + PERMISSION_MS } : { allow: true },
  });
  server = await serve({ fetch: streams.app.fetch, hostname: "127.0.0.1", port: 0 });
  url = `http://127.0.0.1:${server.port}`;
});

after(async () => {
  await streams.shutdown();
  await server.close(0);
});

it("an httpfstream.v1 append ends with 4003, and its session resumes with a new token", async () => {
  const first = await V1Peer.open(url, { target: "/v1.txt?verb=APPEND", headers: HEADERS });
  const { session } = await first.control("start");
  await first.send("one ");
  await first.acked(4);
  assert.equal((await first.closed()).code, 4003);
  const again = await V1Peer.open(url, { target: `/v1.txt?verb=APPEND&session=${session}` });
  assert.equal((await again.control("start")).offset, 4);
  await again.send("two");
  assert.equal(await again.finish(), 7);
});

it("followers over WebSockets end with 4003", async () => {
  const writer = (await streams.openAppend("ws.txt")).getWriter();
  await writer.write("abc");
  const v1 = await V1Peer.open(url, { target: "/ws.txt?verb=FOLLOW", headers: HEADERS });
  const standing = await V1Peer.open(url, { target: "/ws.txt?verb=FOLLOW&stay=1", headers: HEADERS });
  const classic = await (await WebSocketPeer.open(url, { target: "/ws.txt?verb=FOLLOW", headers: HEADERS })).opened();
  for (const peer of [v1.peer, standing.peer, classic]) assert.equal((await peer.end()).code, 4003);
  assert.equal(String(v1.data), "abc");
  await writer.close();
});

it("a classic append ends with 4003, and what arrived stays", async () => {
  const peer = await WebSocketPeer.open(url, { target: "/classic.txt?verb=APPEND", headers: HEADERS });
  await (await peer.opened()).send("abc");
  assert.equal((await peer.end()).code, 4003);
  const found = await until("the end", async () => {
    const stat = await streams.stat("classic.txt");
    return stat?.appending ? undefined : stat;
  });
  assert.deepEqual([found.size, found.ended], [3, "lost"]);
});

it("a followed body is cut", async () => {
  const writer = (await streams.openAppend("body.txt")).getWriter();
  await writer.write("abc");
  const response = await fetch(`${url}/body.txt?verb=FOLLOW`, { headers: HEADERS });
  assert.equal(response.status, 200);
  await assert.rejects(response.text());
  await writer.close();
});

it("a download is cut", async () => {
  const writer = (await streams.openAppend("large.bin")).getWriter();
  for (let count = 0; count < 32; count++) await writer.write(new Uint8Array(1024 * 1024));
  await writer.close();
  const response = await fetch(`${url}/large.bin`, { headers: HEADERS });
  const answeredMs = performance.now();
  // The client takes nothing until the permission has ended.
  await until("the end of the permission", () => performance.now() - answeredMs > PERMISSION_MS);
  await assert.rejects(response.arrayBuffer());
});

it("an append of a body is refused, and what arrived stays", async () => {
  const headers = { ...HEADERS, "Transfer-Encoding": "chunked" };
  const upload = await HttpExchange.start(url, { method: "POST", target: "/upload.txt?verb=APPEND", headers });
  await upload.chunk("abc");
  const response = await upload.response();
  assert.equal(response.status, 401);
  assert.equal(response.headers.get("stream-error"), "unauthorized");
  assert.equal((await streams.stat("upload.txt"))?.ended, "lost");
  assert.equal((await streams.stat("upload.txt"))?.size, 3);
});

it("a permission that has ended before is refused", async () => {
  const past = createStreams({
    store: memoryStore(),
    authorize: () => ({ allow: true, expiresAtMs: Date.now() - 1 }),
  });
  for (const init of [{}, { method: "POST", body: "x" }]) {
    assert.equal((await past.app.request("http://localhost/a.txt?verb=APPEND", init)).status, 401);
  }
  assert.equal(await past.stat("a.txt"), undefined);
  await past.shutdown();
});
