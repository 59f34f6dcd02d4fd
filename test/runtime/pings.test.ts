/**
 * Who answers pings, who stops answering, and who never did. The mounts `quick` and `patient` ping every 250 ms; `patient`
 * waits for an answer as long as a test takes.
 * @module
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { OPCODE } from "../fixture/frames.ts";
import { request } from "../fixture/http.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { RUNTIMES, type Runtime } from "../fixture/processes.ts";
import { expectCleanStop, startMounted, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { V1Peer } from "../fixture/v1.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

/** More pings than anybody may miss. */
const MANY = 12;

const SKIPS: Partial<Record<Runtime, string>> = { deno: "Deno's WebSocket gives no way to send a ping" };

for (const runtime of RUNTIMES) {
  const skip = SKIPS[runtime];
  if (skip) {
    describe(`pings on ${runtime}`, { skip }, () => {});
    continue;
  }
  const server = await startMounted(runtime);
  describe(`pings on ${runtime}`, { concurrency: 4, timeout: 60_000 }, () => {
    after(() => expectCleanStop(server));
    cases(server);
  });
}

function cases({ url }: TestServer): void {
  const open = (path: string, verb: string, pongs: boolean): Promise<WebSocketPeer> =>
    WebSocketPeer.open(url, { target: `${MOUNTS.quick}/${path}?verb=${verb}`, pongs });

  it("an appender that never answers pings, as the Go client, is left alone", async () => {
    const appender = await (await open("silent.txt", "APPEND", false)).opened();
    await appender.pings.atLeast(MANY);
    await appender.send("still here");
    assert.equal((await appender.finish()).code, 1000);
  });

  it("a quiet appender and a quiet follower that answer pings are left alone", async () => {
    const appender = await (await open("quiet.txt", "APPEND", true)).opened();
    const follower = await (await open("quiet.txt", "FOLLOW", true)).opened();
    await Promise.all([appender.pings.atLeast(MANY), follower.pings.atLeast(MANY)]);
    await appender.send("still here");
    await follower.received.atLeast(10);
  });

  it("an appender that stops answering is dead, and its path is free", async () => {
    const appender = await (await open("dead.txt", "APPEND", true)).opened();
    const follower = await (await open("dead.txt", "FOLLOW", true)).opened();
    await appender.send("last words");
    await appender.pings.atLeast(2);
    appender.answersPings = false;
    assert.equal((await appender.end()).code, 1006);
    assert.equal((await follower.end()).code, 1000);
    assert.equal(follower.received.bytes().toString(), "last words");
    await until(
      "the path to be free",
      async () => (await (await open("dead.txt", "APPEND", true)).head).status === 101,
    );
  });

  it("an appender that vanishes without a packet is dead, and its path is free", async () => {
    const appender = await (await open("vanished.txt", "APPEND", true)).opened();
    await appender.pings.atLeast(2);
    appender.connection.socket.pause();
    appender.answersPings = false;
    const target = `${MOUNTS.quick}/vanished.txt?verb=APPEND`;
    const post = (): Promise<{ status: number }> => request(url, { method: "POST", target, body: "next" });
    await until("the path to be free", async () => (await post()).status === 200);
  });

  it("a follower that stops answering is dropped, the others stay", async () => {
    const appender = await (await open("followed.txt", "APPEND", true)).opened();
    const [dead, alive] = await Promise.all([
      open("followed.txt", "FOLLOW", true).then((peer) => peer.opened()),
      open("followed.txt", "FOLLOW", true).then((peer) => peer.opened()),
    ]);
    await dead.pings.atLeast(2);
    dead.answersPings = false;
    assert.equal((await dead.end()).code, 1006);
    await appender.send("for the living");
    await appender.finish();
    assert.equal(String(await alive.received.all()), "for the living");
  });

  it("a follower that is behind is not closed before it has answered its pings: the answer would reset the connection", async () => {
    const at = (verb: string): string => `${MOUNTS.patient}/behind.txt?verb=${verb}`;
    const appender = await (await WebSocketPeer.open(url, { target: at("APPEND") })).opened();
    const follower = await V1Peer.open(url, { target: at("FOLLOW") });
    await follower.peer.pings.atLeast(1);
    follower.peer.answersPings = false;
    const answered = follower.peer.pings.length;
    await follower.peer.pings.atLeast(answered + 1);
    await appender.send("all of it");
    await appender.finish();
    await follower.control("end");
    let closed = false;
    void follower.closed().then(() => {
      closed = true;
    });
    // Two round trips: a close frame that was sent behind the end would have come.
    for (const _ of [1, 2]) assert.equal((await request(url, { target: `${MOUNTS.patient}/behind.txt` })).status, 200);
    assert.equal(closed, false, "it was closed while a ping was not answered");
    for (let left = follower.peer.pings.length - answered; left > 0; left--) await follower.peer.frame(OPCODE.pong);
    assert.equal((await follower.closed()).code, 1000);
    assert.equal(String(follower.data), "all of it");
  });
}
