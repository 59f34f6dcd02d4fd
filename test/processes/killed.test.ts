/** Two servers on one folder; one is killed or shut down during appends. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { randomBytes, sha256 } from "../fixture/bytes.ts";
import { until } from "../fixture/until.ts";
import { type Cluster, clusterTest, expectEnd, restOf } from "./cluster.ts";

clusterTest("kill -9 of one server: the other takes its paths at once, and sessions continue", async (cluster) => {
  const [one, other] = [await cluster.start(), await cluster.start()];
  const bytes = randomBytes(600_000, 7);
  const first = await one.append("a.bin");
  const classic = await one.classic("classic.txt");
  const follower = await other.follow("a.bin");
  const ofClassic = await other.follow("classic.txt");
  await classic.send("dead");
  await ofClassic.dataAtLeast(4);
  await first.peer.send(bytes.subarray(0, 200_000));
  await first.peer.acked(200_000);
  void first.peer.send(bytes.subarray(200_000, 400_000));
  await one.process.kill9();

  const again = await other.resume("a.bin", first.session);
  assert.ok(again.offset >= 200_000 && again.offset <= 400_000, `it goes on at ${again.offset}`);
  await again.peer.send(bytes.subarray(again.offset));
  assert.equal(await again.peer.finish(), bytes.length);
  assert.equal(sha256(cluster.file("a.bin")), sha256(bytes));
  assert.equal(sha256(await restOf(other, "a.bin", follower)), sha256(bytes));
  await expectEnd(ofClassic, "dead", "lost");
  assert.equal((await other.append("classic.txt")).offset, 4);
});

clusterTest("SIGTERM of one during an append: 1012, and the client continues on the other", async (cluster) => {
  const [one, other] = [await cluster.start(), await cluster.start()];
  const bytes = randomBytes(600_000, 8);
  const first = await one.append("a.bin");
  const [near, far] = [await one.follow("a.bin"), await other.follow("a.bin")];
  await first.peer.send(bytes.subarray(0, 300_000));
  await first.peer.acked(300_000);
  const stopped = one.process.program.stop();
  for (const peer of [first.peer, near]) assert.equal((await peer.closed()).code, 1012);
  assert.ok(
    near.controls.every(({ type }) => type !== "end"),
    "nothing has ended",
  );
  assert.deepEqual(await stopped, { code: 0, signal: null });
  const again = await other.resume("a.bin", first.session);
  assert.equal(again.offset, 300_000);
  await again.peer.send(bytes.subarray(300_000));
  assert.equal(await again.peer.finish(), bytes.length);
  assert.equal(sha256(await restOf(other, "a.bin", near)), sha256(bytes));
  assert.equal(sha256(await restOf(other, "a.bin", far)), sha256(bytes));
});

clusterTest("a session whose client does not return is lost, on whichever server it is", async (cluster) => {
  const [one, other] = [await cluster.start({ graceMs: 1_000 }), await cluster.start({ graceMs: 1_000 })];
  const { peer, session } = await one.append("a.txt");
  await peer.send("so far");
  await peer.acked(6);
  await one.process.kill9();
  const follower = await other.follow("a.txt");
  assert.equal(await other.status("/a.txt?verb=APPEND"), 403, "the path is held for the session's grace");
  await expectEnd(follower, "so far", "lost");
  assert.equal(await other.status(`/a.txt?verb=APPEND&session=${session}`), 410);
  await until("nothing to be left", () => cluster.reserved().every((file) => !file.includes("sessions")));
});

clusterTest("kill -9 and a restart: the path is reserved for the grace period, then free", async (cluster) => {
  const server = await cluster.start();
  const { peer, session } = await server.append("a.txt");
  await peer.send("so far");
  await peer.acked(6);
  await server.process.kill9();
  const again = await cluster.start({ graceMs: 6_000 });
  const refusal = await (await again.upgrade("/a.txt?verb=APPEND")).response();
  assert.deepEqual([refusal.status, refusal.headers.get("stream-error")], [403, "conflict"]);
  assert.match(refusal.headers.get("retry-after") ?? "", /^[0-6]$/, "it says when to come back");
  const put = await again.send("/a.txt?verb=APPEND", "PUT", "mine");
  assert.equal(put.status, 403);
  const follower = await again.follow("a.txt");
  await expectEnd(follower, "so far", "lost");
  assert.equal(await again.status(`/a.txt?verb=APPEND&session=${session}`), 410);
  await until("the path to be free", async () => (await again.status("/a.txt?verb=APPEND&offset=6")) === 101);
});

clusterTest(
  "kill -9 repeatedly: the grace period continues where it was, and starts afresh after a resume",
  async (cluster) => {
    const limits = { graceMs: 3_600_000 };
    const server = await cluster.start(limits);
    const { peer, session } = await server.append("a.txt");
    await peer.send("so far");
    await peer.acked(6);
    assert.equal(graceLeftMs(cluster), limits.graceMs);
    await server.process.kill9();
    await strike(cluster, limits, limits.graceMs);
    await strike(cluster, limits, graceLeftMs(cluster) as number);

    const third = await cluster.start(limits);
    const again = await third.resume("a.txt", session);
    assert.equal(again.offset, 6);
    await until("the grace to be whole", () => graceLeftMs(cluster) === limits.graceMs);
    await third.process.kill9();

    let strikes = 0;
    for (let left: number | undefined = limits.graceMs; left !== undefined && left > 0; strikes++) {
      left = await strike(cluster, limits, left);
    }
    assert.ok(strikes > 10 && strikes < 20, `it took ${strikes} servers to spend the grace`);
    const last = await cluster.start(limits);
    await until("the path to be free", async () => (await last.status("/a.txt?verb=APPEND&offset=6")) === 101);
    assert.equal(await last.status(`/a.txt?verb=APPEND&session=${session}`), 410);
  },
  ["node"],
);

/** Starts a server, kills it once part of the grace period is spent, and returns what is left in milliseconds. */
async function strike(cluster: Cluster, limits: { graceMs: number }, before: number): Promise<number | undefined> {
  const server = await cluster.start(limits);
  await until("some of the grace to be spent", () => graceLeftMs(cluster) !== before);
  await server.process.kill9();
  return graceLeftMs(cluster);
}

/** The remaining grace period on record for the only session, in milliseconds; undefined without a session. */
function graceLeftMs(cluster: Cluster): number | undefined {
  const file = cluster.reserved().find((name) => name.includes("sessions"));
  if (file === undefined) return undefined;
  const { graceLeftMs = 3_600_000 } = JSON.parse(readFileSync(file, "utf8")) as { graceLeftMs?: number };
  return graceLeftMs;
}
