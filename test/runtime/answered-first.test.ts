/** Middleware that responds during an append over HTTP: the append ends as if its client had disconnected. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Hono } from "hono";
import { timeout } from "hono/timeout";
import { fstream } from "../../mod.ts";
import { serve } from "../../src/runtime/node/mod.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startMounted } from "../fixture/servers.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

/** How long the next appender may be refused, in milliseconds; the machine may be busy. */
const PATIENCE_MS = 10_000;

/** Keeps an upload open until a middleware has responded, and expects that its path becomes free. */
async function expectFreed(peers: Peers, path: string, status: number, attempts = 10): Promise<void> {
  const upload = await peers.upload(path);
  await upload.chunk("first ");
  assert.equal((await upload.head).status, status);
  const next = { method: "POST", target: `/${path}?verb=APPEND`, body: "second" };
  await until("the path to be free", async () => (await peers.send(next)).status === 200, PATIENCE_MS);
  const read = async (): Promise<string | undefined> => {
    const { status: answered, text } = await peers.send({ target: `/${path}` });
    return answered === 200 ? text : undefined;
  };
  const stored = await until("what is stored", read, PATIENCE_MS);
  // On a busy machine the middleware may respond before the first piece has arrived, which shows nothing.
  if (/^(second)+$/.test(stored) && attempts > 1) return expectFreed(peers, `${path}.txt`, status, attempts - 1);
  // It may respond to a second request, too, after its body was stored.
  assert.match(stored, /^first (second)+$/);
}

for (const runtime of RUNTIMES) {
  for (const [what, mount, status] of [
    ["hono's timeout", MOUNTS.timed, 504],
    ["middleware that races", MOUNTS.raced, 503],
  ] as const) {
    test(`mounted on ${runtime}, ${what} frees the path of the append that it answers`, async () => {
      const server = await startMounted(runtime);
      const peers = new Peers(server.url);
      try {
        await expectFreed(peers, `${mount.slice(1)}/a.txt`, status);
      } finally {
        peers.dispose();
        await server.stop();
      }
    });
  }
}

test("a timeout in front of the standalone server's app frees the path, too", async () => {
  const root = await temporaryFolder("answered");
  const streams = fstream({ root: join(root, "streams") });
  const app = new Hono().use(timeout(200)).route("/streams", streams);
  const server = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  const peers = new Peers(`http://127.0.0.1:${server.port}`);
  try {
    await expectFreed(peers, "streams/a.txt", 504);
  } finally {
    peers.dispose();
    await streams.close();
    await server.close(0);
    await removeFolder(root);
  }
});
