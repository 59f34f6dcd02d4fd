/** What the workers of a server are to each other: followers, streams with many writers, and the lease that they share. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { request } from "../fixture/http.ts";
import { until } from "../fixture/until.ts";
import { V1Peer } from "../fixture/v1.ts";
import { Workers, workersTest } from "./group.ts";

const PEERS = 8;

workersTest("followers at all workers get an append by the lease of the group, and its end", async (t, runtime) => {
  const workers = await Workers.start(t, runtime, 2);
  const { url, root } = workers.server;
  const appender = await V1Peer.open(url, { target: "/a.txt?verb=APPEND" });
  await appender.control("start");
  const pid = await workers.ownerOf("a.txt");
  const followers = await Promise.all(
    Array.from({ length: PEERS }, () => V1Peer.open(url, { target: "/a.txt?verb=FOLLOW" })),
  );
  let sent = "";
  for (let round = 0; round < 20; round++) {
    await appender.send(`line ${round}\n`);
    sent += `line ${round}\n`;
    for (const follower of followers) await follower.dataAtLeast(sent.length);
  }
  assert.equal(await workers.ownerOf("a.txt"), pid, "it is still by the lease");
  assert.ok(readdirSync(join(root, ".httpfstream", "leases")).includes("held"), "followers do not break the lease");
  assert.equal(await appender.finish(), sent.length);
  for (const follower of followers) {
    assert.equal((await follower.closed()).code, 1000);
    assert.deepEqual([follower.data.toString(), follower.controls.at(-1)?.reason], [sent, "complete"]);
  }
});

workersTest("a path has one appender among the workers", async (t, runtime) => {
  const workers = await Workers.start(t, runtime, 2);
  const { url } = workers.server;
  const appender = await V1Peer.open(url, { target: "/a.txt?verb=APPEND" });
  await appender.control("start");
  for (let count = 0; count < PEERS; count++) {
    const { status } = await request(url, { target: "/a.txt?verb=APPEND", method: "PUT", body: "mine" });
    assert.equal(status, 403);
  }
  await appender.finish();
  const { status } = await request(url, { target: "/a.txt?verb=APPEND", method: "PUT", body: "mine" });
  assert.ok(status === 200 || status === 201 || status === 204, `it got ${status}`);
});

workersTest(
  "a stream is written through all workers, and a long-poll at any of them gets each message",
  async (t, runtime) => {
    const workers = await Workers.start(t, runtime, 2);
    const { url } = workers.server;
    const post = async (body: string): Promise<void> => {
      const headers = { "Content-Type": "text/plain", Connection: "close" };
      const { status } = await request(url, { target: "/s", method: "POST", headers, body });
      assert.ok(status >= 200 && status < 300, `the POST got ${status}`);
    };
    const made = await request(url, { target: "/s", method: "PUT", headers: { "Content-Type": "text/plain" } });
    assert.equal(made.status, 201);
    let [offset, expected] = ["-1", ""];
    for (let round = 0; round < 12; round++) {
      const polling = request(url, { target: `/s?offset=${offset}&live=long-poll`, headers: { Connection: "close" } });
      await post(`message ${round}\n`);
      expected += `message ${round}\n`;
      const { status, headers, body } = await polling;
      assert.equal(status, 200);
      offset = headers.get("stream-next-offset") ?? "";
      assert.ok(expected.endsWith(body.toString()), `round ${round} got ${body}`);
    }
    await until("the whole stream", () => workers.file("s").toString() === expected);
  },
);
