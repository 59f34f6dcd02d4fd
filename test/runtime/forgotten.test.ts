/** Programs that serve the app without the setup for WebSockets: the response and the log name what is missing. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startScript } from "../fixture/servers.ts";

for (const [runtime, what] of [
  ["node", "injectWebSocket"],
  ["bun", "websocket"],
] as const) {
  if (!RUNTIMES.includes(runtime)) continue;
  test(`on ${runtime}, the response and the log name a forgotten ${what}, and no path is claimed`, async () => {
    const server = await startScript(runtime, `forgotten-${runtime}.ts`);
    const peers = new Peers(server.url);
    try {
      for (const headers of [{}, { "Sec-WebSocket-Protocol": "httpfstream.v1" }]) {
        for (const verb of ["APPEND", "FOLLOW"]) {
          const peer = await peers.upgrade(`/streams/a.txt?verb=${verb}`, { headers });
          const { status, text } = await peer.response();
          assert.equal(status, 501, text);
          assert.ok(text.includes(what), text);
        }
      }
      await server.program.printed(new RegExp(what));
      assert.ok(!existsSync(join(server.root, "a.txt")), "a file was made");
      // The path is free, and plain HTTP works.
      await peers.put("streams/a.txt", "text");
      assert.equal((await peers.stored("streams/a.txt")).toString(), "text");
    } finally {
      peers.dispose();
      await server.stop();
    }
  });
}
