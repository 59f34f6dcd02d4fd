/** Clients that leave before, during or after the upgrade: paths become free, and nothing leaks. */
import assert from "node:assert/strict";
import { Connection } from "../fixture/connection.ts";
import { descriptors, NO_DESCRIPTORS, residentBytes } from "../fixture/descriptors.ts";
import { requestHead } from "../fixture/http.ts";
import type { Peers } from "../fixture/peers.ts";
import { until } from "../fixture/until.ts";
import { upgradeHeaders } from "../fixture/websocket.ts";
import { faultTest } from "./standalone.ts";

const KEY = Buffer.alloc(16, 7).toString("base64");

function head(url: string, target: string, headers: Record<string, string> = {}): string {
  return requestHead(url, { target, headers: upgradeHeaders(KEY, headers) });
}

/** The ways in which a client leaves. Each gets a connection and the upgrade request. */
const WAYS: Record<string, (connection: Connection, request: string) => Promise<void>> = {
  "a reset right after the request": async (connection, request) => {
    await connection.write(request);
    connection.reset();
  },
  "an end right after the request": async (connection, request) => {
    await connection.write(request);
    connection.drop();
  },
  "a reset in mid-request": async (connection, request) => {
    await connection.write(request.slice(0, -20));
    connection.reset();
  },
  "a half-closed connection right after the request": async (connection, request) => {
    connection.socket.end(request);
    await connection.readThrough("\r\n\r\n").catch(() => {});
    connection.reset();
  },
  "a reset on the response": async (connection, request) => {
    await connection.write(request);
    await connection.readThrough("\r\n\r\n").catch(() => {});
    connection.reset();
  },
  "a reset with data on the way right after the request": async (connection, request) => {
    await connection.write(Buffer.concat([Buffer.from(request), Buffer.alloc(50_000)]));
    connection.reset();
  },
};

async function leave(peers: Peers, target: string, way: (typeof WAYS)[string]): Promise<void> {
  const connection = await Connection.open(peers.url);
  await way(connection, head(peers.url, target));
}

for (const [what, way] of Object.entries(WAYS)) {
  faultTest(`${what} frees the path`, { limits: { upgradeTimeoutMs: 1_000 } }, async ({ peers, server }) => {
    for (let count = 0; count < 20; count++) {
      await Promise.all([0, 1, 2].map((at) => leave(peers, `/${at}.txt?verb=APPEND`, way)));
    }
    for (let at = 0; at < 3; at++) {
      const appender = await peers.admitted(`${at}.txt`);
      const follower = await peers.follower(`${at}.txt`);
      await Promise.all([leave(peers, `/${at}.txt?verb=FOLLOW`, way), leave(peers, `/${at}.txt`, way)]);
      await appender.text("good");
      await appender.finish();
      assert.ok((await follower.end()).code === 1000 && String(follower.received.bytes()).endsWith("good"));
    }
    assert.equal((await server.stop()).code, 0, server.program.output);
  });
}

const LIMITS = { upgradeTimeoutMs: 500 };

faultTest(
  "thousands of aborted handshakes leave nothing behind",
  { limits: LIMITS, skip: NO_DESCRIPTORS },
  async (fault) => {
    const { peers, server } = fault;
    const storm = async (handshakes: number): Promise<void> => {
      const ways = Object.values(WAYS);
      for (let at = 0; at < handshakes; at += 50) {
        const wave = Array.from({ length: 50 }, (_, index) => {
          const way = ways[(at + index) % ways.length] ?? leaveNothing;
          return leave(peers, `/${index % 10}.txt?verb=${index % 3 ? "APPEND" : "FOLLOW"}`, way);
        });
        await Promise.all(wave);
      }
      for (let at = 0; at < 10; at++) await (await peers.admitted(`${at}.txt`)).finish();
    };
    await storm(1_500);
    const before = await settled(server.pid);
    const memoryBefore = residentBytes(server.pid);
    await storm(2_000);
    await until(`no more than ${before} open descriptors`, () => descriptors(server.pid).length <= before);
    const grown = residentBytes(server.pid) - memoryBefore;
    assert.ok(grown < 96 * 1024 * 1024, `the server has grown by ${grown} bytes`);
    assert.equal((await server.stop()).code, 0, server.program.output);
  },
);

async function leaveNothing(connection: Connection): Promise<void> {
  connection.drop();
}

/** Waits until a process's number of open descriptors is stable, and returns it. */
async function settled(pid: number): Promise<number> {
  let last = -1;
  return await until("the descriptors to settle", async () => {
    const now = descriptors(pid).length;
    const same = now === last;
    last = now;
    return same ? now : undefined;
  });
}
