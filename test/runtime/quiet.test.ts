/**
 * Quiet connections outlive the default timeouts of the runtimes: Deno ends a WebSocket after 30 s without a pong, Bun
 * a WebSocket after 120 s, and a quiet response or a slow upload after 10 s. There is no event for "nothing happened",
 * so these tests wait for time to pass: once, for all targets together. `HTTPFSTREAM_QUIET_SECONDS=130` covers the
 * longest timeout, too.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { HttpExchange, request } from "../fixture/http.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startMounted, startStandalone, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { WebSocketPeer } from "../fixture/websocket.ts";

const QUIET_SECONDS = Number(process.env["HTTPFSTREAM_QUIET_SECONDS"] ?? 35);

interface Quiet {
  server: TestServer;
  mute: WebSocketPeer;
  follower: WebSocketPeer;
  upload: HttpExchange;
  download: HttpExchange;
}

describe(`connections that are quiet for ${QUIET_SECONDS} s`, { timeout: (QUIET_SECONDS + 60) * 1_000 }, () => {
  const quiet = new Map<string, Quiet>();

  before(async () => {
    for (const runtime of RUNTIMES) {
      quiet.set(`mounted on ${runtime}`, await settle(await startMounted(runtime), MOUNTS.plain));
      quiet.set(`standalone on ${runtime}`, await settle(await startStandalone(runtime), ""));
    }
    await sleep(QUIET_SECONDS * 1_000);
  });

  after(async () => {
    const stops = await Promise.allSettled([...quiet.values()].map(({ server }) => expectCleanStop(server)));
    assert.deepEqual(
      stops.filter(({ status }) => status === "rejected"),
      [],
    );
  });

  for (const name of RUNTIMES.flatMap((runtime) => [`mounted on ${runtime}`, `standalone on ${runtime}`])) {
    it(`an appender that never answers pings, and its follower, ${name}`, async () => {
      const { mute, follower } = quiet.get(name) as Quiet;
      await mute.send("two");
      assert.equal(String(await follower.received.atLeast(6)), "onetwo");
      assert.equal((await mute.finish()).code, 1000);
      assert.equal((await follower.end()).code, 1000);
    });

    it(`an upload that trickles, and a download that waits for it, ${name}`, async () => {
      const { upload, download } = quiet.get(name) as Quiet;
      await upload.chunk("two");
      assert.equal(String(await download.body.atLeast(6)), "onetwo");
      await upload.finish();
      assert.equal((await upload.response()).status, 200);
      assert.equal(String(await download.body.all()), "onetwo");
    });
  }
});

async function settle(server: TestServer, mount: string): Promise<Quiet> {
  const { url } = server;
  const socket = (verb: string, pongs: boolean): Promise<WebSocketPeer> =>
    WebSocketPeer.open(url, { target: `${mount}/socket.txt?verb=${verb}`, kind: "binary", pongs });
  const mute = await (await socket("APPEND", false)).opened();
  const follower = await (await socket("FOLLOW", true)).opened();
  await mute.send("one");
  await follower.received.atLeast(3);

  const target = `${mount}/http.txt?verb=APPEND`;
  const headers = { "Transfer-Encoding": "chunked" };
  const upload = await HttpExchange.start(url, { method: "PUT", target, headers });
  await upload.chunk("one");
  const uploaded = async (): Promise<boolean> => (await request(url, { target: `${mount}/http.txt` })).text === "one";
  await until("the upload to begin", uploaded);
  const download = await HttpExchange.start(url, { target: `${mount}/http.txt?verb=FOLLOW` });
  await download.body.atLeast(3);
  return { server, mute, follower, upload, download };
}
