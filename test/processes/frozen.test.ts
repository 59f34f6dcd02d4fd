/** Two servers on one folder; one is stopped during appends, and continues after its lease has expired. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { until } from "../fixture/until.ts";
import { type Cluster, clusterTest, expectEnd } from "./cluster.ts";

// Each test waits ten seconds for a lease to expire, so they run at the same time.
describe("a server that is stopped for longer than its lease", { concurrency: 4 }, () => {
  clusterTest(
    "a stopped server loses its paths after ten seconds, and writes nothing when it continues",
    async (cluster) => {
      const [sleeper, other] = [await cluster.start(), await cluster.start()];
      const busy = await sleeper.append("busy.txt");
      const quiet = await sleeper.append("quiet.txt");
      const classic = await sleeper.classic("classic.txt");
      const near = await sleeper.follow("quiet.txt");
      const far = await other.follow("busy.txt");
      await busy.peer.send("before ");
      await quiet.peer.send("before ");
      await classic.send("before ");
      await Promise.all([busy.peer.acked(7), quiet.peer.acked(7), far.dataAtLeast(7)]);
      await until("the classic bytes", () => cluster.file("classic.txt").length === 7);
      sleeper.freeze();
      // The server finds these on its connections when it continues.
      void busy.peer.send("SLEEPER");
      void busy.peer.say({ type: "end" });
      void classic.send("SLEEPER");
      const newBusy = await other.resume("busy.txt", busy.session);
      const newQuiet = await other.resume("quiet.txt", quiet.session);
      assert.deepEqual([newBusy.offset, newQuiet.offset], [7, 7]);
      await until("the classic path", async () => (await other.status("/classic.txt?verb=APPEND")) === 101);
      await newBusy.peer.send("after");
      await newBusy.peer.acked(12);
      sleeper.wake();
      for (const { peer } of [busy, quiet]) assert.equal((await peer.closed()).code, 1012);
      assert.equal((await classic.end()).code, 1011);
      assert.ok(busy.peer.controls.every(({ type, offset }) => type !== "end" && (type !== "ack" || offset === 7)));
      await newQuiet.peer.send("after");
      await near.dataAtLeast(12);
      assert.deepEqual([await newBusy.peer.finish(), await newQuiet.peer.finish()], [12, 12]);
      for (const follower of [near, far]) await expectEnd(follower, "before after", "complete");
      for (const path of ["busy.txt", "quiet.txt"]) assert.equal(String(cluster.file(path)), "before after");
      assert.equal(String(cluster.file("classic.txt")), "before ");
      await until("no claim to be left", () => cluster.reserved().every((file) => !/\/(entries|leases)\//.test(file)));
    },
  );

  clusterTest(
    "a session taken over from a stopped server survives a crash, although that server continues meanwhile",
    async (cluster) => {
      const [sleeper, second] = [await cluster.start({ graceMs: 3_000 }), await cluster.start()];
      const first = await sleeper.append("a.txt");
      await first.peer.send("one ");
      await first.peer.acked(4);
      // The session's grace period has expired when the server continues.
      first.peer.peer.connection.drop();
      // A server that was stopped during this write would finish the write when it continues.
      await until("the grace to be on record", () => sessionOf(cluster).includes("graceLeftMs"));
      sleeper.freeze();
      const next = await second.resume("a.txt", first.session);
      await next.peer.send("two ");
      await next.peer.acked(8);
      sleeper.wake();
      await until("the sleeper to notice", async () => {
        const refusal = await (await sleeper.upgrade("/a.txt?verb=APPEND")).response();
        return /another server process/i.test(refusal.text);
      });
      await second.process.kill9();
      const last = await sleeper.resume("a.txt", first.session);
      assert.equal(last.offset, 8);
      await last.peer.send("three");
      assert.equal(await last.peer.finish(), 13);
      assert.equal(String(cluster.file("a.txt")), "one two three");
    },
  );

  clusterTest("a stopped server keeps its session from other clients during the grace period", async (cluster) => {
    const [sleeper, other] = [await cluster.start(), await cluster.start()];
    const { peer } = await sleeper.append("a.txt");
    const classic = await sleeper.classic("classic.txt");
    await peer.send("before ");
    await peer.acked(7);
    await classic.send("before ");
    await until("the classic bytes", () => cluster.file("classic.txt").length === 7);
    const { ino } = statSync(join(cluster.root, "a.txt"));
    sleeper.freeze();
    await until("the sleeper to have lost a path without a session", async () => {
      return (await other.status("/classic.txt?verb=APPEND&offset=7", {})) === 101;
    });
    assert.equal(await other.status("/a.txt?verb=APPEND"), 403);
    assert.equal(await other.status("/a.txt?verb=APPEND", {}), 403);
    assert.equal(await other.status("/a.txt?verb=APPEND&offset=3"), 403, "who has the path comes before its size");
    assert.equal(await other.status("/a.txt?verb=APPEND&session=another-client"), 410);
    assert.equal((await other.send("/a.txt?verb=APPEND", "POST", "theirs")).status, 403);
    const follower = await other.follow("a.txt");
    sleeper.wake();
    await peer.send("after");
    assert.equal(await peer.finish(), 12);
    await expectEnd(follower, "before after", "complete");
    assert.equal(String(cluster.file("a.txt")), "before after");
    assert.equal(statSync(join(cluster.root, "a.txt")).ino, ino, "the file was not touched");
  });

  clusterTest("a server that is stopped beyond the grace period loses its session to others", async (cluster) => {
    const limits = { graceMs: 1_500 };
    const [sleeper, other] = [await cluster.start(limits), await cluster.start(limits)];
    const { peer, session } = await sleeper.append("a.txt");
    await peer.send("before ");
    await peer.acked(7);
    sleeper.freeze();
    void peer.send("SLEEPER");
    await until("the path to be free", async () => {
      return (await other.send("/a.txt?verb=APPEND", "POST", "after")).status === 200;
    });
    sleeper.wake();
    assert.equal((await peer.closed()).code, 1012);
    assert.equal(await other.status(`/a.txt?verb=APPEND&session=${session}`), 410);
    assert.equal(String(cluster.file("a.txt")), "before after");
  });
});

/** The record of the only session, or the empty string. */
function sessionOf(cluster: Cluster): string {
  const file = cluster.reserved().find((name) => name.includes("sessions"));
  return file === undefined ? "" : readFileSync(file, "utf8");
}
