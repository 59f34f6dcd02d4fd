/**
 * A server and its clients in one process, which reads commands from standard input, one per line: `work N` (N rounds
 * of appends, follows and aborts), `measure`, `close`. It answers each command with one line of JSON. After `close` it
 * ends as soon as nothing keeps it alive.
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { fstream } from "../../src/fstream.ts";
import { serve } from "../../src/runtime/node/mod.ts";
import { Connection } from "../fixture/connection.ts";
import { descriptors } from "../fixture/descriptors.ts";
import { requestHead } from "../fixture/http.ts";
import { Peers } from "../fixture/peers.ts";
import { upgradeHeaders } from "../fixture/websocket.ts";

const [root = "data"] = process.argv.slice(2);
const KEY = Buffer.alloc(16, 1).toString("base64");
const BODY = Buffer.alloc(300_000, "x");

const app = fstream({ root, limits: { upgradeTimeoutMs: 200, pingIntervalMs: 50, heartbeatMs: 50, graceMs: 1 } });
const server = await serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
const url = `http://127.0.0.1:${server.port}`;

/** Performs each operation on a path once. */
async function round(at: number): Promise<void> {
  const path = `folder/${at % 7}.bin`;
  const peers = new Peers(url);
  const appender = await peers.admitted(path);
  const follower = await peers.follower(path);
  const leaver = await peers.follower(path);
  const stalled = await peers.follower(path);
  const reader = await peers.reader(path);
  const quitter = await peers.reader(path);
  stalled.connection.socket.pause();
  await Promise.all([aborted(path), appender.binary(BODY)]);
  leaver.connection.reset();
  quitter.connection.drop();
  if (at % 2) await appender.finish();
  else appender.connection.reset();
  await Promise.all([follower.end(), reader.body.remains()]);
  await peers.send({ method: "POST", target: `/other/${at % 7}.txt?verb=APPEND`, body: "x" });
  await brokenUpload(peers, `broken/${at % 7}.txt`);
  for (const target of ["/", `/${path}`, "/none", "/a/../b"]) await peers.send({ target });
  const unfinished = await peers.exchange({ target: `/${path}` });
  await unfinished.head;
  peers.dispose();
}

/** Sends handshakes, and resets their connections before the responses. */
async function aborted(path: string): Promise<void> {
  for (const verb of ["APPEND", "FOLLOW"]) {
    const connection = await Connection.open(url);
    await connection.write(requestHead(url, { target: `/${path}?verb=${verb}`, headers: upgradeHeaders(KEY) }));
    connection.reset();
  }
}

async function brokenUpload(peers: Peers, path: string): Promise<void> {
  const upload = await peers.upload(path);
  await upload.chunk("begun");
  const reader = await peers.admittedReader(path);
  upload.connection.reset();
  await reader.body.remains();
}

/** The resources in use after a garbage collection. */
function measure(): Record<string, unknown> {
  for (let count = 0; count < 5; count++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  return { heapUsed, external, resources, descriptors: descriptors() };
}

const lines = createInterface({ input: process.stdin });
for await (const line of lines) {
  const [order, count] = line.split(" ");
  if (order === "work") for (let at = 0; at < Number(count); at++) await round(at);
  if (order === "close") {
    await app.close();
    await server.close();
  }
  console.log(JSON.stringify(order === "measure" ? measure() : {}));
  if (order === "close") break;
}
lines.close();
process.stdin.destroy();
