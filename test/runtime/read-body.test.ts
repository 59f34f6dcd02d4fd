/** Middleware that reads the body of an append: the request is refused with an explanation, and nothing is created. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Peers } from "../fixture/peers.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startScript } from "../fixture/servers.ts";

for (const runtime of RUNTIMES) {
  test(`mounted on ${runtime}, an append whose body a middleware has read is refused with an explanation`, async () => {
    const server = await startScript(runtime, "careless-server.ts");
    const peers = new Peers(server.url);
    try {
      for (const mount of ["read", "begun"]) {
        const target = `/${mount}/a.txt`;
        const { status, text, headers } = await peers.send({
          method: "POST",
          target: `${target}?verb=APPEND`,
          body: "hello",
        });
        assert.deepEqual([mount, status, headers.get("stream-error")], [mount, 501, "misconfigured"], text);
        assert.match(text, /middleware .* has read the body/);
        assert.equal((await peers.send({ target })).status, 404);
      }
      await peers.put("given-back/b.txt", "hello");
      assert.equal(String(await peers.stored("given-back/b.txt")), "hello");
    } finally {
      peers.dispose();
      await server.stop();
    }
  });
}
