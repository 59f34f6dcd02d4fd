/** Faults of NATS servers, while two servers append and follow. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { faultSuite } from "./faults.ts";

/** Milliseconds without a majority. */
const OUTAGE_MS = 2_000;

/** Milliseconds after which no acknowledgement is under way any more. */
const SETTLED_MS = 1_000;

faultSuite("faults of NATS servers", {
  "a leader is killed": async (scene, loads) => {
    const leader = await scene.lab.leaderOf(scene.stream(0));
    await leader.kill();
    await Promise.all(loads.map((load) => load.goesOn()));
    leader.start();
    await scene.lab.healthy();
  },

  "a leader is stopped until another one has been elected, and wakes up": async (scene, loads) => {
    const leader = await scene.lab.leaderOf(scene.stream(0));
    leader.signal("SIGSTOP");
    await Promise.all(loads.map((load) => load.goesOn()));
    assert.notEqual((await scene.lab.leaderOf(scene.stream(0))).name, leader.name);
    leader.signal("SIGCONT");
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
    const acked = loads.map((load) => load.acked);
    await sleep(OUTAGE_MS);
    assert.deepEqual(
      loads.map((load) => load.acked),
      acked,
      "a byte was acknowledged without a majority",
    );
    for (const node of majority) node.start();
    await scene.lab.healthy();
  },

  "each is restarted, one after the other": async (scene, loads) => {
    for (const node of scene.lab.nodes) {
      node.signal("SIGTERM");
      await Promise.all(loads.map((load) => load.goesOn()));
      // It may take its time to end: its streams have other leaders already.
      await node.kill();
      node.start();
      await scene.lab.healthy();
    }
  },
});
