/** Searches over HTTP: they stop when their clients leave, and an incomplete one never looks complete. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Hono } from "hono";
import { etag } from "hono/etag";
import { createStreams, type LogEvent, type Streams } from "../../src/index.ts";
import { HeldStore } from "../fixture/held-store.ts";
import { until } from "../fixture/until.ts";

const MIB = 1024 * 1024;

interface Server {
  readonly store: HeldStore;
  readonly streams: Streams;
  readonly log: LogEvent[];
  get(target: string, init?: RequestInit): Promise<Response>;
}

async function server(limits = {}): Promise<Server> {
  const store = new HeldStore();
  const log: LogEvent[] = [];
  const streams = createStreams({ store, limits, log: (event) => void log.push(event) });
  await store.append("a", "needle\n".repeat(MIB));
  return { store, streams, log, get: async (target, init) => streams.app.request(`http://localhost${target}`, init) };
}

const ALL = "/a?search=needle&limit=999999999";

describe("a search over HTTP", () => {
  it("reads no faster than its client, and stops when the client leaves", async () => {
    const { store, streams, get, log } = await server({ searches: 1 });
    const response = await get(ALL);
    const reader = response.body?.getReader();
    assert.match(new TextDecoder().decode((await reader?.read())?.value), /^\{"offset":0,"line-start":0\}\n/);
    assert.equal(store.openReads, 1);
    const refused = await get(ALL);
    assert.deepEqual([refused.status, refused.headers.get("Retry-After")], [503, "1"]);
    assert.match(await refused.text(), /1 searches under way.*\(searches\)/);
    await reader?.cancel();
    await until("the end of the read", () => store.openReads === 0);
    const again = await get("/a?search=needle&limit=1");
    assert.equal(await again.text(), '{"offset":0,"line-start":0}\n{"next":6,"limited":true,"size":7340032}\n');
    const request = await until("the log line", () => log.filter(({ type }) => type === "request").length === 3 && log);
    const reasons = request.flatMap((event) => (event.type === "request" ? [event.reason] : []));
    assert.deepEqual(reasons.sort(), ["complete", "gone", "overloaded"]);
    assert.ok(!JSON.stringify(log).includes("needle"), "what was searched for is not in the log");
    await streams.shutdown();
  });

  it("stops also while it finds nothing", async () => {
    const { store, streams, get } = await server({ searches: 1 });
    let letGo = (): void => {};
    store.beforeRead = new Promise((resolve) => {
      letGo = resolve;
    });
    const response = await get("/a?search=nothing");
    const reader = response.body?.getReader();
    const read = reader?.read();
    await until("a read", () => store.openReads === 1);
    await reader?.cancel();
    await read;
    letGo();
    await until("the end of the read", () => store.openReads === 0);
    assert.equal((await get("/a?search=needle&limit=1")).status, 200);
    await streams.shutdown();
  });

  it("fails if its content is replaced or removed, and at a shutdown", async () => {
    const ends: ((server: Server) => Promise<void>)[] = [
      async ({ store }) => {
        await store.remove("a");
        await store.append("a", "other");
      },
      async ({ store }) => void (await store.remove("a")),
      async ({ streams }) => void streams.shutdown(),
    ];
    for (const end of ends) {
      const each = await server();
      const reader = (await each.get(ALL)).body?.getReader();
      await reader?.read();
      await end(each);
      await assert.rejects(async () => {
        while (!(await reader?.read())?.done);
      });
      await until("the end of the read", () => each.store.openReads === 0);
      await each.streams.shutdown();
    }
  });

  it("is limited per address", async () => {
    const { streams, get } = await server({ searches: 0, peerSearches: 0 });
    const open = await Promise.all(Array.from({ length: 20 }, () => get(ALL)));
    assert.ok(
      open.every(({ status }) => status === 200),
      "without limits there are none",
    );
    await Promise.all(open.map(({ body }) => body?.cancel()));
    await streams.shutdown();
  });

  it("is not gathered by middleware that adds entity tags", async () => {
    const { store, streams } = await server();
    const app = new Hono().use(etag()).route("/", streams.app);
    const response = await app.request(`http://localhost${ALL}`);
    const reader = response.body?.getReader();
    assert.equal((await reader?.read())?.done, false);
    assert.equal(store.openReads, 1, "the rest is not read yet");
    await reader?.cancel();
    await until("the end of the read", () => store.openReads === 0);
    await streams.shutdown();
  });

  it("counts as a connection", async () => {
    const { streams, get } = await server({ connections: 1 });
    const response = await get(ALL);
    assert.equal((await get("/a?lines")).status, 503);
    await response.body?.cancel();
    await until("a place", async () => (await get("/a?lines")).status === 200);
    await streams.shutdown();
  });
});
