/** Faults of the servers in front of NATS, and of their connections to it. */
import { expectCleanStop } from "../fixture/servers.ts";
import { faultSuite } from "./faults.ts";

/** Milliseconds by which each piece between the first server and NATS is delayed. */
const SLOW_MS = 80;

faultSuite("faults of the servers", {
  "a server is killed": async (scene, loads) => {
    await scene.server(0).kill9();
    await Promise.all(loads.map((load) => load.goesOn()));
    await scene.restart(0);
  },

  "a server is stopped for longer than its lease, and wakes up": async (scene, loads) => {
    const { child } = scene.server(0).program;
    child.kill("SIGSTOP");
    // As a load balancer does when a probe gets no answer.
    scene.entrance.avoid(0);
    await Promise.all(loads.map((load) => load.goesOn()));
    child.kill("SIGCONT");
    scene.entrance.use(0);
  },

  "the connections of a server to NATS are cut for longer than its lease": async (scene, loads) => {
    for (const way of scene.ways) way.cut();
    scene.entrance.avoid(0);
    await Promise.all(loads.map((load) => load.goesOn()));
    for (const way of scene.ways) way.restore();
    scene.entrance.use(0);
  },

  "the connections of a server to NATS carry nothing for longer than its lease": async (scene, loads) => {
    for (const way of scene.ways) way.hold();
    scene.entrance.avoid(0);
    await Promise.all(loads.map((load) => load.goesOn()));
    for (const way of scene.ways) way.restore();
    scene.entrance.use(0);
  },

  "the connections of a server to NATS are slow": async (scene, loads) => {
    for (const way of scene.ways) way.delayMs = SLOW_MS;
    for (let time = 0; time < 3; time++) await Promise.all(loads.map((load) => load.goesOn()));
    await Promise.all(loads.map((load) => load.isFollowed()));
    for (const way of scene.ways) way.restore();
  },

  "each is restarted, one after the other": async (scene, loads) => {
    for (const at of [0, 1] as const) {
      await expectCleanStop(scene.server(at));
      await Promise.all(loads.map((load) => load.goesOn()));
      await scene.restart(at);
    }
  },
});
