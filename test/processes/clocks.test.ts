/** Servers on one folder with clocks that differ, and that are set during appends: no byte and no path is lost. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { Clock } from "../fixture/clock.ts";
import { until } from "../fixture/until.ts";
import { type Cluster, clusterTest, type Server } from "./cluster.ts";

const HOUR = 3_600;

/** Offsets of the second server's clock from the first one's, in seconds. */
const STEPS = [HOUR, -HOUR, 15, -15, 24 * HOUR, 0];

/** Runs a process in its own PID namespace. The process dies with its parent. */
const NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

const noNamespace =
  spawnSync(NAMESPACE[0] as string, [...NAMESPACE.slice(1), "true"]).status === 0
    ? undefined
    : "process namespaces need a privilege that this user does not have";

/** Expects that a path with an appender on another server is refused to every kind of append. */
async function expectTaken(server: Server, path: string): Promise<void> {
  assert.equal(await server.status(`/${path}?verb=APPEND`), 403);
  assert.equal(await server.status(`/${path}?verb=APPEND`, {}), 403);
  assert.equal((await server.send(`/${path}?verb=APPEND`, "POST", "theirs")).status, 403);
}

/** Appends through one server while the other one asks for the path and a clock is set. */
async function appendWhileSet(cluster: Cluster, [owner, other]: readonly [Server, Server], set: () => void) {
  const names = ["v1.txt", "classic.txt"];
  const v1 = await owner.append("v1.txt");
  const classic = await owner.classic("classic.txt");
  const inodes = (): number[] => names.map((name) => statSync(join(cluster.root, cluster.folder, name)).ino);
  const before = inodes();
  let size = 0;
  const append = async (): Promise<void> => {
    size += 6;
    await v1.peer.send("bytes ");
    await v1.peer.acked(size);
    await classic.send("bytes ");
    await until("the classic bytes", () => cluster.file("classic.txt").length === size);
  };
  await append();
  set();
  for (let round = 0; round < 3; round++) {
    for (const name of names) await expectTaken(other, name);
    await append();
  }
  assert.equal(await v1.peer.finish(), size);
  classic.connection.drop();
  await until("the classic path to be free", async () => {
    return (await other.send("/classic.txt?verb=APPEND", "POST", "")).status === 200;
  });
  for (const name of names) assert.equal(String(cluster.file(name)), "bytes ".repeat(size / 6));
  assert.deepEqual(inodes(), before, "the files are still the same");
}

describe("clocks", { concurrency: 2 }, () => {
  clusterTest("the path of a living process is not taken over, whatever the clocks say", async (cluster) => {
    const clock = new Clock(join(cluster.root, "clock"));
    const [one, other] = [await cluster.start(), await cluster.start({}, { clock })];
    for (const [at, seconds] of STEPS.entries()) {
      for (const pair of [[one, other] as const, [other, one] as const]) {
        cluster.folder = `/step-${at}-${pair[0] === one ? "one" : "other"}`;
        await appendWhileSet(cluster, pair, () => clock.set(seconds));
      }
    }
  });
});

// Some of these tests wait for a lease to expire, so they run at the same time.
describe("process namespaces", { concurrency: 3, skip: noNamespace ?? false }, () => {
  clusterTest(
    "a living process in another PID namespace does not count as dead, whatever its clock says",
    async (cluster) => {
      const clock = new Clock(join(cluster.root, "clock"));
      const one = await cluster.start();
      const hidden = await cluster.start({}, { through: NAMESPACE, clock });
      for (const [at, seconds] of [-HOUR, HOUR].entries()) {
        for (const pair of [[hidden, one] as const, [one, hidden] as const]) {
          cluster.folder = `/step-${at}-${pair[0] === one ? "one" : "hidden"}`;
          await appendWhileSet(cluster, pair, () => clock.set(seconds));
        }
      }
    },
  );

  clusterTest(
    "a process that died in another PID namespace, with its clock ahead, keeps its paths for one lease and no longer",
    async (cluster) => {
      const clock = new Clock(join(cluster.root, "clock"));
      clock.set(HOUR);
      const one = await cluster.start();
      const hidden = await cluster.start({}, { through: NAMESPACE, clock });
      const classic = await hidden.classic("classic.txt");
      await classic.send("before ");
      const { peer, session } = await hidden.append("v1.txt");
      await peer.send("before ");
      await peer.acked(7);
      await until("the classic bytes", () => cluster.file("classic.txt").length === 7);
      // The first sign of life with a time from its own clock comes only after a while.
      await until("a sign of life from the future", () => cluster.reserved().some(isFromTheFuture));
      await hidden.process.kill9();
      const refusal = await one.send("/classic.txt?verb=APPEND", "POST", "after");
      assert.equal(refusal.status, 403);
      const seconds = Number(refusal.headers.get("retry-after"));
      assert.ok(seconds >= 1 && seconds <= 10, `to be tried again after ${seconds} s`);
      await until("the classic path to be free", async () => {
        return (await one.send("/classic.txt?verb=APPEND", "POST", "after")).status === 200;
      });
      const again = await one.resume("v1.txt", session);
      await again.peer.send("after");
      assert.equal(await again.peer.finish(), 12);
      for (const name of ["classic.txt", "v1.txt"]) assert.equal(String(cluster.file(name)), "before after");
    },
  );
});

function isFromTheFuture(file: string): boolean {
  const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: 0 };
  return mtimeMs > Date.now() + (HOUR * 1000) / 2;
}
