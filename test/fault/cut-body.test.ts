/** A followed body without chunked coding ends with its connection, so the server resets it if the append was lost. */
import assert from "node:assert/strict";
import { Connection } from "../fixture/connection.ts";
import { readHead } from "../fixture/http.ts";
import { until } from "../fixture/until.ts";
import { faultTest } from "./standalone.ts";

for (const ended of ["lost", "complete"]) {
  faultTest(`a follower that speaks HTTP/1.0, of an append that is ${ended}`, {}, async ({ peers, server }) => {
    const upload = await peers.upload("a.txt");
    await upload.chunk("half of it");
    await until("it to be stored", async () => (await peers.send({ target: "/a.txt" })).text === "half of it");
    const follower = await Connection.open(server.url);
    try {
      await follower.write("GET /a.txt?verb=FOLLOW HTTP/1.0\r\n\r\n");
      const head = await readHead(follower);
      assert.deepEqual([head.status, head.headers.get("transfer-encoding")], [200, null]);
      let got = "";
      while (got.length < 10) got += String(await follower.readSome());
      assert.equal(got, "half of it");
      if (ended === "lost") upload.connection.reset();
      else await upload.finish();
      const rest = follower.readSome();
      if (ended === "lost") await assert.rejects(rest, "the connection is reset");
      else assert.equal(await rest, undefined);
    } finally {
      follower.drop();
    }
  });
}
