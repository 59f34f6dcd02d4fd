/** The limits on searches and line counts: clear refusals, and room again once a client has left. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HttpExchange } from "../fixture/http.ts";
import { startLimited, targetAt, WAYS } from "../fixture/limited.ts";
import { RUNTIMES } from "../fixture/processes.ts";
import { expectCleanStop, type TestServer } from "../fixture/servers.ts";
import { until } from "../fixture/until.ts";

const MIB = 1024 * 1024;

const ALL = "/a.log?search=a&limit=999999999";

/** Starts searches whose clients leave at once, as when a reader types on. */
async function leaveEarly({ url }: TestServer): Promise<void> {
  for (let count = 0; count < 20; count++) {
    const { connection } = await HttpExchange.start(url, { target: targetAt(url, ALL) });
    connection.reset();
  }
}

/** A search whose client reads the first hits only. */
async function stalledSearch({ url }: TestServer): Promise<HttpExchange> {
  const target = targetAt(url, ALL);
  const search = await HttpExchange.start(url, { target });
  await search.head;
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
        for (const { head } of searches) assert.equal((await head).status, 200);
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
        await leaveEarly(server);
        const rooms = async (): Promise<boolean> => {
          const both = [await stalledSearch(server), await stalledSearch(server)];
          const statuses = await Promise.all(both.map(async ({ head }) => (await head).status));
          for (const { connection } of both) connection.reset();
          return statuses.every((each) => each === 200);
        };
        await until("room for searches after those whose clients left before the answer", rooms, 5_000);
        await expectCleanStop(server);
      }
    });
  });
}
