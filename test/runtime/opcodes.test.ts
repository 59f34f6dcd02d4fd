/** An append over a WebSocket whose client sends a reserved opcode is lost, and not complete. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MOUNTS } from "../fixture/mounts.ts";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startMounted } from "../fixture/servers.ts";

for (const runtime of RUNTIMES) {
  test(`mounted on ${runtime}, an append ends as lost with a reserved opcode`, async () => {
    const server = await startMounted(runtime);
    const peers = new Peers(server.url);
    try {
      for (const opcode of [3, 11]) {
        const path = `${MOUNTS.plain.slice(1)}/${opcode}.txt`;
        const appender = await peers.appender(path, { kind: "binary" });
        await appender.send("half a log");
        const follower = await peers.admittedReader(path);
        await follower.body.atLeast(10);
        await appender.frame(opcode, "x");
        await assert.rejects(follower.body.all(), `opcode ${opcode}`);
      }
    } finally {
      peers.dispose();
      await server.stop();
    }
  });
}
