/** Dead, silent and idle peers. */
import assert from "node:assert/strict";
import { until } from "../fixture/until.ts";
import { OFFER, V1Peer } from "../fixture/v1.ts";
import { faultTest } from "./standalone.ts";

/** A busy machine does not delay a test for as long as three missed pings. */
const PINGS = { pingIntervalMs: 250 };

faultTest("the path of an appender that answered pings and stopped is free", { limits: PINGS }, async ({ peers }) => {
  const appender = await peers.appender("a.txt");
  const follower = await peers.follower("a.txt");
  await appender.text("last words");
  await appender.pings.atLeast(2);
  appender.answersPings = false;
  assert.equal((await follower.end()).code, 1000);
  assert.equal(String(follower.received.bytes()), "last words");
  await (await peers.admitted("a.txt")).finish();
  assert.equal((await appender.end()).code, 1006);
});

faultTest("an appender whose machine stands still counts as dead", { limits: PINGS }, async ({ peers }) => {
  const appender = await peers.appender("a.txt");
  const follower = await peers.follower("a.txt");
  await appender.text("last words");
  await appender.pings.atLeast(2);
  appender.connection.socket.pause();
  assert.equal((await follower.end()).code, 1000);
  await (await peers.admitted("a.txt")).finish();
});

faultTest("a follower that answered pings and stopped is dropped", { limits: PINGS }, async ({ peers }) => {
  const appender = await peers.appender("a.txt");
  const follower = await peers.follower("a.txt");
  const other = await peers.follower("a.txt");
  await follower.pings.atLeast(2);
  follower.answersPings = false;
  assert.equal((await follower.end()).code, 1006);
  await appender.text("for the living");
  await appender.finish();
  assert.equal((await other.end()).code, 1000);
  assert.equal(String(other.received.bytes()), "for the living");
});

faultTest("an appender that never answers pings is kept, however silent", { limits: PINGS }, async ({ peers }) => {
  const appender = await peers.appender("a.txt", { pongs: false });
  const follower = await peers.follower("a.txt", { pongs: false });
  await appender.pings.atLeast(25);
  const refused = await (await peers.upgrade("/a.txt?verb=APPEND")).response();
  assert.equal(refused.status, 403);
  await appender.text("still here");
  await follower.received.atLeast(10);
  await appender.finish();
  assert.equal((await follower.end()).code, 1000);
});

/** The pings only measure time: none of these peers misses enough of them. */
const IDLE = { idleTimeoutMs: 1_000, pingIntervalMs: 50, missedPings: 1_000 };

faultTest("an idle timeout cuts silent appenders off, and says so", { limits: IDLE }, async ({ peers, server }) => {
  const appender = await peers.appender("a.txt");
  const follower = await peers.follower("a.txt");
  await appender.text("last words");
  const { code, reason } = await appender.end();
  assert.equal(code, 1008);
  assert.match(reason, /nothing arrived/i);
  assert.equal((await follower.end()).code, 1000);
  assert.equal(String(follower.received.bytes()), "last words");

  const upload = await peers.upload("a.txt");
  await upload.chunk(" of another");
  const { status, text, headers } = await upload.response();
  assert.equal(status, 408);
  assert.match(text, /nothing arrived/i);
  assert.equal(headers.get("stream-next-offset"), "0000000000000021");
  assert.equal(String(await peers.stored("a.txt")), "last words of another");
  await (await peers.admitted("a.txt")).finish();
  assert.equal((await server.stop()).code, 0, server.program.output);
});

faultTest(
  "an idle timeout ends the session of a silent appender, and frees its path",
  { limits: IDLE },
  async (parts) => {
    const { peers, server } = parts;
    const target = "/a.txt?verb=APPEND";
    const appender = await V1Peer.open(server.url, { target });
    const { session } = await appender.control("start");
    const follower = await V1Peer.open(server.url, { target: "/a.txt?verb=FOLLOW" });
    await appender.send("last words");
    assert.equal((await follower.control("end")).reason, "lost");
    assert.equal(String(follower.data), "last words");
    const { code, reason } = await appender.closed();
    assert.equal(code, 1008);
    assert.match(reason, /nothing arrived/i);
    const resumed = await peers.upgrade(`${target}&session=${session}`, { headers: OFFER });
    assert.equal((await resumed.response()).status, 410);
    await (await peers.admitted("a.txt")).finish();
  },
);

faultTest("an idle timeout spares active appenders and all followers", { limits: IDLE }, async ({ peers }) => {
  const appender = await peers.appender("a.txt");
  const upload = await peers.upload("b.txt");
  const follower = await peers.follower("a.txt", { query: "&offset=now" });
  // Twice as long as the timeout, counted in pings, with one byte per ping.
  for (let count = 1; count <= 40; count++) {
    await appender.pings.atLeast(count);
    await Promise.all([appender.text("."), upload.chunk(".")]);
  }
  await follower.received.atLeast(40);
  await upload.finish();
  assert.equal((await upload.response()).status, 200);
  await appender.finish();
  assert.equal((await follower.end()).code, 1000);
});

faultTest("a server that ends leaves no ping timer behind", { limits: PINGS }, async ({ peers, server }) => {
  const appender = await peers.appender("a.txt");
  await appender.pings.atLeast(1);
  await appender.finish();
  await until("the path to be free", async () => (await peers.send({ target: "/a.txt" })).status === 200);
  assert.equal((await server.stop()).code, 0);
});
