/** The limits on followers, appends and connections, in all and by address: clear refusals, and room again afterwards. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { describe, it } from "node:test";
import { append } from "../../src/client/mod.ts";
import { HttpExchange } from "../fixture/http.ts";
import { startLimited, targetAt, WAYS, type Way } from "../fixture/limited.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { expectCleanStop, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

/** Runs `test` with a server that has these limits. */
async function withLimits(
  { way, runtime }: { way: Way; runtime: Runtime },
  limits: Record<string, number>,
  test: (server: TestServer) => Promise<void>,
): Promise<void> {
  const server = await startLimited(way, runtime, { limits });
  try {
    await test(server);
  } finally {
    await expectCleanStop(server);
  }
}

const openAppend = async ({ url }: TestServer, path: string): Promise<V1Peer> => {
  const peer = await V1Peer.open(url, { target: targetAt(url, `/${path}?verb=APPEND`) });
  await peer.control("start");
  return peer;
};

const openFollow = async ({ url }: TestServer, path: string): Promise<V1Peer> => {
  const peer = await V1Peer.open(url, { target: targetAt(url, `/${path}?verb=FOLLOW`) });
  await peer.control("start");
  return peer;
};

/** Expects that a WebSocket and a request over HTTP are refused before anything is opened for them. */
async function expectRefused(
  { url }: TestServer,
  target: string,
  method: string,
  { status, code, says }: { status: number; code: string; says: RegExp },
): Promise<void> {
  const socket = await WebSocketPeer.open(url, { target: targetAt(url, target), headers: OFFER });
  const overSocket = await socket.response();
  const overHttp = await fetch(url + target, { method, ...(method === "POST" && { body: "x" }) });
  const text = await overHttp.text();
  for (const answer of [{ ...overSocket }, { status: overHttp.status, headers: overHttp.headers, text }]) {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers.get("Stream-Error"), code);
    assert.equal(answer.headers.get("Retry-After"), "1");
    assert.match(answer.text, says);
  }
}

/** The status of an append from another address of this machine. */
async function appendFrom(localAddress: string, url: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const sent = request(`${url}?verb=APPEND`, { method: "POST", localAddress }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode));
    });
    sent.on("error", reject).end("x");
  });
}

/** Waits until an append over HTTP is accepted. */
async function expectRoom({ url }: TestServer, path: string): Promise<void> {
  await until(`an append to ${path}`, async () => {
    const response = await fetch(`${url}/${path}?verb=APPEND`, { method: "POST", body: "x" });
    return response.status === 200 || undefined;
  });
}

