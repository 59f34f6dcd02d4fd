/** Standing follows behind a gate: what needs permission, and what ends with it, also with a scope. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Hono } from "hono";
import { jwt } from "../../src/auth/mod.ts";
import { createStreams, memoryStore, type Streams } from "../../src/index.ts";
import { type RunningServer, serve } from "../../src/runtime/node/mod.ts";
import { HttpExchange, request } from "../fixture/http.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";
import { inSeconds, type Signer, sign, signer } from "./tokens.ts";

/** The leeway of dates in seconds: a token that has expired for less is valid. */
const LEEWAY_S = 5;

let key: Signer;
let rooted: Streams;
let scoped: Streams;
let server: RunningServer;
let url: string;

before(async () => {
  key = await signer("HS256");
  const authorize = jwt({ keys: key.jwk as Record<string, string> });
  rooted = createStreams({ store: memoryStore(), authorize });
  scoped = createStreams({ store: memoryStore(), authorize, scope: (c) => `users/${c.req.param("user")}` });
  const app = new Hono().route("/s", rooted.app).route("/u/:user", scoped.app);
  server = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  url = `http://127.0.0.1:${server.port}`;
});

after(async () => {
  await Promise.all([rooted.shutdown(), scoped.shutdown()]);
  await server.close(0);
});

/** For each mount, its path and that of its files as the gate sees them. */
const MOUNTS = [
  { name: "without a scope", mount: "/s", at: "" },
  { name: "with a scope", mount: "/u/ada", at: "/users/ada" },
];

for (const { name, mount, at } of MOUNTS) {
  const streamsOf = (): Streams => (at === "" ? rooted : scoped);
  const write = async (path: string, text: string): Promise<void> => {
    const writer = (await streamsOf().openAppend(`${at}/${path}`.slice(1))).getWriter();
    await writer.write(text);
    await writer.close();
  };
  const bearer = async (grants: object, exp?: number): Promise<Record<string, string>> => ({
    Authorization: `Bearer ${await sign(key, { httpfstream: grants, ...(exp !== undefined && { exp }) })}`,
  });

  describe(`a standing follow, ${name}`, () => {
    it("needs permission to read, also where nothing was written", async () => {
      const headers = await bearer({ read: [`${at}/mine/**`], list: ["/**"], append: ["/**"] });
      const target = `${mount}/other.txt?verb=FOLLOW&stay=1`;
      for (const credentials of [{}, headers]) {
        const status = "Authorization" in credentials ? 403 : 401;
        assert.equal((await request(url, { target, headers: credentials })).status, status);
        const socket = await WebSocketPeer.open(url, { target, headers: { ...credentials, ...OFFER } });
        assert.equal((await socket.response()).status, status);
      }
      const allowed = await V1Peer.open(url, { target: `${mount}/mine/a.txt?verb=FOLLOW&stay=1`, headers });
      assert.equal((await allowed.control("idle")).offset, 0);
      await write("mine/a.txt", "hello");
      await allowed.control("idle", ({ offset }) => offset === 5);
      assert.equal(String(allowed.data), "hello");
      allowed.peer.connection.drop();
    });

    it("ends with its token while it waits, and a new token continues it", async () => {
      await write("waits.txt", "one ");
      const target = `${mount}/waits.txt?verb=FOLLOW&stay=1`;
      const grants = { read: [`${at}/waits.txt`] };
      const brief = await bearer(grants, inSeconds(2 - LEEWAY_S));
      const peer = await V1Peer.open(url, { target, headers: brief });
      const body = await HttpExchange.start(url, { target, headers: brief });
      assert.equal((await body.head).status, 200);
      await peer.control("idle", ({ offset }) => offset === 4);
      assert.equal((await peer.closed()).code, 4003);
      await assert.rejects(body.body.all(), "the body is cut");
      assert.equal((await request(url, { target, headers: brief })).status, 401);
      const again = await V1Peer.open(url, { target: `${target}&offset=4`, headers: await bearer(grants) });
      await again.control("idle");
      await write("waits.txt", "two");
      await again.control("idle", ({ offset }) => offset === 7);
      assert.equal(String(again.data), "two");
      again.peer.connection.drop();
    });
  });
}
