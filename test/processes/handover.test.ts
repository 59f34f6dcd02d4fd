/** Handovers of a path between processes during an append; its followers do not notice. */
import assert from "node:assert/strict";
import { numberedLines, sha256 } from "../fixture/bytes.ts";
import { until } from "../fixture/until.ts";
import { clusterTest, expectEnd } from "./cluster.ts";

const BYTES = numberedLines(600_000);

clusterTest(
  "a rolling restart: the appender returns to its restarted server, although another one has taken over",
  async (cluster) => {
    const [one, other] = [await cluster.start(), await cluster.start()];
    const first = await one.append("a.bin");
    await first.peer.send(BYTES.subarray(0, 200_000));
    await first.peer.acked(200_000);
    const v1 = await other.follow("a.bin");
    const classic = await (await other.upgrade("/a.bin?verb=FOLLOW", {})).opened();
    const http = other.send("/a.bin?verb=FOLLOW");
    await v1.dataAtLeast(200_000);
    await one.process.kill9();
    await until("the other one to have the path", async () => {
      const refusal = await (await other.upgrade("/a.bin?verb=APPEND")).response();
      return refusal.status === 403 && refusal.headers.get("retry-after") !== "1";
    });

    const back = await cluster.start({}, { port: one.port });
    const again = await back.append("a.bin", `session=${first.session}`);
    assert.equal(again.offset, 200_000);
    await again.peer.send(BYTES.subarray(200_000));
    assert.equal(await again.peer.finish(), BYTES.length);
    await expectEnd(v1, BYTES, "complete");
    assert.equal((await classic.closed).code, 1000);
    assert.equal(sha256(classic.received.bytes()), sha256(BYTES));
    assert.equal(sha256((await http).body), sha256(BYTES));
    assert.equal(sha256(cluster.file("a.bin")), sha256(BYTES));
  },
);

clusterTest(
  "an appender that resumes its session on another server: its old connection is closed with 4001",
  async (cluster) => {
    const [one, other] = [await cluster.start(), await cluster.start()];
    const first = await one.append("a.bin");
    const near = await one.follow("a.bin");
    const far = await other.follow("a.bin");
    await first.peer.send(BYTES.subarray(0, 200_000));
    await first.peer.acked(200_000);

    const again = await other.append("a.bin", `session=${first.session}`);
    assert.equal(again.offset, 200_000);
    assert.equal((await first.peer.closed()).code, 4001);
    await again.peer.send(BYTES.subarray(200_000));
    assert.equal(await again.peer.finish(), BYTES.length);
    for (const follower of [near, far]) await expectEnd(follower, BYTES, "complete");
    assert.equal(sha256(cluster.file("a.bin")), sha256(BYTES));
    await until("nothing to be left", () => cluster.reserved().every((file) => !/sessions|claims|wanted/.test(file)));
  },
);

clusterTest("a server hands a session over only to a request with its token", async (cluster) => {
  const [one, other] = [await cluster.start(), await cluster.start()];
  const first = await one.append("a.bin");
  await first.peer.send("mine");
  await first.peer.acked(4);
  assert.equal(await other.status("/a.bin?verb=APPEND&session=another-client"), 410);
  assert.equal(await other.status("/a.bin?verb=APPEND"), 403);
  await first.peer.send(", still");
  assert.equal(await first.peer.finish(), 11);
});