for (const kind of RUNTIMES.flatMap((runtime) => WAYS.map((way) => ({ runtime, way })))) {
  describe(`limits, ${kind.way} on ${kind.runtime}`, () => {
    it("pathFollowers", async () => {
      await withLimits(kind, { pathFollowers: 2 }, async (server) => {
        const appender = await openAppend(server, "a.txt");
        const other = await openAppend(server, "b.txt");
        const first = await openFollow(server, "a.txt");
        await openFollow(server, "a.txt");
        const refused = { status: 503, code: "overloaded", says: /a\.txt" has 2 followers.*pathFollowers/ };
        await expectRefused(server, "/a.txt?verb=FOLLOW", "GET", refused);
        assert.equal((await fetch(`${server.url}/a.txt`)).status, 200);
        const elsewhere = await openFollow(server, "b.txt");
        first.peer.connection.drop();
        // Bun's own server sends the head of a response with the first bytes of its body.
        await appender.send("done");
        const follow = await until("a follow", async () => {
          const response = await fetch(`${server.url}/a.txt?verb=FOLLOW`);
          if (response.status === 200) return response;
          await response.body?.cancel();
          return undefined;
        });
        await appender.finish();
        assert.equal(await follow.text(), "done");
        await other.finish();
        await elsewhere.closed();
      });
    });

    it("appends, with the sessions in their grace period", async () => {
      await withLimits(kind, { appends: 2 }, async (server) => {
        const first = await openAppend(server, "a.txt");
        const { session } = await first.control("start");
        const second = await openAppend(server, "b.txt");
        first.peer.connection.drop();
        const refused = { status: 503, code: "overloaded", says: /2 open appends.*appends/ };
        await expectRefused(server, "/new/c.txt?verb=APPEND", "POST", refused);
        assert.equal((await fetch(`${server.url}/new/`)).status, 404);
        const taken = await fetch(`${server.url}/b.txt?verb=APPEND`, { method: "POST", body: "x" });
        assert.equal(taken.status, 403, "a path that is taken is refused as such");
        const resumed = await V1Peer.open(server.url, {
          target: targetAt(server.url, `/a.txt?verb=APPEND&session=${session}`),
        });
        await resumed.control("start");
        await resumed.finish();
        await expectRoom(server, "new/c.txt");
        await second.finish();
      });
    });

    it("peerAppends", async () => {
      await withLimits(kind, { peerAppends: 1 }, async (server) => {
        const first = await openAppend(server, "a.txt");
        const refused = { status: 429, code: "too_many", says: /127\.0\.0\.1 has 1 open appends.*peerAppends/ };
        await expectRefused(server, "/b.txt?verb=APPEND", "POST", refused);
        assert.equal(await appendFrom("127.0.0.2", `${server.url}/b.txt`), 200);
        const waiting = append(`${server.url}/c.txt`, "waited", {
          onState: ({ state }) => {
            if (state === "retrying") void first.finish();
          },
        });
        assert.deepEqual(await waiting, { bytes: 6, offset: 6 });
      });
    });

    it("connections and peerConnections", async () => {
      await withLimits(kind, { connections: 3, peerConnections: 2 }, async (server) => {
        const appender = await openAppend(server, "a.txt");
        const follower = await openFollow(server, "a.txt");
        const tooMany = { status: 429, code: "too_many", says: /127\.0\.0\.1 has 2 .*peerConnections/ };
        await expectRefused(server, "/b.txt?verb=APPEND", "POST", tooMany);
        await expectRefused(server, "/a.txt?verb=FOLLOW", "GET", tooMany);
        assert.equal((await fetch(`${server.url}/a.txt`)).status, 200);
        assert.equal(await appendFrom("127.0.0.2", `${server.url}/b.txt`), 200);
        follower.peer.connection.drop();
        await expectRoom(server, "b.txt");
        await appender.finish();
      });
      await withLimits(kind, { connections: 2, peerConnections: 0 }, async (server) => {
        const appender = await openAppend(server, "a.txt");
        const follower = await openFollow(server, "a.txt");
        const full = { status: 503, code: "overloaded", says: /2 appends, follows and large reads.*connections/ };
        await expectRefused(server, "/b.txt?verb=APPEND", "POST", full);
        assert.equal(await appendFrom("127.0.0.2", `${server.url}/b.txt`), 503);
        await appender.finish();
        await follower.closed();
        await expectRoom(server, "b.txt");
      });
    });

    it("a follow of what is stored counts for as long as its response lasts", async () => {
      await withLimits(kind, { pathFollowers: 1, peerConnections: 2 }, async (server) => {
        const { url } = server;
        for (const path of ["/a.bin", "/b.bin"]) {
          const body = new Uint8Array(32 * 1024 * 1024);
          assert.equal((await fetch(`${url}${path}?verb=APPEND`, { method: "PUT", body })).status, 200);
        }
        const stalled: HttpExchange[] = [];
        for (const path of ["/a.bin", "/b.bin"]) {
          const follow = await HttpExchange.start(url, { target: targetAt(url, `${path}?verb=FOLLOW`) });
          assert.equal((await follow.head).status, 200);
          follow.connection.socket.pause();
          stalled.push(follow);
        }
        const full = { status: 429, code: "too_many", says: /127\.0\.0\.1 has 2 .*peerConnections/ };
        await expectRefused(server, "/c.bin?verb=FOLLOW", "GET", full);
        stalled.pop()?.connection.reset();
        const refused = { status: 503, code: "overloaded", says: /\/a\.bin" has 1 followers.*pathFollowers/ };
        await until("a place", async () => {
          const response = await fetch(`${url}/c.bin?verb=FOLLOW`);
          await response.body?.cancel();
          return response.status === 404;
        });
        await expectRefused(server, "/a.bin?verb=FOLLOW", "GET", refused);
        stalled.pop()?.connection.reset();
        const follow = await until("a follow", async () => {
          const response = await fetch(`${url}/a.bin?verb=FOLLOW`);
          if (response.status === 200) return response;
          await response.body?.cancel();
          return undefined;
        });
        assert.equal((await follow.arrayBuffer()).byteLength, 32 * 1024 * 1024);
        await until("the place of the follow", async () => {
          const response = await fetch(`${url}/a.bin?verb=FOLLOW`, { method: "HEAD" });
          return response.status === 200;
        });
      });
    });

    it("peerConnectionsPerSecond", async () => {
      await withLimits(kind, { peerConnectionsPerSecond: 1 }, async (server) => {
        const answers = await until("two appends within a second", async () => {
          const sent = Array.from({ length: 10 }, (_, index) =>
            fetch(`${server.url}/${index}.txt?verb=APPEND`, { method: "POST", body: "x" }),
          );
          const all = await Promise.all(sent);
          return all.some(({ status }) => status === 429) ? all : undefined;
        });
        const refused = answers.find(({ status }) => status === 429);
        assert.match((await refused?.text()) ?? "", /127\.0\.0\.1 begins more than 1 .*peerConnectionsPerSecond/);
        await expectRoom(server, "later.txt");
      });
    });
  });
}
