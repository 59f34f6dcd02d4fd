/** The limits on searches and line counts: clear refusals, and room again once a client has left. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HttpExchange } from "../fixture/http.ts";
import { startLimited, targetAt, WAYS } from "../fixture/limited.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

const MIB = 1024 * 1024;

/** A search whose client reads the first hits only. */
async function stalledSearch({ url }: TestServer): Promise<HttpExchange> {
  const target = targetAt(url, "/a.log?search=a&limit=999999999");
  const search = await HttpExchange.start(url, { target });
  assert.equal((await search.head).status, 200);
  search.connection.socket.pause();
  return search;
}

for (const kind of RUNTIMES.flatMap((runtime) => WAYS.map((way) => ({ runtime, way })))) {
  describe(`the limits on views, ${kind.way} on ${kind.runtime}`, { timeout: 120_000 }, () => {
    it("searches, peerSearches and lineIndexBytes", async () => {
      for (const [limits, status, says] of [
        [{ peerSearches: 2 }, 429, /127\.0\.0\.1 has 2 searches under way.*\(peerSearches\)/],
        [{ searches: 2, peerSearches: 0, lineIndexBytes: MIB }, 503, /2 searches under way.*\(searches\)/],
      ] as const) {
        const server = await startLimited(kind.way, kind.runtime, { limits });
        const { url } = server;
        const body = new Uint8Array(4 * MIB).fill(0x61);
        assert.equal((await fetch(`${url}/a.log?verb=APPEND`, { method: "PUT", body })).status, 200);
        const searches = [await stalledSearch(server), await stalledSearch(server)];
        const refused = await fetch(`${url}/a.log?search=x`);
        assert.deepEqual([refused.status, refused.headers.get("Retry-After")], [status, "1"]);
        assert.match(await refused.text(), says);
        assert.equal((await fetch(`${url}/a.log?search=x`, { method: "HEAD" })).status, 200);
        assert.equal((await fetch(`${url}/a.log?lines`)).status, "lineIndexBytes" in limits ? 413 : 200);
        searches[0]?.connection.reset();
        const room = await until("room for a search", async () => {
          const response = await fetch(`${url}/a.log?search=x`);
          if (response.status === 200) return response;
          await response.body?.cancel();
          return undefined;
        });
        assert.match(await room.text(), /^\{"next":4194304,"limited":false,"size":4194304\}\n$/);
        searches[1]?.connection.reset();
        await expectCleanStop(server);
      }
    });
  });
}
