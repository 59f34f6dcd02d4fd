/** Wrong permissions in the reserved folder, left by a crash, a backup or a person: the refusals name them. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fstream } from "../../mod.ts";
import type { LogEvent } from "../../src/engine/events.ts";
import { serve } from "../../src/runtime/node/mod.ts";
import { keyOf } from "../../src/stores/file/reserved/layout.ts";
import { digestOf } from "../../src/support/token.ts";
import { asOrdinaryUser, NO_PERMISSIONS } from "../fixture/privileges.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

const TOKEN = "token-of-old";

/** A root with an open session for `a.txt`, whose file has six bytes, and a server on this root. */
interface Denied {
  readonly root: string;
  readonly sessions: string;
  readonly log: LogEvent[];
  upgrade(target: string): Promise<WebSocketPeer>;
  append(target: string): Promise<V1Peer>;
}

/** Registers a test that runs as an ordinary user who owns the root. `prepare` runs before the server starts. */
function deniedTest(what: string, prepare: (root: string) => void, run: (denied: Denied) => Promise<void>): void {
  const options = { timeout: 60_000, ...(NO_PERMISSIONS === undefined ? {} : { skip: NO_PERMISSIONS }) };
  test(what, options, async () => {
    const root = await temporaryFolder("denied");
    const sessions = join(root, ".httpfstream", "sessions");
    if (process.getuid?.() === 0) chownSync(root, 65_534, 65_534);
    try {
      await asOrdinaryUser(async () => {
        const digest = await digestOf(TOKEN);
        mkdirSync(sessions, { recursive: true });
        writeFileSync(join(root, "a.txt"), "so far");
        writeFileSync(join(sessions, `${keyOf("a.txt")}.json`), JSON.stringify({ path: "a.txt", digest }));
        prepare(root);
        await withServer(root, (at) => run({ root, sessions, ...at }));
      });
    } finally {
      await removeFolder(root);
    }
  });
}

async function withServer(
  root: string,
  run: (at: Pick<Denied, "log" | "upgrade" | "append">) => Promise<void>,
): Promise<void> {
  const log: LogEvent[] = [];
  const app = fstream({ root, log: (event) => log.push(event) });
  const server = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  const peers: WebSocketPeer[] = [];
  const upgrade = async (target: string): Promise<WebSocketPeer> => {
    const url = `http://127.0.0.1:${server.port}`;
    const peer = await WebSocketPeer.open(url, { target, headers: OFFER, kind: "binary" });
    peers.push(peer);
    return peer;
  };
  const append = async (target: string): Promise<V1Peer> => new V1Peer(await (await upgrade(target)).opened());
  try {
    await run({ log, upgrade, append });
  } finally {
    for (const peer of peers) peer.connection.drop();
    await app.close();
    await server.close();
  }
}

/** Expects a refusal that names the missing permission, but not where the files are. */
async function expectDenied({ upgrade, root }: Denied, target: string): Promise<void> {
  const { status, headers, text } = await (await upgrade(target)).response();
  assert.deepEqual([status, headers.get("stream-error")], [500, "denied"], text);
  assert.match(text, /permission/);
  assert.ok(!text.includes(root), text);
}

deniedTest(
  "an unreadable session refuses only its own path, and continues once it can be read",
  (root) => chmodSync(sessionIn(root), 0o000),
  async (denied) => {
    await expectDenied(denied, "/a.txt?verb=APPEND");
    await expectDenied(denied, `/a.txt?verb=APPEND&session=${TOKEN}`);
    await expectDenied(denied, "/a.txt?verb=FOLLOW");
    assert.equal(await (await denied.append("/b.txt?verb=APPEND")).finish(), 0);
    assert.ok(denied.log.some(({ type }) => type === "error"));
    chmodSync(sessionIn(denied.root), 0o600);
    const resumed = await denied.append(`/a.txt?verb=APPEND&session=${TOKEN}`);
    assert.equal((await resumed.control("start")).offset, 6);
    assert.equal(await resumed.finish(), 6);
    assert.deepEqual(readdirSync(denied.sessions), []);
  },
);

deniedTest(
  "a sessions folder without write permission refuses new appends, but not open sessions",
  (root) => chmodSync(join(root, ".httpfstream", "sessions"), 0o555),
  async (denied) => {
    await expectDenied(denied, "/b.txt?verb=APPEND");
    await expectDenied(denied, "/b.txt?verb=APPEND");
    const resumed = await denied.append(`/a.txt?verb=APPEND&session=${TOKEN}`);
    await resumed.send(" and on");
    assert.equal(await resumed.finish(), 13);
    assert.equal(readFileSync(join(denied.root, "a.txt"), "utf8"), "so far and on");
    await until("the operator to be told", () =>
      denied.log.some((event) => event.type === "error" && event.path === "a.txt"),
    );
    chmodSync(denied.sessions, 0o755);
    assert.equal(await (await denied.append("/b.txt?verb=APPEND")).finish(), 0);
  },
);

deniedTest(
  "an inaccessible reserved folder refuses every request that needs it, and nothing crashes",
  (root) => chmodSync(join(root, ".httpfstream"), 0o000),
  async (denied) => {
    await expectDenied(denied, "/a.txt?verb=APPEND");
    await expectDenied(denied, "/b.txt?verb=APPEND");
    await expectDenied(denied, `/a.txt?verb=APPEND&session=${TOKEN}`);
    chmodSync(join(denied.root, ".httpfstream"), 0o755);
    const resumed = await denied.append(`/a.txt?verb=APPEND&session=${TOKEN}`);
    assert.equal(await resumed.finish(), 6);
  },
);

deniedTest(
  "a session whose file has become read-only can't be resumed, and loses nothing",
  (root) => chmodSync(join(root, "a.txt"), 0o444),
  async (denied) => {
    await expectDenied(denied, `/a.txt?verb=APPEND&session=${TOKEN}`);
    assert.equal(readFileSync(join(denied.root, "a.txt"), "utf8"), "so far");
    chmodSync(join(denied.root, "a.txt"), 0o644);
    const resumed = await denied.append(`/a.txt?verb=APPEND&session=${TOKEN}`);
    assert.equal(await resumed.finish(), 6);
  },
);

function sessionIn(root: string): string {
  return join(root, ".httpfstream", "sessions", `${keyOf("a.txt")}.json`);
}
