/** SIGTERM during requests: the server shuts down cleanly, stores what it has received, and leaves nothing behind. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { randomBytes, sha256 } from "../fixture/bytes.ts";
import { HttpExchange } from "../fixture/http.ts";
import { until, within } from "../fixture/until.ts";
import { type Fault, faultTest } from "./standalone.ts";

/** Sends SIGTERM and expects a clean shutdown. */
async function terminate({ server }: Fault): Promise<void> {
  server.program.child.kill("SIGTERM");
  const exit = await within(server.program.exited, "the server to end");
  assert.deepEqual(exit, { code: 0, signal: null }, server.program.output);
  assert.doesNotMatch(server.program.output, /^\s+at .*:\d+/m, "no stack trace");
  if (existsSync("/proc")) assert.ok(!existsSync(`/proc/${server.pid}/fd/0`), "no process is left");
}

faultTest("followers and appenders over WebSockets are told to reconnect", {}, async (fault) => {
  const { peers, root } = fault;
  const appender = await peers.appender("a.txt");
  const follower = await peers.follower("a.txt");
  const quiet = await peers.appender("b.txt");
  await appender.text("before the end");
  await follower.received.atLeast(14);
  await terminate(fault);
  for (const peer of [appender, follower, quiet]) {
    const { code, reason } = await peer.end();
    assert.equal(code, 1012);
    assert.match(reason, /restarting|shutting down/);
  }
  assert.equal(String(follower.received.bytes()), "before the end");
  assert.equal(readFileSync(join(root, "a.txt"), "utf8"), "before the end");
});

faultTest("a body that is followed is cut before its end, and an upload is answered", {}, async (fault) => {
  const { peers, root } = fault;
  const upload = await peers.upload("a.txt");
  await upload.chunk("piece by piece");
  await until("the upload to be stored", () => readFileIfAny(join(root, "a.txt")) === "piece by piece");
  const readers = await Promise.all(Array.from({ length: 20 }, () => peers.reader("a.txt")));
  for (const reader of readers) await reader.body.atLeast(14);
  await terminate(fault);
  for (const { body } of readers) {
    await assert.rejects(body.all(), /broke off/);
    assert.equal(String(body.bytes()), "piece by piece");
  }
  const { status, headers } = await upload.response();
  assert.equal(status, 503);
  assert.equal(headers.get("stream-next-offset"), "0000000000000014");
  assert.equal(headers.get("stream-error"), "restarting");
});

faultTest("a download in progress is finished", {}, async (fault) => {
  const { peers, root } = fault;
  const bytes = randomBytes(3_000_000, 1);
  await peers.put("a.bin", bytes);
  const reader = await peers.exchange({ target: "/a.bin" });
  await reader.body.atLeast(1);
  await terminate(fault);
  assert.equal(sha256((await reader.response()).body), sha256(bytes));
  assert.equal(readFileSync(join(root, "a.bin")).length, bytes.length);
});

faultTest("bytes received at full speed are stored without a gap", {}, async (fault) => {
  const { peers, root } = fault;
  const appender = await peers.appender("a.bin");
  const follower = await peers.follower("a.bin");
  const bytes = randomBytes(40_000_000, 2);
  for (let at = 0; at < bytes.length; at += 10_000) void appender.binary(bytes.subarray(at, at + 10_000));
  await follower.received.atLeast(500_000);
  await terminate(fault);
  const file = readFileSync(join(root, "a.bin"));
  const followed = await follower.received.remains();
  assert.ok(file.equals(bytes.subarray(0, file.length)), "the file is the beginning of what was sent");
  assert.ok(followed.length <= file.length, "a follower got bytes that are not stored");
  assert.ok(followed.equals(file.subarray(0, followed.length)));
});

const QUICK = { shutdownTimeoutMs: 300 };

faultTest("clients that do not read do not delay it", { limits: QUICK }, async (fault) => {
  const { peers } = fault;
  await peers.put("a.bin", randomBytes(20_000_000, 3));
  const appender = await peers.appender("a.bin");
  const follower = await peers.follower("a.bin");
  const reader = await peers.reader("a.bin");
  const download = await HttpExchange.start(peers.url, { target: "/a.bin" });
  for (const { connection } of [follower, reader, download]) connection.socket.pause();
  await appender.text("x");
  const mute = await peers.appender("b.txt", { pongs: false });
  mute.connection.socket.pause();
  await until("they stall", async () => (await peers.send({ target: "/b.txt", method: "HEAD" })).status === 200);
  await terminate(fault);
  download.connection.drop();
});

function readFileIfAny(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
