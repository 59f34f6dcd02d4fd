/** A connection that outlives its permission ends also if its client has stopped reading, and its place is free. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { NO_DESCRIPTORS, openSockets } from "../fixture/descriptors.ts";
import { HttpExchange, request } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startScript, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { OFFER } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

/** More than the buffers of a connection hold. */
const BYTES = new Uint8Array(32 * 1024 * 1024);

/** For how long the gate gives permission: longer than a client needs to get the head of a response. */
const BRIEF = { "X-Brief-Ms": "1500" };

/** A connection that has stopped reading, and how to drop it. */
type Stalled = { drop(): void };

const overHttp =
  (target: string) =>
  async ({ url }: TestServer): Promise<Stalled> => {
    const exchange = await HttpExchange.start(url, { target, headers: BRIEF });
    const { connection } = exchange;
    assert.equal((await exchange.head).status, 200);
    connection.socket.pause();
    return connection;
  };

const overSocket =
  (target: string, offer: Readonly<Record<string, string>> = {}) =>
  async ({ url }: TestServer): Promise<Stalled> => {
    const peer = await WebSocketPeer.open(url, { target, headers: { ...BRIEF, ...offer } });
    await peer.opened();
    peer.connection.socket.pause();
    return peer.connection;
  };

const KINDS: Readonly<Record<string, (server: TestServer) => Promise<Stalled>>> = {
  "a download": overHttp("/stored.bin"),
  "a follow of what is stored": overHttp("/stored.bin?verb=FOLLOW"),
  "a follow over HTTP": overHttp("/live.bin?verb=FOLLOW"),
  "a standing follow over HTTP": overHttp("/stored.bin?verb=FOLLOW&stay=1"),
  "a classic follow": overSocket("/live.bin?verb=FOLLOW"),
  "an httpfstream.v1 follow": overSocket("/live.bin?verb=FOLLOW", OFFER),
  "a standing httpfstream.v1 follow": overSocket("/stored.bin?verb=FOLLOW&stay=1", OFFER),
};

/** How many clients follow, as the metrics say. */
async function follows({ url }: TestServer): Promise<number> {
  const { text } = await request(url, { target: "/.counts" });
  const lines = [...text.matchAll(/^httpfstream_follows_open\{.*\} (\d+)$/gm)];
  return lines.reduce((sum, [, count]) => sum + Number(count), 0);
}

for (const runtime of RUNTIMES) {
  for (const mode of ["own", "serve"]) {
    const where = mode === "own" ? `${runtime}'s own server` : `serve() on ${runtime}`;
    // Deno's own server gives a program no way to end a connection whose client does not read.
    const isStuck = runtime === "deno" && mode === "own";
    describe(`the end of a permission, ${where}`, { skip: NO_DESCRIPTORS ?? false }, () => {
      let server: TestServer;
      let upload: HttpExchange;

      before(async () => {
        server = await startScript(runtime, "brief-server.ts", { args: [mode] });
        const put = { method: "PUT", body: BYTES };
        assert.equal((await request(server.url, { ...put, target: "/stored.bin?verb=APPEND" })).status, 200);
        const headers = { "Transfer-Encoding": "chunked" };
        upload = await HttpExchange.start(server.url, { method: "POST", target: "/live.bin?verb=APPEND", headers });
        await upload.chunk(BYTES);
        await until("the live bytes to be stored", async () => {
          const { headers: stored } = await request(server.url, { method: "HEAD", target: "/live.bin" });
          return Number(stored.get("stream-next-offset")) === BYTES.length;
        });
      });

      after(async () => {
        upload.connection.drop();
        await server.stop();
      });

      for (const [kind, open] of Object.entries(KINDS)) {
        it(`ends ${kind} whose client does not read`, async () => {
          const before = await until("the other connections to be gone", () => {
            const sockets = openSockets(server.pid);
            return openSockets(server.pid) === sockets && sockets;
          });
          const stalled = await open(server);
          try {
            if (!isStuck) {
              await until("the connection to be gone", () => openSockets(server.pid) <= before);
            }
            await until("the follow to have ended", async () => (await follows(server)) === 0);
            await until("its place to be free", async () => {
              const head = { method: "HEAD", target: "/stored.bin?verb=FOLLOW" };
              return (await request(server.url, head)).status === 200;
            });
          } finally {
            stalled.drop();
          }
        });
      }
    });
  }
}
