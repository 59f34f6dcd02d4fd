/** Workers of webhooks need no token of the gate, so what they send is not read before the token of their wake is checked. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HttpExchange } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, startStandalone } from "../fixture/servers.ts";

const BODY_BYTES = 1024 * 1024;

for (const runtime of RUNTIMES) {
  describe(`bodies of workers on ${runtime}`, () => {
    it("are not read without a token of a wake, and take a slot among the connections", async (test) => {
      const server = await startStandalone(runtime, { args: ["--webhooks", "--limit", "connections=1"] });
      test.after(() => server.kill9());
      const send = (method: string, target: string): Promise<HttpExchange> =>
        HttpExchange.start(server.url, {
          method,
          target,
          headers: { Authorization: "Bearer 1.x.y", "Content-Length": String(BODY_BYTES) },
        });
      for (const what of ["callback", "ack", "release"]) {
        const exchange = await send("POST", `/__ds/subscriptions/none/${what}`);
        await exchange.connection.write(" ".repeat(1_000));
        assert.equal((await exchange.head).status, 401, what);
        exchange.connection.drop();
      }
      const both = await Promise.all(["one", "two"].map((id) => send("PUT", `/__ds/subscriptions/${id}`)));
      const refused = await Promise.race(both.map((exchange) => exchange.head));
      assert.equal(refused.status, 503);
      assert.equal(refused.headers.get("Stream-Error"), "overloaded");
      for (const { connection } of both) connection.drop();
      await expectCleanStop(server);
    });
  });
}
