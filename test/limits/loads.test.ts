/**
 * Loads of one client that make a server unusable for another one: open appends, append sessions in their grace period,
 * and follows. With the limits they do not, which a run without the limits shows.
 */
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { NO_DESCRIPTORS } from "../fixture/descriptors.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { startStandalone, type TestServer } from "../fixture/servers.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

/** The server's limit of descriptors. */
const DESCRIPTORS = 192;

/** How often the client tries: more often than there are descriptors. */
const ATTEMPTS = 250;

/** How often a client tries again that was refused. */
const STUBBORN = 20;

/** How many connections the other client needs at once: more than may become free by chance. */
const OTHERS = 8;

/** What a limited client may have. */
const PLACES = 10;

interface Load {
  /** What would protect the server. */
  readonly limits: Readonly<Record<string, number>>;
  /** Opens one more. Resolves to the status; 0 if the server closes the connection without an answer. */
  one(server: TestServer, at: number, opened: (peer: WebSocketPeer) => void): Promise<number>;
}

/** Opens a WebSocket from 127.0.0.1. */
async function open({ url }: TestServer, target: string, opened: (peer: WebSocketPeer) => void): Promise<number> {
  try {
    const peer = await WebSocketPeer.open(url, { target, headers: OFFER });
    opened(peer);
    const { status } = await peer.head;
    if (status === 101) await new V1Peer(peer).control("start");
    return status;
  } catch {
    return 0;
  }
}

const LOADS: Readonly<Record<string, Load>> = {
  "open appends": {
    limits: { peerAppends: PLACES },
    one: (server, at, opened) => open(server, `/${at}.txt?verb=APPEND`, opened),
  },
  "append sessions in their grace period": {
    limits: { peerAppends: PLACES },
    async one(server, at, opened) {
      let last: WebSocketPeer | undefined;
      const status = await open(server, `/${at}.txt?verb=APPEND`, (peer) => {
        last = peer;
        opened(peer);
      });
      last?.connection.drop();
      return status;
    },
  },
  follows: {
    limits: { peerConnections: PLACES },
    one: (server, _, opened) => open(server, "/live.txt?verb=FOLLOW&stay=1", opened),
  },
};

/**
 * The statuses of appends from another address, each on a connection that stays open; 0 if the server closes it without an
 * answer.
 */
async function appendsFromElsewhere({ url }: TestServer): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const appendTo = (path: string): Promise<number> =>
    new Promise((resolve) => {
      const options = { method: "POST", localAddress: "127.0.0.2", agent };
      const sent = request(`${url}/${path}?verb=APPEND`, options, (answer) => {
        answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
      });
      sent.on("error", () => resolve(0)).end("x");
    });
  const statuses = await Promise.all(Array.from({ length: OTHERS }, (_, at) => appendTo(`other/${at}.txt`)));
  agent.destroy();
  return statuses;
}

/** Lets a client open as many as it can. Returns how many it has opened, and how it was refused, if it was. */
async function attack(
  test: TestContext,
  runtime: Runtime,
  { limits, one }: Load,
  isLimited: boolean,
): Promise<{ server: TestServer; count: number; refused: ReadonlySet<number> }> {
  // What follows from a limit on connections is another test.
  const off = Object.keys(limits).map((name) => [name, isLimited ? limits[name] : 0]);
  const args = [...off, ["peerSockets", 0]].flatMap(([name, value]) => ["--limit", `${name}=${value}`]);
  const through = ["sh", "-c", `ulimit -n ${DESCRIPTORS} && exec "$0" "$@"`];
  const server = await startStandalone(runtime, { args, through });
  const peers: WebSocketPeer[] = [];
  test.after(async () => {
    for (const { connection } of peers) connection.drop();
    await server.kill9();
  });
  const refused = new Set<number>();
  let count = 0;
  for (let at = 0, misses = 0; at < ATTEMPTS && misses < STUBBORN; at++) {
    const status = await one(server, at, (peer) => peers.push(peer));
    if (status === 101) count++;
    else {
      refused.add(status);
      misses++;
    }
  }
  return { server, count, refused };
}

const linux = NO_DESCRIPTORS === undefined ? {} : { skip: NO_DESCRIPTORS };

for (const runtime of RUNTIMES) {
  describe(`loads on ${runtime}`, { timeout: 60_000 }, () => {
    for (const [what, load] of Object.entries(LOADS)) {
      it(`${what}: with the limit, the server stays usable`, linux, async (test) => {
        const { server, count, refused } = await attack(test, runtime, load, true);
        assert.equal(count, PLACES);
        assert.deepEqual([...refused], [429]);
        assert.deepEqual(new Set(await appendsFromElsewhere(server)), new Set([200]));
      });

      it(`${what}: without it, the server refuses others`, linux, async (test) => {
        const { server, count, refused } = await attack(test, runtime, load, false);
        assert.ok(count > PLACES && count < ATTEMPTS, `${count}`);
        assert.ok(!refused.has(429));
        const statuses = await appendsFromElsewhere(server);
        assert.ok(
          statuses.some((status) => status !== 200),
          String(statuses),
        );
      });
    }
  });
}
