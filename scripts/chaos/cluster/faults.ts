/**
 * The faults of a cluster. Each waits until the appends that can continue do so, and is undone when it resolves.
 * @module
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { expectCleanStop } from "../../../test/fixture/servers.ts";
import { appendsAt, type Load } from "./load.ts";
import type { Scene } from "./scene.ts";

/** Milliseconds without a majority. */
const OUTAGE_MS = 2_000;

/** Milliseconds after which no acknowledgement is under way any more. */
const SETTLED_MS = 1_000;

/** Milliseconds by which each piece between the first server and NATS is delayed. */
const SLOW_MS = 80;

/** Inflicts a fault while appends are under way. */
export type Fault = (scene: Scene, loads: readonly Load[]) => Promise<void>;

/** Faults of NATS servers. At most one at a time: two of three must be left. */
export const NATS_FAULTS = {
  "a leader is killed": async (scene, loads) => {
    const leader = await scene.lab.leaderOf(scene.stream(0));
    await leader.kill();
    await goOn(loads);
    leader.start();
    await scene.lab.healthy();
  },

  "a leader is stopped until another one has been elected, and wakes up": async (scene, loads) => {
    const leader = await scene.lab.leaderOf(scene.stream(0));
    leader.signal("SIGSTOP");
    await goOn(loads);
    const { name } = await scene.lab.leaderOf(scene.stream(0));
    leader.signal("SIGCONT");
    assert.notEqual(name, leader.name, "the leader that was stopped is still the leader");
    await scene.lab.healthy();
  },

  "all three are killed": async (scene) => {
    await Promise.all(scene.lab.nodes.map((node) => node.kill()));
    for (const node of scene.lab.nodes) node.start();
    await scene.lab.healthy();
  },

  "the majority is gone, and comes back": async (scene, loads) => {
    const [, ...majority] = scene.lab.nodes;
    await Promise.all(majority.map((node) => node.kill()));
    await sleep(SETTLED_MS);
    const before = loads.map((load) => load.acked);
    await sleep(OUTAGE_MS);
    const after = loads.map((load) => load.acked);
    for (const node of majority) node.start();
    assert.deepEqual(after, before, "a byte was acknowledged without a majority");
    await scene.lab.healthy();
  },

  "each NATS server is restarted, one after the other": async (scene, loads) => {
    for (const node of scene.lab.nodes) {
      node.signal("SIGTERM");
      await goOn(loads);
      // It may take its time to end: its streams have other leaders already.
      await node.kill();
      node.start();
      await scene.lab.healthy();
    }
  },
} satisfies Record<string, Fault>;

/** Faults of the servers, and of their connections to NATS. */
export const SERVER_FAULTS = {
  "a server is killed": async (scene, loads) => {
    await scene.server(0).kill9();
    await goOn(loads);
    await scene.restart(0);
  },

  "a server is stopped for longer than its lease, and wakes up": async (scene, loads) => {
    const { child } = scene.server(0).program;
    child.kill("SIGSTOP");
    // As a load balancer does when a probe is not answered.
    scene.entrance.avoid(0);
    await goOn(loads);
    child.kill("SIGCONT");
    scene.entrance.use(0);
  },

  "the connections of a server to NATS are cut": async (scene, loads) => {
    for (const way of scene.ways) way.cut();
    scene.entrance.avoid(0);
    await goOn(loads);
    for (const way of scene.ways) way.restore();
    scene.entrance.use(0);
  },

  "the connections of a server to NATS carry nothing": async (scene, loads) => {
    for (const way of scene.ways) way.hold();
    scene.entrance.avoid(0);
    await goOn(loads);
    for (const way of scene.ways) way.restore();
    scene.entrance.use(0);
  },

  "the connections of a server to NATS are slow": async (scene, loads) => {
    for (const way of scene.ways) way.delayMs = SLOW_MS;
    for (let time = 0; time < 3; time++) await goOn(loads);
    await Promise.all(loads.map((load) => load.isFollowed()));
    for (const way of scene.ways) way.restore();
  },

  "each server is restarted, one after the other": async (scene, loads) => {
    for (const at of [0, 1] as const) {
      await expectCleanStop(scene.server(at));
      await goOn(loads);
      await scene.restart(at);
    }
  },
} satisfies Record<string, Fault>;

/**
 * The first NATS server leads a stream, and is cut from the two others, but not from its clients: one of the servers knows no
 * other one.
 */
export function partition(namespace: { cut(): void; heal(): void }): Fault {
  return async (scene, loads) => {
    const [first] = scene.lab.nodes;
    assert.ok(first);
    await scene.lab.lead(scene.stream(0), first);
    namespace.cut();
    // As a load balancer does with a server that is not ready.
    scene.entrance.avoid(0);
    await goOn(loads);
    namespace.heal();
    scene.entrance.use(0);
    await scene.lab.healthy();
  };
}

/**
 * The disk of the first NATS server is full, which leads one stream and follows the leader of another one. Others claim paths
 * meanwhile.
 */
export function fullDisk(disk: { fill(bytes: number): void; free(): void }, bytes: number): Fault {
  return async (scene, loads) => {
    const [first, second] = scene.lab.nodes;
    assert.ok(first && second);
    await scene.lab.lead(scene.stream(0), first);
    await scene.lab.lead(scene.stream(1), second);
    disk.fill(bytes);
    for (let time = 0; time < 2; time++) await goOn(loads);
    // New paths are claimed, through both servers.
    for (const [at, url] of scene.urls.entries()) await appendsAt(url, `full-${scene.random.number()}/${at}.txt`);
    disk.free();
    // JetStream is off on that server until it starts again.
    await first.kill();
    first.start();
    await scene.lab.healthy();
  };
}

async function goOn(loads: readonly Load[]): Promise<void> {
  await Promise.all(loads.map((load) => load.goesOn()));
}
