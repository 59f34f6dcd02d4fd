/** A server that could not accept a connection because no descriptor was left accepts connections again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Collected } from "../fixture/collected.ts";
import { Connection } from "../fixture/connection.ts";
import { NO_DESCRIPTORS } from "../fixture/descriptors.ts";
import { readBody, readHead, request, requestHead } from "../fixture/http.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { startScript } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

const through = ["sh", "-c", 'ulimit -n 128 && exec "$0" "$@"'];
const options = NO_DESCRIPTORS === undefined ? {} : { skip: NO_DESCRIPTORS };

/** How many clients are connected, so that descriptors are scarce already. */
const CLIENTS = 40;

// On Bun, `serve()` of `httpfstream/node` is not used.
for (const runtime of RUNTIMES.filter((name) => name !== "bun")) {
  test(`after an accept failed for want of a descriptor, clients are served again (${runtime})`, options, async () => {
    const server = await startScript(runtime, "starved-server.ts", { through });
    const open = (): Promise<Connection> => Connection.open(server.url);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, open));
    const [first] = clients;
    assert.ok(first);
    const ask = async (target: string): Promise<string> => {
      await first.write(requestHead(server.url, { target, headers: { Connection: "keep-alive" } }));
      const head = await readHead(first);
      assert.equal(head.status, 200);
      const body = new Collected();
      await readBody(first, "GET", head, body);
      return (await body.all()).toString();
    };
    try {
      assert.ok(Number(await ask("/starve")) > 0);
      const refused = await open();
      assert.equal(await ask("/"), "served");
      assert.equal(await ask("/feed"), "released");
      refused.drop();
      await until("the server to serve a new connection", async () => {
        const answer = await Promise.race([
          request(server.url, { target: "/" }).catch(() => undefined),
          new Promise<undefined>((resolve) => setTimeout(resolve, 1_000)),
        ]);
        return answer?.status === 200;
      });
    } finally {
      for (const client of clients) client.drop();
      await server.stop();
    }
  });
}
