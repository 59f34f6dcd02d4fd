/** A server that is alone on its folder continues all its appends after it was stopped for a while. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../fixture/until.ts";
import { type Cluster, clusterTest } from "./cluster.ts";

/** How long the server is stopped, in milliseconds: longer than it trusts its last sign of life. */
const STALL_MS = 6_000;

/** Number of clients that send short bodies continuously, each to its own path. */
const SENDERS = 12;

async function stall(cluster: Cluster, durability: string): Promise<void> {
  const server = await cluster.start({}, { args: ["--durability", durability] });
  const { peer } = await server.append("open.txt");
  await peer.send("before ");
  await peer.acked(7);
  const counts: number[] = Array(SENDERS).fill(0);
  let isDone = false;
  const sender = async (_: unknown, at: number): Promise<void> => {
    for (; !isDone; counts[at] = (counts[at] ?? 0) + 1) {
      const answer = await server.send(`/${at}.txt?verb=APPEND`, "POST", "x");
      assert.equal(answer.status, 200, answer.text);
    }
  };
  const sending = Promise.all(counts.map(sender)).finally(() => {
    isDone = true;
  });
  const sent = (): number => Math.min(...counts);
  await until("all appenders to have sent", () => isDone || sent() >= 3);
  for (let stalls = 0; stalls < 2 && !isDone; stalls++) {
    const before = sent();
    server.freeze();
    await sleep(STALL_MS);
    server.wake();
    await until("all appenders to have sent again", () => isDone || sent() >= before + 10, 60_000);
  }
  isDone = true;
  await sending;
  await peer.send("after");
  assert.equal(await peer.finish(), 12);
  for (const [at, count] of counts.entries()) assert.equal(cluster.file(`${at}.txt`).length, count);
}

describe("a server that is alone on its folder and is stopped for a while", { concurrency: 3 }, () => {
  for (const durability of ["os", "disk"]) {
    clusterTest(`${durability}: no append is refused, and none is lost`, (cluster) => stall(cluster, durability));
  }
});
