/** A store whose reads are ordinary streams, not byte streams, on each runtime's own server. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { randomBytes } from "../fixture/bytes.ts";
import { request } from "../fixture/http.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startMounted, type TestServer } from "../fixture/servers.ts";
import { V1Peer } from "../fixture/v1.ts";

const TEXT = Buffer.from(`${"漢字 and more. ".repeat(60_000)}.`);

for (const runtime of RUNTIMES) {
  const server = await startMounted(runtime);
  describe(`a store of ordinary streams on ${runtime}`, { timeout: 60_000 }, () => {
    after(() => expectCleanStop(server));
    cases(server);
  });
}

function cases({ url }: TestServer): void {
  const peers = new Peers(url);
  const mount = MOUNTS.ordinary.slice(1);
  after(() => peers.dispose());

  it("is read, whole and in ranges", async () => {
    const bytes = randomBytes(2_500_000, 5);
    const path = `${mount}/read.bin`;
    await peers.put(path, bytes);
    assert.ok((await peers.stored(path)).equals(bytes));
    for (const [from, to] of [
      [0, 0],
      [69_999, 70_001],
      [3, 2_400_000],
    ] as const) {
      const { status, body } = await request(url, { target: `/${path}`, headers: { Range: `bytes=${from}-${to}` } });
      assert.equal(status, 206);
      assert.ok(body.equals(bytes.subarray(from, to + 1)));
    }
    const { body } = await request(url, { target: `/${path}?tail=100` });
    assert.ok(body.equals(bytes.subarray(-100)));
  });

  it("is followed over every transport, from any offset", async () => {
    const path = `${mount}/follow.txt`;
    await peers.put(path, TEXT);
    const appender = await peers.appender(path, { kind: "binary" });
    const classic = await peers.follower(path);
    const late = await peers.follower(path, { query: "&offset=1000003" });
    const v1 = await V1Peer.open(url, { target: `/${path}?verb=FOLLOW&offset=5` });
    const reader = await peers.reader(path);
    await appender.send("the end");
    await Promise.all([classic.received.atLeast(TEXT.length), v1.dataAtLeast(TEXT.length)]);
    await appender.finish();
    const all = Buffer.concat([TEXT, Buffer.from("the end")]);
    for (const follower of [classic, late]) assert.equal((await follower.end()).code, 1000);
    assert.ok(classic.received.bytes().equals(all));
    assert.ok(late.received.bytes().equals(all.subarray(1_000_003)));
    await v1.closed();
    assert.ok(v1.data.equals(all.subarray(5)));
    assert.ok((await reader.body.all()).equals(all));
  });

  it("answers a follower that arrives after the end", async () => {
    const path = `${mount}/ended.txt`;
    await peers.put(path, "all of it");
    const { status, text } = await request(url, { target: `/${path}?verb=FOLLOW&offset=4` });
    assert.deepEqual([status, text], [200, "of it"]);
  });
}
