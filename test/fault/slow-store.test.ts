/** A slow or failing store behind a server with real sockets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Limits } from "../../src/engine/limits.ts";
import { randomBytes } from "../fixture/bytes.ts";
import { SlowServer } from "../fixture/slow-server.ts";
import { until, within } from "../fixture/until.ts";

function slowTest(what: string, limits: Partial<Limits>, run: (server: SlowServer) => Promise<void>): void {
  test(what, { timeout: 60_000 }, async () => {
    const server = await SlowServer.start(limits);
    try {
      await run(server);
    } finally {
      await server.stop();
    }
  });
}

const BUSY: Partial<Limits> = { pingIntervalMs: 20, appenderQueueBytes: 1000 };

slowTest("an appender that waits for the store does not count as dead", BUSY, async (server) => {
  const appender = await server.appender("a.bin");
  await appender.pings.atLeast(3);
  server.store.holding = true;
  const bytes = randomBytes(3_000_000, 1);
  void appender.binary(bytes.subarray(0, 2_000));
  const held = await server.store.next();
  void appender.binary(bytes.subarray(2_000));
  // While the server reads nothing from the appender, it reads no pongs. Wait for more pings than may be missed.
  await appender.pings.atLeast(appender.pings.length + 10);
  await held.store();
  await server.store.letGo();
  await appender.finish();
  await server.ended("a.bin");
  assert.equal((await server.store.stat("a.bin"))?.size, bytes.length);
});

const IMPATIENT: Partial<Limits> = { idleTimeoutMs: 500, appenderQueueBytes: 1000, pingIntervalMs: 20 };

slowTest("an appender is not cut off as idle while it waits for the store", IMPATIENT, async (server) => {
  const appender = await server.appender("a.bin");
  server.store.holding = true;
  void appender.binary(randomBytes(2_000, 2));
  const held = await server.store.next();
  void appender.binary(randomBytes(2_000, 3));
  await appender.pings.atLeast(60);
  await held.store();
  await server.store.letGo();
  await until("all of it to be stored", async () => (await server.store.stat("a.bin"))?.size === 4_000);
  assert.equal((await appender.end()).code, 1008, "once it is really idle it is cut off");
  assert.equal(await server.ended("a.bin"), "idle");
});

slowTest("an upload is not cut off as idle while it waits for the store", IMPATIENT, async (server) => {
  const clock = await server.appender("clock.txt", { pongs: true });
  const keepAlive = setInterval(() => void clock.text("."), 10);
  server.store.holding = false;
  const upload = await server.upload("a.bin");
  await until("the upload", () => server.log.some((event) => "path" in event && event.path === "a.bin"));
  server.store.holding = true;
  void upload.chunk(randomBytes(2_000, 2));
  const held = await until("its write", () => {
    const at = server.store.held.findIndex(({ path }) => path === "a.bin");
    return at < 0 ? undefined : server.store.held.splice(at, 1)[0];
  });
  void upload.chunk(randomBytes(2_000, 3));
  await clock.pings.atLeast(clock.pings.length + 60);
  await held.store();
  await server.store.letGo();
  await upload.finish();
  const { status } = await upload.response();
  clearInterval(keepAlive);
  assert.equal(status, 200);
  assert.equal((await server.store.stat("a.bin"))?.size, 4_000);
});

slowTest("a file that can't be closed affects nothing else", {}, async (server) => {
  const appender = await server.appender("a.txt");
  const follower = await server.follower("a.txt");
  await appender.text("stored");
  await follower.received.atLeast(6);
  server.store.beforeRelease = Promise.reject(new Error("no"));
  server.store.beforeRelease.catch(() => {});
  appender.connection.drop();
  assert.equal((await follower.end()).code, 1000);
  assert.equal(String(follower.received.bytes()), "stored");
  const upload = await server.upload("b.txt");
  await upload.chunk("x");
  await upload.finish();
  assert.equal((await upload.response()).status, 500);
  server.store.beforeRelease = Promise.resolve();
  for (const path of ["a.txt", "b.txt"]) await (await server.appender(path)).finish();
});

slowTest("a server that closes while an upload is being admitted does not wait for its body", {}, async (server) => {
  let claim = (): void => {};
  server.store.beforeClaim = new Promise((resolve) => {
    claim = resolve;
  });
  const upload = await server.upload("a.txt");
  const appender = await server.exchange({ target: "/b.txt?verb=APPEND", headers: upgrade });
  await until("both to ask", async () => (await server.exchange({ target: "/" })).response().then(() => true));
  const closing = server.closeApp();
  claim();
  await within(closing, "the app to close", 5_000);
  assert.equal((await upload.response()).status, 503);
  assert.equal((await appender.response()).status, 503);
});

slowTest("a server that closes while an appender's conditions are checked releases its path", {}, async (server) => {
  const { store } = server;
  await server.put("a.txt", Buffer.from("there"));
  let [claim, look] = [() => {}, () => {}];
  store.beforeClaim = new Promise((resolve) => {
    claim = resolve;
  });
  const claims = store.claims;
  const headers = { ...upgrade, "If-Match": "*" };
  const appender = await server.exchange({ target: "/a.txt?verb=APPEND", headers });
  await until("the claim", () => store.claims > claims);
  store.beforeStat = new Promise((resolve) => {
    look = resolve;
  });
  const { stats } = store;
  claim();
  await until("the check after the claim", () => store.stats > stats);
  const closing = server.closeApp();
  look();
  await within(closing, "the app to close", 5_000);
  assert.equal((await appender.response()).status, 503);
});

const upgrade = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": Buffer.alloc(16, 1).toString("base64"),
};

slowTest("a failure of the first write is reported to the appender and to the log", {}, async (server) => {
  const appender = await server.appender("a.txt");
  server.store.holding = true;
  void appender.text("one");
  void appender.text("two");
  (await server.store.next()).fail("no_space");
  const { code, reason } = await appender.end();
  assert.equal(code, 1011);
  assert.match(reason, /fails "\/a\.txt"/);
  assert.equal(await server.ended("a.txt"), "no_space");
  server.store.holding = false;
  await (await server.appender("a.txt")).finish();
});

slowTest("bytes that arrive while the store stalls are bounded", { appenderQueueBytes: 50_000 }, async (server) => {
  const appender = await server.appender("a.bin");
  server.store.holding = true;
  const before = process.memoryUsage().external + process.memoryUsage().arrayBuffers;
  const bytes = randomBytes(200_000, 4);
  let sent = 0;
  const blocked = { now: false };
  while (!blocked.now && sent < 2000) {
    const write = appender.binary(bytes);
    sent++;
    blocked.now = await Promise.race([write.then(() => false), until("a pause", () => false, 300).catch(() => true)]);
  }
  assert.ok(blocked.now, "the appender is held up by the network");
  const used = process.memoryUsage().external + process.memoryUsage().arrayBuffers - before;
  assert.ok(used < 40_000_000, `${used} bytes`);
  appender.connection.drop();
});

slowTest("an internal error is reported to the log, and not to the client", {}, async (server) => {
  const secret = "EIO: i/o error, open '/srv/secret/root/a.txt'";
  const broken = Promise.reject(Object.assign(new Error(secret), { code: "EIO" }));
  broken.catch(() => {});
  server.store.beforeStat = broken;
  const { status, text, headers } = await server.send({ target: "/a.txt" });
  assert.equal(status, 500);
  assert.equal(headers.get("stream-error"), "storage");
  assert.doesNotMatch(text, /secret/);
  assert.match(text, /log/);
  const logged = server.log.find((event) => event.type === "error");
  assert.ok(logged?.type === "error" && logged.error instanceof Error);
  assert.equal((logged.error.cause as Error).message, secret);
});
