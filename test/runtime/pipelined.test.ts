/** Pipelined requests on mounts: if the runtime delivers them all at once, each waits for its turn. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { requestHead } from "../fixture/http.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startMounted } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

/** Requests of a connection that each runtime may begin at once. Bun's own server closes connections that pipeline. */
const MOST = [
  ["node", 1],
  ["deno", 2],
] as const;

for (const [runtime, most] of MOST.filter(([each]) => RUNTIMES.includes(each))) {
  const skip = NO_DESCRIPTORS === undefined ? {} : { skip: NO_DESCRIPTORS };
  test(`mounted on ${runtime}, pipelined requests leave nothing open behind them`, skip, async () => {
    const server = await startMounted(runtime);
    const peers = new Peers(server.url);
    const opened = (): number =>
      openFiles(join(server.root, "plain"), server.pid).filter((file) => /a\.bin/.test(file)).length;
    try {
      await peers.put(`${MOUNTS.plain.slice(1)}/a.bin`, Buffer.alloc(20_000_000));
      for (const target of [`${MOUNTS.plain}/a.bin`, `${MOUNTS.plain}/a.bin?verb=FOLLOW`]) {
        const head = requestHead(server.url, { target, headers: { Connection: "keep-alive" } });
        for (const how of ["drop", "reset"] as const) {
          const { connection, body } = await peers.exchange({ target, headers: { Connection: "keep-alive" } });
          void connection.write(head.repeat(20));
          await body.atLeast(1);
          assert.ok(opened() <= most, `${opened()} files are open`);
          connection[how]();
          await until("the file to be closed", () => opened() === 0);
        }
      }
      assert.equal((await peers.send({ target: "/" })).text, "the host app");
    } finally {
      peers.dispose();
      await server.stop();
    }
  });
}
