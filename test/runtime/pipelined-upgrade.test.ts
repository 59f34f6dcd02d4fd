/** Upgrades behind another request of their connection, in mounted apps: they keep no path after their client left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { requestHead } from "../fixture/http.ts";
import { MOUNTS } from "../fixture/mounts.ts";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startMounted } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";
import { upgradeHeaders } from "../fixture/websocket.ts";

const KEY = Buffer.alloc(16, 1).toString("base64");

// On this mount an upgrade that is never completed keeps its path for ten minutes.
const mount = MOUNTS.patient.slice(1);

for (const runtime of RUNTIMES) {
  test(`an appender that leaves before its upgrade had its turn keeps no path (${runtime})`, {
    timeout: 120_000,
  }, async () => {
    const server = await startMounted(runtime);
    const peers = new Peers(server.url);
    try {
      const appender = await peers.appender(`${mount}/live.txt`, { kind: "binary" });
      await appender.send("text");
      const target = `/${mount}/live.txt?verb=FOLLOW`;
      const follow = await peers.exchange({ target, headers: { Connection: "keep-alive" } });
      await follow.body.atLeast(4);
      const upgrade = { target: `/${mount}/taken.txt?verb=APPEND`, headers: upgradeHeaders(KEY) };
      await follow.connection.write(requestHead(server.url, upgrade));
      // When this is answered, the server has processed the earlier requests.
      assert.equal((await peers.send({ target: `/${mount}/live.txt`, method: "HEAD" })).status, 200);
      follow.connection.drop();
      await until("the path to be free", async () => {
        const post = { method: "POST", target: `/${mount}/taken.txt?verb=APPEND`, body: "x" };
        return (await peers.send(post)).status === 200;
      });
      await appender.finish();
    } finally {
      peers.dispose();
      await expectCleanStop(server);
    }
  });
}
